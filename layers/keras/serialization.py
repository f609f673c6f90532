"""Objects as configurations (plain dicts) and back: a register of classes by name, custom objects and scopes of them.

A configuration is `{"class_name": ..., "config": ..., "module": ..., "registered_name": ...}`. Names are looked up in the
register alone: nothing is imported, and no code is ever loaded.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib import import_module
from pkgutil import iter_modules
from typing import Any

import numpy as np

from ...engine.dtypes import DType
from ..base import snake_case

# Known classes by kind ("layers", "initializers", ...) and name.
REGISTER: dict[str, dict[str, Any]] = {}
_CUSTOM: dict[str, Any] = {}


def registered(kind: str, *names: str) -> Callable[[Any], Any]:
    """A decorator that enters a class or function of the library under its own name and others."""

    def enter(thing: Any) -> Any:
        for name in (thing.__name__, *names):
            REGISTER.setdefault(kind, {})[name] = thing
        return thing

    return enter


def get_custom_objects() -> dict[str, Any]:
    """The custom objects by name: a dict that may be changed."""
    return _CUSTOM


@contextmanager
def custom_object_scope(*objects: dict[str, Any]) -> Iterator[None]:
    """Makes custom objects, given as dicts by name, known inside.

    Example:
        >>> import headrace as tf
        >>> def twice(x):
        ...     return 2 * x
        >>> with tf.keras.utils.custom_object_scope({"twice": twice}):
        ...     layer = tf.keras.layers.Activation("twice")
    """
    before = dict(_CUSTOM)
    for several in objects:
        _CUSTOM.update(several)
    try:
        yield
    finally:
        _CUSTOM.clear()
        _CUSTOM.update(before)


CustomObjectScope = custom_object_scope


def register_keras_serializable(package: str = "Custom", name: str | None = None) -> Callable[[Any], Any]:
    """A decorator that makes a class or function known as `package>name`.

    Raises:
        ValueError: a class without get_config.
    """

    def enter(thing: Any) -> Any:
        if inspect.isclass(thing) and not hasattr(thing, "get_config"):
            raise ValueError(f"Cannot register {thing.__name__}: a class that is registered must have get_config")
        _CUSTOM[f"{package}>{name or thing.__name__}"] = thing
        return thing

    return enter


def get_registered_name(thing: Any) -> str:
    """The name that a class or function was registered under, its own otherwise."""
    names = [name for name, known in _CUSTOM.items() if known is thing]
    return names[0] if names else str(thing.__name__)


def get_registered_object(name: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The custom object of a name, None if there is none."""
    return (custom_objects or {}).get(name, _CUSTOM.get(name))


def find(kind: str, name: str, custom_objects: dict[str, Any] | None = None) -> Any:
    """The class or function of a name among custom objects and then those of a kind; None if there is none."""
    known = get_registered_object(name, custom_objects)
    if known is None:
        known = next((thing for key, thing in _CUSTOM.items() if key.partition(">")[2] == name), None)
    if known is not None:
        return known
    if name not in REGISTER.get(kind, {}):
        _enter_all()
    return REGISTER.get(kind, {}).get(name)


@cache
def _enter_all() -> None:
    """Lets all modules of this package enter their classes: a program may not have used those that a file names."""
    package = __name__.rpartition(".")[0]
    for module in iter_modules(sys.modules[package].__path__):
        import_module(f"{package}.{module.name}")


def unknown(kind: str, name: Any) -> ValueError:
    """The error for a name that no object has."""
    singular = kind.removesuffix("s") if kind != "losses" else "loss"
    known = ", ".join(sorted(REGISTER.get(kind, {})))
    return ValueError(
        f"Unknown {singular}: {name!r}. Expected an object, a configuration, one of the custom objects, or one of: {known}"
    )


def serialize_keras_object(thing: Any) -> Any:
    """A configuration of an object; plain values stay, functions become names where they are known."""
    if thing is None or isinstance(thing, str | bytes | bool | int | float):
        return thing
    if isinstance(thing, dict):
        return {key: serialize_keras_object(value) for key, value in thing.items()}
    if isinstance(thing, list | tuple):
        return type(thing)([serialize_keras_object(value) for value in thing])
    if isinstance(thing, DType):
        return thing.name
    if isinstance(thing, np.generic | np.ndarray):
        return thing.tolist()
    if hasattr(thing, "get_config") and not inspect.isclass(thing):
        return configuration_of(thing)
    return _name_of(thing)


