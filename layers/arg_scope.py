"""Defaults for the arguments of many calls, as TensorFlow 1.15's `tf.contrib.framework.arg_scope`."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")
Scope = dict[str, dict[str, Any]]


class _Stack(threading.local):
    def __init__(self) -> None:
        self.scopes: list[Scope] = [{}]


_STACK = _Stack()


def add_arg_scope(func: Callable[Arguments, Result]) -> Callable[Arguments, Result]:
    """Decorates a function so that `arg_scope` can give its arguments defaults.

    Example:
        >>> import headrace as tf
        >>> @tf.contrib.framework.add_arg_scope
        ... def power(base, exponent=1):
        ...     return base**exponent
        >>> with tf.contrib.framework.arg_scope([power], exponent=3):
        ...     power(2), power(2, exponent=2)
        (8, 4)
    """

    @functools.wraps(func)
    def with_defaults(*args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
        defaults = current_arg_scope().get(_key_of(with_defaults))
        return func(*args, **{**defaults, **kwargs} if defaults else kwargs)

    with_defaults._key_op = f"{func.__module__}.{func.__qualname__}"  # type: ignore[attr-defined]
    return with_defaults


def _key_of(function: Any) -> str:
    key = getattr(function, "_key_op", None)
    if key is None:
        raise ValueError(f"{getattr(function, '__name__', function)} is not decorated with @add_arg_scope")
    return str(key)


def current_arg_scope() -> Scope:
    """The defaults in force, by function."""
    return _STACK.scopes[-1]


def has_arg_scope(func: Any) -> bool:
    """Whether a function is decorated with `add_arg_scope`."""
    return hasattr(func, "_key_op")


def arg_scoped_arguments(func: Any) -> Mapping[str, Any]:
    """The defaults in force for a function decorated with `add_arg_scope`; ValueError for another one."""
    return current_arg_scope().get(_key_of(func), {})


@contextmanager
def arg_scope(list_ops_or_scope: Sequence[Any] | Scope, **kwargs: Any) -> Iterator[Scope]:
    """A context manager that gives arguments of functions defaults, beside those of the scopes around.

    Args:
        list_ops_or_scope: functions decorated with `add_arg_scope`; or what an `arg_scope` gave, to return to it.
        kwargs: the defaults; not with a scope.

    Raises:
        ValueError: a function is not decorated, or there are defaults beside a scope.
        TypeError: the first argument is neither a sequence nor a scope.
    """
    if isinstance(list_ops_or_scope, dict):
        if kwargs:
            raise ValueError("When attempting to re-use a scope by suppling a dictionary, kwargs must be empty.")
        scope = dict(list_ops_or_scope)
    elif isinstance(list_ops_or_scope, list | tuple):
        scope = dict(current_arg_scope())
        for function in list_ops_or_scope:
            key = _key_of(function)
            scope[key] = {**scope.get(key, {}), **kwargs}
    else:
        raise TypeError(
            f"list_ops_or_scope must either be a list/tuple or reused scope (i.e. dict), got {list_ops_or_scope!r}"
        )
    _STACK.scopes.append(scope)
    try:
        yield scope
    finally:
        _STACK.scopes.pop()
