"""G1 to G7: models, sizes and how products are computed; ResNet-50 beside the models of benchmarks/steps."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np

sys.path.append(str(Path(__file__).resolve().parent.parent / "steps"))

import workloads  # beside this folder

F = np.float32


@dataclass(frozen=True)
class Program:
    """A row of the table: `precision` is "tf32" or "bfloat16"; `small` are sizes at which a step takes no time."""

    title: str
    model: str
    optimizer: str
    rate: float
    precision: str
    sizes: dict[str, Any]
    small: dict[str, Any]
    # No slower than the fastest peer is the goal everywhere; these many times PyTorch eager's speed is one more.
    eager_goal: float = 0.0


_WIDE = {"batch": 4096, "widths": (4096,) * 5, "zeros": False, "batches": 4}
_WIDE_SMALL = {"batch": 8, "widths": (8,) * 5}
# Blocks of each stage, and the outputs of its first two convolutions.
RESNET_50 = ((3, 64), (4, 128), (6, 256), (3, 512))

PROGRAMS: dict[str, Program] = {
    "G1": Program(
        "MLP 784-512-512-10, batch 128, Adam", "layers", "adam", 1e-3, "tf32",
        {"batch": 128, "widths": (784, 512, 512, 10), "zeros": False}, {"batch": 8, "widths": (12, 6, 5, 3)}, 1.5,
    ),
    "G2": Program("MLP of four 4096x4096, batch 4096, bf16", "layers", "sgd", 0.01, "bfloat16", _WIDE, _WIDE_SMALL),
    "G2-tf32": Program("the same in TF32", "layers", "sgd", 0.01, "tf32", _WIDE, _WIDE_SMALL),
    "G3": Program(
        "CNN 5x5x32, 5x5x64, 1024, batch 64, Adam", "convolutional", "adam", 1e-3, "tf32",
        {"batch": 64, "image": 28, "channels": (32, 64), "hidden": 1024},
        {"batch": 4, "image": 8, "channels": (2, 3), "hidden": 6}, 1.5,
    ),
    "G4": Program(
        "ResNet-50, 224x224, batch 64, bf16", "bottleneck", "momentum", 0.01, "bfloat16",
        {"batch": 64, "image": 224, "stages": RESNET_50, "classes": 1000, "batches": 2},
        {"batch": 2, "image": 32, "stages": ((1, 4), (2, 6)), "classes": 10},
    ),
    "G5": Program(
        "LSTM language model, hidden 1024", "recurrent", "sgd", 0.5, "tf32",
        {"batch": 20, "steps": 20, "vocabulary": 10000, "embedding": 200, "hidden": 1024, "clip": 0.25},
        {"batch": 3, "steps": 4, "vocabulary": 20, "embedding": 5, "hidden": 6},
    ),
    "G6": Program(
        "transformer, width 1024, 16 heads, 12 layers, 1024 tokens, batch 8, bf16", "transformer", "adam", 1e-4, "bfloat16",
        {"batch": 8, "steps": 1024, "vocabulary": 16000, "width": 1024, "heads": 16, "layers": 12, "inner": 4096, "batches": 4},
        {"batch": 2, "steps": 5, "vocabulary": 20, "width": 8, "heads": 2, "layers": 1, "inner": 12},
    ),
    "G7": Program(
        "wide and deep, 26 columns, 10 million rows, batch 512", "wide_and_deep", "adagrad and ftrl", 0.05, "tf32",
        {"batch": 512, "columns": 26, "buckets": 384_616, "embedding": 8, "numeric": 13, "widths": (64, 32), "batches": 8},
        {"batch": 6, "columns": 3, "buckets": 10, "embedding": 2, "numeric": 2, "widths": (5, 4)}, 1.5,
    ),
}  # fmt: skip
_ALWAYS: dict[str, dict[str, Any]] = {
    "momentum": {"momentum": 0.9, "decay": 0.9, "epsilon": 1e-3},
    "adagrad and ftrl": {"accumulator": 0.1, "wide_rate": 0.1, "l1": 1e-3, "l2": 1e-3},
}


def get(name: str, small: bool) -> workloads.Workload:
    """A program's sizes, starting values and batches."""
    program = PROGRAMS[name]
    sizes = {"batches": 16} | _ALWAYS.get(program.optimizer, {}) | program.sizes | (program.small if small else {})
    size = SimpleNamespace(**sizes)
    makers = workloads.MODELS | {"bottleneck": _bottleneck}
    parameters, batches, state = makers[program.model](np.random.default_rng(0), size)
    return workloads.Workload(name, program.model, program.optimizer, program.rate, size, parameters, batches, state)


def bottlenecks(size: SimpleNamespace) -> Iterator[tuple[str, int, int, int]]:
    """Name, input channels, inner channels and stride of each block, whose outputs are four times the inner ones."""
    inputs = size.stages[0][1]
    for stage, (blocks, inner) in enumerate(size.stages):
        for block in range(blocks):
            yield f"stage{stage}_{block}_", inputs, inner, 2 if stage and not block else 1
            inputs = 4 * inner


def _bottleneck(random: np.random.Generator, size: SimpleNamespace) -> Any:
    parameters: dict[str, Any] = {}
    state: dict[str, Any] = {}

    def convolution(name: str, width: int, inputs: int, outputs: int) -> None:
        scale = np.sqrt(2.0 / (width * width * inputs))
        parameters[name + "filter"] = (random.standard_normal((width, width, inputs, outputs)) * scale).astype(F)
        parameters[name + "scale"], parameters[name + "offset"] = np.ones(outputs, F), np.zeros(outputs, F)
        state[name + "mean"], state[name + "variance"] = np.zeros(outputs, F), np.ones(outputs, F)

    convolution("stem_", 7, 3, size.stages[0][1])
    outputs = 0
    for name, inputs, inner, stride in bottlenecks(size):
        outputs = 4 * inner
        convolution(name + "first_", 1, inputs, inner)
        convolution(name + "second_", 3, inner, inner)
        convolution(name + "third_", 1, inner, outputs)
        if stride != 1 or inputs != outputs:
            convolution(name + "short_", 1, inputs, outputs)
    kernel = random.standard_normal((outputs, size.classes)) * np.sqrt(1.0 / outputs)
    parameters |= {"kernel1": kernel.astype(F), "bias1": np.zeros(size.classes, F)}
    shape = (size.batch, size.image, size.image, 3)
    batches = [
        {"x": random.standard_normal(shape, F), "y": random.integers(0, size.classes, size.batch).astype(np.int32)}
        for _ in range(size.batches)
    ]
    return parameters, batches, state


def matrix_operations(name: str) -> float:
    """Floating-point operations of a step's matrix products, for those programs that are nothing else."""
    size = SimpleNamespace(**PROGRAMS[name].sizes)
    if PROGRAMS[name].model == "layers":
        first, *rest = [a * b for a, b in zip(size.widths, size.widths[1:], strict=False)]
        return float(size.batch * (4 * first + 6 * sum(rest)))
    if PROGRAMS[name].model == "transformer":
        tokens = size.batch * size.steps
        weights = size.layers * (4 * size.width**2 + 2 * size.width * size.inner) + size.width * size.vocabulary
        # Causal: half of the scores.
        scores = size.layers * 12 * size.steps * size.width / 2
        return float(tokens * (6 * weights + scores))
    return 0.0
