"""Collective operations on what is not plain numbers in one piece, with wrong arguments, and where memory is not there."""

import logging
import threading
from pathlib import Path

import pytest

import headrace as tf
from headrace.cluster.collectives import stalls
from headrace.cluster.collectives.settings import Settings, settings_of
from headrace.cluster.collectives.stalls import Patience
from headrace.cluster.collectives.worker import Worker

from .mpirun import mpirun, needs_mpi

_NO_MEMORY = """
import os
import resource
from pathlib import Path
from results import report
import headrace as tf
from headrace.cluster.world import world
rank = world().rank
# No file of rank 0 may grow.
if rank == 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, resource.RLIM_INFINITY))
try:
    tf.cluster.all_reduce([1.0])
except tf.errors.InternalError as error:
    text = str(error)
if rank == 0:
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
report(text=text, left=[str(p) for p in Path("/dev/shm").glob(f"headrace-{os.getpid()}-*")])
"""


@needs_mpi
@pytest.mark.parametrize(
    ("count", "environment"),
    [(2, {}), (3, {"HEADRACE_RANKS_PER_HOST": "2"}), (2, {"HEADRACE_NATIVE": "0"})],
    ids=["one host", "two hosts", "without the native runtime"],
)
def test_edges(tmp_path: Path, count: int, environment: dict[str, str]) -> None:
    results = mpirun(count, "collective_edges.py", folder=tmp_path, environment=environment).of_ranks()
    assert [r["wrong"] for r in results] == [[]] * count


@needs_mpi
def test_edges_of_one_process(tmp_path: Path) -> None:
    results = mpirun(1, "collective_edges.py", folder=tmp_path).of_ranks()
    assert results[0]["wrong"] == []


@needs_mpi
def test_memory_that_cannot_be_had_is_an_error_on_all_ranks(tmp_path: Path) -> None:
    results = mpirun(2, _NO_MEMORY, folder=tmp_path, timeout=30).of_ranks()
    assert all("File too large" in r["text"] for r in results)
    assert [r["left"] for r in results] == [[], []]


@pytest.mark.parametrize(("seconds", "warnings"), [(0, 0), (1e-9, 2)])
def test_a_warning_after_0_seconds_is_never_given(
    seconds: float, warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    patience = Patience("sum", Settings(stall_warning=seconds))
    with caplog.at_level(logging.WARNING, "headrace"):
        for _ in range(2):
            patience.check(lambda: {1: "sum"})
    assert len(caplog.records) == warnings


def test_time_does_not_pass_while_who_is_late_is_known_to_work(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [0.0]
    monkeypatch.setattr(stalls.time, "monotonic", lambda: now[0])
    patience = Patience("sum", Settings(stall_warning=0, stall_timeout=10))
    for seconds, missing in ((9, {1: "sum"}), (20, {}), (29, {1: "sum"})):
        now[0] = seconds
        patience.check(lambda missing=missing: missing)
    now[0] = 31
    with pytest.raises(tf.errors.DeadlineExceededError, match="11 s in the sum: rank 1"):
        patience.check(lambda: {1: "sum"})


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("STALL_WARNING", "nan", "must be 0 at the least, got 'nan'"),
        ("STALL_TIMEOUT", "-1", "must not be negative, got '-1'"),
        ("STALL_TIMEOUT", "soon", "must be a number, got 'soon'"),
        ("SHARED_BYTES", "1e9", "must be a whole number, got '1e9'"),
        ("SHARED_BYTES", "1" + "0" * 30, "at the most"),
        ("SLOT_BYTES", str(1 << 62), "at the most"),
        ("DIRECT_BYTES", "", "must be a whole number, got ''"),
        ("COUNT_LIMIT", "0", "must be 1 at the least, got '0'"),
        ("COUNT_LIMIT", str(1 << 31), "must be 2147483647 at the most"),
        ("RANKS_PER_HOST", "-2", "must not be negative"),
    ],
)
def test_values_that_cannot_be_are_named(name: str, value: str, text: str) -> None:
    with pytest.raises(ValueError, match=f"HEADRACE_{name} .*{text}"):
        settings_of({f"HEADRACE_{name}": value})


_UNLIKE = """
import os
from results import report
import numpy as np
import headrace as tf
os.environ["HEADRACE_DIRECT_BYTES"] = str([0, 1 << 18, 1 << 20][tf.cluster.rank()])
try:
    tf.cluster.all_reduce(np.ones(1_000_000))
except ValueError as error:
    report(text=str(error))
"""


