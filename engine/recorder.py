"""What a traced run leaves behind: which piece of work ran when, and what it gave. Nothing here is paid for by other runs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from .dtypes import DType
from .graph import Operation, Sizes

clock = time.perf_counter_ns

# A loop of very many steps must not fill the memory with its trace.
MOST_RECORDS = 1 << 20


@dataclass(frozen=True, slots=True)
class Output:
    """A value that was there when a piece of work had ended: `fresh` bytes are those that were taken for it."""

    dtype: DType
    sizes: tuple[int, ...]
    nbytes: int
    address: int
    fresh: int


@dataclass(eq=False, slots=True)
class Work:
    """Something that a program does in a step, by the names of the graph.

    `kind` is the op type, or what was fused into one kernel, joined by "+"; `fused` are the operations beside
    `operation` that it stands for, with their shapes; `inputs` are names of operations; `scratch` are bytes needed while
    it runs.
    """

    name: str
    kind: str
    inputs: tuple[str, ...] = ()
    operation: Operation | None = None
    fused: Mapping[Operation, tuple[Sizes, ...]] = field(default_factory=dict)
    scratch: int = 0
    # What the writer of traces keeps of the last run: all but its times.
    written: Any = None


@dataclass(frozen=True, eq=False, slots=True)
class Kernel:
    """A call of a native kernel within a piece of work; times as in Record."""

    name: str
    chunks: int
    start: int
    end: int


@dataclass(frozen=True, eq=False, slots=True)
class Record:
    """One run of a piece of work, in nanoseconds of `clock`: taken up at `begin`, computing from `start` to `end`."""

    work: Work
    begin: int
    start: int
    end: int
    outputs: Sequence[Output]
    kernels: Sequence[Kernel] = ()


class Recorder:
    """Collects the records of one run in one thread; `kernels` asks for the native kernels' as well.

    Work that runs within other work (the body of a loop) is recorded before that other work is.
    """

    def __init__(self, kernels: bool = False) -> None:
        self.kernels = kernels
        self._records: list[Record | Callable[[], Iterable[Record]]] = []
        self.thread = threading.get_native_id()
        self.thread_name = threading.current_thread().name
        # What added to a time of `clock` gives nanoseconds since 1970.
        self.epoch = time.time_ns() - clock()
        self.last = clock()
        # What other tasks have sent of their parts of the run: StepStats, as bytes.
        self.elsewhere: list[bytes] = []

    def resume(self) -> None:
        """Begins now with what comes next: the time since the last record is nobody's."""
        self.last = clock()

    def add(self, record: Record | Callable[[], Iterable[Record]]) -> None:
        """Adds a record, or a function that makes some once the run has ended."""
        if len(self._records) < MOST_RECORDS:
            self._records.append(record)

    def records(self) -> Iterator[Record]:
        """All records."""
        for record in self._records:
            if isinstance(record, Record):
                yield record
            else:
                yield from record()

    def run(self, work: Work, call: Callable[[], Any], outputs: Callable[[Any], Sequence[Output]]) -> Any:
        """What `call()` gives, with a record of it; `outputs` tells from the result what there is then."""
        begin = self.last
        start = self.last = clock()
        result = call()
        end = self.last = clock()
        self.add(Record(work, begin, start, end, outputs(result)))
        return result


def output_of(value: Any, dtype: DType, fresh: bool = True) -> Output:
    """A value as what a record keeps of it; handles and lists of tensors have no bytes."""
    if not isinstance(value, np.ndarray | np.generic):
        return Output(dtype, (), 0, 0, 0)
    nbytes = int(value.nbytes)
    address = int(value.__array_interface__["data"][0]) if isinstance(value, np.ndarray) else 0
    return Output(dtype, tuple(value.shape), nbytes, address, nbytes if fresh else 0)
