"""Collective operations: every rank runs them, in the same order, and gets something made of what all have.

CollectiveReduce, CollectiveGather and the broadcast pair are TensorFlow's. What gradients leave by are pairs of our own: a
start, which a step runs as soon as its inputs are there, and a wait, which it runs as late as it can.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..communicator import Communicator, needed
from ..dtypes import FLOATING, INDEX, DType
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, like_first, no_outputs, scalar_shape
from ..local_sums import LocalSum
from ..registry import op
from ..samples import Failure, Sample
from ..shapes import TensorShape

_NUMBERS: dict[str, Any] = {"stateful": True, "blocking": True}


def communicator_of(context: Any) -> Communicator:
    """The ranks that a step runs together with: those of its session, or all of the job."""
    found: Communicator = context.runtime.extras.get("communicator") or needed(context.name)
    return found


def _check_group(context: Any, group_size: int) -> Communicator:
    ranks = communicator_of(context)
    if group_size != ranks.size:
        raise InvalidArgumentError(
            None, None, f"{context.name} is for a group of {group_size} ranks, but there are {ranks.size}"
        )
    return ranks


# TensorFlow's


@op("CollectiveReduce", "input: T", "data: T", shape=like_first, **_NUMBERS)
def collective_reduce_op(
    input: Any,
    *,
    group_size: int,
    group_key: int,
    instance_key: int,
    merge_op: str,
    final_op: str,
    subdiv_offsets: list[int],
    wait_for: list[int] | None = None,
    communication_hint: str = "auto",
    name: str | None = None,
) -> Tensor:
    """The sum (Add; or Min, Max, Mul) over ranks, with final_op "Div" divided by their number; equal bits on all."""


@collective_reduce_op.state
def collective_reduce_state(
    context: Any, x: Any, *, group_size: int, merge_op: str, final_op: str, instance_key: int, **_: Any
) -> Any:
    ranks = _check_group(context, group_size)
    if merge_op not in ("Add", "Min", "Max", "Mul") or final_op not in ("Id", "Div"):
        raise InvalidArgumentError(
            None, None, f"{context.name}: unknown merge_op {merge_op!r} or final_op {final_op!r}"
        )
    found = ranks.all_reduce(f"{context.name} ({instance_key})", np.asarray(x), merge_op)
    return found / np.asarray(group_size, found.dtype) if final_op == "Div" else found


@collective_reduce_op.gradient
def collective_reduce_gradient(op: Operation, dy: Any) -> list[Any]:
    attrs = op.attrs
    if attrs["merge_op"] != "Add":
        raise LookupError(f"{op.name} has no gradient: only sums over ranks have one")
    names = ("group_size", "group_key", "instance_key", "merge_op", "final_op", "subdiv_offsets")
    return [collective_reduce_op(dy, **{name: attrs[name] for name in names})]


@collective_reduce_op.samples
def collective_reduce_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(2, 3))
    return [
        Sample((x,), _attrs(merge_op="Add", final_op="Div")),
        Sample((x,), _attrs(merge_op="Max", final_op="Id"), False),
    ]


def _attrs(**attrs: Any) -> dict[str, Any]:
    return {"group_size": 1, "group_key": 1, "instance_key": 1, "subdiv_offsets": [0], **attrs}


@collective_reduce_op.failing
def collective_reduce_failing(rng: np.random.Generator) -> list[Failure]:
    attrs = {**_attrs(merge_op="Add", final_op="Id"), "group_size": 7}
    return [Failure((np.ones(2),), InvalidArgumentError, "group of 7 ranks, but there are 1", attrs, at_run=True)]


@op("CollectiveGather", "input: T", "data: T", **_NUMBERS)
def collective_gather_op(
    input: Any,
    *,
    group_size: int,
    group_key: int,
    instance_key: int,
    shape: TensorShape,
    communication_hint: str = "auto",
    name: str | None = None,
) -> Tensor:
    """The rows of all ranks, one rank's after another's; ranks may have different numbers of them."""


@collective_gather_op.shape
def collective_gather_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.sizes[0]
    return [None if sizes is None else (None, *sizes[1:])]


@collective_gather_op.state
def collective_gather_state(context: Any, x: Any, *, group_size: int, instance_key: int, **_: Any) -> Any:
    ranks = _check_group(context, group_size)
    found = ranks.all_gather(f"{context.name} ({instance_key})", np.asarray(x))
    return np.concatenate([np.atleast_1d(rows) for rows in found])


@collective_gather_op.samples
def collective_gather_samples(rng: np.random.Generator) -> list[Sample]:
    attrs = {"group_size": 1, "group_key": 1, "instance_key": 1, "shape": [2, 3]}
    return [Sample((rng.normal(size=(2, 3)),), attrs, False)]


collective_gather_op.not_differentiable = True


@op("CollectiveBcastSend", "input: T", "data: T", shape=like_first, **_NUMBERS)
def collective_bcast_send_op(
    input: Any,
    *,
    group_size: int,
    group_key: int,
    instance_key: int,
    shape: TensorShape,
    communication_hint: str = "auto",
    name: str | None = None,
) -> Tensor:
    """Gives a value to all ranks, which have CollectiveBcastRecv; the sender must be rank 0."""


@collective_bcast_send_op.state
def collective_bcast_send_state(
    context: Any, x: Any, *, group_size: int, group_key: int, instance_key: int, **_: Any
) -> Any:
    ranks = _check_group(context, group_size)
    if ranks.rank != 0:
        raise InvalidArgumentError(None, None, f"{context.name} runs on rank {ranks.rank}: only rank 0 sends")
    return ranks.broadcast(f"group {group_key} instance {instance_key}", np.array(x))


@collective_bcast_send_op.samples
def collective_bcast_send_samples(rng: np.random.Generator) -> list[Sample]:
    attrs = {"group_size": 1, "group_key": 1, "instance_key": 1, "shape": [2, 3]}
    return [Sample((rng.normal(size=(2, 3)),), attrs, False)]


collective_bcast_send_op.not_differentiable = True


@op("CollectiveBcastRecv", "", "data: T", **_NUMBERS)
def collective_bcast_recv_op(
    *,
    T: DType,
    group_size: int,
    group_key: int,
    instance_key: int,
    shape: TensorShape,
    communication_hint: str = "auto",
    name: str | None = None,
) -> Tensor:
    """The value that rank 0 gives by CollectiveBcastSend."""


@collective_bcast_recv_op.shape
def collective_bcast_recv_shape(context: InferenceContext) -> list[Sizes]:
    return [context["shape"].sizes]


@collective_bcast_recv_op.state
def collective_bcast_recv_state(
    context: Any, *, T: DType, shape: TensorShape, group_size: int, group_key: int, instance_key: int, **_: Any
) -> Any:
    ranks = _check_group(context, group_size)
    found = np.zeros([int(size or 0) for size in shape.as_list()], T.numpy)
    return ranks.broadcast(f"group {group_key} instance {instance_key}", found)


@collective_bcast_recv_op.samples
def collective_bcast_recv_samples(rng: np.random.Generator) -> list[Sample]:
    attrs = {"T": np.float32, "group_size": 1, "group_key": 1, "instance_key": 1, "shape": [2]}
    return [Sample((), attrs, False)]


# Buckets of gradients


@op("CollectiveShare", outputs="share: double", shape=scalar_shape, stateful=True, early=True)
def collective_share_op(*, name: str | None = None) -> Tensor:
    """How much of the step's examples this rank has, from 0 to 1."""


