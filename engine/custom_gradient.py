"""tf.custom_gradient: functions that bring their own gradient."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable
from typing import Any

from . import nest
from .conversion import convert_to_tensor
from .gradients import RegisterGradient
from .graph import Operation, get_default_graph
from .ops.array import identity
from .ops.control import identity_n_op

_numbers = itertools.count()


def custom_gradient(f: Callable[..., Any]) -> Callable[..., Any]:
    """A decorator for a function of tensors that returns its result and a function for the gradient.

    As TensorFlow 1.15's `tf.custom_gradient`: `f(*args)` returns `(y, grad_fn)`; `grad_fn(*dys)` gives one gradient an
    argument. Variables used inside are not differentiated: pass them as arguments.

    Example:
        >>> import headrace as tf
        >>> @tf.custom_gradient
        ... def clipped(x):
        ...     return x * 2.0, lambda dy: tf.minimum(dy, 1.0)
    """

    @functools.wraps(f)
    def decorated(*args: Any, **kwargs: Any) -> Any:
        if kwargs:
            raise ValueError("The custom_gradient decorator currently supports keywords arguments only when eager.")
        inputs = [identity(convert_to_tensor(x)) for x in args]
        result, gradient = f(*inputs)
        flat = [convert_to_tensor(y) for y in nest.flatten(result)]
        count = len(flat)

        def rule(operation: Operation, *dys: Any) -> list[Any]:
            found = gradient(*dys[:count])
            found = list(found) if isinstance(found, list | tuple) else [found]
            if len(found) != len(inputs):
                raise ValueError(
                    f"The gradient function of {f.__name__} gave {len(found)} gradients for {len(inputs)} arguments"
                )
            return [None] * count + found

        name = f"CustomGradient-{next(_numbers)}"
        RegisterGradient(name)(rule)
        with get_default_graph().gradient_override_map({"IdentityN": name}):
            outputs = identity_n_op([*flat, *inputs])
        return nest.pack_sequence_as(result, outputs[:count])

    return decorated


def grad_pass_through(f: Callable[..., Any]) -> Callable[..., Any]:
    """`f` with the gradient of the identity: what flows in flows out."""

    @custom_gradient
    def passed(*args: Any) -> Any:
        return f(*args), lambda *dys: list(dys)

    return passed
