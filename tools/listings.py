"""Runs the listings beside the checkout, ../shared/listings, and holds their results to a table.

Words of the command line choose those whose names contain one. A listing whose issue has not landed is expected to fail
and stands in PENDING by name. Any other failure is an error, and so is a pass that the table does not know of: strike
the name then.
"""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
RUNNER = ROOT.parent / "shared" / "listings" / "run.py"

PENDING: dict[str, str] = {}

# Listings that start from unseeded random numbers and miss their bound now and then, in any library: two more tries.
TRIES = 3
RETRIED = {
    "07_two_layer_net": "an example with no active unit keeps a loss of log(10): 11 of 150 runs in plain NumPy too",
    "10_sine_regression": "a start near the answer (first loss below 25) leaves too little to gain in 500 small steps",
}


def run_listings(*words: str) -> Iterator[tuple[str, bool, str]]:
    """Yields name, whether it passed, and the runner's line of each listing as it ends."""
    # mpirun may come from a package of the virtual environment that runs this.
    path = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
    command = [sys.executable, str(RUNNER), *words]
    environment = {**os.environ, "PATH": path}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        for line in process.stdout or ():
            if match := re.match(r"(pass|FAIL) +(\S+)", line):
                yield match[2], match[1] == "pass", line.rstrip()


def judge(results: dict[str, bool], pending: dict[str, str]) -> list[str]:
    """Returns what is wrong with the results; nothing when every listing did as the table says."""
    if not results:
        return [f"{RUNNER} ran no listing"]
    failed = [f"{name} failed" for name, good in results.items() if not good and name not in pending]
    passed = [
        f"{name} passed, but PENDING in tools/listings.py says that {pending[name]} brings it: strike it there"
        for name, good in results.items()
        if good and name in pending
    ]
    unknown = [
        f"PENDING in tools/listings.py names {name}, and there is no such listing"
        for name in pending
        if name not in results
    ]
    return failed + passed + unknown


def main(words: list[str]) -> int:
    """Runs listings, all where no words are given, and returns 1 if one of them did not do as expected."""
    if not RUNNER.exists():
        print("listings: none beside this checkout")
        return 0
    results = {}
    for name, good, line in run_listings(*words):
        for _ in range(TRIES - 1 if name in RETRIED else 0):
            if not good:
                print(f"{line}\n      once more: {RETRIED[name]}", flush=True)
                good, line = [(again, text) for _, again, text in run_listings(name)][-1]
        results[name] = good
        expected = "" if good or name not in PENDING else f"\n      expected: {PENDING[name]}"
        print(f"{line}{expected}", flush=True)
    problems = judge(results, {name: issue for name, issue in PENDING.items() if not words or name in results})
    for problem in problems:
        print(f"listings: {problem}")
    passed = sum(results.values())
    print(f"listings: {passed} passed, {len(results) - passed} failed, {len(problems)} unexpected")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
