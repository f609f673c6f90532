"""Every optimizer against TensorFlow's numbers, dense and sparse, by reference and as resources."""

import json
import re
from pathlib import Path

import numpy as np
import pytest

from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.ops.indexing import gather
from headrace.engine.ops.reduce import reduce_mean, reduce_sum
from headrace.engine.ops.training import APPLY, RULES
from headrace.engine.scopes import GraphKeys, device
from headrace.engine.session import Session
from headrace.engine.training.adadelta import AdadeltaOptimizer
from headrace.engine.training.adagrad import AdagradOptimizer
from headrace.engine.training.adagrad_da import AdagradDAOptimizer
from headrace.engine.training.adam import (
    AdaMaxOptimizer,
    AdamOptimizer,
    AdamWOptimizer,
    LazyAdamOptimizer,
    NadamOptimizer,
)
from headrace.engine.training.ftrl import FtrlOptimizer
from headrace.engine.training.global_step import get_or_create_global_step
from headrace.engine.training.gradient_descent import GradientDescentOptimizer
from headrace.engine.training.momentum import MomentumOptimizer
from headrace.engine.training.optimizer import Optimizer
from headrace.engine.training.proximal_adagrad import ProximalAdagradOptimizer
from headrace.engine.training.proximal_gradient_descent import ProximalGradientDescentOptimizer
from headrace.engine.training.rmsprop import RMSPropOptimizer
from headrace.engine.training.sign_optimizers import AddSignOptimizer, PowerSignOptimizer
from headrace.engine.variable_lists import global_variables_initializer
from headrace.engine.variables import Variable

OPTIMIZERS = {
    c.__name__: c
    for c in (
        AdadeltaOptimizer, AdagradOptimizer, AdagradDAOptimizer, AdamOptimizer, FtrlOptimizer,
        GradientDescentOptimizer, MomentumOptimizer, ProximalAdagradOptimizer, ProximalGradientDescentOptimizer,
        RMSPropOptimizer,
    )
}  # fmt: skip
FIXTURE = np.load(Path(__file__).parents[2] / "fixtures" / "training" / "optimizers.npz")
TABLE = json.loads(str(FIXTURE["table"]))


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def label(case):
    _, name, options, sparse = case
    flags = [k for k in options if k != "learning_rate"]
    return "-".join([name.removesuffix("Optimizer"), *flags, "sparse" if sparse else "dense"])


@pytest.mark.parametrize("use_resource", [False, True], ids=["reference", "resource"])
@pytest.mark.parametrize("case", TABLE["cases"], ids=label)
def test_ten_steps(case, use_resource):
    key, name, options, sparse = case
    w = Variable(FIXTURE["start"], use_resource=use_resource)
    g = placeholder("float32", [3, 3] if sparse else [4, 3])
    i = placeholder("int32", [3])
    loss = reduce_sum((w.sparse_read(i) if use_resource else gather(w, i)) * g) if sparse else reduce_sum(w * g)
    step = get_or_create_global_step()
    extra = {"global_step": step} if name == "AdagradDAOptimizer" else {}
    train = OPTIMIZERS[name](**options, **extra).minimize(loss, global_step=step)
    with Session() as session:
        session.run(global_variables_initializer())
        for n, expected in enumerate(FIXTURE[key]):
            feed = {g: FIXTURE["rows"][n], i: FIXTURE["indices"][n]} if sparse else {g: FIXTURE["dense"][n]}
            session.run(train, feed)
            np.testing.assert_allclose(session.run(w), expected, rtol=1e-6 * (n + 1), atol=1e-6 * (n + 1))
        assert session.run(step) == 10


