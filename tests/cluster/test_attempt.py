"""`headrace run` without MPI: its command line, and what a start leaves in a folder of the user's."""

import argparse
import time

import pytest

from headrace.cluster.supervisor.arguments import add_run
from headrace.cluster.supervisor.attempt import Attempt, Settings
from headrace.cluster.supervisor.command import Mpirun

# Names that ranks use in the folder of their own.
KEPT = ("ended", "failed.csv", "failed.1", "beat.0", "beat.wav", "process.0", "process.md")
TELLS = """#!/bin/sh
echo 4242 > "$HEADRACE_STATE/process.0"
touch "$HEADRACE_STATE/beat.0"
printf '7\\na wrong value' > "$HEADRACE_STATE/failed.0"
exit 7
"""


def run_once(folder, state):
    launcher = folder / "mpirun"
    launcher.write_text(TELLS)
    launcher.chmod(0o755)
    attempt = Attempt(Mpirun(launcher, "MPICH"), Settings(["x.py"], state=state), 0)
    until, outcome = time.monotonic() + 30, None
    while outcome is None and time.monotonic() < until:
        time.sleep(0.01)
        outcome = attempt.poll()
    attempt.close()
    return outcome


@pytest.mark.parametrize("relative", [False, True])
def test_the_folder_of_state_keeps_what_is_the_users(relative, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    state = tmp_path / "shared"
    state.mkdir()
    for name in KEPT:
        (state / name).write_text("mine")
    for _ in range(2):
        outcome = run_once(tmp_path, state.relative_to(tmp_path) if relative else state)
        assert (outcome.status, outcome.reason, outcome.moved) == (7, "rank 0: a wrong value", True)
        assert {path.name: path.read_text() for path in state.iterdir()} == dict.fromkeys(KEPT, "mine")


@pytest.mark.parametrize(
    "arguments, said",
    [
        (["-n", "x"], "argument -n: must be a whole number, at least 1, got 'x'"),
        (["-n", "2.5"], "argument -n: must be a whole number, at least 1, got '2.5'"),
        (["-n", "0"], "argument -n: must be at least 1, got 0"),
        (["--ps", "x"], "argument --ps: must be a whole number, at least 0, got 'x'"),
        (["--max-restarts", "-1"], "argument --max-restarts: must be at least 0, got -1"),
        (["--grace", "x"], "argument --grace: must be a number of seconds, got 'x'"),
        (["--grace", "-1"], "argument --grace: must be a number of seconds, got '-1'"),
    ],
)
def test_numbers_on_the_command_line(arguments, said, capsys):
    parser = argparse.ArgumentParser()
    add_run(parser.add_subparsers())
    with pytest.raises(SystemExit):
        parser.parse_args(["run", *arguments, "x.py"])
    assert said in capsys.readouterr().err