@collective_share_op.state
def collective_share_state(context: Any) -> Any:
    return np.float64(communicator_of(context).share)


@collective_share_op.samples
def collective_share_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((), {}, False)]


@op("CollectiveCollect", "values: N * T, share: double", shape=no_outputs, stateful=True, early=True, T=FLOATING)
def collective_collect_op(values: Any, share: Any, *, bucket: str, name: str | None = None) -> Operation:
    """Adds values times `share` to what this rank has collected for a bucket, until a start takes it."""


@collective_collect_op.state
def collective_collect_state(context: Any, values: Sequence[Any], share: Any, *, bucket: str) -> Any:
    _collected(context, bucket).add([np.asarray(v) for v in values], float(share))
    return []


@collective_collect_op.samples
def collective_collect_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample(([rng.normal(size=2)], 1.0), {"bucket": "collected"}, False)]


@op("CollectiveStart", "values: N * T, share: double", "sums: N * T", stateful=True, early=True, T=FLOATING)
def collective_start_op(
    values: Any, share: Any, *, bucket: str, label: str, wire: str = "", collects: bool = False, name: str | None = None
) -> list[Tensor]:
    """Starts to add up values times `share` over all ranks. The sums are there once CollectiveWait has run.

    With `collects` what CollectiveCollect gathered for the bucket is added too. `label` says what it is, `wire` the
    dtype of what is sent ("float16", "bfloat16", or "" for the values' own).
    """


@collective_start_op.shape
def collective_start_shape(context: InferenceContext) -> list[Sizes]:
    return list(context.sizes[:-1])


