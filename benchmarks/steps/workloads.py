"""The nine training steps: sizes, starting values and batches, in NumPy alone, the same for every peer.

Images are NHWC, filters HWIO, kernels [inputs, outputs] (TensorFlow's way); who wants another order converts once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise
from types import SimpleNamespace
from typing import Any

import numpy as np

Arrays = dict[str, np.ndarray[Any, Any]]
Random = np.random.Generator
F = np.float32


@dataclass
class Workload:
    """A model with what it starts from; `parameters` are in the order in which a program makes its variables."""

    name: str
    model: str
    optimizer: str
    rate: float
    size: SimpleNamespace
    parameters: Arrays
    batches: list[Arrays]
    state: Arrays = field(default_factory=dict)


Made = tuple[Arrays, list[Arrays], Arrays]


def _normal(random: Random, *shape: int, scale: float = 1.0) -> Any:
    return (random.standard_normal(shape) * scale).astype(F)


def _kernel(random: Random, inputs: int, outputs: int) -> Any:
    return _normal(random, inputs, outputs, scale=np.sqrt(2.0 / inputs))


def _filter(random: Random, width: int, inputs: int, outputs: int) -> Any:
    return _normal(random, width, width, inputs, outputs, scale=np.sqrt(2.0 / (width * width * inputs)))


def _dense(random: Random, widths: tuple[int, ...]) -> Arrays:
    parameters: Arrays = {}
    for i, (inputs, outputs) in enumerate(pairwise(widths), 1):
        parameters[f"kernel{i}"], parameters[f"bias{i}"] = _kernel(random, inputs, outputs), np.zeros(outputs, F)
    return parameters


def _classified(random: Random, size: SimpleNamespace, shape: tuple[int, ...], classes: int) -> list[Arrays]:
    """Sparse positive inputs, labelled by a random projection."""
    count, inputs = size.batch, int(np.prod(shape))
    projection = _normal(random, inputs, classes)
    batches = []
    for _ in range(size.batches):
        x = (random.random((count, inputs)) * (random.random((count, inputs)) < 0.2)).astype(F)
        batches.append({"x": x.reshape(count, *shape), "y": np.argmax(x @ projection, 1).astype(np.int32)})
    return batches


def _linear(random: Random, size: SimpleNamespace) -> Made:
    batches = []
    for _ in range(size.batches):
        x = _normal(random, size.batch, 1)
        noise = 0.1 * random.standard_normal((size.batch, 1))
        batches.append({"x": x, "y": (3 * x + 1 + noise).astype(F)})
    return {"kernel1": np.zeros((1, 1), F), "bias1": np.zeros(1, F)}, batches, {}


def _layers(random: Random, size: SimpleNamespace) -> Made:
    inputs, *_, classes = size.widths
    if size.zeros:
        parameters: Arrays = {"kernel1": np.zeros((inputs, classes), F), "bias1": np.zeros(classes, F)}
    else:
        parameters = _dense(random, size.widths)
    return parameters, _classified(random, size, (inputs,), classes), {}


def _convolutional(random: Random, size: SimpleNamespace) -> Made:
    channels = (1, *size.channels)
    parameters: Arrays = {}
    for i, (inputs, outputs) in enumerate(pairwise(channels), 1):
        parameters[f"filter{i}"], parameters[f"shift{i}"] = _filter(random, 5, inputs, outputs), np.zeros(outputs, F)
    flat = (size.image // 2 ** len(size.channels)) ** 2 * channels[-1]
    parameters |= _dense(random, (flat, size.hidden, 10))
    return parameters, _classified(random, size, (size.image, size.image, 1), 10), {}


def blocks(size: SimpleNamespace) -> list[tuple[str, int, int, int]]:
    """Name, input channels, output channels and stride of each residual block."""
    found, inputs = [], size.stages[0]
    for stage, outputs in enumerate(size.stages):
        for block in range(2):
            found.append((f"stage{stage}_{block}_", inputs, outputs, 2 if stage and not block else 1))
            inputs = outputs
    return found


def _residual(random: Random, size: SimpleNamespace) -> Made:
    parameters: Arrays = {}
    state: Arrays = {}

    def convolution(name: str, width: int, inputs: int, outputs: int) -> None:
        parameters[name + "filter"] = _filter(random, width, inputs, outputs)
        parameters[name + "scale"], parameters[name + "offset"] = np.ones(outputs, F), np.zeros(outputs, F)
        state[name + "mean"], state[name + "variance"] = np.zeros(outputs, F), np.ones(outputs, F)

    convolution("stem_", 3, 3, size.stages[0])
    for name, inputs, outputs, stride in blocks(size):
        convolution(name + "first_", 3, inputs, outputs)
        convolution(name + "second_", 3, outputs, outputs)
        if stride != 1 or inputs != outputs:
            convolution(name + "short_", 1, inputs, outputs)
    parameters |= _dense(random, (size.stages[-1], 10))
    return parameters, _classified(random, size, (size.image, size.image, 3), 10), state


def _texts(random: Random, size: SimpleNamespace) -> list[Arrays]:
    """Rows of tokens, rare ones rare, and the same rows one later."""
    batches = []
    for _ in range(size.batches):
        drawn = (random.pareto(0.7, (size.batch, size.steps + 1)) * 5).astype(np.int64)
        tokens = np.minimum(drawn, size.vocabulary - 1).astype(np.int32)
        batches.append({"x": tokens[:, :-1].copy(), "y": tokens[:, 1:].copy()})
    return batches


def _recurrent(random: Random, size: SimpleNamespace) -> Made:
    def uniform(*shape: int) -> Any:
        return random.uniform(-0.1, 0.1, shape).astype(F)

    hidden = size.hidden
    parameters: Arrays = {"embedding": uniform(size.vocabulary, size.embedding)}
    for i, inputs in enumerate((size.embedding, hidden), 1):
        parameters[f"kernel{i}"], parameters[f"bias{i}"] = uniform(inputs + hidden, 4 * hidden), np.zeros(4 * hidden, F)
    parameters["kernel"], parameters["bias"] = uniform(hidden, size.vocabulary), np.zeros(size.vocabulary, F)
    state = {f"{what}{i}": np.zeros((size.batch, hidden), F) for i in (1, 2) for what in "ch"}
    return parameters, _texts(random, size), state


def _wide_and_deep(random: Random, size: SimpleNamespace) -> Made:
    columns, buckets, width = size.columns, size.buckets, size.embedding
    parameters: Arrays = {f"deep{i}": _normal(random, buckets, width, scale=0.05) for i in range(columns)}
    parameters |= {f"wide{i}": np.zeros((buckets, 1), F) for i in range(columns)}
    parameters |= {"wide_kernel": np.zeros((size.numeric, 1), F), "wide_bias": np.zeros(1, F)}
    parameters |= _dense(random, (columns * width + size.numeric, *size.widths, 1))
    batches = []
    for _ in range(size.batches):
        drawn = np.minimum(random.pareto(0.5, (size.batch, columns)) * 10, 1e15).astype(np.int64)
        ids = ((drawn * 2654435761 + 12345) % buckets).astype(np.int32)
        numeric = _normal(random, size.batch, size.numeric)
        labels = (numeric[:, :1] + 0.5 * random.standard_normal((size.batch, 1)) > 0).astype(F)
        batches.append({"ids": ids, "numeric": numeric, "y": labels})
    return parameters, batches, {}


def _transformer(random: Random, size: SimpleNamespace) -> Made:
    width, inner = size.width, size.inner

    def small(*shape: int) -> Any:
        return _normal(random, *shape, scale=0.02)

    def norm(name: str) -> Arrays:
        return {name + "scale": np.ones(width, F), name + "offset": np.zeros(width, F)}

    parameters = {"embedding": small(size.vocabulary, width), "positions": small(size.steps, width)}
    for i in range(size.layers):
        name = f"layer{i}_"
        parameters |= norm(name + "first_")
        parameters |= {name + "qkv_kernel": small(width, 3 * width), name + "qkv_bias": np.zeros(3 * width, F)}
        parameters |= {name + "out_kernel": small(width, width), name + "out_bias": np.zeros(width, F)}
        parameters |= norm(name + "second_")
        parameters |= {name + "up_kernel": small(width, inner), name + "up_bias": np.zeros(inner, F)}
        parameters |= {name + "down_kernel": small(inner, width), name + "down_bias": np.zeros(width, F)}
    parameters |= norm("last_")
    parameters["kernel"] = small(width, size.vocabulary)
    return parameters, _texts(random, size), {}


MODELS: dict[str, Callable[[Random, SimpleNamespace], Made]] = {
    "linear": _linear,
    "layers": _layers,
    "convolutional": _convolutional,
    "residual": _residual,
    "recurrent": _recurrent,
    "wide_and_deep": _wide_and_deep,
    "transformer": _transformer,
}

# Model, optimizer, learning rate and sizes.
TABLE: dict[str, tuple[str, str, float, dict[str, Any]]] = {
    "W1": ("linear", "sgd", 0.01, {"batch": 100}),
    "W2": ("layers", "sgd", 0.05, {"batch": 64, "widths": (1000, 100, 10), "zeros": False}),
    "W3": ("layers", "sgd", 0.1, {"batch": 100, "widths": (784, 10), "zeros": True}),
    "W4": ("layers", "adam", 1e-3, {"batch": 128, "widths": (784, 512, 512, 10), "zeros": False}),
    "W5": ("convolutional", "adam", 1e-3, {"batch": 64, "image": 28, "channels": (32, 64), "hidden": 1024}),
    "W6": (
        "residual",
        "momentum",
        0.01,
        {"batch": 32, "image": 32, "stages": (16, 32, 64), "momentum": 0.9, "decay": 0.9, "epsilon": 1e-3},
    ),
    "W7": (
        "recurrent",
        "sgd",
        0.5,
        {"batch": 20, "steps": 20, "vocabulary": 10000, "embedding": 200, "hidden": 200, "clip": 0.25},
    ),
    "W8": (
        "wide_and_deep",
        "adagrad and ftrl",
        0.05,
        {"batch": 512, "columns": 26, "buckets": 100_000, "embedding": 8, "numeric": 13, "widths": (64, 32)}
        | {"accumulator": 0.1, "wide_rate": 0.1, "l1": 1e-3, "l2": 1e-3},
    ),
    "W9": (
        "transformer",
        "adam",
        1e-3,
        {"batch": 16, "steps": 64, "vocabulary": 5000, "width": 128, "heads": 4, "layers": 2, "inner": 512},
    ),
}

# Sizes at which a step takes no time: for tests.
TINY: dict[str, dict[str, Any]] = {
    "W1": {"batch": 8},
    "W2": {"batch": 8, "widths": (12, 6, 3)},
    "W3": {"batch": 8, "widths": (12, 3)},
    "W4": {"batch": 8, "widths": (12, 6, 5, 3)},
    "W5": {"batch": 4, "image": 8, "channels": (2, 3), "hidden": 6},
    "W6": {"batch": 4, "image": 8, "stages": (4, 6, 8)},
    "W7": {"batch": 3, "steps": 4, "vocabulary": 20, "embedding": 5, "hidden": 6},
    "W8": {"batch": 6, "columns": 3, "buckets": 10, "embedding": 2, "numeric": 2, "widths": (5, 4)},
    "W9": {"batch": 2, "steps": 5, "vocabulary": 20, "width": 8, "heads": 2, "layers": 1, "inner": 12},
}


def get(name: str, **sizes: Any) -> Workload:
    """The workload of this name; `sizes` replace those of the table. `batches` is how many distinct batches there are."""
    model, optimizer, rate, usual = TABLE[name]
    size = SimpleNamespace(**({"batches": 32} | usual | sizes))
    parameters, batches, state = MODELS[model](np.random.default_rng(0), size)
    return Workload(name, model, optimizer, rate, size, parameters, batches, state)
