"""Planned memory: reuse, what may never share it, in-place steps, and the order of reads and writes."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from headrace.engine import ops  # noqa: F401  registers the ops
from headrace.engine.dtypes import float32
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.native.library import load
from headrace.engine.ops.array import identity, reshape
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.plan.arena import assign_offsets
from headrace.engine.plan.buffers import ALIGNMENT, Buffer, Storage, View
from headrace.engine.plan.plan import make_plan
from headrace.engine.registry import definition_of
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import PASSES, Rewrites
from headrace.engine.session import Session
from headrace.engine.shapes import TensorShape


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def make(op_type, *inputs, **attrs):
    return definition_of(op_type)(*inputs, **attrs)


def variable(sizes, name="v"):
    return make("VariableV2", shape=TensorShape(sizes), dtype=float32, name=name)


def mlp(layers=(64, 96, 96, 96, 10), batch=128):
    """Feeds, variables, loss and update operations of a training step."""
    rng = np.random.default_rng(0)
    x, y = placeholder(float32, [batch, layers[0]]), placeholder(float32, [batch, layers[-1]])
    variables, values, hidden = [], [], x
    for rows, columns in itertools.pairwise(layers):
        w, b = variable([rows, columns], "w"), variable([columns], "b")
        variables += [w, b]
        values += [rng.normal(size=(rows, columns)).astype(np.float32) / rows**0.5, np.zeros(columns, np.float32)]
        hidden = make("Tanh", make("AddV2", make("MatMul", hidden, identity(w)), identity(b)))
    loss = make("Mean", make("Square", make("Sub", hidden, y)), np.array([0, 1], np.int32))
    reads = [t for t in x.graph.get_operations() if t.type == "Identity"]
    found = gradients(loss, [r.outputs[0] for r in reads])
    steps = [make("ApplyGradientDescent", v, 0.1, g).op for v, g in zip(variables, found, strict=True)]
    return (x, y), list(zip(variables, values, strict=True)), loss, steps


def planned(fetches, feeds=(), targets=(), off=()):
    graph = fetches[0].graph
    return make_plan(
        Rewrites(frozenset(off), check=True).apply(lower(graph, list(fetches), list(targets), list(feeds)))
    )


def spans(plan):
    """For every buffer of the arena: first and last step, first byte and end."""
    return [
        (b.first, b.last, b.offset, b.offset + b.nbytes)
        for b in plan.buffers
        if b.storage is Storage.ARENA and b.nbytes
    ]


def test_the_arena_of_a_training_step_is_reused():
    (x, y), _, loss, steps = mlp((64,) * 6 + (10,), 256)
    plan = planned([loss], [x, y], steps)
    assert plan.arena_bytes <= 0.65 * plan.naive_bytes


@pytest.mark.parametrize("off", [(), tuple(PASSES)])
def test_buffers_that_live_at_once_do_not_overlap(off):
    (x, y), _, loss, steps = mlp()
    found = spans(planned([loss], [x, y], steps, off))
    for i, (first, last, start, end) in enumerate(found):
        assert start % ALIGNMENT == 0
        for first2, last2, start2, end2 in found[:i]:
            if first <= last2 and first2 <= last:
                assert end <= start2 or end2 <= start


def test_training_gives_what_numpy_gives():
    (x, y), variables, loss, steps = mlp((5, 7, 3), 4)
    rng = np.random.default_rng(1)
    feeds = {x: rng.normal(size=(4, 5)).astype(np.float32), y: rng.normal(size=(4, 3)).astype(np.float32)}
    results = []
    for options in ({}, {"backend": "reference"}, {"passes_off": tuple(PASSES)}):
        with Session(**options) as session:
            session.run([make("Assign", v, a).op for v, a in variables])
            losses = [session.run([loss, *steps], feeds)[0] for _ in range(20)]
            results.append([losses, *session.run([v for v, _ in variables])])
    assert results[0][0][-1] < results[0][0][0]
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_allclose(a, b, 1e-4, 1e-6)


def test_the_steady_state_allocates_no_large_arrays():
    import tracemalloc

    (x, y), variables, loss, steps = mlp()
    with Session(backend="cpu") as session:
        session.run([make("Assign", v, a).op for v, a in variables])
        feeds = {x: np.ones((128, 64), np.float32), y: np.ones((128, 10), np.float32)}
        for _ in range(3):
            session.run([loss, *steps], feeds)
        tracemalloc.start()
        session.run([loss, *steps], feeds)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    # One hidden layer takes 48 KiB, what NumPy needs to broadcast a bias 32 KiB. On NumPy alone a product that joined its
    # update, or an activation, is an array for that moment: at most those of one layer at a time.
    assert peak < (250_000 if isinstance(load(), str) else 40_000)


def test_assign_offsets_fills_gaps():
    buffers = [
        Buffer(Storage.ARENA, n, first=f, last=e) for n, f, e in [(640, 0, 1), (64, 1, 3), (320, 2, 3), (64, 2, 4)]
    ]
    assert assign_offsets(buffers, 5) == 704
    assert {b.offset for b in buffers[2:]} <= {0, 64, 320}


def test_views_take_no_memory_and_see_updates_of_their_source():
    x = placeholder(float32, [4, 6])
    y = make("Exp", x)
    z = make("Neg", make("Transpose", reshape(y, [6, 4]), np.array([1, 0])))
    plan = planned([z, make("Tanh", y)], [x], off=["fuse"])
    assert not [s for s in plan.steps if s.node.type in ("Reshape", "Transpose")]
    array = np.arange(24, dtype=np.float32).reshape(4, 6) / 24
    with Session() as session:
        result = session.run([z, make("Tanh", y)], {x: array})
    np.testing.assert_allclose(result[0], -np.exp(array).reshape(6, 4).T, 1e-6)


def test_in_place_steps_write_over_what_nobody_reads_again():
    x = placeholder(float32, [64])
    a = make("Sum", make("Tile", reshape(x, [1, 64]), np.array([3, 1])), np.array([0]))
    y = make("Neg", a)
    plan = planned([y], [x], off=["fuse"])
    step = next(s for s in plan.steps if s.node.type == "Neg")
    assert isinstance(step.inputs[0], View) and step.inputs[0].buffer is step.outputs[0].buffer
    z = make("Add", y, a)
    plan = planned([z], [x], off=["fuse"])
    step = next(s for s in plan.steps if s.node.type == "Neg")
    assert step.inputs[0].buffer is not step.outputs[0].buffer


@pytest.mark.parametrize(
    "build",
    [
        lambda x: make("Add", make("Transpose", x, np.array([1, 0])), x),
        lambda x: make("Sub", x, make("ReverseV2", x, np.array([0]))),
        lambda x: make("Add", x, make("StridedSlice", x, [0, 0], [1, 4], [1, 1])),
        lambda x: make("Mul", make("Neg", x), make("StridedSlice", x, [3, 0], [-5, 4], [-1, 1])),
    ],
)
def test_in_place_never_reads_what_it_has_overwritten(build):
    x = placeholder(float32, [4, 4])
    source = make("Sum", make("Tile", reshape(x, [1, 4, 4]), np.array([2, 1, 1])), np.array([0]))
    out = build(source)
    array = np.arange(16, dtype=np.float32).reshape(4, 4)
    expected = None
    for options in ({"backend": "reference"}, {}, {"passes_off": ("fuse",)}, {"passes_off": tuple(PASSES)}):
        with Session(**options) as session:
            result = session.run(out, {x: array})
            expected = result if expected is None else expected
            np.testing.assert_array_equal(result, expected, str(options))


def test_what_is_fetched_survives_later_steps():
    x = placeholder(float32, [64])
    chain = [make("Exp", make("Neg", x))]
    for _ in range(6):
        chain.append(make("Sum", make("Tile", reshape(chain[-1], [1, 64]), np.array([2, 1])), np.array([0])))
    array = np.linspace(0, 1, 64, dtype=np.float32)
    with Session() as session:
        for i, value in enumerate(session.run(chain, {x: array})):
            np.testing.assert_allclose(value, np.exp(-array) * 2**i, 1e-6)


# The order of reads and writes: see lower.py


def run_all(v, fetches, targets=(), feeds=None):
    """Results and the variable afterwards, the same on all backends."""
    results = []
    for options in ({}, {"backend": "reference"}, {"passes_off": tuple(PASSES)}):
        with Session(**options) as session:
            session.run(make("Assign", v, [1.0, 2.0]).op)
            values = session.run([*fetches, *targets], feeds)[: len(fetches)]
            results.append([*(x.tolist() for x in values), session.run(v).tolist()])
    assert results[0] == results[1] == results[2]
    return results[0]


def test_unordered_reads_see_the_value_from_before_the_step():
    v = variable([2])
    step = make("AssignAdd", v, [10.0, 10.0])
    read = identity(v)
    assert run_all(v, [read, make("Neg", read)], [step.op]) == [[1.0, 2.0], [-1.0, -2.0], [11.0, 12.0]]


def test_ordered_reads_see_the_write():
    v = variable([2])
    step = make("AssignAdd", v, [10.0, 10.0])
    before = identity(v)
    with v.graph.control_dependencies([step.op]):
        after = identity(v)
    assert run_all(v, [before, after, step]) == [[1.0, 2.0], [11.0, 12.0], [11.0, 12.0], [11.0, 12.0]]


def test_unordered_writes_happen_in_the_order_of_their_making():
    v = variable([2])
    first, second = make("AssignAdd", v, [1.0, 1.0]), make("Assign", v, [5.0, 5.0])
    assert run_all(v, [], [second.op, first.op]) == [[5.0, 5.0]]


def test_writes_that_depend_on_their_own_variable():
    v = variable([2])
    twice = make("Mul", identity(v), constant([2.0, 2.0]))
    step = make("Assign", v, twice)
    assert run_all(v, [twice], [step.op]) == [[2.0, 4.0], [2.0, 4.0]]
    swap = make("Assign", v, make("ReverseV2", identity(v), np.array([0])))
    assert run_all(v, [], [swap.op]) == [[2.0, 1.0]]


def test_two_variables_can_be_swapped():
    v, w = variable([2], "v"), variable([2], "w")
    with v.graph.control_dependencies([identity(v).op, identity(w).op]):
        steps = [make("Assign", v, identity(w)).op, make("Assign", w, identity(v)).op]
    for options in ({}, {"backend": "reference"}):
        with Session(**options) as session:
            session.run([make("Assign", v, [1.0, 2.0]).op, make("Assign", w, [3.0, 4.0]).op])
            session.run(steps)
            values = [a.tolist() for a in session.run([v, w])]
            # One of the two may see the other's new value; both backends must agree on which.
            assert values[0] == [3.0, 4.0]
            assert values[1] in ([1.0, 2.0], [3.0, 4.0])
