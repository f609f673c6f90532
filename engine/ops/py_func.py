"""Python functions as operations: py_func and numpy_function. A graph holds a token; the function stays in this process."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..dtypes import DType, as_dtype, of_array
from ..errors import InvalidArgumentError, NotFoundError
from ..graph import get_default_graph
from ..registry import op


class _Holder:
    """A function; graphs keep it alive, the registry does not."""

    def __init__(self, function: Callable[..., Any]) -> None:
        self.function = function


_functions: weakref.WeakValueDictionary[str, _Holder] = weakref.WeakValueDictionary()
_numbers = itertools.count()


@op("PyFunc", "input: Tin", "output: Tout", stateful=True, lists=("Tin",))
def py_func_op(input: Any, *, token: str, Tout: list[DType], name: str | None = None) -> Any:
    """What the Python function registered under `token` returns."""


@op("PyFuncStateless", "input: Tin", "output: Tout", stateful=True, foldable=False, lists=("Tin",))
def py_func_stateless_op(input: Any, *, token: str, Tout: list[DType], name: str | None = None) -> Any:
    """What the Python function registered under `token` returns; it has no effects."""


py_func_op.not_differentiable = True
py_func_stateless_op.not_differentiable = True


@py_func_op.state
@py_func_stateless_op.state
def py_func_state(context: Any, inputs: Any, *, token: str, Tout: Sequence[DType]) -> Any:
    holder = _functions.get(token)
    if holder is None:
        raise NotFoundError(
            None, None, f"The Python function {token!r} of {context.name!r} is not there: it belongs to the process that "
            "built the graph, and is not saved with it.",
        )  # fmt: skip
    result = holder.function(*[_argument(x) for x in inputs])
    values = [] if result is None else list(result) if isinstance(result, list | tuple) else [result]
    if len(Tout) == 1 and isinstance(result, list) and len(values) != 1:
        values = [result]
    if len(values) != len(Tout):
        raise InvalidArgumentError(
            None, None, f"{token} returns {len(values)} values, but expects to see {len(Tout)} values."
        )
    return [_result(token, i, v, dtype) for i, (v, dtype) in enumerate(zip(values, Tout, strict=True))]


def _argument(value: Any) -> Any:
    return value.copy()[()] if isinstance(value, np.ndarray) else value


def _result(token: str, index: int, value: Any, dtype: DType) -> Any:
    if isinstance(value, np.ndarray | np.generic) and value.dtype.kind not in "OSU":
        if value.dtype != dtype.numpy:
            raise InvalidArgumentError(
                None, None, f"{index}-th value returned by {token} is {of_array(value).name}, but expects {dtype.name}"
            )
        return np.array(value)
    if dtype.name == "string":
        array = np.array(value, object)
        for i, item in np.ndenumerate(array):
            array[i] = item.encode() if isinstance(item, str) else bytes(item)
        return array
    return np.array(value, dtype.numpy)


def py_func(func: Callable[..., Any], inp: Any, Tout: Any, stateful: bool = True, name: str | None = None) -> Any:
    """A Python function of NumPy arrays as an operation; as TensorFlow 1.15's `tf.py_func`.

    Args:
        func: takes one array (a NumPy scalar for shape []) an input, returns one array an output, or None.
        inp: a list of tensors.
        Tout: the dtype of the result, or a list of dtypes.
        stateful: whether it must run anew where equal inputs come twice.
        name: the operation's name.

    Returns:
        A tensor if `Tout` is a dtype, a list of tensors, or the operation if `Tout` is an empty list. Shapes are
        not known: use `set_shape`.

    Raises:
        TypeError: `func` is not callable.
        tf.errors.InvalidArgumentError: when run, if the number or dtypes of the results are wrong, or `func` raised a
            ValueError or TypeError; other exceptions become the error of their kind.
    """
    if not callable(func):
        raise TypeError(f"func must be callable, got {func!r}")
    single = not isinstance(Tout, list | tuple)
    dtypes = [as_dtype(t).base_dtype for t in ([Tout] if single else Tout)]
    token = f"pyfunc_{next(_numbers)}"
    holder = _functions[token] = _Holder(func)
    get_default_graph().extras.setdefault("python_functions", []).append(holder)
    kind = py_func_op if stateful else py_func_stateless_op
    attrs = {"token": token, "Tout": dtypes}
    made = kind.make([[convert_to_tensor(x) for x in inp]], attrs, name)
    if not dtypes:
        return made
    return made.outputs[0] if single else list(made.outputs)


def numpy_function(func: Callable[..., Any], inp: Any, Tout: Any, name: str | None = None) -> Any:
    """A Python function of NumPy arrays as an operation; see `py_func`."""
    return py_func(func, inp, Tout, stateful=True, name=name)
