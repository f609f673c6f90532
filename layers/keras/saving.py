"""Models and weights in files: HDF5 for weights, a zip of JSON and HDF5 for models. Nothing that is read runs code."""

from __future__ import annotations

import io
import json
import logging
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.variables import Variable
from ..base import snake_case
from . import losses as losses_module, metrics as metrics_module, optimizers
from .backend import batch_get_value, batch_set_value
from .base import Layer
from .model_config import model_from_config, model_to_json
from .reading_h5 import arrays_in, group_in, reading
from .serialization import custom_object_scope, serialize_keras_object
from .undoing import whole_or_nothing

logger = logging.getLogger("headrace")

_CONFIG, _METADATA, _WEIGHTS = "config.json", "metadata.json", "model.weights.h5"


def _suffix(path: Any) -> str:
    name = os.fspath(path)
    return ".weights.h5" if name.endswith(".weights.h5") else Path(name).suffix.lower()


def _check_target(path: Any, overwrite: bool) -> Path:
    target = Path(os.fspath(path))
    if target.exists() and not overwrite:
        raise ValueError(f"{target} exists already, and overwrite is False")
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def written(target: Path, content: bytes) -> None:
    """Writes a file that is there as a whole or not at all."""
    part = target.with_name(f"{target.name}.part{os.getpid()}")
    try:
        part.write_bytes(content)
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


# Where weights lie in a file: layers/dense/vars/0 and so on, as in Keras 3.


def weight_groups(layer: Any, path: str = "") -> Iterator[tuple[str, list[Any]]]:
    """Yields groups of a file and the variables in them, in order: a layer's own, then those of layers inside."""
    yield from _groups(layer, path, set())


def _groups(layer: Any, path: str, seen: set[int]) -> Iterator[tuple[str, list[Any]]]:
    if id(layer) in seen:
        return
    seen.add(id(layer))
    own = list(layer._own())
    variables = [v for v, trains in own if trains] + [v for v, trains in own if not trains]
    if variables:
        yield f"{path}/vars".lstrip("/"), variables
    for name, value in _inside(layer):
        if isinstance(value, Layer):
            yield from _groups(value, f"{path}/{name}", seen)
        else:
            yield from _several(value, f"{path}/{name}", seen)


def _inside(layer: Any) -> Iterator[tuple[str, Any]]:
    """The attributes that hold layers; of models made of layers one, "layers"."""
    from .model import Model

    if isinstance(layer, Model) and (layer._network is not None or hasattr(layer, "_chain")):
        yield "layers", layer.layers
        return
    for name, value in sorted(vars(layer).items()):
        if isinstance(value, Layer | list | tuple | dict) and not isinstance(value, Variable):
            yield name.lstrip("_"), value


def _several(values: Any, path: str, seen: set[int]) -> Iterator[tuple[str, list[Any]]]:
    counts: dict[str, int] = {}
    for value in values.values() if isinstance(values, dict) else values:
        if isinstance(value, Layer):
            name = snake_case(type(value).__name__)
            count = counts[name] = counts.get(name, 0) + 1
            yield from _groups(value, f"{path}/{name if count == 1 else f'{name}_{count - 1}'}", seen)
        elif isinstance(value, list | tuple | dict):
            count = counts["container"] = counts.get("container", 0) + 1
            yield from _several(value, f"{path}/container{'' if count == 1 else f'_{count - 1}'}", seen)


def write_groups(file: Any, groups: list[tuple[str, list[Any]]]) -> None:
    """Writes the values of variables to groups of an HDF5 file."""
    variables = [v for _, several in groups for v in several]
    values = iter(batch_get_value(variables))
    for path, several in groups:
        group = file.require_group(path)
        for i, _ in enumerate(several):
            group.create_dataset(str(i), data=storable(next(values)))


def storable(value: Any) -> Any:
    """A value as HDF5 can hold it."""
    array = np.asarray(value)
    # HDF5 has no bfloat16.
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array


def _model_groups(model: Any, with_optimizer: bool) -> list[tuple[str, list[Any]]]:
    groups = list(weight_groups(model))
    optimizer = model.optimizer
    if with_optimizer and optimizer is not None and optimizer.built:
        groups.append(("optimizer/vars", list(optimizer.variables)))
    return groups


