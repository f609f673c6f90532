"""Copies between strided arrays, and the ops that are such copies, on the simulated GPU against NumPy's kernels."""

import itertools

import numpy as np

from headrace.engine.gpu.bindings.movement import copy_view, fill
from headrace.engine.registry import definition_of

from .launching import Case, run_all, run_op, run_together

F = np.float32


def copied(device, cases):
    """Copies of (source, out) pairs by kernels that are compiled together."""
    run_together(
        device, [Case(device, lambda b: copy_view(b, b.outputs[0], b.inputs[0]), [x], [out]) for x, out in cases]
    )
    for x, out in cases:
        np.testing.assert_array_equal(out, x)


def test_orders_of_axes_and_item_sizes(ordered_sim):
    cases = []
    for dtype in ("int8", "float16", "float32", "int64", "complex128"):
        x = np.arange(3 * 40 * 33).reshape(3, 40, 33).astype(dtype)
        for order in itertools.permutations(range(3)):
            view = x.transpose(order)
            cases.append((view, np.zeros(view.shape, dtype)))
        for view in (x[:, ::2], x[::-1, :, ::-1], x[:, 3:36, 1:], x[0, :, :1], np.broadcast_to(x[:, :1], x.shape)):
            cases.append((view, np.zeros(view.shape, dtype)))
        cases.append((x[:, :3, :2], np.zeros((6, 5, 4), dtype)[::2, 1:4, ::2]))
    copied(ordered_sim, cases)


def test_many_axes_and_nothing(sim):
    x = np.arange(2**6 * 3).reshape(2, 2, 2, 2, 2, 6).astype(F)
    views = [
        x[::-1, :, ::-1, :, ::-1, ::2],
        x.transpose(5, 4, 3, 2, 1, 0),
        x[:0],
        x[1:, :1, :1, :1, :1, :1],
        x[1, 1, 1, 1, 1, 1, ...],
    ]
    copied(sim, [(view, np.zeros(view.shape, F)) for view in views])


def test_fills(sim):
    cases, filled = [], []
    for dtype, value, count in itertools.product(("int8", "float16", "float32", "complex128"), (0, 1, 3), (1, 5, 100)):
        memory = np.zeros(count + 2, dtype)
        for out in (memory[1:-1], np.zeros(count, dtype)):
            cases.append(Case(sim, lambda b, v=value: fill(b, b.outputs[0], v), [], [out]))
            filled.append((memory, out, value))
    run_together(sim, cases)
    assert all((out == value).all() and memory[0] == memory[-1] == 0 for memory, out, value in filled)


def test_assignments_wait_for_failures(sim):
    variable, value = np.zeros((3, 4), F), np.arange(12, dtype=F).reshape(4, 3).T
    run_op(sim, "Assign", [variable, value], [], known=False, failed=True)
    assert not variable.any()
    run_op(sim, "AssignVariableOp", [variable, value], [], known=False)
    np.testing.assert_array_equal(variable, value)


def ints(*values):
    return np.array(values, np.int32)


