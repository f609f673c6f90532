"""Data-parallel training: whether there are ranks to train with, which part of a batch is whose, and the graph's gradients."""

from __future__ import annotations

import json
import os
import threading
import weakref
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..communicator import Communicator, current, known, needed
from ..dtypes import as_dtype
from ..errors import FailedPreconditionError
from ..graph import Graph, Operation, Tensor, get_default_graph
from ..ops.collective import (
    collective_collect_op,
    collective_rows_op,
    collective_share_op,
    collective_start_op,
    collective_wait_op,
)
from ..ops.grouping import value_after
from ..tensor_types import IndexedSlices

WIRES = {
    None: "",
    "": "",
    "none": "",
    "float16": "float16",
    "fp16": "float16",
    "bfloat16": "bfloat16",
    "bf16": "bfloat16",
}
_REDUCING = frozenset({"CollectiveStart", "CollectiveRows"})


def wire_of(compression: Any) -> str:
    """The dtype that gradients are sent as, "" for their own.

    Raises:
        ValueError: there is no such compression.
    """
    name = compression.lower() if isinstance(compression, str) else getattr(compression, "name", compression)
    if not isinstance(name, str | None) or name not in WIRES:
        raise ValueError(f"compression must be None, 'float16' or 'bfloat16', got {compression!r}")
    return WIRES[name]


@dataclass(frozen=True)
class Replication:
    """How the gradients of a graph are made one.

    Args:
        compression: "float16" or "bfloat16" for what is sent of float32, None for as it is.
        bucket_bytes: gradients leave together in pieces of about so many bytes.
        collects: whether steps come in several passes, of which the last but one only collect (`collect_ops`).
    """

    compression: str | None = None
    bucket_bytes: int = 4 << 20
    collects: bool = False