@pytest.mark.parametrize("case", TABLE["ops"], ids=lambda c: f"{c[1]}-{c[4]}")
def test_update_ops(case):
    key, name, numbers, names, attrs = case
    arrays = [Variable(a, use_resource=True) for a in FIXTURE[f"{key}_before"]]
    definition = APPLY[name][1]
    given = {**{k: np.float32(v) for k, v in numbers.items()}, "grad": FIXTURE[f"{key}_grad"]}
    others = [given[a.name] for a in definition.inputs[len(names) :]]
    update = definition(*[v.handle for v in arrays], *others, **attrs)
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(update)
        for expected, found in zip(FIXTURE[f"{key}_after"], session.run(arrays), strict=True):
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("rule", RULES, ids=lambda r: r.name)
def test_blocks_give_what_whole_arrays_give(rule):
    from headrace.engine.kernels.optimizer_blocks import SCRATCH, apply_dense

    rng = np.random.default_rng(0)
    size = 40001
    names = [n for n in rule.dense.split()[rule.variables :] if n not in ("grad", "delta")]
    numbers = {n: np.float64(-0.5 if n == "lr_power" else 0.3) for n in names}
    arrays = [np.abs(rng.normal(size=size)) + 0.1 for _ in range(rule.variables)]
    whole = [a.copy() for a in arrays]
    gradient = rng.normal(size=(size, 2))[:, 0]
    # A made-up state may have a negative variance.
    with np.errstate(invalid="ignore"):
        apply_dense(np, rule.step, arrays, gradient, numbers, {})
        rule.step(np, np.empty((SCRATCH, size)), whole, gradient, **numbers)
    for a, b in zip(arrays, whole, strict=True):
        np.testing.assert_array_equal(a, b)


def model(count=3):
    variables = [Variable(np.full((2, 2), float(i + 1), np.float32), name=f"v{i}") for i in range(count)]
    return variables, sum(reduce_mean(v * v) for v in variables)


@pytest.mark.parametrize(
    "make",
    [AdamOptimizer, lambda: MomentumOptimizer(0.1, 0.9), lambda: GradientDescentOptimizer(0.1)],
)
def test_one_update_for_a_model(make):
    _, loss = model()
    train = make().minimize(loss)
    with Session() as session:
        session.run(global_variables_initializer())
        program = session.explain(train)
        steps = "".join(line.split("#")[0] for line in program.splitlines())
        assert re.fullmatch(r"Apply\w+\*3", *re.findall(r"\S*Apply[^(]*", steps))
    with Session() as one, Session(passes_off=["updates"]) as other:
        for session in (one, other):
            session.run(global_variables_initializer())
            for _ in range(3):
                session.run(train)
        np.testing.assert_array_equal(one.run(loss), other.run(loss))


@pytest.mark.parametrize("use_resource", [False, True])
@pytest.mark.parametrize(
    "make",
    [
        lambda: LazyAdamOptimizer(0.1), lambda: NadamOptimizer(0.1), lambda: AdamWOptimizer(0.01, 0.1),
        lambda: AdaMaxOptimizer(0.1), lambda: AddSignOptimizer(0.1), lambda: PowerSignOptimizer(0.1),
    ],
    ids=["LazyAdam", "Nadam", "AdamW", "AdaMax", "AddSign", "PowerSign"],
)  # fmt: skip
@pytest.mark.parametrize("sparse", [False, True])
def test_contributed_optimizers_lower_a_loss(make, sparse, use_resource):
    optimizer = make()
    if sparse and isinstance(optimizer, AddSignOptimizer | PowerSignOptimizer):
        pytest.skip("TensorFlow has no sparse form")
    w = Variable(np.ones((4, 2), np.float32), use_resource=use_resource)
    loss = reduce_mean(gather(w, [1, 1, 3]) ** 2 if sparse else w * w)
    train = optimizer.minimize(loss)
    with Session() as session:
        session.run(global_variables_initializer())
        first = session.run(loss)
        for _ in range(5):
            session.run(train)
        assert session.run(loss) < 0.7 * first
        if isinstance(optimizer, LazyAdamOptimizer) and sparse:
            np.testing.assert_array_equal(session.run(w)[[0, 2]], 1)


