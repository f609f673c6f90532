"""Ops that tell of the memory of a session's GPU: `tf.contrib.memory_stats`."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..gpu.memory import Ledger, ledger_of
from ..graph import Tensor
from ..inference import scalar_shape
from ..registry import op
from ..samples import Sample


@op("BytesInUse", "", "out: int64", shape=scalar_shape, stateful=True)
def BytesInUse(*, name: str | None = None) -> Tensor:
    """The bytes that are taken of the memory of the session's GPU, by all sessions of the process; 0 where it has none.

    Example:
        >>> with tf.Session(backend="cpu") as session:
        ...     int(session.run(BytesInUse()))
        0
    """


@op("MaxBytesInUse", "", "out: int64", shape=scalar_shape, stateful=True)
def MaxBytesInUse(*, name: str | None = None) -> Tensor:
    """The most bytes that were ever taken at once of the memory of the session's GPU; 0 where it has none."""


@op("BytesLimit", "", "out: int64", shape=scalar_shape, stateful=True)
def BytesLimit(*, name: str | None = None) -> Tensor:
    """The bytes that may be taken of the memory of the session's GPU; 0 where it has none."""


@BytesInUse.state
def bytes_in_use(context: Any) -> Any:
    ledger = _ledger(context)
    return np.int64(0 if ledger is None else ledger.used)


@MaxBytesInUse.state
def max_bytes_in_use(context: Any) -> Any:
    ledger = _ledger(context)
    return np.int64(0 if ledger is None else ledger.most)


@BytesLimit.state
def bytes_limit(context: Any) -> Any:
    ledger = _ledger(context)
    return np.int64(0 if ledger is None else ledger.limit or context.runtime.device.memory()[1])


@BytesInUse.samples
@MaxBytesInUse.samples
@BytesLimit.samples
def memory_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((), differentiable=False)]


def _ledger(context: Any) -> Ledger | None:
    device = context.runtime.device
    return None if device is None else ledger_of(device)