@dataclass(frozen=True)
class DataParallel:
    """The ranks that train one model together.

    Attributes:
        ranks: their communicator.
        passes: 0, or the number of parts of each batch whose gradients are added in one order, whoever computes them.
        sharded_input: whether the input functions and data sets of the ranks give different examples already.
        compression, bucket_bytes: as for Replication.
        checks_input: whether it is an error that ranks give different batches.
    """

    ranks: Communicator
    passes: int = 0
    sharded_input: bool = False
    compression: str | None = None
    bucket_bytes: int = 4 << 20
    checks_input: bool = False

    def __post_init__(self) -> None:
        if self.passes % self.ranks.size or (self.passes and self.ranks.size & (self.ranks.size - 1)):
            raise ValueError(
                f"Deterministic training cuts each batch into {self.passes} parts: the number of ranks must be a power of "
                f"two that divides it, got {self.ranks.size}"
            )

    @property
    def is_chief(self) -> bool:
        """Whether this rank saves and shows for all."""
        return self.ranks.rank == 0

    @property
    def replication(self) -> Replication:
        """How gradients are made one."""
        return Replication(self.compression, self.bucket_bytes, self.passes > 0)

    def own_parts(self, rows: int) -> list[slice]:
        """Which rows of a batch of all ranks are this one's, in the parts that are computed one after the other."""
        size, rank = self.ranks.size, self.ranks.rank
        parts = self.passes or size
        each = parts // size
        return [slice(rows * i // parts, rows * (i + 1) // parts) for i in range(rank * each, (rank + 1) * each)]


_local = threading.local()


@contextmanager
def alone() -> Iterator[None]:
    """What this thread trains or evaluates inside is its own affair: the other ranks take no part."""
    before, ranks = getattr(_local, "alone", False), known()
    _local.alone = True
    if ranks is not None:
        ranks.set_busy(True)
    try:
        yield
    finally:
        _local.alone = before
        if ranks is not None and not before:
            ranks.set_busy(False)


_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False, "": False}


def _flag(name: str) -> bool:
    text = os.environ.get(name, "")
    if text.lower() not in _FLAGS:
        raise ValueError(f"{name} must be 1, true, yes, 0, false or no, got {text!r}")
    return _FLAGS[text.lower()]


def _count(name: str, default: int) -> int:
    text = os.environ.get(name) or str(default)
    if not text.isdecimal() or int(text) < 1:
        raise ValueError(f"{name} must be a positive whole number, got {text!r}")
    return int(text)


def _passes() -> int:
    count = _count("HEADRACE_PARTS", 8)
    if count & (count - 1):
        raise ValueError(f"HEADRACE_PARTS must be a power of two, got {count}")
    return count if _flag("HEADRACE_DETERMINISTIC") else 0


def _compression() -> str | None:
    name = os.environ.get("HEADRACE_COMPRESSION")
    if name is not None and name.lower() not in WIRES:
        raise ValueError(f"HEADRACE_COMPRESSION must be float16, bfloat16 or none, got {name!r}")
    return name


def is_sharded_input() -> bool:
    """Whether HEADRACE_SHARDED_INPUT says that the input of each process is its own share of the examples.

    Raises:
        ValueError: it is no flag.
    """
    return _flag("HEADRACE_SHARDED_INPUT")


def data_parallel() -> DataParallel | None:
    """The ranks to train with; None where a process trains by itself in the usual way.

    HEADRACE_DETERMINISTIC=1 trains in parts (HEADRACE_PARTS, 8 by default) on one rank too. HEADRACE_COMPRESSION,
    HEADRACE_BUCKET_BYTES and HEADRACE_SHARDED_INPUT=1 set the rest. With a TF_CONFIG the roles in it decide.

    Raises:
        ValueError: the number of ranks is not one for deterministic training, or a variable is not as it must be.
    """
    if getattr(_local, "alone", False) or "TF_CONFIG" in os.environ:
        return None
    ranks, passes = current(), _passes()
    if ranks is None and not passes:
        return None
    return DataParallel(
        ranks or needed("training"),
        passes,
        is_sharded_input(),
        _compression(),
        _count("HEADRACE_BUCKET_BYTES", 4 << 20),
        "HEADRACE_SHARDED_INPUT" not in os.environ,
    )


def check_no_servers(what: str) -> None:
    """Raises FailedPreconditionError where a TF_CONFIG gives this job tasks that `what` knows nothing of."""
    if getattr(_local, "alone", False) or "TF_CONFIG" not in os.environ:
        return
    tasks = json.loads(os.environ["TF_CONFIG"] or "{}").get("cluster") or {}
    count = sum(len(addresses) for addresses in tasks.values())
    if count > 1:
        raise FailedPreconditionError(
            None,
            None,
            f"{what} would train on each of the {count} tasks of TF_CONFIG by itself: parameter servers train estimators. "
            "Make the model one (tf.keras.estimator.model_to_estimator, then tf.estimator.train_and_evaluate); or start "
            "without TF_CONFIG and without --ps, and all ranks train it together; or call it inside "
            "`with tf.cluster.alone():`",
        )


def is_chief() -> bool:
    """Whether this process shows and saves for all that train with it."""
    parallel = data_parallel()
    return parallel is None or parallel.is_chief


@dataclass
class _Replicated:
    replication: Replication
    share: Tensor | None = None
    collect: list[Operation] = field(default_factory=list)


_graphs: weakref.WeakKeyDictionary[Graph, _Replicated] = weakref.WeakKeyDictionary()


def replicate(graph: Graph, replication: Replication, share: Tensor | None = None) -> None:
    """From now on gradients that optimizers take in a graph are those of all ranks.

    `share` is this rank's of the examples of a step, by default that of its communicator.
    """
    if graph not in _graphs:
        _graphs[graph] = _Replicated(replication, share)


def collect_ops(graph: Graph) -> list[Operation]:
    """The operations of a graph that collect gradients for the pass that ends a step."""
    found = _graphs.get(graph)
    return [] if found is None else list(found.collect)


def replicated(grads: Sequence[Any], variables: Sequence[Any]) -> list[Any]:
    """The gradients of all ranks, if the default graph is replicated and they are not that already."""
    found = _graphs.get(get_default_graph().outermost())
    if found is None or are_of_all_ranks(grads):
        return list(grads)
    return averaged(grads, variables, found.replication, found.share, found.collect)


def are_of_all_ranks(grads: Sequence[Any]) -> bool:
    """Whether gradients were made of sums over ranks."""
    stack = [t.op for g in grads if g is not None for t in ([g.values] if isinstance(g, IndexedSlices) else [g])]
    seen = set(stack)
    while stack:
        op = stack.pop()
        if op.type in _REDUCING:
            return True
        for tensor in op.inputs:
            if tensor.op not in seen:
                seen.add(tensor.op)
                stack.append(tensor.op)
    return False


def averaged(
    grads: Sequence[Any],
    variables: Sequence[Any],
    replication: Replication,
    share: Tensor | None = None,
    collect: list[Operation] | None = None,
) -> list[Any]:
    """The sums over ranks of gradients times each rank's share of the examples.

    Dense ones leave in buckets, in the order in which they are computed. Of IndexedSlices the rows of all ranks are put
    one after another; where steps have several passes they are made dense.

    Args:
        grads: tensors, IndexedSlices or None.
        variables: whose they are: their names are said when ranks disagree.
        replication: how.
        share: this rank's share, by default that of its communicator.
        collect: gets the operations that only collect.
    """
    graph = get_default_graph()
    with graph.name_scope("all_ranks"):
        share = collective_share_op() if share is None else share
        if replication.collects:
            from ..conversion import convert_to_tensor

            grads = [convert_to_tensor(g) if isinstance(g, IndexedSlices) else g for g in grads]
        results = list(grads)
        dense = [i for i, g in enumerate(grads) if isinstance(g, Tensor)]
        last = _in_buckets(dense, results, variables, replication, share, collect)
        for i, gradient in enumerate(grads):
            if isinstance(gradient, IndexedSlices):
                # In one order on all ranks.
                with graph.control_dependencies(last):
                    results[i] = _rows(gradient, _name(variables[i]), share)
                last = [results[i].values.op]
    return results


def _rows(gradient: IndexedSlices, label: str, share: Tensor) -> IndexedSlices:
    values, indices = collective_rows_op(gradient.values, gradient.indices, share, label=label)
    return IndexedSlices(values, indices, gradient.dense_shape)


def _in_buckets(
    dense: list[int], results: list[Any], variables: Sequence[Any], replication: Replication, share: Tensor,
    collect: list[Operation] | None,
) -> list[Operation]:  # fmt: skip
    """Puts sums in place of dense gradients; returns what starts the last bucket."""
    graph, last, waits = get_default_graph(), list[Operation](), []
    # Operations are numbered as they were made: the backward pass comes to them in this order.
    dense = sorted(dense, key=lambda i: results[i].op.order)
    for number, chosen in enumerate(_buckets(dense, results, variables, replication.bucket_bytes)):
        values = [results[i] for i in chosen]
        label = ", ".join(_name(variables[i]) for i in chosen)
        name = graph.unique_name(f"bucket_{number}", mark_as_used=False)
        with graph.control_dependencies(last):
            sums = collective_start_op(
                values, share, bucket=name, label=label, wire=wire_of(replication.compression),
                collects=replication.collects,
            )  # fmt: skip
        if replication.collects and collect is not None:
            collect.append(collective_collect_op(values, share, bucket=name))
        last = [sums[0].op]
        waits.append((chosen, values, sums))
    for chosen, values, sums in waits:
        done = collective_wait_op(values, sums)
        for i, total in zip(chosen, sums, strict=True):
            results[i] = value_after([done], total)
    return last


def _buckets(dense: list[int], grads: Sequence[Any], variables: Sequence[Any], most: int) -> Iterator[list[int]]:
    chosen: list[int] = []
    nbytes = 0
    for i in dense:
        if chosen and (grads[i].dtype != grads[chosen[0]].dtype or nbytes >= most):
            yield chosen
            chosen, nbytes = [], 0
        chosen.append(i)
        nbytes += _bytes_of(grads[i], variables[i])
    if chosen:
        yield chosen


def _bytes_of(gradient: Any, variable: Any) -> int:
    shape = getattr(variable, "shape", None)
    count = gradient.shape.num_elements() or (shape.num_elements() if shape is not None else None) or 1
    return int(count) * as_dtype(gradient.dtype).size


def _name(variable: Any) -> str:
    found: str = getattr(getattr(variable, "op", variable), "name", str(variable))
    return found
