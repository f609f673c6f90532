"""The value of a tensor list: an immutable list of arrays in which pushing, popping and setting cost O(1).

The newest version of a list that is set holds the items; an older one knows the one item in which it differs. Lists
that are pushed to are chains, so that a popped item is freed when nobody else holds the longer list.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .errors import InvalidArgumentError
from .gpu.values import DeviceValue
from .graph import Sizes
from .inference import show
from .shapes import merge_sizes

Chain = tuple[Any, Any] | None
_ARRAYS = (np.ndarray, DeviceValue)


class ListValue:
    """A list of arrays, or of lists, of one dtype. An item that was never set is None and stands for zeros.

    Arrays may be DeviceValues, in a device's memory: NumPy takes them as arrays.
    """

    __slots__ = ("__weakref__", "_chain", "_items", "_link", "dtype", "length", "read", "sizes")

    def __init__(self, dtype: np.dtype[Any], sizes: Sizes, items: list[Any] | None = None) -> None:
        self.dtype = dtype
        # What is known of the shape of all items.
        self.sizes = sizes
        self.length = 0 if items is None else len(items)
        self._items = items
        self._chain: Chain = None
        self._link: tuple[ListValue, int | None, Any] | None = None
        # The indices that were read and may not be read again; shared by nobody.
        self.read: set[int] | None = None

    def items(self) -> list[Any]:
        """The items; not to be changed."""
        if self._items is None:
            self._items = self._linked() if self._link is not None else self._chained()
            self._link = None
        return self._items

    def _chained(self) -> list[Any]:
        found, cell = [], self._chain
        while cell is not None:
            found.append(cell[0])
            cell = cell[1]
        return found[::-1]

    def _linked(self) -> list[Any]:
        path: list[ListValue] = []
        node = self
        while node._items is None and node._link is not None:
            path.append(node)
            node = node._link[0]
        items = list(node.items())
        for older in reversed(path):
            _, index, item = older._link or (None, None, None)
            del items[older.length :]
            if index is not None:
                items[index] = item
        return items

    # New versions

    def push(self, item: Any) -> ListValue:
        """This list with `item` at its end."""
        new = ListValue(self.dtype, self._merged(item))
        new._chain = (item, self._chain or self._as_chain())
        new.length = self.length + 1
        return new

    def pop(self) -> tuple[ListValue, Any]:
        """This list without its last item, and the item; InvalidArgumentError if there is none."""
        chain = self._as_chain()
        if chain is None:
            raise InvalidArgumentError(None, None, "Trying to pop from an empty list.")
        new = ListValue(self.dtype, self.sizes)
        new._chain = chain[1]
        new.length = self.length - 1
        return new, chain[0]

    def _as_chain(self) -> Chain:
        if self._chain is None and self.length:
            for item in self.items():
                self._chain = (item, self._chain)
        return self._chain

    def set(self, index: int, item: Any) -> ListValue:
        """This list with another item at `index`, which may be the first one after the end."""
        sizes = self.sizes if item is None else self._merged(item)
        items = self.items()
        old = None
        if index == len(items):
            items.append(item)
        else:
            old, items[index] = items[index], item
        new = ListValue(self.dtype, sizes, items)
        self._items = None
        if self._chain is None:
            self._link = (new, index if index < self.length else None, old)
        return new

    def resized(self, length: int) -> ListValue:
        """This list cut, or filled up with items that were never set."""
        items = self.items()[:length]
        return ListValue(self.dtype, self.sizes, items + [None] * (length - len(items)))

    def zeros(self) -> ListValue:
        """A list of the same length in which nothing was set."""
        return ListValue(self.dtype, self.sizes, [None] * self.length)

    def __add__(self, other: Any) -> ListValue:
        if not isinstance(other, ListValue):
            return NotImplemented
        if self.length != other.length:
            raise InvalidArgumentError(
                None, None, f"Trying to add two lists of tensors of different lengths: {self.length} and {other.length}"
            )
        pairs = zip(self.items(), other.items(), strict=True)
        return ListValue(self.dtype, merge_sizes(self.sizes, other.sizes), [_sum(a, b) for a, b in pairs])

    # Items

    def get(self, index: int, sizes: Sizes) -> Any:
        """The item at `index`, or zeros; `sizes` is what the reader knows of its shape."""
        if not 0 <= index < self.length:
            raise InvalidArgumentError(
                None, None, f"Trying to access element {index} in a list with {self.length} elements."
            )
        item = self.items()[index]
        return self.zero(sizes, index) if item is None else item

    def zero(self, sizes: Sizes, index: int) -> Any:
        """What stands for an item that was never set."""
        known = merge_sizes(self.sizes, sizes)
        if known is None or None in known:
            known = next((i.shape for i in self.items() if isinstance(i, _ARRAYS)), known)
        if known is None or None in known:
            raise InvalidArgumentError(
                None,
                None,
                f"Could not read index {index} of the list: it was never written, and the shape of its elements, "
                f"{show(known)}, is not fully known. With a full element_shape it would be zeros.",
            )
        return np.zeros([int(size) for size in known if size is not None], self.dtype)

    def all_items(self, sizes: Sizes) -> list[Any]:
        """All items, with zeros for those that were never set."""
        return [self.zero(sizes, i) if item is None else item for i, item in enumerate(self.items())]

    def _merged(self, item: Any) -> Sizes:
        if not isinstance(item, _ARRAYS) or self.sizes is None or self.sizes == item.shape:
            return self.sizes
        try:
            merge_sizes(self.sizes, item.shape)
        except ValueError:
            raise InvalidArgumentError(
                None,
                None,
                f"Tried to set a tensor with incompatible shape at a list index. Item element shape: {show(item.shape)} "
                f"list shape: {show(self.sizes)}",
            ) from None
        return self.sizes


def _sum(a: Any, b: Any) -> Any:
    if a is None or b is None:
        return b if a is None else a
    return a + b


def owned(item: Any) -> Any:
    """An item as a list may keep it: arrays may lie in memory that is used again."""
    return np.array(item) if isinstance(item, np.ndarray | np.generic) else item
