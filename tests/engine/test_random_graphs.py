"""Random graphs: the same results with all rewriting passes, without each of them, and on the reference backend."""

import numpy as np
import pytest

from headrace.engine import ops  # noqa: F401  registers the ops
from headrace.engine.debug.numerics import NumericsCheck
from headrace.engine.dtypes import float64, int32, int64
from headrace.engine.gpu.sim.compile import available
from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.registry import definition_of
from headrace.engine.rewriting.passes import PASSES
from headrace.engine.session import Session
from headrace.engine.shapes import TensorShape

UNARY = ("Neg", "Abs", "Tanh", "Sigmoid", "Square", "Identity", "StopGradient", "Exp")
BINARY = ("Add", "AddV2", "Sub", "Mul", "Maximum", "Minimum", "SquaredDifference", "RealDiv")
REDUCTIONS = ("Sum", "Mean", "Max", "Min", "Prod")
# The last way has its own programs, for steps that are watched.
WAYS = [{}, {"backend": "reference"}, *({"passes_off": (name,)} for name in PASSES), {"passes_off": tuple(PASSES)}]
WAYS.append({"check_numerics": True})


@pytest.fixture(autouse=True)
def without_complaints(monkeypatch):
    # Infinities in the middle of a random graph are fine.
    monkeypatch.setattr(NumericsCheck, "see", lambda *arguments: None)


class Generator:
    """Grows a graph at random; shapes are found by running what is there."""

    def __init__(self, seed):
        self.rng = np.random.default_rng(seed)
        self.feeds, self.values, self.pool, self.steps = {}, {}, [], []
        self.session = Session(backend="reference")
        self.variables = [self._variable(i) for i in range(2)]
        self.initializers = [v[1] for v in self.variables]
        self.session.run(self.initializers)
        for _ in range(2):
            self._add_feed()
        self._keep(constant(self.rng.normal(size=(2, 3))))
        self._keep(constant(1.0, float64))
        for handle, _, _ in self.variables:
            self._keep(definition_of("Identity")(handle))

    def _variable(self, index):
        array = self.rng.normal(size=[(2, 3), (4,)][index])
        v = definition_of("VariableV2")(shape=TensorShape(array.shape), dtype=float64, name=f"v{index}")
        return v, definition_of("Assign")(v, array).op, array.shape

    def _add_feed(self):
        array = self.rng.normal(size=[(2, 3), (3, 4), (4,), (3, 1), ()][self.rng.integers(5)])
        shape = array.shape if self.rng.random() < 0.5 else [None] * array.ndim
        tensor = placeholder(float64, shape)
        self.feeds[tensor] = array
        self._keep(tensor)

    def _keep(self, tensor):
        value = np.asarray(self.session.run(tensor, self.feeds))
        if value.size <= 400 and np.isfinite(value).all() and np.abs(value).max(initial=0) < 1e6:
            self.values[tensor] = value
            self.pool.append(tensor)
        return tensor

    def pick(self, test=lambda value: True):
        found = [t for t in self.pool if t.dtype.base_dtype == float64 and test(self.values[t])]
        return None if not found else found[self.rng.integers(len(found))]

    def grow(self, count):
        actions = [
            self.unary, self.unary, self.binary, self.binary, self.binary, self.matmul, self.reduce, self.reshape,
            self.transpose, self.slice, self.concat, self.pack, self.select, self.gather, self.assign, self.shape,
            self.casts, self.nothing, self.constants,
        ]  # fmt: skip
        for _ in range(count):
            result = actions[self.rng.integers(len(actions))]()
            if result is not None:
                self._keep(result)

    def unary(self):
        return definition_of(str(self.rng.choice(UNARY)))(self.pick())

    def binary(self):
        x = self.pick()
        shape = self.values[x].shape

        def fits(value):
            try:
                return np.broadcast_shapes(shape, value.shape) is not None
            except ValueError:
                return False

        return definition_of(str(self.rng.choice(BINARY)))(*self._swapped(x, self.pick(fits)))

    def _swapped(self, *pair):
        return pair if self.rng.random() < 0.5 else pair[::-1]

    def matmul(self):
        a = self.pick(lambda v: v.ndim == 2)
        if a is None:
            return None
        b = self.pick(lambda v: v.ndim == 2 and self.values[a].shape[1] in v.shape)
        if b is None:
            return None
        return definition_of("MatMul")(a, b, transpose_b=self.values[b].shape[0] != self.values[a].shape[1])

    def reduce(self):
        x = self.pick(lambda v: v.ndim > 0 and v.size > 0)
        if x is None:
            return None
        axes = [i for i in range(self.values[x].ndim) if self.rng.random() < 0.5]
        keep = bool(self.rng.random() < 0.5)
        return definition_of(str(self.rng.choice(REDUCTIONS)))(x, np.array(axes, np.int32), keep_dims=keep)

    def reshape(self):
        x = self.pick()
        size = self.values[x].size
        rows = next((n for n in self.rng.permutation([2, 3, 4]).tolist() if size % n == 0), 1)
        return definition_of("Reshape")(x, np.array([[-1], [rows, -1], [-1, rows, 1]][self.rng.integers(3)], np.int32))

    def transpose(self):
        x = self.pick()
        return definition_of("Transpose")(x, self.rng.permutation(self.values[x].ndim).astype(np.int32))

    def slice(self):
        x = self.pick(lambda v: v.ndim > 0 and 0 not in v.shape)
        begin = [int(self.rng.integers(n)) for n in self.values[x].shape]
        end = [int(self.rng.integers(b, n) + 1) for b, n in zip(begin, self.values[x].shape, strict=True)]
        return x[tuple(slice(b, e) for b, e in zip(begin, end, strict=True))]

    def concat(self):
        x = self.pick(lambda v: v.ndim > 0)
        axis = int(self.rng.integers(self.values[x].ndim))
        return definition_of("ConcatV2")([x, x], np.int32(axis))

    def pack(self):
        x = self.pick(lambda v: v.ndim < 3)
        y = self.pick(lambda v: v.shape == self.values[x].shape)
        parts = definition_of("Unpack")(definition_of("Pack")([x, y, x], axis=0), num=3, axis=0)
        return parts[self.rng.integers(3)]

    def select(self):
        x = self.pick()
        y = self.pick(lambda v: v.shape == self.values[x].shape)
        return definition_of("Select")(definition_of("Less")(x, definition_of("Neg")(y)), x, y)

    def gather(self):
        x = self.pick(lambda v: v.ndim > 0 and v.shape[0] > 0)
        indices = self.rng.integers(self.values[x].shape[0], size=3)
        return definition_of("GatherV2")(x, indices, np.int32(0))

    def shape(self):
        x = self.pick()
        return definition_of("Reshape")(definition_of("Neg")(x), definition_of("Shape")(x, out_type=int32))

    def casts(self):
        whole = definition_of("Cast")(self.pick(lambda v: np.abs(v).max(initial=0) < 1e5), DstT=int64)
        return definition_of("Cast")(whole, DstT=float64)

    def nothing(self):
        x = self.pick()
        value = definition_of("Mul")(x, constant(1.0, float64))
        return definition_of("Neg")(definition_of("Neg")(definition_of("Sub")(value, constant(0.0, float64))))

    def constants(self):
        a = constant(self.rng.normal(size=(3, 2)))
        return definition_of("Add")(
            definition_of("MatMul")(a, definition_of("Tanh")(a), transpose_b=True), np.float64(2)
        )

    def assign(self):
        handle, _, shape = self.variables[self.rng.integers(2)]
        value = self.pick(lambda v: v.shape == shape)
        if value is None:
            return None
        with value.graph.control_dependencies(self.steps[-1:] if self.rng.random() < 0.5 else []):
            kind = str(self.rng.choice(["Assign", "AssignAdd", "AssignSub"]))
            self.steps.append(definition_of(kind)(handle, value).op)
        if self.rng.random() < 0.5:
            with value.graph.control_dependencies(self.steps[-1:]):
                return definition_of("Identity")(handle)
        return None


