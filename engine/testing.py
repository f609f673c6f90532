"""`tf.test`: a unittest case with a fresh graph for each test, sessions, and assertions on arrays."""

from __future__ import annotations

import contextlib
import random
import re
import shutil
import tempfile
import time
import unittest
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from .dtypes import as_dtype
from .errors import OpError
from .gpu.find import available_device, capability, knows_gpus
from .gradients import gradients
from .graph import Graph, Tensor, get_default_session, reset_default_graph
from .session import Session

_SEED = 87654321


class TestCase(unittest.TestCase):
    """A test case in TensorFlow 1.15's style: each test has a default graph and random seeds of its own."""

    # pytest would take the class itself for a test.
    __test__ = False

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        cls.__test__ = True

    def setUp(self) -> None:
        self._cached: Session | None = None
        random.seed(_SEED)
        np.random.seed(_SEED)
        reset_default_graph()

    def tearDown(self) -> None:
        if self._cached is not None:
            self._cached.close()

    def get_temp_dir(self) -> str:
        """A folder for this test's files, removed after it."""
        folder = tempfile.mkdtemp(prefix="headrace-test-")
        self.addCleanup(shutil.rmtree, folder, ignore_errors=True)
        return folder

    @contextlib.contextmanager
    def session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """A session that is closed at the end of the block; with `force_gpu`, one that is not placed softly."""
        del use_gpu
        with Session(graph=graph, config=_placed_softly(config, not force_gpu)) as session:
            yield session

    @contextlib.contextmanager
    def cached_session(
        self, graph: Graph | None = None, config: Any = None, use_gpu: bool = False, force_gpu: bool = False
    ) -> Iterator[Session]:
        """A session that the whole test shares; with `force_gpu`, one that is not placed softly."""
        del use_gpu
        if self._cached is None:
            self._cached = Session(graph=graph, config=_placed_softly(config, not force_gpu))
        with self._cached.graph.as_default(), self._cached.as_default():
            yield self._cached

    def test_session(self, *args: Any, **kwargs: Any) -> Any:
        """The old name of cached_session."""
        if self.id().endswith(".test_session"):
            # Test runners take the name for a test's.
            self.skipTest("Not a test.")
        return self.cached_session(*args, **kwargs)

    def evaluate(self, tensors: Any) -> Any:
        """The values of tensors in the current session."""
        session = get_default_session() or self._cached
        if session is None:
            raise ValueError("evaluate needs a session: use `with self.session():`")
        return session.run(tensors)

    def _array(self, value: Any) -> np.ndarray[Any, Any]:
        return np.asarray(
            self.evaluate(value) if hasattr(value, "_as_graph_element") or isinstance(value, Tensor) else value
        )

    # Assertions

    def assertAllClose(self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, msg: str | None = None) -> None:
        """The structures have equal shapes and close values."""
        if isinstance(a, dict):
            self.assertEqual(set(a), set(b), msg)
            for key in a:
                self.assertAllClose(a[key], b[key], rtol, atol, msg)
        elif isinstance(a, list | tuple) and any(np.ndim(x) for x in a):
            self.assertEqual(len(a), len(b), msg)
            for x, y in zip(a, b, strict=True):
                self.assertAllClose(x, y, rtol, atol, msg)
        else:
            x, y = self._array(a), self._array(b)
            self.assertEqual(x.shape, y.shape, msg)
            np.testing.assert_allclose(x, y, rtol, atol, err_msg=msg or "")

    def assertAllEqual(self, a: Any, b: Any, msg: str | None = None) -> None:
        """The arrays have equal shapes and values."""
        x, y = self._array(a), self._array(b)
        self.assertEqual(x.shape, y.shape, msg)
        np.testing.assert_array_equal(x, y, err_msg=msg or "")

    def assertNotAllClose(self, a: Any, b: Any, **kwargs: Any) -> None:
        """The structures are not close."""
        try:
            self.assertAllClose(a, b, **kwargs)
        except AssertionError:
            return
        raise AssertionError("The two values are close at all elements.")

    def assertNear(self, f1: float, f2: float, err: float, msg: str | None = None) -> None:
        """Two numbers differ by at most `err`."""
        if not (f1 == f2 or abs(f1 - f2) <= err):
            raise AssertionError(msg or f"{f1} != {f2} +/- {err}")

    def assertArrayNear(
        self, farray1: Sequence[float], farray2: Sequence[float], err: float, msg: str | None = None
    ) -> None:
        """Two sequences of numbers differ by at most `err` in each place."""
        self.assertEqual(len(farray1), len(farray2), msg)
        for f1, f2 in zip(farray1, farray2, strict=True):
            self.assertNear(float(f1), float(f2), err, msg)

    def assertShapeEqual(self, np_array: Any, tf_tensor: Tensor, msg: str | None = None) -> None:
        """The static shape of a tensor is an array's."""
        self.assertAllEqual(np.asarray(np_array).shape, tf_tensor.shape.as_list(), msg)

    def assertAllCloseAccordingToType(
        self, a: Any, b: Any, rtol: float = 1e-6, atol: float = 1e-6, float_rtol: float = 1e-6,
        float_atol: float = 1e-6, half_rtol: float = 1e-3, half_atol: float = 1e-3, bfloat16_rtol: float = 1e-2,
        bfloat16_atol: float = 1e-2, msg: str | None = None,
    ) -> None:  # fmt: skip
        """As assertAllClose, with the widest of the tolerances that the two dtypes call for."""
        kinds = {self._array(value).dtype.name for value in (a, b)}
        for kind, rough, near in (
            ("float32", float_rtol, float_atol),
            ("float16", half_rtol, half_atol),
            ("bfloat16", bfloat16_rtol, bfloat16_atol),
        ):
            if kind in kinds:
                rtol, atol = max(rtol, rough), max(atol, near)
        self.assertAllClose(a, b, rtol, atol, msg)

    def assertAllInRange(self, target: Any, lower_bound: float, upper_bound: float) -> None:
        """All elements lie between two bounds, both included."""
        values = self._array(target)
        self.assertTrue(bool(((values >= lower_bound) & (values <= upper_bound)).all()), f"{values}")

    def assertAllGreater(self, a: Any, comparison_target: float) -> None:
        """All elements are greater than a number."""
        self.assertTrue(bool((self._array(a) > comparison_target).all()))

    def assertAllGreaterEqual(self, a: Any, comparison_target: float) -> None:
        """All elements are at least a number."""
        self.assertTrue(bool((self._array(a) >= comparison_target).all()))

    def assertAllLessEqual(self, a: Any, comparison_target: float) -> None:
        """All elements are at most a number."""
        self.assertTrue(bool((self._array(a) <= comparison_target).all()))

    def assertAllInSet(self, target: Any, expected_set: Any) -> None:
        """Every element is one of a set."""
        found = set(self._array(target).ravel().tolist())
        self.assertEqual(found - set(expected_set), set())

    def assertDTypeEqual(self, target: Any, expected_dtype: Any) -> None:
        """The values have a dtype."""
        self.assertEqual(self._array(target).dtype, as_dtype(expected_dtype).as_numpy_dtype)

    def assertAllLess(self, a: Any, comparison_target: float) -> None:
        """All elements are less than a number."""
        self.assertTrue(bool((self._array(a) < comparison_target).all()))

    def assertProtoEquals(self, expected: Any, message: Any, msg: str | None = None) -> None:
        """Two messages are equal; the expected one may be given as text."""
        if isinstance(expected, str):
            from google.protobuf import text_format

            expected = text_format.Parse(expected, type(message)())
        self.assertEqual(expected, message, msg)

    @contextlib.contextmanager
    def assertRaisesWithPredicateMatch(
        self, exception_type: type[BaseException], expected_err_re_or_predicate: str | Callable[[Any], bool]
    ) -> Iterator[None]:
        """The block raises an exception whose text matches, or for which the predicate holds."""
        try:
            yield
        except exception_type as error:
            wanted = expected_err_re_or_predicate
            fits = wanted(error) if callable(wanted) else re.search(wanted, str(error)) is not None
            if not fits:
                raise AssertionError(f"Exception of type {type(error).__name__} does not fit: {error}") from error
        else:
            raise AssertionError(f"{exception_type.__name__} not raised")

    def assertRaisesOpError(self, expected_err_re_or_predicate: Any) -> Any:
        """The block raises an OpError whose text matches."""
        return self.assertRaisesWithPredicateMatch(OpError, expected_err_re_or_predicate)


