"""How much there is of what lies in a device's memory."""

from __future__ import annotations

import math
from typing import Any

import numpy as np


class Extent:
    """What has a dtype and a shape."""

    __slots__ = ()

    dtype: np.dtype[Any]
    shape: tuple[int, ...]

    @property
    def size(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """The bytes of the elements."""
        return self.size * self.dtype.itemsize

    @property
    def ndim(self) -> int:
        """The number of axes."""
        return len(self.shape)
