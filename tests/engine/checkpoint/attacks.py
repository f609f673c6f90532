"""Run by tests as a program of its own: saves that are killed, hostile and mutated files, and what loading them touches.

Prints a JSON object; `python attacks.py kills|hostile|mutations|audit FOLDER COUNT`.
"""

import json
import os
import random
import resource
import signal
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

import headrace  # noqa: F401  what it imports is there before anything is watched
from headrace.engine import dtypes, errors
from headrace.engine.checkpoint import manifest, state
from headrace.engine.checkpoint.inspection import verified
from headrace.engine.checkpoint.manifest_reader import read_manifest
from headrace.engine.checkpoint.reader import CheckpointReader
from headrace.engine.checkpoint.writer import Part, write_checkpoint

MEGABYTE = 1 << 20


def save(folder: Path, step: int, size: int = 1000, same: bool = False) -> str:
    """Saves a checkpoint in which everything tells its step."""
    prefix = f"{folder}/m" if same else f"{folder}/m-{step}"
    texts = np.array([b"step", b"%d" % step], object)
    first = [Part("w", np.full(size, step, np.float32), dtypes.float32), Part("text", texts, dtypes.string)]
    write_checkpoint(prefix, [first, [Part("step", np.int64(step), dtypes.int64)]])
    state.update_checkpoint_state(folder, prefix, None if same else [f"{folder}/m-{max(step - 1, 0)}", prefix])
    return prefix


def step_of(prefix: str) -> int:
    """The step of a checkpoint; ValueError if its tensors are not of one step."""
    with CheckpointReader(prefix) as reader:
        steps = {int(v) for v in reader.get_tensor("w")}
        steps |= {int(reader.get_tensor("step")), int(reader.get_tensor("text")[1])}
    if len(steps) != 1:
        raise ValueError(f"{prefix} mixes the steps {steps}")
    return steps.pop()


def forked(action: Callable[[], Any]) -> int:
    """The process in which `action` runs; it ends with status 0, or 1 after an exception."""
    child = os.fork()
    if child:
        return child
    status = 1
    try:
        action()
        status = 0
    except BaseException as error:
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        sys.stderr.flush()
        os._exit(status)


def kills(folder: Path, count: int) -> dict[str, int]:
    """Kills a process that saves all the time, at random moments; the newest checkpoint is whole each time."""
    rng, start, died = random.Random(count), 0, 0
    for number in range(count):
        same = bool(number % 2)
        place = folder / ("same" if same else "next")
        place.mkdir(exist_ok=True)
        first = max(start, 1)

        def saving(first: int = first, place: Path = place, same: bool = same) -> None:
            for step in range(first, first + 10**6):
                save(place, step, 50_000, same)

        child = forked(saving)
        time.sleep(rng.uniform(0.001, 0.15))
        os.kill(child, signal.SIGKILL)
        died += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        newest = state.latest_checkpoint(place)
        if newest is not None:
            start = max(start, step_of(newest) + 1)
        elif (place / "checkpoint").exists():
            raise ValueError(f"round {number}: no checkpoint of {sorted(p.name for p in place.iterdir())} is whole")
    return {"kills": died, "steps": start}


def early_manifest(prefix: str) -> None:
    """Makes a manifest one without positions, that fits the shards as they are now: HDF5's parser is asked."""
    data = read_manifest(prefix)
    folder = Path(prefix).parent
    data.shards[:] = [manifest.Shard(s.file, (folder / s.file).stat().st_size) for s in data.shards]
    for entry in data.tensors.values():
        entry.slices[:] = [replace(part, position=None) for part in entry.slices]
    manifest.write_manifest(prefix, data)


SHAPE = (4,)


