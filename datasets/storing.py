"""Elements kept: the caches of datasets, in memory and in files."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from ..engine.protos import TensorProto
from ..engine.records import RecordWriter, read_records
from ..engine.tensor_proto import make_ndarray, make_tensor_proto
from .running import Element, Elements, Generated, Listed
from .structure import TensorSpec


class MemoryCache:
    """The elements of a first whole pass, for the passes that follow."""

    def __init__(self) -> None:
        self.rows: list[Element] | None = None

    def begin(self, start: Callable[[], Elements]) -> Elements:
        """An iteration over the kept elements, or over those of `start`, which are kept."""
        return Listed(self.rows) if self.rows is not None else Generated(self._keeping(start()))

    def _keeping(self, source: Elements) -> Iterator[Element]:
        rows = []
        for element in source:
            rows.append(element)
            yield element
        self.rows = rows


class FileCache:
    """The elements in a record file, a record for each array. A pass that does not come to its end leaves no file."""

    def __init__(self, path: str, specs: Sequence[TensorSpec]) -> None:
        self.path = Path(path + ".records")
        self.specs = specs

    def begin(self, start: Callable[[], Elements]) -> Elements:
        """An iteration over the file's elements, or over those of `start`, which are written."""
        return Generated(self._read() if self.path.exists() else self._writing(start()))

    def _writing(self, source: Elements) -> Iterator[Element]:
        partial = self.path.with_name(f"{self.path.name}.{os.getpid()}.{threading.get_ident()}.partial")
        try:
            with RecordWriter(partial) as writer:
                for element in source:
                    for spec, value in zip(self.specs, element, strict=True):
                        for array in spec.values_of(value):
                            writer.write(make_tensor_proto(array).SerializeToString())
                    yield element
            partial.replace(self.path)
        finally:
            partial.unlink(missing_ok=True)

    def _read(self) -> Iterator[Element]:
        arrays = (make_ndarray(TensorProto.FromString(record)) for record in read_records(self.path))
        while True:
            element = []
            for spec in self.specs:
                parts = [part for _, part in zip(spec.parts, arrays, strict=False)]
                if len(parts) < len(spec.parts):
                    return
                element.append(spec.value_from(parts))
            yield element