def _name_of(thing: Any) -> Any:
    """The name of a function that the register knows; other functions as they are: they can be kept but not written."""
    for name, known in _CUSTOM.items():
        if known is thing:
            return name
    for functions in REGISTER.values():
        name = getattr(thing, "__name__", "")
        if functions.get(name) is thing:
            return name
    return thing


def configuration_of(thing: Any) -> dict[str, Any]:
    """The configuration of an object that has get_config."""
    name = type(thing).__name__
    kind = next((kind for kind, classes in REGISTER.items() if classes.get(name) is type(thing)), None)
    custom = get_registered_name(type(thing)) if kind is None else None
    return {
        "module": None if kind is None else f"keras.{kind}",
        "class_name": name,
        "config": thing.get_config(),
        "registered_name": custom,
    }


def is_configuration(value: Any) -> bool:
    """Whether a value is the configuration of an object."""
    return isinstance(value, dict) and "class_name" in value and "config" in value


def deserialize_keras_object(config: Any, custom_objects: dict[str, Any] | None = None, kind: str | None = None) -> Any:
    """The object of a configuration; lists and dicts are walked, anything else stays.

    Args:
        config: as `serialize_keras_object` gives it.
        custom_objects: classes and functions by name, beside those in force.
        kind: which kind of object to look among; by default all.

    Raises:
        ValueError: the class is unknown.
    """
    if not is_configuration(config):
        if isinstance(config, dict):
            return {key: deserialize_keras_object(value, custom_objects, kind) for key, value in config.items()}
        if isinstance(config, list | tuple):
            return type(config)([deserialize_keras_object(value, custom_objects, kind) for value in config])
        return config
    if config["class_name"] in ("DTypePolicy", "Policy"):
        return config["config"]["name"]
    cls = _class_of(config, custom_objects, kind)
    if not isinstance(config["config"], dict):
        raise ValueError(f"The configuration of {config['class_name']!r} must be a dict, got {config['config']!r}")
    with custom_object_scope(custom_objects or {}):
        return cls.from_config(_without_idle(cls, config["config"]))


def _without_idle(cls: Any, config: dict[str, Any]) -> dict[str, Any]:
    """A configuration without settings that the class does not have and that are off: other versions write more."""
    if not cls.__module__.startswith(__name__.rpartition(".")[0]):
        return config
    makers = [vars(base)["__init__"] for base in inspect.getmro(cls) if "__init__" in vars(base)]
    known = {name for maker in makers for name in inspect.signature(maker).parameters}
    own = {"layers", "input_layers", "output_layers", "build_input_shape"}
    return {k: v for k, v in config.items() if k in known | own or (v is not None and v is not False)}


def _class_of(config: dict[str, Any], custom_objects: dict[str, Any] | None, kind: str | None) -> Any:
    module = str(config.get("module") or "").removeprefix("keras.").split(".")[0]
    kinds = [kind] if kind else [module] if module in REGISTER else list(REGISTER)
    for name in (config.get("registered_name"), config["class_name"]):
        for one in kinds if name else ():
            cls = find(one, str(name), custom_objects)
            if hasattr(cls, "from_config"):
                return cls
    raise unknown(kind or "layers", config["class_name"])


def resolve(kind: str, identifier: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The object that a name, a configuration, a class or an object stands for; None for None.

    Raises:
        ValueError: the name is unknown, or the identifier none of these.
    """
    if identifier is None:
        return None
    if is_configuration(identifier):
        return deserialize_keras_object(identifier, custom_objects, kind)
    if isinstance(identifier, str):
        found = find(kind, identifier, custom_objects) or find(kind, snake_case(identifier), custom_objects)
        if found is None:
            raise unknown(kind, identifier)
        return found() if inspect.isclass(found) else found
    if inspect.isclass(identifier):
        return identifier()
    if callable(identifier):
        return identifier
    raise unknown(kind, identifier)


def serialize(layer: Any) -> Any:
    """A layer's configuration, as `keras.layers.serialize`."""
    return serialize_keras_object(layer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The layer of a configuration, as `keras.layers.deserialize`; ValueError for an unknown class."""
    return deserialize_keras_object(config, custom_objects)