def cases_of_ops():
    """(op type, inputs, attributes), on contiguous and on strided memory."""
    wide = np.random.default_rng(3).normal(size=(12, 8, 20)).astype(F)
    for x in (wide[:6, :4, :10].copy(), wide[::2, ::2, ::2], wide[:4, :6].transpose(1, 0, 2)[:, :, ::2]):
        yield "Identity", [x], {}
        yield "Transpose", [x, ints(2, 0, 1)], {}
        yield "ReverseV2", [x, ints(0, -1)], {}
        yield "Tile", [x, ints(2, 1, 3)], {}
        yield "BroadcastTo", [x[:, :1], ints(2, 6, 4, 10)], {}
        yield "ConcatV2", [x, x[:, :2], x, ints(1)[0]], {}
        yield "Concat", [ints(-1)[0], x, x[:, :, :3]], {}
        yield "Split", [ints(1)[0], x], {"num_split": 2}
        yield "SplitV", [x, ints(1, 3, 6), ints(2)[0]], {"num_split": 3}
        yield "Pack", [x, x + 1, x + 2], {"axis": 1}
        yield "Unpack", [x], {"num": 4, "axis": 1}
        yield "Slice", [x, ints(1, 0, 2), ints(3, -1, 5)], {}
        yield "StridedSlice", [x, ints(1, 0, 8), ints(5, 0, 2), ints(2, 1, -3)], {"end_mask": 2}
        yield (
            "StridedSlice",
            [x, ints(0, 1, 0), ints(0, 0, 4), ints(1, 1, 1)],
            {"ellipsis_mask": 1, "shrink_axis_mask": 2},
        )
        yield "StridedSliceGrad", [ints(6, 9), ints(5), ints(0), ints(-2), x[0, :3, :9]], {}
        yield "Pad", [x, np.array([[1, 0], [2, 1], [0, 3]])], {}
        yield "PadV2", [x, np.array([[1, 0], [2, 1], [0, 3]]), F(7)], {}
        yield "MirrorPad", [x, np.array([[2, 1], [3, 3], [0, 9]])], {"mode": "REFLECT"}
        yield "MirrorPad", [x, np.array([[2, 6], [4, 1], [10, 0]])], {"mode": "SYMMETRIC"}
        yield "Roll", [x, ints(2, -3), ints(0, 2)], {}
        yield "Roll", [x, ints(5), ints(1)], {}
        yield "ReverseSequence", [x, np.array([3, 0, 6, 1])], {"seq_dim": 0, "batch_dim": 1}
        yield "MatrixDiagPart", [x], {}
        yield "MatrixSetDiag", [x, x[:, :, 0]], {}
        yield "MatrixDiag", [x[0]], {}
        yield "ZerosLike", [x], {}
        yield "OnesLike", [x], {}
        image = x[:, :, :, None]
        yield "SpaceToDepth", [image], {"block_size": 2}
        yield "SpaceToBatchND", [image, ints(2, 3), np.array([[1, 1], [0, 2]])], {}
        yield "SpaceToBatchND", [image, ints(4), np.array([[3, 1]])], {}
        yield "BatchToSpaceND", [image, ints(3, 1), np.array([[2, 1], [0, 1]])], {}
    plain = wide[:4, :4, :16].copy()
    yield "DepthToSpace", [plain[None]], {"block_size": 4, "data_format": "NHWC"}
    yield "DepthToSpace", [plain[None]], {"block_size": 2, "data_format": "NCHW"}
    yield "Diag", [plain[:2, 0, :3]], {}
    yield "DiagPart", [np.diag(np.arange(6.0)).reshape(2, 3, 2, 3)], {}
    yield "MatrixBandPart", [plain, np.int64(1), np.int64(-1)], {}
    yield "MatrixBandPart", [plain, np.int64(0), np.int64(2)], {}
    yield "OneHot", [np.array([[0, 2], [-1, 7]]), ints(3)[0], F(5), F(-1)], {"axis": 1}
    yield "OneHot", [np.array([1, 0, 2], np.uint8), ints(4)[0], np.int64(1), np.int64(0)], {"axis": -1}
    yield "Fill", [ints(3, 4), F(2.5)], {}
    yield "Bitcast", [plain], {"type": np.dtype(np.int32)}


def expected_of(op_type, inputs, attrs):
    definition = definition_of(op_type)
    values = {**{name: a.default for name, a in definition.attributes.items()}, **attrs}
    if op_type == "Bitcast":
        return [inputs[0].view(np.int32)]
    groups = {"ConcatV2": [inputs[:-1], inputs[-1]], "Concat": [inputs[0], inputs[1:]], "Pack": [inputs]}
    results = definition.kernel_function(np, *groups.get(op_type, inputs), **values)
    return [np.array(r) for r in (results if isinstance(results, list | tuple) else [results])]


def test_ops(sim):
    work, wanted = [], []
    for op_type, inputs, attrs in cases_of_ops():
        inputs = [np.asarray(v) for v in inputs]
        wanted.append(expected_of(op_type, inputs, attrs))
        work.append((op_type, inputs, [np.full(v.shape, 77).astype(v.dtype) for v in wanted[-1]], attrs))
    for found, expected, (op_type, inputs, _, attrs) in zip(run_all(sim, work), wanted, work, strict=True):
        for one, other in zip(found, expected, strict=True):
            np.testing.assert_array_equal(one, other, f"{op_type} of {inputs[0].shape} {attrs}")


def test_lengths_out_of_range_fail(sim):
    x = np.ones((2, 3), F)
    attrs = {"seq_dim": 1, "batch_dim": 0}
    run_op(sim, "ReverseSequence", [x, np.array([1, 4])], [np.zeros_like(x)], attrs, fails=True)