def hostile_datasets(folder: Path) -> Iterator[tuple[str, Callable[[h5py.File], None]]]:
    """By name what to leave in the place of dataset `w`, four floats."""
    secret = folder / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["w"] = np.ones(SHAPE, np.float32)

    def external_storage(file: h5py.File) -> None:
        file.create_dataset("w", SHAPE, np.float32, external=[(str(secret), 0, 16)])

    def virtual(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(SHAPE, np.float32)
        layout[:] = h5py.VirtualSource(str(secret), "w", SHAPE)
        file.create_virtual_dataset("w", layout)

    def virtual_of_itself(file: h5py.File) -> None:
        layout = h5py.VirtualLayout(SHAPE, np.float32)
        layout[:] = h5py.VirtualSource(".", "w", SHAPE)
        file.create_virtual_dataset("w", layout)

    def soft(file: h5py.File) -> None:
        file["other"] = np.zeros(SHAPE, np.float32)
        file["w"] = h5py.SoftLink("/other")

    def references(file: h5py.File) -> None:
        file.create_dataset("w", SHAPE, h5py.ref_dtype)

    def strings(file: h5py.File) -> None:
        file.create_dataset("w", SHAPE, h5py.string_dtype())

    def with_filter(name: str | int, **options: Any) -> Callable[[h5py.File], None]:
        return lambda file: file.create_dataset("w", SHAPE, np.float32, compression=name, **options)

    def of(kind: Any, shape: Any = SHAPE, **options: Any) -> Callable[[h5py.File], None]:
        return lambda file: file.create_dataset("w", shape, kind, **options)

    def unknown_filter(file: h5py.File) -> None:
        properties = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        properties.set_chunk(SHAPE)
        properties.set_filter(32015, h5py.h5z.FLAG_OPTIONAL, (1,))
        h5py.h5d.create(file.id, b"w", h5py.h5t.IEEE_F32LE, h5py.h5s.create_simple(SHAPE), properties)

    yield "external link", lambda file: file.__setitem__("w", h5py.ExternalLink(str(secret), "/w"))
    yield "soft link", soft
    yield "dangling soft link", lambda file: file.__setitem__("w", h5py.SoftLink("/nowhere"))
    yield "soft link to itself", lambda file: file.__setitem__("w", h5py.SoftLink("/w"))
    yield "group", lambda file: file.create_group("w")
    yield "named type", lambda file: file.__setitem__("w", np.dtype(np.float32))
    yield "nothing", lambda file: None
    yield "external storage", external_storage
    yield "virtual data set", virtual
    yield "virtual data set of itself", virtual_of_itself
    yield "references", references
    yield "strings of any length", strings
    yield "gzip", with_filter("gzip", compression_opts=9)
    yield "lzf", with_filter("lzf")
    yield "shuffle", of(np.float32, shuffle=True)
    yield "fletcher32", of(np.float32, fletcher32=True)
    yield "unknown filter", unknown_filter
    yield "chunks", of(np.float32, chunks=SHAPE)
    yield "gzip bomb", lambda file: file.create_dataset("w", data=np.zeros(64 * MEGABYTE, np.uint8), compression="gzip")
    yield "shape bomb", of(np.float32, (1 << 40,))
    yield "shape bomb in chunks", of(np.float32, (1 << 40,), chunks=(1 << 20,))
    yield "many dimensions", of(np.float32, (1 << 6,) * 8, chunks=(1,) * 8)
    yield "other size", of(np.float32, (5,))
    yield "scalar", of(np.float32, ())
    yield "null space", lambda file: file.__setitem__("w", h5py.Empty(np.float32))
    yield "resizable", of(np.float32, maxshape=(None,))
    yield "big-endian", of(">f4")
    yield "half", of(np.float16)
    yield "integers", of(np.int32)
    yield "compound", of([("a", np.float16), ("b", np.float16)])
    yield "array type", of(np.dtype((np.float32, (2,))))
    yield "huge array type", of(np.dtype((np.float32, (1 << 20, 1 << 6))))
    yield "enumeration", of(h5py.enum_dtype({"a": 1}, np.int32))
    yield "opaque", of(h5py.opaque_dtype(np.dtype("M8[s]")))
    yield "vectors of any length", of(h5py.vlen_dtype(np.float32))


def replace_w(prefix: str, make: Callable[[h5py.File], None]) -> None:
    """Leaves in the place of dataset `w` what `make` makes, and a manifest that fits."""
    shard = read_manifest(prefix).shards[0].file
    with h5py.File(Path(prefix).parent / shard, "r+", libver="latest") as file:
        del file["w"]
        make(file)
    early_manifest(prefix)


def outcome(prefix: str) -> str:
    """What reading and verifying everything comes to: a short word."""
    report = verified(prefix)
    if report.status == 0:
        return "good"
    try:
        step_of(prefix)
    except (errors.DataLossError, errors.NotFoundError):
        return "refused"
    return "inconsistent"


def hostile(folder: Path, count: int) -> dict[str, str]:
    """What comes of each hostile dataset, with 64 MB of memory beyond what the process has already."""
    cases: dict[str, str] = {}
    for name, make in hostile_datasets(folder):
        prefix = f"{folder}/{name.replace(' ', '_')}"
        write_checkpoint(prefix, [[Part("w", np.ones(SHAPE, np.float32), dtypes.float32)]])
        replace_w(prefix, make)
        cases[name] = prefix
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + 64 * MEGABYTE, resource.RLIM_INFINITY))
    return {name: outcome(prefix) for name, prefix in cases.items()}


