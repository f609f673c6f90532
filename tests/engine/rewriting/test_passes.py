"""Each rewriting pass by itself: what it must do, and what it must leave alone."""

from __future__ import annotations

import numpy as np
import pytest

from headrace.engine import errors, ops  # noqa: F401  registers the ops
from headrace.engine.dtypes import float32, int32
from headrace.engine.graph import Graph
from headrace.engine.ops.array import identity, reshape, shape, stack
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.registry import definition_of
from headrace.engine.rewriting.dataflow import Dataflow
from headrace.engine.rewriting.fuse import LONGEST
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import PASSES, Rewrites
from headrace.engine.rewriting.verify import verify
from headrace.engine.session import Session
from headrace.engine.shapes import TensorShape
from headrace.engine.variables import Variable


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def make(op_type, *inputs, **attrs):
    return definition_of(op_type)(*inputs, **attrs)


def rewritten(fetches, passes, feeds=(), targets=()):
    """The step of `fetches` after the named passes."""
    tensors = fetches if isinstance(fetches, list) else [fetches]
    flow = lower(tensors[0].graph, tensors, list(targets), list(feeds))
    return Rewrites(check=True).apply(flow, ["infer", *passes, "prune"])


def types(flow: Dataflow):
    return sorted(n.type for n in flow.nodes if n.type not in ("_Feed", "Const"))


def same(fetches, feeds):
    """The fetches with all passes are those of the reference, bit for bit."""
    with Session(backend="numpy") as on, Session(backend="reference") as reference:
        for a, b in zip(on.run(fetches, feeds), reference.run(fetches, feeds), strict=True):
            np.testing.assert_array_equal(np.signbit(a), np.signbit(b))
            np.testing.assert_array_equal(a, b)


# infer and fold


def test_infer_narrows_shapes_from_the_feeds():
    x = placeholder(float32, [None, 3])
    y = make("Neg", reshape(x, [-1]))
    flow = lower(y.graph, [y], [], [x])
    flow.feeds[x].sizes = (2, 3)
    assert Rewrites(check=True).apply(flow, ["infer"]).fetches[0].sizes == (6,)


def test_fold_evaluates_constants_and_shapes_of_fed_values():
    x = placeholder(float32, [4, 5])
    rows = make("Mul", make("GatherV2", shape(x), np.int32(0), np.int32(0)), np.int32(5))
    flow = rewritten(reshape(x, stack([rows])), ["fold"], [x])
    assert types(flow) == ["Reshape"]
    assert flow.nodes[-1].inputs[1].node.constant.tolist() == [20]


def test_fold_leaves_large_random_and_failing_nodes():
    large = make("Fill", np.array([1 << 17], np.int32), np.float32(1))
    assert types(rewritten(large, ["fold"])) == ["Fill"]
    drawn = make("RandomStandardNormal", np.array([2], np.int32), dtype=float32)
    assert types(rewritten(drawn, ["fold"])) == ["RandomStandardNormal"]
    bad = make("FloorDiv", constant([1]), constant([0]))
    assert types(rewritten(bad, ["fold"])) == ["FloorDiv"]
    with Session() as session, pytest.raises(errors.InvalidArgumentError, match="division by zero"):
        session.run(bad)


def test_fold_makes_no_array_of_one_value_that_is_only_assigned(graph):
    v = Variable(make("Fill", np.array([1 << 17], np.int32), np.float32(2.5)))
    flow = lower(graph, [], [v.initializer], [])
    Rewrites(check=True).apply(flow, ["infer", "fold"])
    value = next(n for n in flow.nodes if n.type == "Assign").inputs[1].node.constant
    assert (value.shape, value.strides) == ((1 << 17,), (0,))
    with Session() as session:
        # The second time natively.
        for _ in range(2):
            session.run(v.initializer)
            assert (session.run(v) == 2.5).all()


def test_fold_keeps_what_waits_for_something():
    x = placeholder(float32, [], name="x")
    with x.graph.control_dependencies([make("Neg", x).op]):
        y = make("Add", constant(1.0), constant(2.0))
    assert "Add" in types(rewritten(y, ["fold"], [x]))


# merge


def test_merge_joins_equal_nodes_only():
    x = placeholder(float32, [2])
    a, b = make("Neg", x), make("Neg", x)
    c = make("Sum", x, np.int32(0), keep_dims=True)
    d = make("Sum", x, np.int32(0), keep_dims=False)
    e = make("Sum", x, np.int32(0), keep_dims=True)
    flow = rewritten([a, b, c, d, e], ["merge"], [x])
    assert types(flow) == ["Neg", "Sum", "Sum"]
    assert flow.fetches[0] is flow.fetches[1] and flow.fetches[2] is flow.fetches[4]


def test_merge_tells_constants_apart_by_their_bits():
    values = [0.0, -0.0, np.nan, np.nan]
    sums = [make("Add", constant(np.float32(v)), constant(np.float32(v))) for v in values]
    flow = rewritten(sums, ["merge"])
    assert len({f.node for f in flow.fetches}) == 3
    same(sums, {})
    ints, floats = constant(1), constant(1.0)
    assert len(rewritten([ints, floats], ["merge"]).nodes) == 2


