"""How long a loop sleeps that waits for something that tells nobody of itself."""

from __future__ import annotations

import time
from collections.abc import Iterator


def pauses(longest: float = 0.001) -> Iterator[float]:
    """Sleeps between the checks of a loop: twice as long each time, up to `longest` seconds."""
    yield 0.0
    length = 2e-5
    while True:
        time.sleep(length)
        yield length
        length = min(2 * length, longest)
