"""Random numbers one after the other from a Philox stream, for kernels that cannot be vectorised."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from .philox import Stream, philox

_BLOCKS = 64


class Draws:
    """Takes the words of a stream in turn; what each method returns is TensorFlow's.

    >>> draws = Draws(Stream((0, 0), (0, 0, 0, 0)))
    >>> draws.word(), draws.below(10)
    (1713891541, 3)
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._words: list[int] = []

    def word(self) -> int:
        """Returns 32 random bits."""
        if not self._words:
            block = philox(self._stream.key, self._stream.counter, _BLOCKS)
            self._words = block.reshape(-1)[::-1].tolist()
            self._stream = self._stream.skipped(_BLOCKS)
        return self._words.pop()

    def long_word(self) -> int:
        """Returns 64 random bits, the first word lowest."""
        low = self.word()
        return low | self.word() << 32

    def unit_float(self) -> float:
        """Returns a float32 in [0, 1)."""
        return (self.word() & 0x7FFFFF) * 2.0**-23

    def below(self, limit: int) -> int:
        """Returns an integer in [0, limit) without bias, for a limit below 2**32."""
        return _below(limit, 32, self.word)

    def below_long(self, limit: int) -> int:
        """Returns an integer in [0, limit) without bias, for a limit below 2**64."""
        return _below(limit, 64, self.long_word)


def words_from(stream: Stream, start: int, count: int) -> NDArray[np.uint32]:
    """Returns the words number start .. start + count - 1 of a stream."""
    first, last = start // 4, -(-(start + count) // 4)
    words = philox(stream.key, stream.skipped(first).counter, last - first).reshape(-1)
    return words[start - 4 * first :][:count]


def _below(limit: int, bits: int, draw: Callable[[], int]) -> int:
    if limit & (limit - 1) == 0:
        return draw() & (limit - 1) if limit else 0
    # Numbers below this one would make small results likelier than large ones.
    smallest = ((1 << bits) - 1) % limit + 1
    while (drawn := draw()) < smallest:
        pass
    return drawn % limit