def test_merge_never_joins_random_and_stateful_nodes():
    draws = [make("RandomStandardNormal", np.array([2], np.int32), dtype=float32, seed=1, seed2=2) for _ in range(2)]
    assert len(types(rewritten(draws, ["merge"]))) == 2
    v = make("VariableV2", shape=TensorShape([]), dtype=float32)
    steps = [make("AssignAdd", v, 1.0).op for _ in range(2)]
    flow = rewritten([identity(v)], ["merge"], targets=steps)
    assert types(flow).count("AssignAdd") == 2


def test_merge_never_joins_reads_before_and_after_a_write():
    v = make("VariableV2", shape=TensorShape([]), dtype=float32)
    before = identity(v)
    with v.graph.control_dependencies([before.op]):
        step = make("AssignAdd", v, 1.0)
    with v.graph.control_dependencies([step.op]):
        after = identity(v)
    with Session() as session:
        session.run(make("Assign", v, 1.0).op)
        assert session.run([before, after]) == [1.0, 2.0]


# simplify


@pytest.mark.parametrize(
    "build, left",
    [
        (lambda x: make("Mul", x, constant(1.0)), []),
        (lambda x: make("Mul", constant(1.0), x), []),
        (lambda x: make("Sub", x, constant(0.0)), []),
        (lambda x: make("RealDiv", x, constant(1.0)), []),
        (lambda x: make("Pow", x, constant(1.0)), []),
        (lambda x: make("Neg", make("Neg", x)), []),
        (lambda x: identity(identity(x)), []),
        (lambda x: reshape(reshape(x, [6]), [2, 3]), []),
        (lambda x: reshape(reshape(x, [6]), [3, 2]), ["Reshape"]),
        (lambda x: make("Transpose", make("Transpose", x, np.array([1, 0])), np.array([1, 0])), []),
        (lambda x: make("Transpose", x, np.array([0, 1])), []),
        (lambda x: make("Transpose", x, np.array([1, 0])), ["Transpose"]),
        (lambda x: make("Cast", x, DstT=float32), []),
        # These would turn -0.0 into 0.0, inf or NaN into something else, or change a shape.
        (lambda x: make("Add", x, constant(0.0)), ["Add"]),
        (lambda x: make("Mul", x, constant(0.0)), ["Mul"]),
        (lambda x: make("Sub", constant(0.0), x), ["Sub"]),
        (lambda x: make("RealDiv", constant(1.0), x), ["RealDiv"]),
        (lambda x: make("Sub", x, x), ["Sub"]),
        (lambda x: make("Mul", x, constant(np.ones((4, 1, 1), np.float32))), ["Mul"]),
        (lambda x: make("Cast", make("Cast", x, DstT=int32), DstT=float32), ["Cast", "Cast"]),
    ],
)
def test_simplify(build, left):
    x = placeholder(float32, [2, 3])
    y = make("Identity", build(x))
    assert types(rewritten(y, ["simplify"], [x])) == left
    same([y], {x: np.array([[-0.0, 0.0, np.nan], [np.inf, -np.inf, 1.5]], np.float32)})


@pytest.mark.parametrize(
    "exponent, left",
    [
        (2.0, ["Square"]),
        (3.0, ["_Fused"]),
        (4.0, ["_Fused"]),
        (0.5, ["Sqrt"]),
        (-0.5, ["Rsqrt"]),
        (-1.0, ["Reciprocal"]),
        (-2.0, ["_Fused"]),
        (2.5, ["Pow"]),
    ],
)
def test_powers_by_small_constants_are_products_and_roots(exponent, left):
    x = placeholder(float32, [2, 3])
    y = make("Pow", x, constant(exponent))
    assert types(rewritten(y, ["simplify"], [x])) == left
    values = np.array([[0.5, 1e-9, np.nan], [np.inf, 3.0, 1.5]], np.float32)
    with Session() as session, np.errstate(all="ignore"):
        np.testing.assert_allclose(session.run(y, {x: values}), values**exponent, rtol=1e-6)


def test_a_power_that_broadcasts_stays():
    x = placeholder(float32, [3])
    y = make("Pow", x, constant(np.full((2, 1), 2.0, np.float32)))
    assert types(rewritten(y, ["simplify"], [x])) == ["Pow"]


def test_simplify_keeps_what_waits_for_something():
    x = placeholder(float32, [])
    with x.graph.control_dependencies([make("Neg", x).op]):
        y = identity(x)
    assert "Identity" in types(rewritten(y, ["simplify"], [x]))


# prune


def test_prune_keeps_targets_and_drops_the_rest():
    x = placeholder(float32, [])
    kept = make("Exp", x)
    flow = rewritten([make("Neg", x)], [], [x], [kept.op])
    assert types(flow) == ["Exp", "Neg"]


# fuse


