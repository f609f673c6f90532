"""The HDF5 files of Keras 2 and TensorFlow 1.15: a group a layer, names and configurations as attributes."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from .backend import batch_get_value
from .reading_h5 import arrays_in, group_in
from .recurrent_old_names import converted
from .saving import read_optimizer, set_fitting


def _write_layers(group: Any, model: Any) -> None:
    layers = [layer for layer in model.layers]
    group.attrs["layer_names"] = [layer.name.encode() for layer in layers]
    group.attrs["backend"] = b"headrace"
    group.attrs["keras_version"] = b"2.2.4"
    for layer in layers:
        inner = group.create_group(layer.name)
        variables = layer.trainable_weights + layer.non_trainable_weights
        inner.attrs["weight_names"] = [v.name.encode() for v in variables]
        for variable, value in zip(variables, batch_get_value(variables), strict=True):
            inner.create_dataset(variable.name, data=value)


def old_weights_file(model: Any) -> bytes:
    """The weights of a model as a file."""
    import h5py

    stream = io.BytesIO()
    with model._in_graph(), h5py.File(stream, "w") as file:
        _write_layers(file, model)
    return stream.getvalue()


def old_model_file(model: Any, config: dict[str, Any], include_optimizer: bool) -> bytes:
    """Configuration, weights and the optimizer's state as a file."""
    import h5py

    stream = io.BytesIO()
    with model._in_graph(), h5py.File(stream, "w") as file:
        training = config.pop("compile_config", None)
        file.attrs["model_config"] = json.dumps(config).encode()
        if training is not None:
            file.attrs["training_config"] = json.dumps(training).encode()
        _write_layers(file.create_group("model_weights"), model)
        optimizer = model.optimizer
        if include_optimizer and optimizer is not None and optimizer.built:
            group = file.create_group("optimizer_weights")
            for i, value in enumerate(batch_get_value(optimizer.variables)):
                group.create_dataset(str(i), data=value)
    return stream.getvalue()


def old_config(path: Path) -> dict[str, Any]:
    """The configuration in a file.

    Raises:
        ValueError: it has none.
    """
    import h5py

    if not h5py.is_hdf5(path):
        raise ValueError(f"{path} is not a file of a model: neither a zip nor HDF5")
    with h5py.File(path, "r", locking=False) as file:
        if "model_config" not in file.attrs:
            raise ValueError(f"{path} holds weights alone, and no configuration: use load_weights")
        config: dict[str, Any] = json.loads(file.attrs["model_config"])
        training = json.loads(file.attrs["training_config"]) if "training_config" in file.attrs else None
    if training is not None and "optimizer" in training:
        config["compile_config"] = training
    return config


def read_old_weights(model: Any, file: Any, skip_mismatch: bool, by_name: bool) -> None:
    """Reads weights layer by layer, in order or by the layers' names.

    Raises:
        ValueError: there are more or fewer layers or weights, or shapes differ.
    """
    group = group_in(file, "model_weights") if "model_weights" in file else file
    stored = [_text(name) for name in group.attrs["layer_names"]]
    groups = {name: group_in(group, name) for name in stored}
    missing = [name for name, found in groups.items() if found is None]
    if missing:
        raise ValueError(f"{file.filename} names the layers {', '.join(missing)}, but holds nothing of them")
    stored = [name for name in stored if len(groups[name].attrs["weight_names"])]
    layers = [layer for layer in model.layers if layer.weights]
    if not by_name and len(stored) != len(layers):
        raise ValueError(
            f"{file.filename}: the file holds weights of {len(stored)} layers ({', '.join(stored)}), "
            f"the model has {len(layers)} ({', '.join(layer.name for layer in layers)})"
        )
    named = {layer.name: layer for layer in layers}
    chosen = [(n, named[n]) for n in stored if n in named] if by_name else list(zip(stored, layers, strict=True))
    pairs = [pair for name, layer in chosen for pair in _pairs(groups[name], layer, skip_mismatch, str(file.filename))]
    optimizer = group_in(file, "optimizer_weights")
    # Those of other programs name their arrays, and have another order.
    own = optimizer is not None and "weight_names" not in optimizer.attrs
    state = arrays_in(optimizer) if own else None
    set_fitting(pairs, skip_mismatch, str(file.filename))
    read_optimizer(model, state)


def _pairs(group: Any, layer: Any, skip_mismatch: bool, path: str) -> list[tuple[Any, Any]]:
    values = arrays_in(group, [_text(name) for name in group.attrs["weight_names"]])
    variables = layer.trainable_weights + layer.non_trainable_weights
    values = list(converted(layer, values))
    if len(values) != len(variables):
        if skip_mismatch:
            return []
        raise ValueError(f"{path}: layer {layer.name!r} has {len(variables)} weights, the file holds {len(values)}")
    return list(zip(variables, values, strict=True))


def _text(name: Any) -> str:
    return name.decode() if isinstance(name, bytes) else str(name)