def results(generator, fetches, options):
    found = []
    with Session(**options) as session:
        session.run(generator.initializers)
        for scale in (1.0, 0.5):
            feeds = {t: v * scale for t, v in generator.feeds.items()}
            found.append(session.run([*fetches, *generator.steps], feeds)[: len(fetches)])
            found.append(session.run([v for v, _, _ in generator.variables]))
    return found


def check(seed, ways=WAYS):
    with Graph().as_default():
        generator = Generator(seed)
        generator.grow(int(generator.rng.integers(5, 30)))
        chosen = [t for t in generator.pool if generator.rng.random() < 0.3] + generator.pool[-1:]
        expected = results(generator, chosen, {"backend": "reference"})
        for options in ways:
            actual = results(generator, chosen, options)
            for run, (mine, wanted) in enumerate(zip(actual, expected, strict=True)):
                for i, (a, b) in enumerate(zip(mine, wanted, strict=True)):
                    assert np.shape(a) == np.shape(b), f"seed {seed}, {options}, run {run}, fetch {i}"
                    scale = 1 + np.abs(b)[np.isfinite(b)].max(initial=0)
                    np.testing.assert_allclose(
                        a, b, 1e-9, 1e-9 * scale, err_msg=f"seed {seed}, {options}, run {run}, {i}"
                    )


@pytest.mark.parametrize("part", range(6))
def test_all_ways_of_running_agree(part, monkeypatch):
    monkeypatch.setenv("HEADRACE_CHECK", "1")
    for seed in range(part * 10, part * 10 + 10):
        check(seed)


@pytest.mark.long
@pytest.mark.parametrize("part", range(20))
def test_all_ways_of_running_agree_on_many_graphs(part, monkeypatch):
    monkeypatch.setenv("HEADRACE_CHECK", "1")
    for seed in range(1000 + part * 50, 1050 + part * 50):
        check(seed)


ON_DEVICE = [{"backend": "gpu"}, {"backend": "gpu", "passes_off": tuple(PASSES)}]


@pytest.fixture
def simulated(monkeypatch):
    if not available():
        pytest.skip("the simulated GPU compiles kernels with g++, which is not installed")
    monkeypatch.setenv("HEADRACE_GPU", "sim")
    monkeypatch.setenv("HEADRACE_CHECK", "1")


@pytest.mark.usefixtures("simulated")
def test_a_device_agrees():
    for seed in range(6):
        check(seed, ON_DEVICE)


@pytest.mark.long
@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("part", range(10))
def test_a_device_agrees_on_many_graphs(part):
    for seed in range(2000 + part * 20, 2020 + part * 20):
        check(seed, ON_DEVICE)
