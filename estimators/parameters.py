"""Parameters of estimators as scikit-learn has them: read, set, cloned, stored. Scikit-learn itself is not imported."""

from __future__ import annotations

import functools
import importlib
import inspect
import sys
from collections.abc import Callable
from typing import Any, Self


def _recorded(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor that notes its arguments, and leaves what is wrong with them to the first use."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def recorded(self: Any, *args: Any, **kwargs: Any) -> None:
        if "_given" in vars(self):
            # A subclass calls the constructor of its base.
            init(self, *args, **kwargs)
            return
        try:
            bound = signature.bind(self, *args, **kwargs)
        except TypeError as error:
            raise TypeError(f"{type(self).__name__}() {error}") from None
        bound.apply_defaults()
        self._given = dict(list(bound.arguments.items())[1:])
        self._failure = None
        try:
            init(self, *args, **kwargs)
        except (AttributeError, TypeError, ValueError) as error:
            self._failure = error

    return recorded


class Parameters:
    """The base of estimators whose constructors' arguments are scikit-learn's parameters.

    As scikit-learn wants it, a constructor does not refuse arguments: `fit`, or whatever is called first, does.
    """

    _given: dict[str, Any]
    _failure: Exception | None

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            cls.__init__ = _recorded(cls.__init__)  # type: ignore[method-assign]

    def _check_made(self) -> None:
        """Raises what is wrong with the constructor's arguments."""
        if self._failure is not None:
            raise self._failure

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The constructor's arguments by name, as they were given."""
        del deep
        return dict(self._given)

    def set_params(self, **params: Any) -> Self:
        """Makes the estimator anew with some arguments changed; what it was fitted to is forgotten.

        Raises:
            ValueError: there is no such argument.
        """
        if not params:
            return self
        unknown = sorted(set(params) - set(self._given))
        if unknown:
            raise ValueError(
                f"Invalid parameter {unknown[0]!r} for {self!r}. Valid parameters are: {list(self._given)}"
            )
        given = {**self._given, **params}
        self._forget()
        vars(self).clear()
        type(self).__init__(self, **given)
        return self

    def _forget(self) -> None:
        """Frees what the estimator holds besides its parameters."""

    def __sklearn_clone__(self) -> Self:
        """An estimator of the same arguments that is not fitted.

        Two in one folder would go on from each other's checkpoints: a clone has no model_dir.
        """
        given = {**self._given, **({"model_dir": None} if "model_dir" in self._given else {})}
        config: Any = given.get("config")
        if getattr(config, "model_dir", None) is not None:
            given["config"] = config.replace(model_dir=None)
        return type(self)(**given)

    def __repr__(self) -> str:
        usual = {name: p.default for name, p in inspect.signature(type(self)).parameters.items()}
        changed = [f"{name}={value!r}" for name, value in self._given.items() if value is not usual.get(name)]
        return f"{type(self).__name__}({', '.join(changed)})"


def tags_of(kind: str) -> Any:
    """Scikit-learn's tags of a classifier or regressor of numbers, dense or sparse; only scikit-learn asks for them."""
    sklearn = importlib.import_module("sklearn.utils")
    return sklearn.Tags(
        estimator_type=kind,
        target_tags=sklearn.TargetTags(required=True),
        input_tags=sklearn.InputTags(sparse=True),
        classifier_tags=sklearn.ClassifierTags() if kind == "classifier" else None,
        regressor_tags=sklearn.RegressorTags() if kind == "regressor" else None,
    )


def unfitted_error(text: str) -> Exception:
    """A ValueError; where the program uses scikit-learn, the kind of it that its tools expect."""
    known = sys.modules.get("sklearn.exceptions")
    return ValueError(text) if known is None else known.NotFittedError(text)


def seed_of(random_state: Any) -> int | None:
    """A seed from an integer, a random generator of NumPy's, or None.

    Raises:
        ValueError: it is something else.
    """
    if random_state is None or isinstance(random_state, int):
        return random_state
    for draw in ("integers", "randint"):
        if hasattr(random_state, draw):
            return int(getattr(random_state, draw)(2**31 - 1))
    if hasattr(random_state, "__index__"):
        return int(random_state)
    raise ValueError(f"random_state must be an integer, a random generator or None, got {random_state!r}")
