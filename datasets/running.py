"""What runs while a dataset is iterated over: the run with its values and seeds, and iterations of elements."""

from __future__ import annotations

import random
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from ..engine.graph import Tensor
from ..engine.runtime import Runtime

# An element as it runs: a value for each component.
Element = Sequence[Any]
T = TypeVar("T")


class Chance:
    """A place in a pipeline where seeds are drawn that nobody gave."""

    @property
    def chances(self) -> list[Chance]:
        """Itself: what a dataset that draws here has among its chances."""
        return [self]


class SeedLog:
    """The seeds that an iteration draws: pairs that follow from its first one, which a saved position keeps.

    Each of the pipeline's chances has a stream of its own, so that it does not matter which thread comes first.
    """

    def __init__(self, seeds: list[tuple[int, int]], chances: Sequence[Chance] = ()) -> None:
        self._first = seeds[0] if seeds else (random.getrandbits(31), random.getrandbits(31))
        self._numbers = {chance: i for i, chance in enumerate(chances)}
        self._streams: dict[int, random.Random] = {}

    def next(self, chance: Chance) -> tuple[int, int]:
        """The next pair at a place; not two zeros, which mean no seed."""
        number = self._numbers.get(chance, len(self._numbers))
        if number not in self._streams:
            first, second = self._first
            self._streams[number] = random.Random((number << 31 | first) << 31 | second)
        stream = self._streams[number]
        return stream.getrandbits(31), stream.getrandbits(31) or 1