@needs_mpi
def test_settings_that_differ_between_ranks_are_named(tmp_path: Path) -> None:
    for result in mpirun(3, _UNLIKE, folder=tmp_path, timeout=60).of_ranks():
        assert result["text"].startswith(
            "HEADRACE_DIRECT_BYTES must be the same on all ranks, got rank 0: 0, rank 1: 2"
        )


_PARTLY_NATIVE = """
from results import report
import numpy as np
import headrace as tf
from headrace.cluster.collectives import group, shared
how = "{how}"
if tf.cluster.rank() == 1:
    if how == "no runtime":
        group.runtime = lambda: None
    else:
        real = shared.runtime()

        class Refused:
            def __getattr__(self, name):
                return (lambda *arguments: False) if name == "read_process" else getattr(real, name)

        shared.runtime = Refused
report(right=bool((tf.cluster.all_reduce(np.ones(300_000)) == 3).all()))
"""


@needs_mpi
@pytest.mark.parametrize("how", ["no runtime", "memory that is not read"])
def test_one_rank_without_what_the_others_have(how: str, tmp_path: Path) -> None:
    job = mpirun(3, _PARTLY_NATIVE.replace("{how}", how), folder=tmp_path, timeout=60)
    assert all(result["right"] for result in job.of_ranks())


_INTERRUPTED = """
import _thread
import threading
import time
from results import report
import numpy as np
import headrace as tf

rank, text, seconds = tf.cluster.rank(), "", 0.0
tf.cluster.all_reduce([1.0])
if rank == 0:
    # As Ctrl-C.
    threading.Timer(0.5, _thread.interrupt_main).start()
start = time.monotonic()
try:
    if rank == 2:
        tf.cluster.barrier()
    tf.cluster.all_reduce(np.ones({count}), name="w")
except KeyboardInterrupt:
    seconds = time.monotonic() - start
    try:
        tf.cluster.all_reduce([1.0])
    except tf.errors.AbortedError as error:
        text = str(error)
except tf.errors.AbortedError as error:
    text = str(error)
if rank != 2:
    tf.cluster.barrier()
report(text=text, interrupted=seconds > 0)
"""


@needs_mpi
@pytest.mark.parametrize("count", [10, 300_000])
def test_an_interrupted_wait_is_heard_of_by_all(count: int, tmp_path: Path) -> None:
    job = mpirun(3, _INTERRUPTED.replace("{count}", str(count)), folder=tmp_path, timeout=60)
    first, second, third = job.of_ranks()
    assert first["interrupted"] and "Interrupted by KeyboardInterrupt in a collective operation" in first["text"]
    # What was handed over before is there for whom comes late; what must be read from memory is not.
    for result in (second, third) if count > 10 else (second,):
        assert (
            f"Rank 0 has failed, while the others wait for it in the all-reduce of w float64[{count}]" in result["text"]
        )
        assert "Interrupted by KeyboardInterrupt" in result["text"]


_FORKED = """
import os
from results import report
import headrace as tf

tf.cluster.all_reduce([1.0])
child = os.fork()
if not child:
    try:
        tf.cluster.all_reduce([100.0])
    except tf.errors.FailedPreconditionError as error:
        os._exit(0 if "has forked takes no part" in str(error) else 3)
    os._exit(4)
end = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
report(end=end, total=tf.cluster.all_reduce([1.0]).tolist())
"""


@needs_mpi
def test_a_forked_process_is_no_rank(tmp_path: Path) -> None:
    assert [(r["end"], r["total"]) for r in mpirun(2, _FORKED, folder=tmp_path).of_ranks()] == [(0, [2.0])] * 2


def test_others_hear_of_a_failure_before_it_is_seen_here() -> None:
    worker, heard, ready = Worker(), [], threading.Event()

    def fail() -> None:
        ready.wait()
        raise ValueError("wrong")

    task = worker.submit(fail)
    worker.at_failure.append(lambda error: heard.append((str(error), task.done)))
    ready.set()
    for waited in (task, worker.submit(lambda: None)):
        with pytest.raises(ValueError, match="wrong"):
            worker.wait(waited)
    worker.finish()
    assert heard == [("wrong", False)]
