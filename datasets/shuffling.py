"""Shuffling as TensorFlow 1.15 does it: Philox numbers choose from a buffer, so that equal seeds give equal orders."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..engine.errors import InvalidArgumentError
from ..engine.kernels.philox import philox_at, stream_of_seeds
from .running import Element, Elements

# Blocks of four numbers that are drawn together.
_BLOCKS = 256


class Draws:
    """The 32-bit numbers of a Philox stream, one by one."""

    def __init__(self, seeds: tuple[int, int]) -> None:
        self.stream = stream_of_seeds(*seeds)
        self.block = 0
        self.numbers: list[int] = []

    def next(self) -> int:
        """The next number."""
        if not self.numbers:
            # A single pair of seeds is often all that is asked for.
            count = 1 if self.block == 0 else _BLOCKS
            offsets = np.arange(self.block, self.block + count, dtype=np.uint64)
            self.numbers = philox_at(self.stream, offsets).reshape(-1)[::-1].tolist()
            self.block += count
        return self.numbers.pop()

    def pair(self) -> tuple[int, int]:
        """Two numbers, as the seeds of a further stream."""
        return self.next(), self.next()


class Shuffled(Elements):
    """The elements in random order: each is drawn from a buffer of those that follow."""

    def __init__(self, source: Elements, size: int, seeds: tuple[int, int]) -> None:
        if size <= 0:
            raise InvalidArgumentError(None, None, f"buffer_size must be greater than zero, got {size}")
        self.source, self.size = source, size
        self.draws = Draws(seeds)
        self.buffer: dict[int, Any] = {}
        self.first = 0
        self.ended = False

    def __next__(self) -> Element:
        buffer, size = self.buffer, self.size
        while not self.ended and len(buffer) < size:
            element = next(self.source, None)
            if element is None:
                self.ended = True
            else:
                buffer[(self.first + len(buffer)) % size] = element
        if not buffer:
            raise StopIteration
        first = self.first % size
        place = (self.first + self.draws.next() % len(buffer)) % size
        chosen = buffer[place]
        buffer[place] = buffer[first]
        del buffer[first]
        self.first += 1
        return chosen  # type: ignore[no-any-return]
