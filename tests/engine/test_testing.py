"""tf.test.TestCase, used as programs use it."""

import numpy as np
import pytest

from headrace.engine import testing
from headrace.engine.graph import get_default_graph
from headrace.engine.ops.array import reshape
from headrace.engine.ops.constant import constant, placeholder


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
