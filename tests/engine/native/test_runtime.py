"""The runtime under the native kernels: segments, threads, forks, failures, and what happens without it."""

import os
import subprocess
import sys
import threading

import numpy as np
import pytest

import headrace as tf
from headrace.engine.errors import InternalError, InvalidArgumentError
from headrace.engine.native import library
from headrace.engine.native.calls import BINDINGS, Call, chunks_of, native
from headrace.engine.native.segment import Segment
from headrace.engine.registry import definition_of
from headrace.engine.unsupported import UnsupportedError

LIBRARY = library.load()
native_only = pytest.mark.skipif(isinstance(LIBRARY, str), reason=f"no native runtime: {LIBRARY}")


def fill(out: np.ndarray, value: float, size: int) -> Call:
    return Call("fill_f32", -(-out.size // size), (out.size, size, out, float(value)))


def segment(calls: list[Call], threads: int = 1) -> Segment:
    return Segment(LIBRARY, calls, range(len(calls)), threads, np.zeros(64, np.uint8))


@native_only
@pytest.mark.parametrize("threads", [1, 2, 5])
def test_every_chunk_of_every_call_runs_once_and_calls_run_in_order(threads: int) -> None:
    a, b = np.zeros(10_007, np.float32), np.zeros(10_007, np.float32)
    copy = Call("copy_bytes", 7, (a.nbytes, -(-a.nbytes // 7), b, a))
    run = segment([fill(a, 3, 11), copy, fill(a, 5, 977)] * 20, threads)
    for _ in range(20):
        a[:], b[:] = 0, 0
        assert run.run() == -1
        assert (a == 5).all()
        assert (b == 3).all()


@native_only
def test_threads_that_run_segments_at_the_same_time_do_not_meet() -> None:
    arrays = [np.zeros(5000, np.float32) for _ in range(4)]
    runs = [segment([fill(x, i + 1, 100)] * 50, 2) for i, x in enumerate(arrays)]

    def work(i: int) -> None:
        for _ in range(50):
            arrays[i][:] = 0
            assert runs[i].run() == -1
            assert (arrays[i] == i + 1).all()

    workers = [threading.Thread(target=work, args=(i,)) for i in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()


@native_only
@pytest.mark.parametrize("threads", [1, 2])
def test_a_timed_run_tells_when_each_call_ended(threads: int) -> None:
    a = np.zeros(10_007, np.float32)
    run = segment([fill(a, 3, 977), fill(a, 5, 977)], threads)
    times = np.full(3, -1, np.int64)
    assert run.run_timed(times) == -1
    assert (a == 5).all()
    assert (np.diff([0, *times]) >= 0).all()
    with pytest.raises(ValueError, match="times takes 3 numbers"):
        run.run_timed(times[:2])


@native_only
def test_a_segment_refuses_the_wrong_number_of_arguments() -> None:
    with pytest.raises(InternalError, match="fill_f32 takes 4 arguments, not 1"):
        segment([Call("fill_f32", 1, (3,))])


@native_only
def test_pointing_to_other_memory_checks_its_size() -> None:
    x, y = np.zeros(8, np.float32), np.ones(8, np.float32)
    run = segment([Call("copy_bytes", 1, (32, 32, np.zeros(8, np.float32), x))])
    places = run.places_in(x.__array_interface__["data"][0], x.nbytes)
    assert len(places) == 2
    run.point(places, y, 32)
    with pytest.raises(ValueError, match="32 bytes were expected, not 16"):
        run.point(places, y[:4], 32)
    with pytest.raises(IndexError, match="no argument 99"):
        run.native.point((99, 0), y, 32)


@native_only
def test_bindings_are_of_known_ops_and_registered_once() -> None:
    import headrace.engine.native.bindings  # noqa: F401

    for op_type in BINDINGS:
        assert definition_of(op_type).type == op_type
    with pytest.raises(ValueError, match="MatMul has two native bindings"):
        native("MatMul")(lambda bound: None)


def test_chunks_cover_the_work_and_depend_on_it_alone() -> None:
    for count, cost in [(0, 1), (1, 1), (1000, 1), (10**6, 1), (10**6 + 1, 3), (64, 10_000), (7, 10**6)]:
        size, chunks = chunks_of(count, cost)
        assert size >= 1
        assert size * chunks >= count > size * (chunks - 1) or (count, chunks) == (0, 1)


CHILD = """
import os, sys
import numpy as np
import headrace as tf
x = tf.placeholder(tf.float32, [512, 512])
y = tf.matmul(x, x)
session = tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=2))
value = np.eye(512, dtype=np.float32)
session.run(y, {x: value})
pid = os.fork()
ok = bool((session.run(y, {x: value}) == value).all())
if not pid:
    os._exit(0 if ok else 1)
sys.exit(0 if ok and os.waitpid(pid, 0)[1] == 0 else 1)
"""


def run_child(code: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-W", "ignore::DeprecationWarning", "-c", code],
        env={**os.environ, **environment}, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


@native_only
@pytest.mark.skipif("libtsan" in os.environ.get("LD_PRELOAD", ""), reason="ThreadSanitizer hangs in threads of forks")
def test_the_pool_lives_on_in_a_forked_child() -> None:
    result = run_child(CHILD)
    assert result.returncode == 0, result.stderr


EXPLAIN = """
import headrace as tf
x = tf.placeholder(tf.float32, [4, 4])
print(tf.Session().explain(tf.matmul(x, x), {x: [[1.0] * 4] * 4}))
"""


@native_only
def test_explain_says_how_each_step_runs() -> None:
    assert "[native]" in run_child(EXPLAIN, HEADRACE_NATIVE="1").stdout
    assert "[NumPy: HEADRACE_NATIVE=0]" in run_child(EXPLAIN, HEADRACE_NATIVE="0").stdout


@native_only
def test_an_unknown_instruction_set_is_named() -> None:
    with pytest.raises(InvalidArgumentError, match=r"HEADRACE_CPU names an instruction set .* not 'mmx'"):
        os.environ["HEADRACE_CPU"] = "mmx"
        try:
            library._instruction_set(["baseline"])
        finally:
            del os.environ["HEADRACE_CPU"]


def test_threads_follow_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "3,2")
    assert library.default_threads() == 3
    monkeypatch.delenv("OMP_NUM_THREADS")
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    assert library.default_threads() == 8
    monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_SIZE", "4")
    assert library.default_threads() == 2
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: {0, 1, 2}, raising=False)
    assert library.default_threads() == 3


@native_only
def test_a_value_that_a_kernel_refuses_raises_what_numpy_raises() -> None:
    logits, labels = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.int32, [2])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xent")
    with tf.Session() as session:
        feeds = {logits: np.ones((2, 3), np.float32), labels: np.array([0, 1], np.int32)}
        assert session.run(loss, feeds).shape == (2,)
        with pytest.raises(tf.errors.InvalidArgumentError, match=r"label value of 7 .*(?s:.)*xent"):
            session.run(loss, {**feeds, labels: np.array([0, 7], np.int32)})
        assert session.run(loss, feeds).shape == (2,)


@native_only
def test_fed_arrays_in_any_layout_give_the_same() -> None:
    x = tf.placeholder(tf.float32, [4, 6])
    y = tf.nn.softmax(x)
    value = np.arange(24, dtype=np.float32).reshape(4, 6)
    shifted = np.frombuffer(b"x" + value.tobytes(), np.uint8)[1:].view(np.float32).reshape(4, 6)
    with tf.Session() as session:
        expected = session.run(y, {x: value})
        for other in (
            np.asfortranarray(value),
            np.repeat(value, 2, 0)[::2],
            shifted,
            value[::-1][::-1],
            value.tolist(),
        ):
            np.testing.assert_array_equal(session.run(y, {x: other}), expected)
        np.testing.assert_array_equal(session.run(y, {x: value}), expected)


def test_unsupported_is_an_exception_with_a_reason() -> None:
    assert str(UnsupportedError("float16")) == "float16"
