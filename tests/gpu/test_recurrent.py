"""LSTM layers by a GPU's library: right, repeated, captured, and how long they take beside the kernels of single steps."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from headrace.engine.gpu import bindings
from headrace.engine.gpu.calls import GPU_BINDINGS, Bound, DeviceArray, Launch, row_major
from headrace.engine.gpu.cuda.cudnn_recurrent import PERSISTENT, STANDARD
from headrace.engine.registry import definition_of
from headrace.engine.unsupported import UnsupportedError

assert bindings
pytestmark = pytest.mark.gpu
ATTRS: dict[str, Any] = {"layer": "layer", "trains": True, "forget_bias": 1.0}
# Steps, sequences, inputs and units of what is timed.
LARGE = 35, 64, 1024, 1024
BLOCK: dict[str, Any] = {"forget_bias": 1.0, "cell_clip": -1.0, "use_peephole": False}


def put(device: Any, array: Any) -> DeviceArray:
    address = device.allocate(max(array.nbytes, 1))
    device.upload(address, array)
    return DeviceArray(address, array.dtype, array.shape, row_major(array.shape, array.dtype))


def calls(
    device: Any, op: str, inputs: list[Any], outputs: list[Any], attrs: Any, notes: Any, precision: str
) -> list[Any]:
    """The prepared work of a node."""
    bound = Bound(op, device, inputs, outputs, attrs, notes=notes, precision=precision)
    bound.allocate_scratch = bound.allocate_kept = device.allocate
    bound.allocate_table = lambda array: put(device, array)
    bound.error = put(device, np.zeros(1, np.int32)).address
    GPU_BINDINGS[op](bound)
    if bound.remarks:
        raise UnsupportedError(bound.remarks[0])
    functions = device.load([w.kernel for w in bound.work if isinstance(w, Launch)])
    return [w.prepare(device, functions) if isinstance(w, Launch) else w for w in bound.work]


def layer(time: int, batch: int, size: int, units: int, dtype: Any) -> list[Any]:
    """x, cs_prev, h_prev, w, b."""
    shapes = (time, batch, size), (batch, units), (batch, units), (size + units, 4 * units), (4 * units,)
    random = np.random.default_rng(0)
    return [(random.standard_normal(shape) / np.sqrt(shape[-1])).astype(dtype) for shape in shapes]


def library_work(device: Any, given: list[Any], grads: list[Any], precision: str) -> tuple[list[Any], list[Any]]:
    """The work of a layer and its gradient, and where its results are."""
    x, cells = given[0], given[1]
    outputs = [put(device, np.zeros((*x.shape[:2], cells.shape[1]), x.dtype)), put(device, cells)]
    inputs, notes = [put(device, array) for array in given], dict[Any, Any]()
    results = [put(device, array) for array in given]
    work = calls(device, "_LibraryLSTM", inputs, outputs, ATTRS, notes, precision)
    taken = [*inputs, outputs[0], *(put(device, grad) for grad in grads)]
    work += calls(device, "_LibraryLSTMGrad", taken, results, ATTRS, notes, precision)
    return work, [*outputs, *results]


def replayed(device: Any, work: list[Any]) -> Any:
    for call in work:
        call()
    replay = device.capture(work)
    assert type(replay).__name__ != "CallByCall"
    replay()
    return replay


def got(device: Any, places: list[Any]) -> list[Any]:
    found = [np.empty(place.shape, place.dtype) for place in places]
    for array, place in zip(found, places, strict=True):
        device.download(array, place.address)
    return found


@pytest.mark.parametrize(
    ("dtype", "precision", "tolerance"),
    [(np.float32, "float32", 2e-5), (np.float32, "tf32", 5e-3), (np.float64, "float32", 1e-11)],
)
def test_layers(device: Any, dtype: Any, precision: str, tolerance: float) -> None:
    if not device.has_recurrent():
        pytest.skip("there is no library of recurrent layers")
    given = layer(11, 12, 40, 72, dtype)
    random = np.random.default_rng(1)
    grads = [random.standard_normal((11, 12, 72)).astype(dtype), random.standard_normal((12, 72)).astype(dtype)]
    work, places = library_work(device, given, grads, precision)
    replay = replayed(device, work)
    found = got(device, places)
    wide = [array.astype(np.float64) for array in given]
    h, cells = definition_of("_LibraryLSTM").kernel_function(np, *wide, **ATTRS)
    named = {name: value for name, value in ATTRS.items() if name != "trains"}
    gradient = definition_of("_LibraryLSTMGrad").kernel_function
    expected = gradient(np, *wide, h, grads[0].astype(np.float64), [grads[1].astype(np.float64)], **named)
    for one, other in zip(found, (h, cells, *expected), strict=True):
        assert np.linalg.norm(one - other) / np.linalg.norm(other) < tolerance
    replay()
    for one, other in zip(got(device, places), found, strict=True):
        np.testing.assert_array_equal(one, other)


def repeats(device: Any, replay: Any, places: list[Any]) -> bool:
    first = got(device, places)
    replay()
    return all((one == other).all() for one, other in zip(got(device, places), first, strict=True))


@pytest.mark.parametrize("precision", ["float32", "tf32"])
def test_layers_by_both(
    device: Any, note: Callable[[str, str], None], precision: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """HEADRACE_CUDNN chooses."""
    if not device.has_recurrent():
        pytest.skip("there is no library of recurrent layers")
    from .test_first_things import seconds

    (time, batch, _, units), given = LARGE, layer(*LARGE, np.float32)
    grads = [np.ones((time, batch, units), np.float32)]
    for name, algorithm in (("", STANDARD), (", persistent", PERSISTENT)):
        what = f"an LSTM layer in {precision} by the library{name}"
        monkeypatch.setattr(device._recurrent, "algorithm", algorithm)
        try:
            work, places = library_work(device, given, grads, precision)
        except UnsupportedError as error:
            note(what, str(error))
            continue
        replay = replayed(device, work)
        again = "the same results again" if repeats(device, replay, places) else "other results again"
        note(what, f"{seconds(device, replay, 5) * 1e3:.2f} ms, {again}")
    x, c, h, w, b = (put(device, array) for array in given)
    limit, diagonals = (
        put(device, np.array(time, np.int64)),
        [put(device, np.zeros(units, np.float32)) for _ in range(3)],
    )
    inputs = [limit, x, c, h, w, *diagonals, b]
    steps = [put(device, grads[0]) for _ in range(7)]
    work = calls(device, "BlockLSTM", inputs, steps, BLOCK, {}, precision)
    taken = [*inputs, *steps, put(device, np.zeros_like(grads[0])), put(device, grads[0])]
    results = [put(device, array) for array in (*given[:4], *[np.zeros(units, np.float32)] * 3, given[4])]
    work += calls(device, "BlockLSTMGrad", taken, results, BLOCK, {}, precision)
    note(f"an LSTM layer in {precision} by kernels", f"{seconds(device, replayed(device, work), 5) * 1e3:.2f} ms")