class Benchmark:
    """A benchmark that times runs of an operation in a session."""

    def run_op_benchmark(
        self,
        sess: Session,
        op_or_tensor: Any,
        feed_dict: Any = None,
        burn_iters: int = 2,
        min_iters: int = 10,
        **_: Any,
    ) -> dict[str, Any]:
        """The median wall time of a run in seconds, after `burn_iters` that are not counted."""
        for _i in range(burn_iters):
            sess.run(op_or_tensor, feed_dict)
        times = []
        for _i in range(min_iters):
            start = time.perf_counter()
            sess.run(op_or_tensor, feed_dict)
            times.append(time.perf_counter() - start)
        return {"iters": min_iters, "wall_time": float(np.median(times))}


def _placed_softly(config: Any, soft: bool) -> Any:
    from .protos import ConfigProto  # as sessions: few programs have one

    made = ConfigProto()
    if config is not None:
        made.CopyFrom(config)
    made.allow_soft_placement = soft
    return made


def main(argv: list[str] | None = None) -> None:
    """Runs the tests of the calling module."""
    unittest.main(argv=argv)


def get_temp_dir() -> str:
    """A folder for temporary files."""
    return tempfile.mkdtemp(prefix="headrace-test-")


def assert_equal_graph_def(actual: Any, expected: Any, checkpoint_v2: bool = False) -> None:
    """Raises AssertionError unless two GraphDefs hold the same nodes, in whatever order; the first other one is named."""
    del checkpoint_v2
    first, second = ({node.name: node for node in graph.node} for graph in (actual, expected))
    for name in sorted({*first, *second}):
        if first.get(name) != second.get(name):
            raise AssertionError(f"Node {name!r} differs: {first.get(name)} and {second.get(name)}")
    if (actual.versions, actual.library) != (expected.versions, expected.library):
        raise AssertionError("The graphs' versions or functions differ")


