"""LSTM layers that a library does: the pass, what forwards leaves for backwards, and the calls of cuDNN, on a double of it."""

from __future__ import annotations

import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine import gpu_check
from headrace.engine.errors import InternalError
from headrace.engine.gpu import find
from headrace.engine.gpu.cuda.cudnn_recurrent import PERSISTENT, STANDARD, RecurrentLayers
from headrace.engine.gpu.device import Recurrent, RecurrentArrays
from headrace.engine.gpu.sim.compile import available
from headrace.engine.gpu.sim.device import SimDevice
from headrace.engine.ops.recurrent_lstm import block_lstm_op
from headrace.engine.registry import definition_of
from headrace.engine.rewriting import infer
from headrace.engine.unsupported import UnsupportedError

from .library_sim import LibrarySim

STEPS = Path(__file__).resolve().parents[3] / "benchmarks" / "steps"
SIZES = TIME, BATCH, SIZE, UNITS = 4, 3, 5, 7


@pytest.fixture
def device(monkeypatch: pytest.MonkeyPatch) -> LibrarySim:
    """The one device that sessions find."""
    if not available():
        pytest.skip("the simulated GPU compiles kernels with g++, which is not installed")
    made = LibrarySim()
    monkeypatch.setenv("HEADRACE_GPU", "sim")
    monkeypatch.setattr(find, "_simulations", [made])
    return made


def arrays(dtype: Any) -> list[Any]:
    """x, c, h, w and b of a layer."""
    shapes = (TIME, BATCH, SIZE), (BATCH, UNITS), (BATCH, UNITS), (SIZE + UNITS, 4 * UNITS), (4 * UNITS,)
    random = np.random.default_rng(0)
    return [random.standard_normal(shape).astype(dtype) for shape in shapes]


def layer(values: list[Any], count: Any = TIME, diagonals: Any = None, **options: Any) -> Any:
    x, c, h, w, b = values
    none = tf.zeros([UNITS], w.dtype)
    options = {"forget_bias": 0.5, "cell_clip": -1.0, "use_peephole": False, **options}
    return block_lstm_op(
        tf.constant(count, tf.int64), x, c, h, w, *[none if diagonals is None else diagonals] * 3, b, **options
    )


def all_steps(values: list[Any]) -> Any:
    h = layer(values).h
    return [h, *tf.gradients(tf.square(h), values)]


def last_state(values: list[Any]) -> Any:
    steps = layer(values)
    total = tf.reduce_sum(tf.square(steps.cs[-1])) + tf.reduce_sum(steps.h[-1]) + tf.reduce_sum(steps.h[0])
    return [steps.cs[TIME - 1], steps.h, *tf.gradients(total, values)]


def forward_alone(values: list[Any]) -> Any:
    steps = layer(values)
    return [steps.h[-1], steps.cs[-1]]


def two_layers(values: list[Any]) -> Any:
    w, b = values[3:]
    first = layer(values)
    second = layer([first.h, first.cs[-1], first.h[-1], tf.concat([w, w[:2]], 0), b])
    return [second.h, *tf.gradients(tf.reduce_sum(second.h * second.h), values)]


PROGRAMS = {
    all_steps: {"forward": 1, "gradient": 1},
    last_state: {"forward": 1, "gradient": 1},
    forward_alone: {"forward": 1},
    two_layers: {"forward": 2, "gradient": 2},
}


def run(program: Any, dtype: Any, backend: str) -> Any:
    """What a program gives, three times on a device: one by one, captured, replayed."""
    given = arrays(dtype)
    with tf.Graph().as_default(), tf.Session(backend=backend) as session:
        places = [tf.placeholder(dtype, array.shape) for array in given]
        wanted = program(places)
        feeds = dict(zip(places, given, strict=True))
        for _ in range(3 if backend == "gpu" else 1):
            feeds[places[0]] = given[0] = given[0] + 0.25 if backend == "gpu" else given[0] + 0.75
            found = session.run(wanted, feeds)
    return found