@collective_start_op.state
def collective_start_state(
    context: Any, values: Sequence[Any], share: Any, *, bucket: str, label: str, wire: str, collects: bool
) -> Any:
    # Where memory is not planned the sums are there at once.
    inputs = [np.asarray(v, order="C") for v in values]
    outputs = [np.empty_like(v) for v in inputs]
    call = collective_start_bound(
        context, [*inputs, np.asarray(share)], outputs, bucket=bucket, label=label, wire=wire, collects=collects
    )
    call()
    _started(context).pop(_key(outputs), lambda: None)()
    return outputs


@collective_start_op.bound
def collective_start_bound(
    context: Any, inputs: Sequence[Any], outputs: Sequence[Any], *, bucket: str, label: str, wire: str, collects: bool
) -> Callable[[], None]:
    *values, share = inputs
    given = [v if v.flags.c_contiguous and not collects else np.empty(v.shape, v.dtype) for v in values]
    copies = [(own, v) for own, v in zip(given, values, strict=True) if own is not v]
    bound = communicator_of(context).bucket(label, given, outputs, wire)
    started, key = _started(context), _key(outputs)

    def start() -> None:
        scale = float(share)
        if collects:
            _collected(context, bucket).take([np.asarray(v) for v in values], scale, given)
            scale = 1.0
        else:
            for own, value in copies:
                np.copyto(own, value)
        started[key] = bound.wait
        bound.start(scale)

    return start


@collective_start_op.samples
def collective_start_samples(rng: np.random.Generator) -> list[Sample]:
    attrs = {"bucket": "b", "label": "x, y"}
    return [Sample(([rng.normal(size=(2, 3)), rng.normal(size=4)], 0.5), attrs, False)]


@op("CollectiveWait", "values: N * T, sums: N * T", shape=no_outputs, T=FLOATING, **_NUMBERS)
def collective_wait_op(values: Any, sums: Any, *, name: str | None = None) -> Operation:
    """Waits for the sums of a CollectiveStart. It takes its values too: they are read until then."""


@collective_wait_op.state
def collective_wait_state(context: Any, values: Sequence[Any], sums: Sequence[Any]) -> Any:
    return []


@collective_wait_op.bound
def collective_wait_bound(context: Any, inputs: Sequence[Any], outputs: Sequence[Any]) -> Callable[[], None]:
    started, key = _started(context), _key(inputs[len(inputs) // 2 :])

    def wait() -> None:
        found = started.pop(key, None)
        if found is not None:
            found()

    return wait


@collective_wait_op.samples
def collective_wait_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=3)
    return [Sample(([x], [x]), {}, False)]


def _started(context: Any) -> dict[int, Callable[[], None]]:
    """What is under way, by the address of its sums."""
    found: dict[int, Callable[[], None]] = context.runtime.extras.setdefault("collectives started", {})
    return found


def _key(arrays: Sequence[Any]) -> int:
    return next((a.__array_interface__["data"][0] for a in arrays if a.size), 0)


def _collected(context: Any, bucket: str) -> LocalSum:
    return context.resources.object("", f"collected/{bucket}", LocalSum)  # type: ignore[no-any-return]


# Gradients of rows


@op(
    "CollectiveRows", "values: T, indices: Tindices, share: double", "all_values: T, all_indices: Tindices",
    T=FLOATING, Tindices=INDEX, **_NUMBERS,
)  # fmt: skip
def collective_rows_op(values: Any, indices: Any, share: Any, *, label: str, name: str | None = None) -> Any:
    """The rows of a gradient of all ranks, each times its rank's share, and their indices, in the order of ranks."""


@collective_rows_op.shape
def collective_rows_shape(context: InferenceContext) -> list[Sizes]:
    sizes = context.sizes[0]
    return [None if sizes is None else (None, *sizes[1:]), (None,)]


@collective_rows_op.state
def collective_rows_state(context: Any, values: Any, indices: Any, share: Any, *, label: str) -> Any:
    ranks = communicator_of(context)
    scale = float(share)
    values, indices = np.asarray(values), np.asarray(indices)
    if scale == 0:
        values, indices = values[:0], indices[:0]
    elif scale != 1:
        values = values * np.asarray(scale, values.dtype)
    found = ranks.all_gather(f"rows of {label}", values)
    places = ranks.all_gather(f"indices of {label}", indices)
    return np.concatenate(found), np.concatenate(places)


@collective_rows_op.samples
def collective_rows_samples(rng: np.random.Generator) -> list[Sample]:
    values, indices = rng.normal(size=(2, 3)), np.array([4, 1], np.int32)
    return [Sample((values, indices, np.float64(0.5)), {"label": "table"}, False)]


for _definition in (
    collective_share_op,
    collective_collect_op,
    collective_start_op,
    collective_wait_op,
    collective_rows_op,
):
    _definition.not_differentiable = True