def is_built_with_cuda() -> bool:
    """Whether what GPUs need is installed: one of the extras `cuda12` and `cuda13`, as `tensorflow-gpu` was.

    Says nothing of whether there is a GPU: `is_gpu_available` does.
    """
    return knows_gpus()


def is_built_with_gpu_support() -> bool:
    """As `is_built_with_cuda`: there are no other GPUs."""
    return knows_gpus()


def is_built_with_rocm() -> bool:
    """False: GPUs are NVIDIA's."""
    return False


def is_built_with_xla() -> bool:
    """False: steps are compiled by headrace's own passes."""
    return False


def is_gpu_available(cuda_only: bool = False, min_cuda_compute_capability: Any = None) -> bool:
    """Whether a session could place operations on a GPU; False, with the reason in the log, where HEADRACE_GPU asks in vain.

    Args:
        cuda_only: not looked at: all GPUs are NVIDIA's, or simulated ones.
        min_cuda_compute_capability: such as (7, 0); the simulation has any.

    Raises:
        TypeError: that is no pair of integers.
    """
    del cuda_only
    device = available_device()
    least = min_cuda_compute_capability
    if least is not None and not (isinstance(least, list | tuple) and all(isinstance(part, int) for part in least)):
        raise TypeError(f"min_cuda_compute_capability must be a pair of integers, such as (7, 0); got {least!r}")
    return device is not None and (least is None or capability(device) >= tuple(least))


def gpu_device_name() -> str:
    """The name of the GPU, "/device:GPU:0", empty where there is none."""
    return "" if available_device() is None else "/device:GPU:0"


def compute_gradient(x: Tensor, x_shape: Sequence[int], y: Tensor, y_shape: Sequence[int], x_init_value: Any = None,
                     delta: float = 1e-3, **_: Any) -> tuple[Any, Any]:  # fmt: skip
    """The Jacobian [size of x, size of y] by the graph's gradients and by central differences."""
    session = get_default_session()
    start = np.random.random_sample(list(x_shape)) if x_init_value is None else np.asarray(x_init_value)
    start = start.astype(x.dtype.as_numpy_dtype)
    return _symbolic(session, x, y, y_shape, start), _numeric(session, x, y, y_shape, start, delta)


def _symbolic(session: Any, x: Tensor, y: Tensor, y_shape: Sequence[int], start: Any) -> Any:
    size = int(np.prod(y_shape))
    columns = []
    for i in range(size):
        seed = np.zeros(size, y.dtype.as_numpy_dtype)
        seed[i] = 1
        gradient = gradients(y, x, grad_ys=seed.reshape(y_shape))[0]
        columns.append(np.ravel(session.run(gradient, {x: start})))
    return np.stack(columns, 1)


def _numeric(session: Any, x: Tensor, y: Tensor, y_shape: Sequence[int], start: Any, delta: float) -> Any:
    rows = []
    for i in range(start.size):
        moved = [start.copy(), start.copy()]
        moved[0].flat[i] += delta
        moved[1].flat[i] -= delta
        up, down = (np.ravel(session.run(y, {x: m})) for m in moved)
        rows.append((up - down) / (2 * delta))
    return np.stack(rows)


def compute_gradient_error(
    x: Tensor, x_shape: Sequence[int], y: Tensor, y_shape: Sequence[int], **kwargs: Any
) -> float:
    """The greatest difference between the two Jacobians of compute_gradient."""
    symbolic, numeric = compute_gradient(x, x_shape, y, y_shape, **kwargs)
    return float(np.abs(symbolic - numeric).max()) if symbolic.size else 0.0
