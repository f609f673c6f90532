"""What is told about a variable beside its value: how copies are combined, and where a slice lies in a whole."""

from __future__ import annotations

import enum
from collections.abc import Sequence
from typing import Any


class VariableSynchronization(enum.Enum):
    """When copies of a variable are brought together; accepted, and without effect in one process."""

    AUTO = 0
    NONE = 1
    ON_WRITE = 2
    ON_READ = 3


class VariableAggregation(enum.Enum):
    """How copies of a variable are brought together: ranks that evaluate add up SUM; no effect in one process."""

    NONE = 0
    SUM = 1
    MEAN = 2
    ONLY_FIRST_REPLICA = 3


class SaveSliceInfo:
    """Where a variable lies in the whole that it is a slice of, for checkpoints.

    Args:
        full_name: the name of the whole.
        full_shape: its shape.
        var_offset: where the slice starts, one number a dimension.
        var_shape: the slice's shape.
    """

    def __init__(
        self,
        full_name: str | None = None,
        full_shape: Sequence[int] | None = None,
        var_offset: Sequence[int] | None = None,
        var_shape: Sequence[int] | None = None,
        save_slice_info_def: Any = None,
        import_scope: str | None = None,
    ) -> None:
        if save_slice_info_def is not None:
            info = save_slice_info_def
            full_name = f"{import_scope}/{info.full_name}" if import_scope else info.full_name
            full_shape, var_offset, var_shape = info.full_shape, info.var_offset, info.var_shape
        self.full_name = full_name
        self.full_shape = list(full_shape or ())
        self.var_offset = list(var_offset or ())
        self.var_shape = list(var_shape or ())

    @property
    def spec(self) -> str:
        """`10 4 0,5:0,4`: the whole's shape, then start and size in each dimension."""
        shape = " ".join(map(str, self.full_shape))
        slices = ":".join(f"{o},{s}" for o, s in zip(self.var_offset, self.var_shape, strict=True))
        return f"{shape} {slices}"

    def to_proto(self, export_scope: str | None = None) -> Any:
        """A SaveSliceInfoDef message, or None for a slice outside `export_scope`."""
        from .protos.meta_graph_pb2 import SaveSliceInfoDef  # messages are imported where one is made

        name = self.full_name or ""
        if export_scope and not name.startswith(export_scope + "/"):
            return None
        return SaveSliceInfoDef(
            full_name=name[len(export_scope) + 1 :] if export_scope else name,
            full_shape=self.full_shape,
            var_offset=self.var_offset,
            var_shape=self.var_shape,
        )