def check(program: Any, dtype: Any) -> None:
    tolerance = 1e-5 if dtype == np.float32 else 1e-12
    for found, expected in zip(run(program, dtype, "gpu"), run(program, dtype, "cpu"), strict=True):
        np.testing.assert_allclose(found, expected, tolerance, tolerance)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("program", PROGRAMS)
def test_programs(device: LibrarySim, program: Any, dtype: Any) -> None:
    check(program, dtype)
    assert Counter(device.ran) == {name: 3 * count for name, count in PROGRAMS[program].items()}


def test_zeros_that_are_too_large_to_be_constants(device: LibrarySim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(infer, "LARGEST_FOLDED", 8)
    check(all_steps, np.float32)
    assert Counter(device.ran) == {"forward": 3, "gradient": 3}


@pytest.mark.parametrize("program", PROGRAMS)
def test_without_a_layer_of_the_library(device: LibrarySim, program: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(recurrent: Recurrent) -> Any:
        raise UnsupportedError("none of this size")

    monkeypatch.setattr(device, "recurrent", refused)
    check(program, np.float32)
    assert not device.ran


OTHERS = {
    "peepholes": lambda v: all_of(layer(v, use_peephole=True, diagonals=v[4][:UNITS]).h, v),
    "clipped": lambda v: all_of(layer(v, cell_clip=0.5).h, v),
    "fewer steps": lambda v: all_of(layer(v, count=TIME - 1).h, v),
    "all cell states": lambda v: all_of(layer(v).cs, v),
    "a gate": lambda v: all_of(layer(v).h, v, layer(v).i[-1]),
    "another step": lambda v: all_of(layer(v).h, v, layer(v).cs[1]),
}


def all_of(h: Any, values: list[Any], *more: Any) -> Any:
    return [h, *tf.gradients(tf.square(h), values[0]), *more]


@pytest.mark.parametrize("case", OTHERS)
def test_layers_that_stay(device: LibrarySim, case: str) -> None:
    check(OTHERS[case], np.float32)
    assert not device.ran


def test_training(device: LibrarySim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(STEPS))
    for name in ("headrace_programs", "workloads"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    import headrace_programs as programs
    import workloads

    losses = {}
    for backend in ("gpu", "cpu"):
        w = workloads.get("W7", **workloads.TINY["W7"], batches=20)
        with tf.Graph().as_default():
            batch, loss, train = programs.program(w)
            with tf.Session(backend=backend) as session:
                programs.start(w, session)
                feeds = [{batch[k]: v for k, v in values.items()} for values in w.batches]
                losses[backend] = [session.run([loss, train], values)[0] for values in feeds]
    np.testing.assert_allclose(losses["gpu"], losses["cpu"], 1e-5)
    assert Counter(device.ran) == {"forward": 40, "gradient": 40}


def test_keras(device: LibrarySim) -> None:
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, (BATCH, TIME, SIZE))
        y = tf.keras.layers.LSTM(UNITS, return_sequences=True)(x)
        gradient = tf.gradients(tf.square(y), x)
        session.run(tf.global_variables_initializer())
        session.run([y, gradient], {x: np.ones(x.shape)})
    assert device.ran == ["forward", "gradient"]


def test_kernels_of_the_cpu() -> None:
    x, c, h, w, b = arrays(np.float64)
    options = {"forget_bias": 0.5, "cell_clip": -1.0, "use_peephole": False}
    none, count = np.zeros(UNITS), np.int64(TIME)
    steps = definition_of("BlockLSTM").kernel_function(np, count, x, c, h, w, none, none, none, b, **options)
    found = definition_of("_LibraryLSTM").kernel_function(np, x, c, h, w, b, layer="", trains=True, forget_bias=0.5)
    np.testing.assert_array_equal(found[0], steps[6])
    np.testing.assert_array_equal(found[1], steps[1][-1])
    cells, outputs = np.zeros_like(steps[6]), np.ones_like(steps[6])
    cells[-1] = 2
    given = count, x, c, h, w, none, none, none, b, *steps, cells, outputs
    expected = definition_of("BlockLSTMGrad").kernel_function(np, *given, use_peephole=False)
    kernel = definition_of("_LibraryLSTMGrad").kernel_function
    grads = kernel(np, x, c, h, w, b, steps[6], outputs, [cells[-1]], layer="", forget_bias=0.5)
    for one, other in zip(grads, (*expected[:4], expected[7]), strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_look_at_a_gpu(device: LibrarySim) -> None:
    assert gpu_check.layers(device) == ""
    assert gpu_check.layers(SimDevice()) == "by kernels, the simulation has no library of recurrent layers"


# cuDNN's calls


def recurrent(**options: Any) -> Recurrent:
    return Recurrent(
        **{"dtype": np.dtype("f4"), "time": 2, "batch": 3, "size": 4, "units": 5, "trains": True, **options}
    )


@pytest.mark.parametrize(("compute", "math"), [("float32", 3), ("tf32", 0)])
def test_exact_products_stay_exact(device: LibrarySim, compute: str, math: int) -> None:
    RecurrentLayers(device.cudnn).prepare(recurrent(compute=compute))
    assert (device.library.math, device.library.algorithm) == (math, STANDARD)
    RecurrentLayers(device.cudnn, PERSISTENT).prepare(recurrent(compute=compute))
    assert device.library.algorithm == PERSISTENT


def test_where_weights_lie(device: LibrarySim) -> None:
    made = RecurrentLayers(device.cudnn).prepare(recurrent())
    assert made.matrices[7] == 12 and made.matrices[0] == max(made.matrices)
    assert made.reserve_bytes == 9 * 2 * 3 * 5 * 4 and made.weight_bytes > max(made.biases) + 5 * 4
    assert not RecurrentLayers(device.cudnn).prepare(recurrent(trains=False)).reserve_bytes


def test_layers_that_it_cannot_do(device: LibrarySim, monkeypatch: pytest.MonkeyPatch) -> None:
    layers = RecurrentLayers(device.cudnn)
    with pytest.raises(UnsupportedError, match="a layer of float16 computed as float16"):
        layers.prepare(recurrent(dtype=np.dtype("f2"), compute="float16"))
    device.library.status = 3000
    with pytest.raises(UnsupportedError, match=r"cudnnGetRNNTempSpaceSizes: CUDNN_STATUS_SOMETHING \(3000\)"):
        layers.prepare(recurrent())
    device.library.status = 0
    places = device.library.places
    monkeypatch.setattr(device.library, "places", lambda rnn: ([(-12, 0)] * 8, places(rnn)[1]))
    with pytest.raises(UnsupportedError, match="weights of gate 0 lie elsewhere"):
        layers.prepare(recurrent())
    monkeypatch.setattr(device.library, "layer", lambda rnn: (np.dtype("f4"), 5, 5))
    with pytest.raises(UnsupportedError, match=r"cuDNN's weights are \[1, 5, 5\]"):
        layers.prepare(recurrent())


def test_calls_fail_and_descriptors_go(device: LibrarySim) -> None:
    before = len(device.library.things)
    made = RecurrentLayers(device.cudnn).prepare(recurrent())
    address = device.allocate(1 << 16)
    places = range(address, address + (13 << 12), 1 << 12)
    call = made.gradient(RecurrentArrays(*places))
    device.cudnn.workspace.reserve(1 << 16)
    made.forward(RecurrentArrays(*places))()
    device.library.status = 5000
    with pytest.raises(InternalError, match="the gradient of a recurrent layer by cuDNN failed"):
        call()
    del made, call
    assert len(device.library.things) == before
