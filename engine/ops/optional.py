"""Optional values as ops: a handle that holds some tensors, or none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from ..dtypes import DType
from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext, scalar_shape
from ..registry import op
from ..samples import Sample
from ..shapes import TensorShape


@dataclass(frozen=True)
class Optional:
    """The value of an optional's handle: its components, None where there are none."""

    components: tuple[Any, ...] | None


@op("OptionalNone", outputs="optional: variant", shape=scalar_shape, foldable=False)
def optional_none_op(*, name: str | None = None) -> Tensor:
    """An optional that holds nothing."""


@optional_none_op.kernel
def optional_none_kernel(xp: Any) -> Any:
    return Optional(None)


@op(
    "OptionalFromValue", "components: Toutput_types", "optional: variant", shape=scalar_shape, foldable=False,
    lists=("Toutput_types",),
)  # fmt: skip
def optional_from_value_op(components: Any, *, name: str | None = None) -> Tensor:
    """An optional that holds the components."""


@optional_from_value_op.kernel
def optional_from_value_kernel(xp: Any, components: Any) -> Any:
    # The components may lie in memory that is used again.
    return Optional(tuple(np.array(c) if isinstance(c, np.ndarray) else c for c in components))


@op("OptionalHasValue", "optional: variant", "has_value: bool", shape=scalar_shape, foldable=False)
def optional_has_value_op(optional: Any, *, name: str | None = None) -> Tensor:
    """Whether an optional holds something."""


@optional_has_value_op.kernel
def optional_has_value_kernel(xp: Any, optional: Any) -> Any:
    return np.array(_checked(optional).components is not None)


@op("OptionalGetValue", "optional: variant", "components: output_types", foldable=False)
def optional_get_value_op(
    optional: Any, *, output_types: list[DType], output_shapes: list[TensorShape], name: str | None = None
) -> list[Tensor]:
    """The components; InvalidArgumentError if the optional holds nothing or holds other ones."""


@optional_get_value_op.shape
def optional_get_value_shape(context: InferenceContext) -> list[Sizes]:
    return [shape.sizes for shape in context["output_shapes"]]


@optional_get_value_op.kernel
def optional_get_value_kernel(
    xp: Any, optional: Any, *, output_types: list[DType], output_shapes: list[TensorShape]
) -> Any:
    components = _checked(optional).components
    if components is None:
        raise InvalidArgumentError(None, None, "The given optional does not have a value.")
    found = [np.asarray(c).dtype for c in components]
    if found != [d.numpy for d in output_types]:
        raise InvalidArgumentError(None, None, f"The optional holds {found}, expected {[d.name for d in output_types]}")
    return list(components)


def _checked(value: Any) -> Optional:
    if not isinstance(value, Optional):
        raise InvalidArgumentError(None, None, f"Expected the handle of an optional, got {type(value).__name__}")
    return value


@optional_none_op.samples
def optional_none_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(())]


@optional_from_value_op.samples
def optional_from_value_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(([np.float32(2), np.array(1)],), differentiable=False)]


@optional_has_value_op.samples
def optional_has_value_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((lambda: optional_from_value_op([np.float32(1)]),)), Sample((lambda: optional_none_op(),))]


@optional_get_value_op.samples
def optional_get_value_samples(rng: np.random.Generator) -> list[Sample]:
    attrs = {"output_types": [np.float32, np.int64], "output_shapes": [[2], []]}
    return [Sample((lambda: optional_from_value_op([np.ones(2, np.float32), np.int64(3)]),), attrs)]


for _definition in (optional_none_op, optional_from_value_op, optional_has_value_op, optional_get_value_op):
    _definition.not_differentiable = True