def mutated(rng: random.Random, data: bytes) -> bytes:
    """Some bytes changed, moved, cut out or put in."""
    result = bytearray(data)
    for _ in range(rng.choice((1, 1, 2, 4, 16))):
        place, length = rng.randrange(len(result)), rng.randrange(1, 16)
        match rng.randrange(5):
            case 0:
                result[place] ^= 1 << rng.randrange(8)
            case 1:
                result[place : place + length] = rng.choice((b"\0", b"\xff")) * length
            case 2:
                result[place : place + length] = rng.randbytes(length)
            case 3:
                other = rng.randrange(len(result))
                result[place : place + length] = result[other : other + length]
            case _:
                # As a number: what sizes and counts are damaged to.
                wide = rng.choice((0, 1, 1 << 31, (1 << 64) - 1, rng.getrandbits(64)))
                result[place : place + 8] = wide.to_bytes(8, "little")
    cut = rng.randrange(8) == 0
    return bytes(result[: rng.randrange(1, len(result))] if cut else result) or b"\0"


def mutants(folder: Path, numbers: range) -> Iterator[str]:
    """Writes mutated checkpoints one after the other and yields their prefix; every other one goes through HDF5."""
    prefix = save(folder, 2, 10)
    sources = {p: p.read_bytes() for p in folder.glob("m-2.*")}
    for number in numbers:
        rng = random.Random(number)
        for path, data in sources.items():
            path.write_bytes(data)
        chosen = rng.choice(sorted(sources))
        chosen.write_bytes(mutated(rng, sources[chosen]))
        if number % 2 and chosen.suffix != ".index":
            early_manifest(prefix)
        yield prefix


def attacked(folder: Path, numbers: range) -> None:
    """Loads mutants with 1 GB of memory; what is neither refused nor right raises."""
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, resource.RLIM_INFINITY))
    for prefix in mutants(folder, numbers):
        signal.alarm(10)
        found = outcome(prefix)
        if found == "inconsistent":
            raise ValueError(f"mutant of {numbers}: {found}")
        if found == "good" and step_of(prefix) != 2:
            raise ValueError("values that are wrong")


def mutations(folder: Path, count: int) -> dict[str, int]:
    """Loads mutated files in child processes, 50 in each; says how many ended well, with an error and by a signal."""
    ends = {"well": 0, "with an error": 0, "by a signal": 0}
    for start in range(0, count, 50):
        place = folder / str(start)
        place.mkdir()
        child = forked(lambda: attacked(place, range(start, min(start + 50, count))))  # noqa: B023
        status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        ends["well" if status == 0 else "by a signal" if status < 0 else "with an error"] += 1
    return ends


FORBIDDEN = ("exec", "compile", "import", "subprocess", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn")
FORBIDDEN += (
    "socket",
    "marshal",
    "pickle",
    "ctypes",
    "code.",
    "os.putenv",
    "os.remove",
    "os.rename",
    "os.mkdir",
    "shutil",
)
FORBIDDEN += ("os.unlink", "os.link", "os.symlink", "os.chmod", "os.truncate", "urllib", "webbrowser", "sys.settrace")


def audit(folder: Path, count: int) -> dict[str, Any]:
    """What loading of mutated files does that it must not, as the interpreter tells a hook."""
    events: list[str] = []
    watching = [False]
    seen: set[str] = set()

    def hook(event: str, arguments: tuple[Any, ...]) -> None:
        if not watching[0]:
            return
        seen.add(event)
        if event.startswith(FORBIDDEN):
            events.append(f"{event} {arguments!r}")
        elif event == "open" and not _inside(arguments[0], folder):
            events.append(f"open {arguments[0]!r}")
        elif event == "open" and isinstance(arguments[1], str) and set(arguments[1]) & set("wax+"):
            events.append(f"open {arguments[:2]!r} for writing")

    good = save(folder, 1)
    early = save(folder, 3)
    early_manifest(early)
    # The first load imports what it needs.
    for prefix in (good, early):
        verified(prefix)
    sys.addaudithook(hook)
    outcomes = {"good": 0, "refused": 0, "inconsistent": 0}
    for prefix in mutants(folder, range(count)):
        watching[0] = True
        found = outcome(prefix)
        watching[0] = False
        outcomes[found] += 1
    for name, make in hostile_datasets(folder):
        prefix = save(folder, 9)
        replace_w(prefix, make)
        watching[0] = True
        found = outcome(prefix)
        watching[0] = False
        if found != "refused":
            events.append(f"{name}: {found}")
    return {"events": events, "opened": "open" in seen, **outcomes}


def _inside(path: Any, folder: Path) -> bool:
    if isinstance(path, int):
        return True
    return Path(os.fsdecode(path)).resolve().is_relative_to(folder.resolve())


ACTIONS: dict[str, Callable[[Path, int], Any]] = {
    "kills": kills,
    "hostile": hostile,
    "mutations": mutations,
    "audit": audit,
}

if __name__ == "__main__":
    sys.stdout.write(json.dumps(ACTIONS[sys.argv[1]](Path(sys.argv[2]), int(sys.argv[3]))))
