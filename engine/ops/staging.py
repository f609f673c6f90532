"""Ops on staging areas, which they find by name. The class over them is in engine/staging.py."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..dtypes import DType, int32
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..queues.staging import StagingArea
from ..registry import op
from ..samples import Sample


def _area(context: Any) -> StagingArea:
    attrs = context.attrs
    name = attrs.get("shared_name") or context.name
    capacity, limit = attrs.get("capacity") or 0, attrs.get("memory_limit") or 0
    area: StagingArea = context.resources.object(
        attrs.get("container") or "", "staging/" + name, lambda: StagingArea(capacity, limit)
    )
    return area


def _checked(values: list[Any], dtypes: list[DType]) -> list[Any]:
    found = [v.dtype for v in values]
    if found != [d.numpy for d in dtypes]:
        text = f"The staged tensors are {[str(d) for d in found]}, but {[d.name for d in dtypes]} were asked for"
        raise InvalidArgumentError(None, None, text)
    return values


@op("Stage", "values: dtypes", shape=no_outputs, stateful=True, blocking=True, lists=("dtypes",))
def stage_op(
    values: Any,
    *,
    capacity: int = 0,
    memory_limit: int = 0,
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> Operation:
    """Puts tensors into a staging area; waits while it is full."""


@stage_op.state
def stage_state(context: Any, values: Any, **_: Any) -> None:
    _area(context).put(values, context.cancellation)


@op("Unstage", outputs="values: dtypes", stateful=True, blocking=True)
def unstage_op(
    *,
    capacity: int = 0,
    memory_limit: int = 0,
    dtypes: list[DType],
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> list[Tensor]:
    """Takes the oldest tensors out of a staging area; waits while there are none."""


@unstage_op.state
def unstage_state(context: Any, *, dtypes: list[DType], **_: Any) -> Any:
    return _checked(_area(context).get(context.cancellation), dtypes)


@op("StagePeek", "index: int32", "values: dtypes", stateful=True, blocking=True)
def stage_peek_op(
    index: Any,
    *,
    capacity: int = 0,
    memory_limit: int = 0,
    dtypes: list[DType],
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> list[Tensor]:
    """The tensors at a place of a staging area, which stay there; waits while there are none."""


@stage_peek_op.state
def stage_peek_state(context: Any, index: Any, *, dtypes: list[DType], **_: Any) -> Any:
    return _checked(_area(context).peek(int(index), context.cancellation), dtypes)


@unstage_op.shape
@stage_peek_op.shape
def unstage_shape(context: InferenceContext) -> list[Sizes]:
    return [None] * len(context["dtypes"])


@op("StageSize", outputs="size: int32", shape=scalar_shape, stateful=True)
def stage_size_op(
    *,
    capacity: int = 0,
    memory_limit: int = 0,
    dtypes: list[DType],
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> Tensor:
    """How many tuples of tensors a staging area holds."""


@stage_size_op.state
def stage_size_state(context: Any, **_: Any) -> Any:
    return np.array(_area(context).size(), np.int32)


@op("StageClear", shape=no_outputs, stateful=True)
def stage_clear_op(
    *,
    capacity: int = 0,
    memory_limit: int = 0,
    dtypes: list[DType],
    container: str = "",
    shared_name: str = "",
    name: str | None = None,
) -> Operation:
    """Forgets what a staging area holds."""


@stage_clear_op.state
def stage_clear_state(context: Any, **_: Any) -> None:
    _area(context).clear()


for _definition in (stage_size_op, stage_clear_op):
    _definition.samples(lambda rng: [Sample((), {"dtypes": [int32]})])