def _weights_file(model: Any, with_optimizer: bool) -> bytes:
    import h5py

    stream = io.BytesIO()
    with model._in_graph(), h5py.File(stream, "w") as file:
        write_groups(file, _model_groups(model, with_optimizer))
    return stream.getvalue()


def save_weights(model: Any, filepath: Any, overwrite: bool = True) -> None:
    """Writes a model's weights.

    A file that ends in `.weights.h5` has Keras 3's layout and the optimizer's state, other `.h5` that of TensorFlow 1.15.

    Raises:
        ValueError: another suffix, or the model has no weights yet, or the file exists and may not be overwritten.
    """
    suffix = _suffix(filepath)
    if suffix not in (".weights.h5", ".h5", ".hdf5"):
        raise ValueError(
            f"Weights are written to a file that ends in .weights.h5 (or .h5), got {os.fspath(filepath)!r}"
        )
    _check_built(model)
    target = _check_target(filepath, overwrite)
    if suffix == ".weights.h5":
        written(target, _weights_file(model, True))
    else:
        from .saving_h5 import old_weights_file

        written(target, old_weights_file(model))


def _check_built(model: Any) -> None:
    unbuilt = [layer.name for layer in [model, *model.layers] if not layer.built and not layer.weights]
    if unbuilt:
        raise ValueError(
            f"{', '.join(unbuilt)} of model {model.name!r} has no weights yet: call or build the model first"
        )


