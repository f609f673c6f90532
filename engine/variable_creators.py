"""tf.variable_creator_scope: functions that stand between a program and the making of its variables."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from .graph import get_default_graph

# The creators in force, outermost first, in graph.extras.
_KEY = "variable_creators"


class VariableKind(type):
    """The class of tf.Variable: a call of it goes through the creators in force."""

    def __call__(cls, *args: Any, **options: Any) -> Any:
        """Makes a variable; a creator that is at work is not asked again."""
        graph = get_default_graph()
        creators = graph.extras.get(_KEY)
        make = functools.partial(type.__call__, cls)
        if not creators or cls.__name__ != "Variable":
            return make(*args, **options)
        given = _named(cls, args, options)
        graph.extras[_KEY] = []
        try:
            for creator in creators:
                make = functools.partial(creator, make)
            return make(**given)
        finally:
            graph.extras[_KEY] = creators


def _named(cls: type, args: tuple[Any, ...], options: dict[str, Any]) -> dict[str, Any]:
    """All arguments by name, with defaults filled in."""
    bound = inspect.signature(cls.__init__).bind(None, *args, **options)  # type: ignore[misc]
    bound.apply_defaults()
    named = dict(bound.arguments)
    named.pop("self")
    return named


@contextmanager
def variable_creator_scope(variable_creator: Callable[..., Any]) -> Iterator[None]:
    """Makes variables through `variable_creator(next_creator, **kwargs)`, as TensorFlow 1.15's function of this name.

    `kwargs` are the arguments of tf.Variable; a creator may change them, call `next_creator(**kwargs)` or not, and
    gives a variable. Of several scopes the innermost creator is asked first.

    Example:
        >>> import headrace as tf
        >>> def fixed(next_creator, **kwargs):
        ...     kwargs["trainable"] = False
        ...     return next_creator(**kwargs)
        >>> with tf.Graph().as_default(), tf.variable_creator_scope(fixed):
        ...     print(tf.Variable(1.0).trainable)
        False
    """
    extras = get_default_graph().extras
    before = extras.get(_KEY, [])
    extras[_KEY] = [*before, variable_creator]
    try:
        yield
    finally:
        extras[_KEY] = before
