"""`tf.flags`: absl's command-line flags, imported where a program first defines or reads one."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any


def _absl() -> Any:
    from absl import flags

    return flags


class FlagValues:
    """The flags' values as attributes; the command line is parsed when the first one is read."""

    def __getattr__(self, name: str) -> Any:
        values = _absl().FLAGS
        if not name.startswith("_") and not values.is_parsed():
            values(sys.argv, known_only=True)
        return getattr(values, name)

    def __setattr__(self, name: str, value: Any) -> None:
        setattr(_absl().FLAGS, name, value)

    def __delattr__(self, name: str) -> None:
        delattr(_absl().FLAGS, name)

    def __getitem__(self, name: str) -> Any:
        return _absl().FLAGS[name]

    def __contains__(self, name: str) -> bool:
        return name in _absl().FLAGS

    def __iter__(self) -> Iterator[str]:
        return iter(_absl().FLAGS)

    def __dir__(self) -> Iterable[str]:
        return list(dir(_absl().FLAGS))

    def __call__(self, argv: list[str], known_only: bool = False) -> list[str]:
        return _absl().FLAGS(argv, known_only)  # type: ignore[no-any-return]


FLAGS = FlagValues()


def DEFINE_string(flag_name: str, default_value: Any, docstring: str | None, **kwargs: Any) -> Any:
    """Defines a flag whose value is a string."""
    return _absl().DEFINE_string(flag_name, default_value, docstring or "", **kwargs)


def DEFINE_integer(flag_name: str, default_value: Any, docstring: str | None, **kwargs: Any) -> Any:
    """Defines a flag whose value is an int."""
    return _absl().DEFINE_integer(flag_name, default_value, docstring or "", **kwargs)


def DEFINE_float(flag_name: str, default_value: Any, docstring: str | None, **kwargs: Any) -> Any:
    """Defines a flag whose value is a float."""
    return _absl().DEFINE_float(flag_name, default_value, docstring or "", **kwargs)


def DEFINE_boolean(flag_name: str, default_value: Any, docstring: str | None, **kwargs: Any) -> Any:
    """Defines a flag whose value is a bool: `--name`, `--noname`, `--name=true`."""
    return _absl().DEFINE_boolean(flag_name, default_value, docstring or "", **kwargs)


DEFINE_bool = DEFINE_boolean


def DEFINE_enum(name: str, default: Any, enum_values: Iterable[str], help: str, **kwargs: Any) -> Any:
    """Defines a flag whose value is one of some strings."""
    return _absl().DEFINE_enum(name, default, list(enum_values), help, **kwargs)


def DEFINE_list(name: str, default: Any, help: str, **kwargs: Any) -> Any:
    """Defines a flag whose value is a list, given as text with commas."""
    return _absl().DEFINE_list(name, default, help, **kwargs)


def DEFINE_multi_string(name: str, default: Any, help: str, **kwargs: Any) -> Any:
    """Defines a flag that may be given several times and whose value is a list of strings."""
    return _absl().DEFINE_multi_string(name, default, help, **kwargs)


def DEFINE_multi_integer(name: str, default: Any, help: str, **kwargs: Any) -> Any:
    """Defines a flag that may be given several times and whose value is a list of ints."""
    return _absl().DEFINE_multi_integer(name, default, help, **kwargs)


def mark_flag_as_required(flag_name: str) -> None:
    """Makes parsing fail where the flag is not given."""
    _absl().mark_flag_as_required(flag_name)


def mark_flags_as_required(flag_names: Iterable[str]) -> None:
    """Makes parsing fail where one of the flags is not given."""
    _absl().mark_flags_as_required(flag_names)


def register_validator(flag_name: str, checker: Callable[[Any], bool], message: str = "Flag validation failed") -> None:
    """Makes parsing fail with `message` where `checker` refuses the flag's value."""
    _absl().register_validator(flag_name, checker, message)
