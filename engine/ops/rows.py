"""Ops on variables that are kept by rows; only steps hold them, in the place of those on whole variables."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np

from ..checkpoint.reader import CheckpointReader
from ..dtypes import INDEX, DType
from ..errors import InvalidArgumentError, NotFoundError
from ..graph import Operation, Tensor
from ..inference import InferenceContext
from ..kernels.distributions import RESERVED_BLOCKS
from ..kernels.philox import Stream
from ..kernels.random_rows import random_rows
from ..registry import Op, op
from ..shapes import Sizes
from .files import one_text
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
    blocks = int(np.prod(program.sizes, dtype=object)) * RESERVED_BLOCKS
    nodes = program.nodes()
    streams = [stream_of(context.resources, node.name, node.attrs, blocks) for node in nodes]
    words = np.array([(*stream.key, *stream.counter) for stream in streams], np.uint64).reshape(-1, 6)
    storage.table.initialize(partial(_initial_rows, program, nodes), words)
    storage.initialized = True


def _initial_rows(program: Any, nodes: list[Any], rows: Any, streams: Any) -> Any:
    width = int(np.prod(program.sizes[1:], dtype=np.int64))
    words = {node: [int(word) for word in own] for node, own in zip(nodes, streams, strict=True)}

    def random(node: Any, rows: Any) -> Any:
        first, second, *counter = words[node]
        stream = Stream((first, second), (counter[0], counter[1], counter[2], counter[3]))
        # A part of a partitioned variable draws what the whole would at its rows.
        offset = node.attrs.get("_first_row", 0)
        return random_rows(node.type, stream, rows + offset, width, node.outputs[0].dtype.numpy)

    return program.compute(rows, random)


def _declare_files(prefix: str, kind: str) -> tuple[Op[..., Any], Op[..., Any]]:
    """The ops by which a Saver saves and restores a variable that is kept by rows."""

    @op(
        f"{prefix}ReadTableRows", f"handle: {kind}", "rows: int64, values: dtype, streams: uint64",
        shape=lambda context: [(None,), (None, *context["row_sizes"]), (None, 6)], stateful=True,
    )  # fmt: skip
    def read_rows(handle: Any, *, dtype: DType, row_sizes: list[int], first_row: int, name: str | None = None) -> Any:
        """The rows in use, by their numbers in the whole table, their values, and where their random streams begin."""

    @op(f"{prefix}RestoreTableRows", f"handle: {kind}, prefix: string", stateful=True, touches_files=True)
    def restore_rows(
        handle: Any, prefix: Any, *, dtype: DType, table_name: str, first_row: int, name: str | None = None
    ) -> Operation:
        """Puts those rows of a checkpoint into a table that belong to it, whatever the parts in which they were saved."""

    @read_rows.state
    def read_rows_state(context: Any, storage: Any, *, first_row: int, **_: Any) -> Any:
        storage.check()
        rows, values = storage.table.items()
        return rows + first_row, values, storage.table.streams

    @restore_rows.state
    def restore_rows_state(
        context: Any, storage: Any, path: Any, *, dtype: DType, table_name: str, first_row: int
    ) -> None:
        with CheckpointReader(one_text(path, "prefix")) as reader:
            parts = saved_parts(reader, table_name)
            found = [(reader.get_tensor(f"{part}/rows"), reader.get_tensor(f"{part}/values")) for part in parts]
            storage.table.streams = reader.get_tensor(f"{parts[0]}/streams")
        last = first_row + storage.table.shape[0]
        for rows, values in found:
            own = (rows >= first_row) & (rows < last)
            storage.table.put(rows[own] - first_row, values[own])

    return read_rows, restore_rows


def saved_parts(reader: CheckpointReader, name: str) -> list[str]:
    """The names under which the parts of a table are in a checkpoint.

    Raises:
        NotFoundError: there are none.
    """
    start, end = f"{name}/.part_", "/rows"
    parts = [key.removesuffix(end) for key in reader.manifest.tensors if key.startswith(start) and key.endswith(end)]
    if not parts:
        raise NotFoundError(None, None, f"Key {name} not found in checkpoint {reader.prefix}")
    return sorted(parts)


# For variables by reference, and for resources.
FILE_OPS = (_declare_files("", "Ref(dtype)"), _declare_files("Resource", "resource"))
