"""What an estimator was fitted to: its columns, and whether other examples have the same."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .tables import Table


class Schema(NamedTuple):
    """Columns by name with the dtype and shape of an example's values.

    Args:
        columns: pairs (dtype, shape) by name.
        names: a frame's names of the columns, None for other examples.
        width: features an example where they are counted, else None.
    """

    columns: dict[str, tuple[np.dtype[Any], tuple[int, ...]]]
    names: list[Any] | None
    width: int | None

    @classmethod
    def of(cls, table: Table) -> Schema:
        """The schema of a table."""
        columns = {name: (column.dtype, tuple(column.shape[1:])) for name, column in table.columns.items()}
        return cls(columns, table.names, table.width if table.counted else None)

    def conformed(self, table: Table, owner: str) -> Table:
        """The columns of the schema from a table, with their dtypes.

        Raises:
            ValueError: a column is missing, or of another shape or kind of dtype.
        """
        if self.names is not None and table.names is not None:
            _check_names([str(n) for n in table.names], [str(n) for n in self.names])
        if self.width is not None and table.counted and table.width != self.width:
            raise ValueError(f"X has {table.width} features, but {owner} is expecting {self.width} features as input")
        return table.of({name: self._column(name, table) for name in self.columns})

    def _column(self, name: str, table: Table) -> Any:
        if name not in table.columns:
            raise ValueError(f"The column {name!r} is missing: there are {sorted(table.columns)}")
        column, (dtype, shape) = table.columns[name], self.columns[name]
        if tuple(column.shape[1:]) != shape:
            raise ValueError(f"The column {name!r} has values of shape {column.shape[1:]}, it was fitted with {shape}")
        if column.dtype == dtype:
            return column
        # An empty column has no dtype to speak of; that there are no rows is said later.
        if len(column) and (column.dtype.kind in "OSU") != (dtype.kind in "OSU"):
            raise ValueError(f"The column {name!r} is {column.dtype}, it was fitted with {dtype}")
        return column.astype(dtype)


def _check_names(found: list[str], wanted: list[str]) -> None:
    if found == wanted:
        return
    text = "The feature names should match those that were passed during fit.\n"
    unseen, missing = sorted(set(found) - set(wanted)), sorted(set(wanted) - set(found))
    if unseen:
        text += "Feature names unseen at fit time:\n" + _listed(unseen)
    if missing:
        text += "Feature names seen at fit time, yet now missing:\n" + _listed(missing)
    if not unseen and not missing:
        text += "Feature names must be in the same order as they were in fit.\n"
    raise ValueError(text)


def _listed(names: list[str]) -> str:
    return "".join(f"- {name}\n" for name in names[:5]) + ("- ...\n" if len(names) > 5 else "")
