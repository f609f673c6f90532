"""tf.test.TestCase, used as programs use it."""

import numpy as np
import pytest

from headrace.engine import testing
from headrace.engine.graph import get_default_graph
from headrace.engine.ops.array import reshape
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.scopes import device


class SquareTest(testing.TestCase):
    def test_session_and_assertions(self):
        x = constant([1.0, 2.0])
        with self.session():
            self.assertAllClose([1.0, 4.0], x * x)
            self.assertAllEqual((x * x).eval(), np.array([1, 4], np.float32))
            with self.assertRaisesRegex(AssertionError, "2"):
                self.assertAllEqual([1.0], self.evaluate(x))

    def test_each_test_has_its_graph(self):
        self.assertEqual(get_default_graph().version, 0)

    def test_cached_session(self):
        y = constant(2.0)
        with self.cached_session() as first:
            pass
        with self.cached_session() as second:
            self.assertIs(first, second)
            self.assertAllClose(4.0, self.evaluate(y + y))

    def test_sessions_are_placed_softly(self):
        with device("/gpu:3"):
            y = constant(2.0) * 2.0
        with self.session():
            self.assertAllClose(4.0, y)
        with self.session(force_gpu=True), self.assertRaisesOpError("explicitly assigned"):
            self.evaluate(y)

    def test_assertions_by_dtype_and_bounds(self):
        with self.session():
            self.assertAllCloseAccordingToType(constant([1.0], "float16"), [1.0005])
            with self.assertRaises(AssertionError):
                self.assertAllCloseAccordingToType(constant([1.0]), [1.0005])
            self.assertAllGreaterEqual(constant([1.0, 2.0]), 1)
            self.assertAllLessEqual([1.0, 2.0], 2)
            self.assertAllInSet([1, 2, 1], {1, 2, 3})
            self.assertDTypeEqual(constant([1.0]), "float32")

    def test_equal_graphs(self):
        constant(1.0, name="a")
        first = get_default_graph().as_graph_def()
        testing.assert_equal_graph_def(first, get_default_graph().as_graph_def())
        constant(2.0, name="b")
        with self.assertRaisesRegex(AssertionError, "'b' differs"):
            testing.assert_equal_graph_def(first, get_default_graph().as_graph_def())

    def test_op_errors(self):
        p = placeholder("float32", [None])
        with self.session() as sess, self.assertRaisesOpError("must feed"):
            sess.run(reshape(p, [2]))

    def test_gradient_error(self):
        x = placeholder("float64", [2, 3])
        with self.session():
            self.assertLess(testing.compute_gradient_error(x, [2, 3], x * x * x, [2, 3]), 1e-4)


def test_the_case_itself_is_not_collected():
    assert not testing.TestCase.__test__ and SquareTest.__test__
    with pytest.raises(AssertionError):
        SquareTest().assertNear(1.0, 2.0, 0.5)
