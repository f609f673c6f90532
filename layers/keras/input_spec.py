"""`keras.InputSpec`: what a layer asks of its inputs, and the errors for what does not fit."""

from __future__ import annotations

from typing import Any

from ...engine.dtypes import as_dtype
from ...engine.graph import Tensor
from ...engine.nest import flatten
from ...engine.shapes import TensorShape


class InputSpec:
    """The dtype, rank and sizes that an input must have; None leaves a thing open.

    Args:
        dtype: of the input.
        shape: all sizes, None for any.
        ndim, max_ndim, min_ndim: the exact, largest and least rank.
        axes: sizes by axis.
        allow_last_axis_squeeze: whether a last axis of size 1 may be missing.
        name: of the input, where inputs come in a dict.
        optional: whether the input may be None.
    """

    def __init__(
        self,
        dtype: Any = None,
        shape: Any = None,
        ndim: int | None = None,
        max_ndim: int | None = None,
        min_ndim: int | None = None,
        axes: dict[int, int | None] | None = None,
        allow_last_axis_squeeze: bool = False,
        name: str | None = None,
        optional: bool = False,
    ) -> None:
        self.dtype = None if dtype is None else as_dtype(dtype).name
        self.shape = None if shape is None else tuple(TensorShape(shape).as_list())
        self.ndim = len(self.shape) if self.shape is not None else ndim
        self.max_ndim, self.min_ndim = max_ndim, min_ndim
        self.axes = {int(axis): size for axis, size in (axes or {}).items()}
        self.allow_last_axis_squeeze, self.name, self.optional = allow_last_axis_squeeze, name, optional

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        names = ("dtype", "shape", "ndim", "max_ndim", "min_ndim", "axes")
        return {name: getattr(self, name) for name in names}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> InputSpec:
        """The specification that `get_config` described."""
        return cls(**config)

    def __repr__(self) -> str:
        parts = [f"{name}={value}" for name, value in self.get_config().items() if value]
        return f"InputSpec({', '.join(parts)})"


def check_inputs(specs: Any, inputs: Any, layer: str) -> None:
    """Raises ValueError, naming the layer, for inputs whose known dtype, rank or sizes do not fit.

    Args:
        specs: an InputSpec, a nested structure of them (None for no demand), or None.
        inputs: nested structure of tensors.
        layer: the layer's name.
    """
    if specs is None:
        return
    given, wanted = flatten(inputs), flatten(specs)
    if len(given) != len(wanted):
        raise ValueError(f'Layer "{layer}" expects {len(wanted)} input(s), but it received {len(given)}: {inputs}')
    for i, (spec, tensor) in enumerate(zip(wanted, given, strict=True)):
        if spec is not None and isinstance(tensor, Tensor) and tensor.sizes is not None:
            problem = _problem(spec, tensor, list(tensor.sizes))
            if problem:
                raise ValueError(
                    f'Input {i} of layer "{layer}" is incompatible with the layer: {problem}. '
                    f"Full shape received: {tuple(tensor.sizes)}"
                )


def _problem(spec: Any, tensor: Tensor, sizes: list[int | None]) -> str | None:
    rank = len(sizes)
    for what, wanted, fits in (
        ("ndim", spec.ndim, rank == spec.ndim or (spec.allow_last_axis_squeeze and abs(rank - (spec.ndim or 0)) == 1)),
        ("max_ndim", getattr(spec, "max_ndim", None), rank <= (getattr(spec, "max_ndim", None) or rank)),
        ("min_ndim", spec.min_ndim, rank >= (spec.min_ndim or 0)),
    ):
        if wanted is not None and not fits:
            return f"expected {what}={wanted}, found ndim={rank}"
    if spec.dtype is not None and tensor.dtype.base_dtype.name != spec.dtype:
        return f"expected dtype={spec.dtype}, found dtype={tensor.dtype.name}"
    axes = dict(spec.axes) if spec.shape is None else dict(enumerate(spec.shape))
    for axis, size in axes.items():
        if size is not None and -rank <= axis < rank and sizes[axis] not in (None, size):
            return f"expected axis {axis} of input shape to have value {size}, but received {sizes[axis]}"
    return None