def test_fuse_makes_one_node_of_a_chain():
    x, y = placeholder(float32, [8]), placeholder(float32, [8])
    z = make("Tanh", make("Add", make("Mul", x, y), x))
    flow = rewritten(z, ["fuse"], [x, y])
    assert types(flow) == ["_Fused"]
    assert sorted(flow.nodes[-1].attrs["parts"]) == ["Add", "Mul", "Tanh"]
    same([z], {x: np.linspace(-1, 1, 8), y: np.linspace(2, 3, 8)})


def test_fuse_leaves_what_others_see():
    x = placeholder(float32, [8])
    middle = make("Exp", x)
    y, z = make("Neg", middle), make("Tanh", middle)
    assert types(rewritten([y, z], ["fuse"], [x])) == ["Exp", "Neg", "Tanh"]
    assert types(rewritten([middle, make("Neg", middle)], ["fuse"], [x])) == ["Exp", "Neg"]
    with x.graph.control_dependencies([middle.op]):
        late = make("Neg", x)
    assert "Exp" in types(rewritten([make("Sqrt", middle), late], ["fuse"], [x]))


def test_fuse_does_not_widen_what_was_computed_small():
    x, y = placeholder(float32, [8, 1]), placeholder(float32, [8, 1000])
    flow = rewritten(make("Add", make("Exp", x), y), ["fuse"], [x, y])
    assert types(flow) == ["Add", "Exp"]


def test_fuse_takes_values_used_twice_and_stops_at_its_limits():
    x = placeholder(float32, [4])
    y = x
    for _ in range(LONGEST * 2 + 3):
        y = make("Neg", make("Exp", make("Tanh", y)))
    z = make("Mul", y, y)
    flow = rewritten(z, ["fuse"], [x])
    longest = max(len(n.attrs["expression"].instructions) for n in flow.nodes if n.type == "_Fused")
    assert longest <= LONGEST and len(types(flow)) > 1
    same([z], {x: np.linspace(-1, 1, 4)})


def test_fuse_does_not_mix_dtypes():
    x = placeholder(float32, [4])
    flow = rewritten(make("Neg", make("Cast", make("Exp", x), DstT=int32)), ["fuse"], [x])
    assert len(types(flow)) == 3


# updates


def training(kind="ApplyGradientDescent", count=3):
    gradients = [placeholder(float32, [2]) for _ in range(count)]
    variables = [make("VariableV2", shape=TensorShape([2]), dtype=float32) for _ in range(count)]
    return gradients, variables, [make(kind, v, 0.5, g).op for v, g in zip(variables, gradients, strict=True)]


def test_updates_of_different_variables_become_one():
    gradients, variables, steps = training()
    flow = rewritten([identity(gradients[0])], ["updates"], gradients, steps)
    assert types(flow).count("_MultiUpdate") == 1 and "ApplyGradientDescent" not in types(flow)
    feeds = {g: np.full(2, i + 1.0) for i, g in enumerate(gradients)}
    for off in ((), ("updates",), tuple(PASSES)):
        with Session(passes_off=off) as session:
            session.run([make("Assign", v, [1.0, 1.0]).op for v in variables])
            session.run(steps, feeds)
            assert [v.tolist() for v in session.run(variables)] == [[0.5, 0.5], [0.0, 0.0], [-0.5, -0.5]]


def test_updates_that_depend_on_each_other_or_share_a_variable_stay_apart():
    gradients, variables, steps = training(count=1)
    again = make("ApplyGradientDescent", variables[0], 0.5, gradients[0]).op
    assert "_MultiUpdate" not in types(rewritten([identity(gradients[0])], ["updates"], gradients, [*steps, again]))
    gradients, variables, steps = training(count=1)
    with gradients[0].graph.control_dependencies(steps):
        other = make("VariableV2", shape=TensorShape([2]), dtype=float32)
        later = make("ApplyGradientDescent", other, 0.5, gradients[0]).op
    assert "_MultiUpdate" not in types(rewritten([identity(gradients[0])], ["updates"], gradients, [*steps, later]))


# the list of passes, and verify


def test_passes_can_be_left_out_and_are_logged():
    x = placeholder(float32, [2])
    flow = lower(x.graph, [make("Neg", identity(x))], [], [x])
    rewrites = Rewrites(frozenset({"fuse", "merge"}), check=True)
    rewrites.apply(flow)
    assert [name for name, _, _ in rewrites.log] == [p for p in PASSES if p not in ("fuse", "merge", "fuse_casts")]
    with pytest.raises(ValueError, match=r"no passes \['nope'\]"):
        Rewrites(frozenset({"nope"}))


def test_verify_finds_broken_steps():
    x = placeholder(float32, [2])
    y = make("Neg", make("Exp", x))
    flow = lower(x.graph, [y], [], [x])
    verify(flow, "nothing")
    flow.nodes.reverse()
    with pytest.raises(errors.InternalError, match=r"After reversing: .* comes before"):
        verify(flow, "reversing")
    flow.nodes.reverse()
    flow.nodes.append(flow.nodes[-1])
    with pytest.raises(errors.InternalError, match="is there twice"):
        verify(flow, "doubling")
    flow.nodes = flow.nodes[:1]
    with pytest.raises(errors.InternalError, match="what is fetched is gone"):
        verify(flow, "dropping")
