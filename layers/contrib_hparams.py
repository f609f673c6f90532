"""HParams: named hyperparameters with types that strings are read as, as TensorFlow 1.15's `tf.contrib.training.HParams`."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from numbers import Integral, Number, Real
from typing import Any

_ASSIGNMENT = re.compile(
    r"\s*(?P<name>[A-Za-z][\w.]*)\s*(?:\[\s*(?P<index>\d+)\s*\])?\s*=\s*(?:\[(?P<list>[^\]]*)\]|(?P<value>[^,\[]*))\s*(?:,|$)"
)
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}


class HParams:
    """Hyperparameters as attributes, each of the type of its first value; lists have one type for their items.

    Args:
        hparam_def: accepted for TensorFlow's sake: only None.
        model_structure: an object that is kept as it is, see get_model_structure.
        **kwargs: names and values.

    Example:
        >>> import headrace as tf
        >>> hparams = tf.contrib.training.HParams(learning_rate=0.1, layers=[64, 32], name="first")
        >>> hparams.parse("learning_rate=0.3,layers[1]=16").values()
        {'learning_rate': 0.3, 'layers': [64, 16], 'name': 'first'}
    """

    def __init__(self, hparam_def: Any = None, model_structure: Any = None, **kwargs: Any) -> None:
        if hparam_def is not None:
            raise ValueError("HParams of a protobuf are not there: give names and values")
        self._types: dict[str, tuple[type, bool]] = {}
        self._model_structure = model_structure
        for name, value in kwargs.items():
            self.add_hparam(name, value)

    def add_hparam(self, name: str, value: Any) -> None:
        """A further hyperparameter.

        Raises:
            ValueError: the name is taken or an attribute's, or the value is an empty list.
        """
        if getattr(self, name, None) is not None:
            raise ValueError(f"Hyperparameter name is reserved: {name}")
        if isinstance(value, list | tuple):
            if not value:
                raise ValueError(f"Multi-valued hyperparameters cannot be empty: {name}")
            self._types[name] = (type(value[0]), True)
        else:
            self._types[name] = (type(value), False)
        setattr(self, name, value)

    def set_hparam(self, name: str, value: Any) -> None:
        """Changes a hyperparameter; numbers are converted to its type.

        Raises:
            KeyError: there is none of this name.
            ValueError: a list for one value or the other way round, or a value of another kind.
        """
        kind, is_list = self._types[name]
        if isinstance(value, list | tuple) != is_list:
            wanted = "Must pass a list for multi-valued" if is_list else "Must not pass a list for single-valued"
            raise ValueError(f"{wanted} parameter: {name}.")
        cast = [_as_kind(name, kind, item) for item in value] if is_list else _as_kind(name, kind, value)
        setattr(self, name, cast)

    def del_hparam(self, name: str) -> None:
        """Forgets a hyperparameter, if there is one of this name."""
        if hasattr(self, name):
            delattr(self, name)
            self._types.pop(name, None)

    def parse(self, values: str) -> HParams:
        """Sets hyperparameters from text as "a=1,b=[2,3],c[1]=4"; gives these HParams.

        Raises:
            ValueError: the text is of another form, names what is not there or twice, or a value has another type.
        """
        for name, value in _parsed(values, self._types).items():
            if isinstance(value, dict):
                if not self._types[name][1]:
                    raise ValueError(f"{name} is no list: it has no items {sorted(value)}")
                items = list(getattr(self, name))
                for place, item in value.items():
                    if place >= len(items):
                        raise ValueError(f"{name}[{place}] is not there: the list has {len(items)} items")
                    items[place] = item
                value = items
            self.set_hparam(name, value)
        return self

    def override_from_dict(self, values_dict: Mapping[str, Any]) -> HParams:
        """Sets hyperparameters from a dict; gives these HParams."""
        for name, value in values_dict.items():
            self.set_hparam(name, value)
        return self

    def set_model_structure(self, model_structure: Any) -> None:
        """Keeps an object."""
        self._model_structure = model_structure

    def get_model_structure(self) -> Any:
        """The object that is kept."""
        return self._model_structure

    def to_json(self, indent: Any = None, separators: Any = None, sort_keys: bool = False) -> str:
        """The hyperparameters as JSON."""
        values = {name: None if callable(value) else value for name, value in self.values().items()}
        return json.dumps(values, indent=indent, separators=separators, sort_keys=sort_keys, default=_plain)

    def parse_json(self, values_json: str) -> HParams:
        """Sets hyperparameters from JSON; gives these HParams."""
        return self.override_from_dict(json.loads(values_json))

    def values(self) -> dict[str, Any]:
        """The values by name."""
        return {name: getattr(self, name) for name in self._types}

    def get(self, key: str, default: Any = None) -> Any:
        """A value, or `default` where there is none of this name.

        Raises:
            ValueError: the default's type is not the hyperparameter's.
        """
        if key not in self._types:
            return default
        if default is not None:
            kind, is_list = self._types[key]
            items = list(default) if is_list and isinstance(default, list | tuple) else [default]
            if is_list != isinstance(default, list | tuple):
                raise ValueError(f"The default of {key!r} must {'' if is_list else 'not '}be a list, got {default!r}")
            for item in items:
                _as_kind(key, kind, item)
        return getattr(self, key)

    def __contains__(self, key: object) -> bool:
        return key in self._types

    def __str__(self) -> str:
        return str(sorted(self.values().items()))

    def __repr__(self) -> str:
        return f"HParams({', '.join(f'{name}={value!r}' for name, value in self.values().items())})"


def _plain(value: Any) -> Any:
    """A number of NumPy as one of Python."""
    if isinstance(value, Number) and hasattr(value, "item"):
        return value.item()
    raise TypeError(f"Object of type {type(value).__name__} is not JSON serializable")


def _as_kind(name: str, kind: type, value: Any) -> Any:
    """A value as one of the type; ValueError where that would lose something."""
    is_truth = isinstance(value, bool)
    if kind is type(None) or value is None or (isinstance(value, kind) and is_truth == (kind is bool)):
        return value
    # Numbers of NumPy are numbers too; its booleans are not.
    fits = issubclass(kind, str) and isinstance(value, bytes)
    if not issubclass(kind, bool) and issubclass(kind, Integral | Real) and not is_truth:
        fits = isinstance(value, Integral if issubclass(kind, Integral) else Real)
    if not fits:
        raise ValueError(f"Could not cast hparam {name!r} of type {kind.__name__!r} from value {value!r}")
    return value.decode() if isinstance(value, bytes) else kind(value)


def parse_values(values: str, type_map: Mapping[str, Any], ignore_unknown: bool = False) -> dict[str, Any]:
    """Values out of text as "a=1,b=[2,3],c[1]=4", by the types of `type_map`; items of lists as {place: value}.

    Raises:
        ValueError: the text is of another form, names what is not there or twice, or a value has another type.
    """
    return _parsed(values, {name: (kind, None) for name, kind in type_map.items()}, ignore_unknown)


def _parsed(values: str, types: Mapping[str, tuple[type, bool | None]], ignore_unknown: bool = False) -> dict[str, Any]:
    found: dict[str, Any] = {}
    place = 0
    while place < len(values):
        match = _ASSIGNMENT.match(values, place)
        if match is None:
            raise ValueError(f"Malformed hyperparameter value: {values[place:]}")
        place = match.end()
        name, index = match["name"], match["index"]
        if name not in types:
            if ignore_unknown:
                continue
            raise ValueError(f"Unknown hyperparameter type for {name}")
        kind, is_list = types[name]
        if match["list"] is not None:
            if is_list is False or index is not None:
                raise ValueError(f"{name} does not take the list [{match['list']}]")
            value: Any = [_read(name, kind, item.strip()) for item in match["list"].split(",") if item.strip()]
        elif index is not None:
            value = _read(name, kind, match["value"].strip())
        else:
            value = _read(name, kind, match["value"].strip())
            value = [value] if is_list else value
        _note(found, name, index, value)
    return found


def _note(found: dict[str, Any], name: str, index: str | None, value: Any) -> None:
    if index is None:
        if name in found:
            raise ValueError(f"Multiple assignments to variable {name!r}")
        found[name] = value
        return
    items = found.setdefault(name, {})
    if not isinstance(items, dict) or int(index) in items:
        raise ValueError(f"Multiple assignments to variable '{name}[{index}]'")
    items[int(index)] = value


def _read(name: str, kind: Any, text: str) -> Any:
    """Text as a value of the type."""
    try:
        if kind is bool:
            return _TRUTHS[text.lower()]
        return text if issubclass(kind, str) or kind is type(None) else kind(text)
    except (KeyError, ValueError, TypeError):
        raise ValueError(f"Could not parse hparam {name!r} of type {kind.__name__!r} with value {text!r}") from None