def test_names_and_slots():
    (a, b, _), loss = model()
    optimizer = AdamOptimizer()
    train = optimizer.minimize(loss, var_list=[a, b])
    assert train.name == "Adam" and train.type == "NoOp"
    assert [v.op.name for v in optimizer.variables()] == [
        "beta1_power", "beta2_power", "v0/Adam", "v0/Adam_1", "v1/Adam", "v1/Adam_1",
    ]  # fmt: skip
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(a, "m").op.name == "v0/Adam"
    assert optimizer.get_slot(a, "x") is None
    assert train.graph.get_collection(GraphKeys.TRAIN_OP) == [train]
    assert all(v not in train.graph.get_collection("trainable_variables") for v in optimizer.variables())
    assert any(op.name.startswith("gradients/") for op in train.graph.get_operations())


def test_slots_share_the_device_of_their_variable():
    with device("/job:ps/task:1"):
        v = Variable(1.0, name="v")
    with device("/job:worker"):
        optimizer = MomentumOptimizer(0.1, 0.9)
        optimizer.minimize(v * v)
    assert optimizer.get_slot(v, "momentum").device == "/job:ps/task:1"
    update = v.graph.get_operation_by_name("Momentum/update_v/ApplyMomentum")
    assert update.device == "/job:ps/task:1"


@pytest.mark.parametrize("rate", [0.5, lambda: 0.5, lambda: constant(0.5)])
def test_learning_rates_may_be_numbers_tensors_or_functions(rate):
    v = Variable(1.0)
    train = GradientDescentOptimizer(rate).minimize(3.0 * v)
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(train)
        assert session.run(v) == -0.5


@pytest.mark.parametrize("use_resource", [False, True])
def test_constraints_see_the_new_value(use_resource):
    v = Variable([1.0, -1.0], use_resource=use_resource, constraint=lambda x: abs(x))
    train = GradientDescentOptimizer(1.0).minimize(reduce_sum(v * v))
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(train)
        np.testing.assert_array_equal(session.run(v), [1, 1])


def test_gate_graph_and_grad_loss():
    variables, loss = model(2)
    optimizer = GradientDescentOptimizer(1.0)
    pairs = optimizer.compute_gradients(loss, gate_gradients=Optimizer.GATE_GRAPH, grad_loss=constant(2.0))
    with Session() as session:
        session.run(global_variables_initializer())
        np.testing.assert_allclose(session.run(pairs[1][0]), np.full((2, 2), 2.0))
    assert [v for _, v in pairs] == variables


def test_subclasses_of_users():
    class SignDescent(Optimizer):
        def __init__(self, rate):
            super().__init__(False, "SignDescent")
            self.rate = rate

        def _create_slots(self, var_list):
            for v in var_list:
                self._zeros_slot(v, "count", self._name)

        def _apply_dense(self, grad, var):
            from headrace.engine.assignments import assign_add, assign_sub
            from headrace.engine.ops.control import group

            return group(assign_sub(var, self.rate * grad), assign_add(self.get_slot(var, "count"), var * 0 + 1))

    v = Variable(2.0, name="v")
    optimizer = SignDescent(0.25)
    train = optimizer.minimize(v * v)
    with Session() as session:
        session.run(global_variables_initializer())
        session.run(train)
        assert session.run([v, optimizer.get_slot(v, "count")]) == [1.0, 1.0]


def test_errors():
    v, other = Variable(1.0), Variable(1.0)
    optimizer = GradientDescentOptimizer(1.0)
    with pytest.raises(ValueError, match="No gradients provided for any variable"):
        optimizer.minimize(v * 2, var_list=[other])
    with pytest.raises(ValueError, match="No variables to optimize"):
        optimizer.minimize(v * 2, var_list=[])
    with pytest.raises(ValueError, match="gate_gradients must be one of"):
        optimizer.compute_gradients(v * 2, gate_gradients=7)
    with pytest.raises(ValueError, match="Invalid type int32"):
        optimizer.compute_gradients(constant(1))
    with pytest.raises(ValueError, match="No variables provided"):
        optimizer.apply_gradients([])
    with pytest.raises(ValueError, match="Must specify the optimizer name"):
        Optimizer(False, "")
    with pytest.raises(ValueError, match="must be positive"):
        AdagradOptimizer(0.1, initial_accumulator_value=0)
    with pytest.raises(ValueError, match="negative or zero"):
        FtrlOptimizer(0.1, learning_rate_power=0.5)