def load_weights(model: Any, filepath: Any, skip_mismatch: bool = False, by_name: bool = False) -> None:
    """Reads weights of `save_weights` or `save`, and the optimizer's state where both have it.

    Raises:
        ValueError: the file holds other layers or shapes.
        FileNotFoundError: there is no file.
    """
    import h5py

    path = Path(os.fspath(filepath))
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}")
    _check_built(model)
    with reading(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                content: Any = io.BytesIO(archive.read(_WEIGHTS))
        else:
            content = path
        with model._in_graph(), h5py.File(content, "r") as file:
            if "layer_names" in file.attrs or "model_weights" in file:
                from .saving_h5 import read_old_weights

                read_old_weights(model, file, skip_mismatch, by_name)
            else:
                _read_groups(model, file, skip_mismatch, str(path))


def _read_groups(model: Any, file: Any, skip_mismatch: bool, path: str) -> None:
    pairs: list[tuple[Any, Any]] = []
    for group, variables in weight_groups(model):
        stored = group_in(file, group)
        if stored is None or len(stored) != len(variables):
            found = 0 if stored is None else len(stored)
            if skip_mismatch:
                continue
            raise ValueError(
                f"{path}: the group {group!r} holds {found} arrays, but the model has the weights "
                f"{', '.join(v.name for v in variables)} there"
            )
        pairs += zip(variables, arrays_in(stored), strict=True)
    optimizer = group_in(file, "optimizer/vars")
    state = None if optimizer is None else arrays_in(optimizer)
    set_fitting(pairs, skip_mismatch, path)
    read_optimizer(model, state)


def set_fitting(pairs: list[tuple[Any, Any]], skip_mismatch: bool, path: str) -> None:
    """Writes arrays of a file to variables, after a look at all shapes."""
    wrong = [(v, a) for v, a in pairs if tuple(v.shape.as_list()) != a.shape]
    if wrong and not skip_mismatch:
        variable, value = wrong[0]
        raise ValueError(f"{path}: {variable.name!r} has shape {variable.shape}, but the file holds {value.shape}")
    skipped = {id(v) for v, _ in wrong}
    batch_set_value([(v, a[()]) for v, a in pairs if id(v) not in skipped])


def read_optimizer(model: Any, stored: list[Any] | None) -> None:
    """The optimizer's state, where the file has one for such an optimizer."""
    optimizer = model.optimizer
    if stored is None or optimizer is None:
        return
    if not optimizer.built and model.trainable_weights:
        optimizer.build(model.trainable_weights)
    variables = optimizer.variables
    if [tuple(v.shape.as_list()) for v in variables] == [a.shape for a in stored]:
        batch_set_value([(v, a[()]) for v, a in zip(variables, stored, strict=True)])
    else:
        logger.warning("The file's optimizer state does not fit %s, which starts anew", optimizer.name)


# Whole models


def save_model(model: Any, filepath: Any, overwrite: bool = True, include_optimizer: bool = True) -> None:
    """Writes a model to one file: `.keras` (a zip of config.json, metadata.json and model.weights.h5), or `.h5`.

    Raises:
        ValueError: another suffix, or the file exists and may not be overwritten.
        TypeError: the model holds a function that is not registered.
    """
    suffix = _suffix(filepath)
    if suffix not in (".keras", ".h5", ".hdf5"):
        raise ValueError(f"A model is written to a file that ends in .keras (or .h5), got {os.fspath(filepath)!r}")
    _check_built(model)
    config = json.loads(model_to_json(model))
    if model.get_build_config():
        config["build_config"] = model.get_build_config()
    if include_optimizer and model.compiled:
        config["compile_config"] = json.loads(json.dumps(compile_config(model)))
    target = _check_target(filepath, overwrite)
    if suffix == ".keras":
        written(target, _archive(config, _weights_file(model, include_optimizer)))
    else:
        from .saving_h5 import old_model_file

        written(target, old_model_file(model, config, include_optimizer))


def _archive(config: dict[str, Any], weights: bytes) -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr(_METADATA, json.dumps({"keras_version": "3.0.0", "format": "headrace", "format_version": 1}))
        archive.writestr(_CONFIG, json.dumps(config))
        archive.writestr(_WEIGHTS, weights)
    return stream.getvalue()


def compile_config(model: Any) -> dict[str, Any]:
    """What compile was given, as names and configurations."""
    with model._in_graph():
        given = {key: _names(value) for key, value in (model._compile_config or {}).items()}
        return {"optimizer": serialize_keras_object(model.optimizer), **given}


def _names(value: Any) -> Any:
    """Losses and metrics by name or configuration; a function of the caller's by its name alone."""
    if isinstance(value, dict):
        return {str(key): _names(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_names(part) for part in value]
    written = serialize_keras_object(value)
    return getattr(written, "__name__", None) if callable(written) else written


def load_model(filepath: Any, custom_objects: dict[str, Any] | None = None, compile: bool = True) -> Any:
    """The model of a file that `save` wrote, compiled as it was, with the optimizer's state.

    Args:
        filepath: of the file.
        custom_objects: classes and functions by name that the file may mean; no other code than known classes is run.
        compile: whether to compile it.

    Raises:
        ValueError: it is no file of a model, or names an unknown class.
        FileNotFoundError: there is no file.
    """
    path = Path(os.fspath(filepath))
    if not path.exists():
        raise FileNotFoundError(f"There is no file {path}")
    with whole_or_nothing():
        return _loaded(path, custom_objects, compile)


def _loaded(path: Path, custom_objects: dict[str, Any] | None, compile: bool) -> Any:
    with reading(path), custom_object_scope(custom_objects or {}):
        config = _read_config(path)
        model = model_from_config(config, custom_objects)
        if config.get("build_config") and not model.built:
            model.build_from_config(config["build_config"])
        compiling = config.get("compile_config")
        if compile and compiling and compiling.get("optimizer"):
            model.compile(**_compile_arguments(compiling, custom_objects))
    load_weights(model, path)
    return model


def _read_config(path: Path) -> dict[str, Any]:
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            if _CONFIG not in archive.namelist():
                raise ValueError(f"{path} is not a file of a model: it holds no {_CONFIG}")
            config: dict[str, Any] = json.loads(archive.read(_CONFIG))
            return config
    from .saving_h5 import old_config

    return old_config(path)


def _compile_arguments(config: dict[str, Any], custom_objects: dict[str, Any] | None) -> dict[str, Any]:
    return {
        "optimizer": optimizers.deserialize(config["optimizer"], custom_objects),
        "loss": _found(losses_module.deserialize, config.get("loss"), custom_objects),
        "loss_weights": config.get("loss_weights"),
        "metrics": _found(metrics_module.deserialize, config.get("metrics"), custom_objects),
        "weighted_metrics": _found(metrics_module.deserialize, config.get("weighted_metrics"), custom_objects),
    }


def _found(read: Any, value: Any, custom_objects: dict[str, Any] | None) -> Any:
    """Losses or metrics; names stay, so that "accuracy" still becomes what fits."""
    if isinstance(value, list):
        return [_found(read, part, custom_objects) for part in value]
    if isinstance(value, dict) and "class_name" not in value:
        return {key: _found(read, part, custom_objects) for key, part in value.items()}
    if isinstance(value, str) and value in (custom_objects or {}):
        return (custom_objects or {})[value]
    return read(value, custom_objects) if isinstance(value, dict) else value
