"""Plain gradient descent."""

from __future__ import annotations

from typing import Any

from ..assignments import scatter_add, scatter_sub
from .rule_optimizer import RuleOptimizer


class GradientDescentOptimizer(RuleOptimizer):
    """`var -= learning_rate * gradient`, as TensorFlow 1.15's.

    Args:
        learning_rate: a number, a tensor, or a function without arguments.

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     x = tf.Variable(3.0)
        ...     train = tf.train.GradientDescentOptimizer(0.25).minimize(x * x)
        ...     sess.run(tf.global_variables_initializer())
        ...     sess.run(train)
        ...     print(sess.run(x))
        1.5
    """

    rule = "GradientDescent"

    def __init__(self, learning_rate: Any, use_locking: bool = False, name: str = "GradientDescent") -> None:
        super().__init__(use_locking, name)
        self._learning_rate = learning_rate

    def _numbers(self) -> dict[str, Any]:
        return {"alpha": self._learning_rate}

    # Equal indices need not be added up first: scattering does.

    def _apply_sparse_duplicate_indices(self, grad: Any, var: Any) -> Any:
        step = grad.values * self._number("alpha", var)
        return scatter_sub(var._handle, grad.indices, step, use_locking=self._use_locking).op

    def _resource_apply_sparse_duplicate_indices(self, grad: Any, handle: Any, indices: Any) -> Any:
        return scatter_add(handle, indices, -grad * self._number("alpha", handle)).op