@dataclass
class Run:
    """One iteration over a dataset: the session's runtime, and the values of the tensors that the dataset uses."""

    runtime: Runtime
    values: Mapping[Tensor, Any]
    log: SeedLog
    # What the parts of the pipeline share between their repetitions within this run.
    memo: dict[Hashable, Any] = field(default_factory=dict)

    def value(self, argument: Any) -> Any:
        """An argument's value: that of a tensor, or the argument itself."""
        return self.values.get(argument) if isinstance(argument, Tensor) else argument

    def integer(self, argument: Any) -> int:
        """An integer argument's value."""
        return int(self.value(argument))

    def inner(self, values: Mapping[Tensor, Any]) -> Run:
        """The run of a dataset that a function has made."""
        return Run(self.runtime, values, self.log)

    def shared(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is made once a run."""
        if key not in self.memo:
            self.memo[key] = make()
        return self.memo[key]  # type: ignore[no-any-return]


class Elements:
    """A running iteration. After an error it can go on with the element that follows."""

    def __iter__(self) -> Iterator[Element]:
        return self

    def __next__(self) -> Element:
        raise NotImplementedError

    def skip(self, count: int) -> int:
        """Passes over up to `count` elements; how many there were."""
        for done in range(count):
            if next(self, None) is None:
                return done
        return count


Make = Callable[[Run], Elements]


class Generated(Elements):
    """The elements that a Python iterator gives."""

    def __init__(self, source: Iterator[Element]) -> None:
        self.source = source

    def __next__(self) -> Element:
        return next(self.source)


class Listed(Elements):
    """Elements that lie in a list."""

    def __init__(self, rows: Sequence[Element]) -> None:
        self.rows = rows
        self.place = 0

    def __next__(self) -> Element:
        if self.place >= len(self.rows):
            raise StopIteration
        self.place += 1
        return self.rows[self.place - 1]

    def skip(self, count: int) -> int:
        done = min(count, len(self.rows) - self.place)
        self.place += done
        return done


class Rows:
    """Elements kept for later, as a window keeps them: a dataset inside an element."""

    def __init__(self, rows: Sequence[Element]) -> None:
        self.rows = rows

    def begin(self, run: Run) -> Elements:
        """An iteration over them."""
        return Listed(self.rows)

    def count(self, run: Run) -> int:
        """How many there are."""
        return len(self.rows)


class Mapped(Elements):
    """What a function makes of each element."""

    def __init__(self, source: Elements, function: Callable[[Element], Element], pure: bool = False) -> None:
        self.source, self.function, self.pure = source, function, pure

    def __next__(self) -> Element:
        return self.function(next(self.source))

    def skip(self, count: int) -> int:
        return self.source.skip(count) if self.pure else super().skip(count)


class Filtered(Elements):
    """The elements for which a function is true."""

    def __init__(self, source: Elements, predicate: Callable[[Element], bool]) -> None:
        self.source, self.predicate = source, predicate

    def __next__(self) -> Element:
        while True:
            element = next(self.source)
            if self.predicate(element):
                return element


class TakenWhile(Filtered):
    """The elements before the first one for which a function is false."""

    ended = False

    def __next__(self) -> Element:
        if not self.ended:
            element = next(self.source)
            self.ended = not self.predicate(element)
        if self.ended:
            raise StopIteration
        return element


class Taken(Elements):
    """The first elements; all for a negative count."""

    def __init__(self, source: Elements, count: int) -> None:
        self.source, self.left = source, count

    def __next__(self) -> Element:
        if self.left == 0:
            raise StopIteration
        element = next(self.source)
        self.left -= 1
        return element

    def skip(self, count: int) -> int:
        done = self.source.skip(count if self.left < 0 else min(count, self.left))
        self.left -= done if self.left > 0 else 0
        return done


class Skipped(Elements):
    """The elements after the first ones; none for a negative count."""

    def __init__(self, source: Elements, count: int) -> None:
        self.source, self.count = source, count

    def __next__(self) -> Element:
        self._pass()
        return next(self.source)

    def skip(self, count: int) -> int:
        if self.count < 0:
            return 0
        self._pass()
        return self.source.skip(count)

    def _pass(self) -> None:
        if self.count < 0:
            raise StopIteration
        count, self.count = self.count, 0
        if count:
            self.source.skip(count)


class Shards(Elements):
    """Each `number`-th element from `index` on."""

    def __init__(self, source: Elements, number: int, index: int) -> None:
        self.source, self.number, self.ahead = source, number, index

    def __next__(self) -> Element:
        # After the end the source gives nothing, whatever is asked for.
        self.source.skip(self.ahead)
        element = next(self.source)
        self.ahead = self.number - 1
        return element


class Repeated(Elements):
    """The elements again and again, each time from a fresh iteration; for ever if the count is negative."""

    def __init__(self, start: Callable[[], Elements], count: int) -> None:
        self.start, self.left = start, count
        self.source: Elements | None = None

    def __next__(self) -> Element:
        while self.left:
            fresh = self.source is None
            self.source = self.start() if self.source is None else self.source
            try:
                return next(self.source)
            except StopIteration:
                self._end(fresh)
        raise StopIteration

    def skip(self, count: int) -> int:
        done = 0
        while self.left and done < count:
            fresh = self.source is None
            self.source = self.start() if self.source is None else self.source
            passed = self.source.skip(count - done)
            done += passed
            if done < count:
                self._end(fresh and not passed)
        return done

    def _end(self, empty: bool) -> None:
        self.source = None
        # A dataset without elements has none for ever.
        self.left = 0 if empty and self.left < 0 else self.left - 1


class Chained(Elements):
    """The elements of one iteration after those of another."""

    def __init__(self, starts: Sequence[Callable[[], Elements]]) -> None:
        self.starts = list(starts)
        self.source: Elements | None = None

    def __next__(self) -> Element:
        while self.source is not None or self.starts:
            self.source = self.starts.pop(0)() if self.source is None else self.source
            try:
                return next(self.source)
            except StopIteration:
                self.source = None
        raise StopIteration

    def skip(self, count: int) -> int:
        done = 0
        while done < count and (self.source is not None or self.starts):
            self.source = self.starts.pop(0)() if self.source is None else self.source
            done += self.source.skip(count - done)
            self.source = self.source if done == count else None
        return done


class Zipped(Elements):
    """Elements side by side, as long as all have one."""

    def __init__(self, sources: Sequence[Elements]) -> None:
        self.sources = sources

    def __next__(self) -> Element:
        return [value for source in self.sources for value in next(source)]

    def skip(self, count: int) -> int:
        return min((source.skip(count) for source in self.sources), default=0)


class Numbered(Elements):
    """Whole numbers from `start` to before `stop`, as int64 scalars."""

    def __init__(self, numbers: range, make: Callable[[int], Any]) -> None:
        self.numbers, self.make, self.place = numbers, make, 0

    def __next__(self) -> Element:
        if self.place >= len(self.numbers):
            raise StopIteration
        self.place += 1
        return [self.make(self.numbers[self.place - 1])]

    def skip(self, count: int) -> int:
        done = min(count, len(self.numbers) - self.place)
        self.place += done
        return done


class Survivors(Elements):
    """The elements that could be made; those whose making fails are left out."""

    def __init__(self, source: Elements, errors: tuple[type[Exception], ...]) -> None:
        self.source, self.errors = source, errors

    def __next__(self) -> Element:
        while True:
            try:
                return next(self.source)
            except StopIteration:
                raise
            except self.errors:
                continue
