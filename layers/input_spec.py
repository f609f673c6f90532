"""What a layer asks of its input, and the errors for what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from ..engine.graph import Tensor
from ..engine.nest import flatten


@dataclass(frozen=True)
class InputSpec:
    """The rank (exact or least) and the sizes of some axes that a layer's input must have."""

    ndim: int | None = None
    min_ndim: int | None = None
    axes: dict[int, int] = field(default_factory=dict)


def check_input(spec: InputSpec | None, inputs: Any, layer: str) -> None:
    """Raises ValueError, naming the layer, for an input whose known shape does not fit."""
    if spec is None:
        return
    for tensor in flatten(inputs):
        if isinstance(tensor, Tensor) and tensor.sizes is not None:
            _check_tensor(spec, tensor, layer)


def _check_tensor(spec: InputSpec, tensor: Tensor, layer: str) -> None:
    sizes = tensor.sizes or ()
    problem = None
    if spec.ndim is not None and len(sizes) != spec.ndim:
        problem = f"expected ndim={spec.ndim}, found ndim={len(sizes)}"
    elif spec.min_ndim is not None and len(sizes) < spec.min_ndim:
        problem = f"expected min_ndim={spec.min_ndim}, found ndim={len(sizes)}"
    else:
        wrong = [(a, n) for a, n in spec.axes.items() if sizes[a] not in (None, n)]
        problem = f"expected axis {wrong[0][0]} to have size {wrong[0][1]}" if wrong else None
    if problem is not None:
        raise ValueError(
            f"Input {tensor.name!r} of layer {layer!r} is incompatible with the layer: {problem}. "
            f"Full shape received: {list(sizes)}"
        )
