"""Segments of a program on a device: run call by call the first time, captured the second, and replayed from then on."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np

from ..gpu.device import ALIGNMENT, Call, Device
from ..gpu.late import put_off
from ..gpu.memory import DeviceCopy, DeviceMemory, Turn, capturing, lock_of
from ..gpu.pieces import Drawn, StepInputs
from ..gpu.sums import CALLS, FRESH, Meeting, Part
from ..resources import VariableStorage
from .gpu_moves import Moves
from .native_steps import SegmentFailedError

Array = np.ndarray[Any, Any]
# Bytes of the error word with what keeps the rest aligned, and the largest result that travels beside it.
_WORD, _SMALL = 16, 1 << 12
# Captures of a segment with sums over ranks that were made anew: ranks that run it in ever other company make none.
_MOST_CAPTURES = 16


class Results:
    """The error word of a program and small fetched values beside it, so that one download brings all."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.turn = lock_of(device)
        self.nbytes = _WORD
        # Whether a run ended before it was known what it left in the error word.
        self.unsure = False

    def reserve(self, nbytes: int) -> int | None:
        """Where a fetched value will lie among the results; None if it is too large."""
        if nbytes > _SMALL:
            return None
        place, self.nbytes = self.nbytes, self.nbytes + -(-nbytes // _WORD) * _WORD
        return place

    def allocate(self) -> None:
        """Takes the memory, when all is reserved."""
        self.memory = DeviceMemory(self.device, self.nbytes, "results")
        self.host = np.zeros(self.nbytes, np.uint8)
        self._word = self.host[:4].view(np.int32)
        self.clear()

    @property
    def error(self) -> int:
        """The address of the error word."""
        return self.memory.address

    def clear(self) -> None:
        """Sets the error word to zero."""
        with self.turn:
            self.device.upload(self.memory.address, np.zeros(1, np.int32))
        self.unsure = False

    def fetch(self, whole: bool) -> None:
        """Downloads all results, or the error word alone; SegmentFailedError if it names a step."""
        with self.turn:
            self.device.download(self.host if whole else self.host[:4], self.memory.address)
        if self._word[0]:
            raise SegmentFailedError(int(self._word[0]) - 1)

    def refused(self) -> bool:
        """Whether the error word names a step; then it is cleared."""
        try:
            self.fetch(False)
        except SegmentFailedError:
            self.clear()
            return True
        return False


@dataclass(eq=False)
class DeviceSegment:
    """Work of consecutive steps.

    `owners` names for each call the step that it belongs to, the first where several have one; `steps` are
    all of them; `uploads` are values of the host's that come first;
    `variables` those that must be on the device, with whether the segment changes them; `fallible` says whether a kernel
    may set the error word, `gives` whether the program's results are complete when it has run. `refusing` are the steps
    that may fail, `drawn` the numbers that were drawn ahead, by step.
    """

    device: Device
    results: Results
    calls: list[Call] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    uploads: list[tuple[int, Array]] = field(default_factory=list)
    inputs: StepInputs | None = None
    variables: dict[VariableStorage, tuple[DeviceCopy, bool]] = field(default_factory=dict)
    fallible: bool = False
    gives: bool = False
    refusing: list[int] = field(default_factory=list)
    drawn: list[tuple[int, Drawn]] = field(default_factory=list)
    # What the steps that may fail were given, where it is written over; and how it comes back.
    kept: DeviceMemory | None = None
    restores: list[Call] = field(default_factory=list)
    # What is moved between places that change and those that stay, and how many calls come before the segment's own.
    moves: Moves | None = None
    ahead: int = 0
    # The sums over ranks among the calls, the steps that they belong to, and where ranks agree on them.
    parts: list[Part] = field(default_factory=list)
    shared: set[int] = field(default_factory=set)
    meeting: Meeting | None = None
    _start: Callable[[], Any] | None = None
    _runs: int = 0
    # The number of the capture, and how many there were.
    _captured: int = 0
    _captures: int = 0

    @property
    def turn(self) -> Turn:
        """Held while the device is asked for something."""
        return self.results.turn

    @property
    def changes_variables(self) -> bool:
        """Whether it writes any."""
        return any(written for _, written in self.variables.values())

    def run(self) -> None:
        """Runs the segment; SegmentFailedError if a kernel refused its values."""
        self.bring()
        self._done(self._start_all)

    def _start_all(self) -> None:
        with self.turn:
            self._started()

    def _done(self, work: Callable[[], None]) -> None:
        """Does the work and fetches what it gave; notes what is certain if it ends halfway."""
        try:
            try:
                work()
            finally:
                self._note_changes()
            if self.moves is not None:
                self.moves.done()
            self.finish()
        except BaseException:
            self.results.unsure = True
            raise

    def run_each(self, around: Callable[[int, Call], Any]) -> None:
        """As `run`, with `around(step, call)` in the place of each step's calls."""
        self.bring()
        if self.meeting is not None:
            with self.turn:
                self.meeting.agreed(CALLS)
        self._done(partial(self._run_around, around))

    def _run_around(self, around: Callable[[int, Call], Any]) -> None:
        for step in dict.fromkeys(self.owners):
            calls = [call for call, owner in zip(self.calls, self.owners, strict=True) if owner == step]
            around(step, partial(self._run_and_wait, calls))

    def _run_and_wait(self, calls: Sequence[Call]) -> None:
        with self.turn:
            for call in calls:
                call()
            self.device.synchronize()

    def bring(self) -> None:
        """Brings what the segment reads to the device."""
        if self.results.unsure:
            self.results.clear()
        for storage, (copy, _) in self.variables.items():
            if storage.copy is not copy or not copy.on_device:
                storage.to_device(copy)
        if self.inputs is not None or self.uploads or self.moves is not None:
            with self.turn:
                if self.moves is not None:
                    self.moves.bring()
                if self.inputs is not None:
                    self.inputs.bring()
                for address, array in self.uploads:
                    self.device.upload(address, array)

    def add_sums(self, step: int, parts: Sequence[Part]) -> None:
        """Notes the sums over ranks in the work of a step."""
        if parts:
            self.parts += parts
            self.shared.add(step)

    def wait_for_sums(self) -> None:
        """Ends the segment's sums over ranks with it: what comes next may need them, and a capture must hold all its work."""
        if self.parts:
            self.meeting = Meeting(self.parts)
            self.calls.append(self.meeting.sums.join)
            self.owners.append(self.owners[-1])

    def _started(self) -> None:
        own = CALLS if self._runs == 0 or len(self.calls) == 1 else self._captured or FRESH
        if self.meeting is not None:
            own = self.meeting.agreed(CALLS if self._captures >= _MOST_CAPTURES else own)
        if own == CALLS:
            for call in self.calls:
                call()
            self._runs = 1
            return
        if self._start is None or own != self._captured:
            with capturing(self.device):
                self._start = self.device.capture(self.calls)
            self._captured, self._captures = own, self._captures + 1
        self._start()

    def _note_changes(self) -> None:
        for storage, (copy, written) in self.variables.items():
            if written:
                storage.changed_on_device(copy)

    def finish(self) -> None:
        """Fetches the results, or looks whether a kernel failed."""
        if self.fallible and not self.gives and self.meeting is None and put_off(self.results):
            return
        if self.gives or self.fallible:
            if self.meeting is not None:
                with self.turn:
                    self.meeting.sums.wait()
            self.results.fetch(self.gives)

    def keep(self, places: Sequence[tuple[int, int]]) -> None:
        """Has the segment first copy what lies at some (address, bytes), so that it can run again."""
        sizes = [-(-nbytes // ALIGNMENT) * ALIGNMENT for _, nbytes in places]
        self.kept = DeviceMemory(self.device, sum(sizes), "indices")
        starts = [self.kept.address + sum(sizes[:i]) for i in range(len(sizes))]
        pairs = [(start, address, nbytes) for start, (address, nbytes) in zip(starts, places, strict=True)]
        self.calls[:0] = [self.device.copy(start, address, nbytes) for start, address, nbytes in pairs]
        self.owners[:0] = self.owners[:1] * len(pairs)
        self.restores = [self.device.copy(address, start, nbytes) for start, address, nbytes in pairs]
        self.ahead += len(pairs)

    def move(self, moves: Moves) -> None:
        """Has the segment move what it takes and gives."""
        before, after = moves.calls()
        if before or after:
            self.moves = moves
            self.calls = [*before, *self.calls, *after]
            self.owners = [*self.owners[:1] * len(before), *self.owners, *self.owners[-1:] * len(after)]
            self.ahead += len(before)

    def undo_after(self, step: int) -> None:
        """Takes back the numbers drawn for a step that failed, and for those that did not have their turn."""
        for owner, drawn in reversed(self.drawn):
            if owner >= step:
                drawn.undo()

    def rerun_before(self, step: int) -> None:
        """Makes the inputs of a step again, which others may have overwritten; variables stay as the error word is set.

        The other ranks do not: sums over ranks stay as they are.
        """
        first = self.ahead
        with self.turn:
            for call in self.restores:
                call()
            for address, array in self.uploads:
                self.device.upload(address, array)
            for call, owner in zip(self.calls[first:], self.owners[first:], strict=True):
                if owner >= step:
                    break
                if owner not in self.shared:
                    call()

    @property
    def uploaded_bytes(self) -> int:
        """What each run brings to the device, without variables that were changed elsewhere."""
        return sum(array.nbytes for _, array in self.uploads) + (self.inputs.nbytes if self.inputs else 0)
