"""`make_template`: a function whose variables are made at its first call and shared by all later ones."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .scopes import GraphKeys, get_collection
from .variable_scope import VariableScope, pure_variable_scope, unique_scope, variable_scope


class Template:
    """A function in a variable scope of its own; what `make_template` returns."""

    def __init__(
        self,
        name: str,
        func: Callable[..., Any],
        unique_name: str | None = None,
        custom_getter: Callable[..., Any] | None = None,
        create_scope_now: bool = False,
    ) -> None:
        if not name:
            raise ValueError("name cannot be None.")
        self._func = func
        self._name = name
        self._unique_name = unique_name
        self._custom_getter = custom_getter
        self._variable_scope: VariableScope | None = None
        self._called = False
        if create_scope_now:
            with pure_variable_scope(unique_name or unique_scope(name), custom_getter=custom_getter) as scope:
                self._variable_scope = scope

    def __call__(self, *args: Any, **options: Any) -> Any:
        if self._variable_scope is not None:
            with variable_scope(self._variable_scope, reuse=self._called):
                return self._call(args, options)
        with variable_scope(self._unique_name, self._name, custom_getter=self._custom_getter) as scope:
            self._variable_scope = scope
            return self._call(args, options)

    def _call(self, args: Any, options: Any) -> Any:
        before = len(get_collection(GraphKeys.TRAINABLE_VARIABLES))
        result = self._func(*args, **options)
        trainable = get_collection(GraphKeys.TRAINABLE_VARIABLES)
        if self._called and len(trainable) != before:
            names = [v.name for v in trainable[before:]]
            raise ValueError(
                "Trainable variable created when calling a template after the first time, perhaps you used tf.Variable "
                f"when you meant tf.get_variable: {names}"
            )
        self._called = True
        return result

    @property
    def name(self) -> str:
        """The template's name."""
        return self._name

    @property
    def func(self) -> Callable[..., Any]:
        """The function."""
        return self._func

    @property
    def variable_scope(self) -> VariableScope | None:
        """The variable scope, or None before the first call."""
        return self._variable_scope

    @property
    def variable_scope_name(self) -> str | None:
        """The name of the variable scope, or None before the first call."""
        return None if self._variable_scope is None else self._variable_scope.name.removesuffix("/")

    @property
    def variables(self) -> list[Any]:
        """Global and local variables of the template."""
        return self.global_variables + self.local_variables

    @property
    def global_variables(self) -> list[Any]:
        """The template's global variables."""
        return [] if self._variable_scope is None else self._variable_scope.global_variables()

    @property
    def local_variables(self) -> list[Any]:
        """The template's local variables."""
        return [] if self._variable_scope is None else self._variable_scope.local_variables()

    @property
    def trainable_variables(self) -> list[Any]:
        """The template's trainable variables."""
        return [] if self._variable_scope is None else self._variable_scope.trainable_variables()


def make_template(
    name_: str,
    func_: Callable[..., Any],
    create_scope_now_: bool = False,
    unique_name_: str | None = None,
    custom_getter_: Callable[..., Any] | None = None,
    **kwargs: Any,
) -> Template:
    """A function that calls `func_` with `kwargs` and shares the variables of its first call.

    Args:
        name_: name of the variable scope, made unique.
        create_scope_now_: make the scope now and not at the first call.
        unique_name_: a name for the scope that is taken as it is.
        custom_getter_: see `variable_scope`.

    Raises:
        ValueError: a later call makes a trainable variable.
    """
    function = functools.partial(func_, **kwargs) if kwargs else func_
    return Template(name_, function, unique_name_, custom_getter_, create_scope_now_)
