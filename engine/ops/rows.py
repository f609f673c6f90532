"""Ops on variables that are kept by rows; only steps hold them, in the place of those on whole variables."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..dtypes import INDEX, DType
from ..errors import InvalidArgumentError
from ..graph import Operation, Tensor
from ..inference import InferenceContext
from ..kernels.distributions import RESERVED_BLOCKS
from ..kernels.random_rows import random_rows
from ..registry import op
from ..shapes import Sizes
from .random import stream_of


@op("_GatherRows", "resource: resource, indices: Tindices", "output: dtype", stateful=True, Tindices=INDEX)
def gather_rows_op(
    resource: Any, indices: Any, *, dtype: DType, row_sizes: list[int], name: str | None = None
) -> Tensor:
    """The rows of a variable at `indices`, which must be in range. `row_sizes` is the shape of one."""


@gather_rows_op.shape
def gather_rows_shape(context: InferenceContext) -> list[Sizes]:
    indices = context.sizes[1]
    return [None if indices is None else (*indices, *context["row_sizes"])]


@gather_rows_op.state
def gather_rows_state(context: Any, storage: Any, indices: Any, **_: Any) -> Any:
    storage.check()
    try:
        return storage.table.gather(np.asarray(indices))
    except IndexError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


@op("_InitializeRows", "resource: resource", stateful=True)
def initialize_rows_op(resource: Any, *, name: str | None = None) -> Operation:
    """Says how the rows of a variable begin; the attribute `initial` holds the program."""


@initialize_rows_op.state
def initialize_rows_state(context: Any, storage: Any, **_: Any) -> None:
    program = context.attrs["initial"]
    width = int(np.prod(program.sizes[1:], dtype=np.int64))
    blocks = int(np.prod(program.sizes, dtype=object)) * RESERVED_BLOCKS
    streams = {node: stream_of(context.resources, node.name, node.attrs, blocks) for node in program.nodes()}

    def random(node: Any, rows: Any) -> Any:
        # A part of a partitioned variable draws what the whole would at its rows.
        offset = node.attrs.get("_first_row", 0)
        return random_rows(node.type, streams[node], rows + offset, width, node.outputs[0].dtype.numpy)

    storage.table.initialize(partial(program.compute, random=random))
    storage.initialized = True
