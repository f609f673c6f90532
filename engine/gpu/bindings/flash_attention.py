"""Attention whose scores are never in memory: what fits the fused kernels, their tiles, and their launches."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import ml_dtypes
import numpy as np

from ..calls import Array, DeviceArray
from ..source import Kernel
from ..template import template

if TYPE_CHECKING:
    from .attention import Attention, Matrices

# The widest heads of 16 and of 32 bits; tiles of wider ones do not fit.
WIDEST, WIDEST_FLOATS = 256, 128
# Where gradients of keys and of values are launches of their own: the sums of both would not fit the registers.
_APART = 128
_NARROW = (np.dtype(np.float16), np.dtype(ml_dtypes.bfloat16))
# What every GPU from sm_75 on grants a block that asks for it.
_SHARED = 64 << 10
# A mask hides a key where it is so much lower than for the key that it shows most: exponentials of such scores are 0.
_HIDDEN = 1e6
_LEVEL_THREADS = 256
# Warps, parts and columns for heads of up to 64 numbers, of up to 128, and for wider ones.
_TILES: dict[str, dict[str, tuple[tuple[int, int, int], ...]]] = {
    "narrow": {"forward": ((4, 2, 64), (4, 2, 32), (4, 1, 16)), "backward": ((4, 2, 32), (4, 1, 32), (2, 1, 16))},
    "wide": {"forward": ((4, 1, 64), (4, 1, 16)), "backward": ((4, 1, 32), (2, 1, 16))},
}
_SIZES = "int heads, long long matrices, int rows, int keys, int depth, int width"
_MASK = (
    "const float* mask, long long mask_batch, long long mask_head, long long mask_row, long long mask_key, double scale, "
    "double factor, double hidden, const unsigned* chance, const unsigned char* tiles, int wide"
)


@dataclass(frozen=True)
class Tiling:
    """How a kernel cuts the scores: warps of `parts` times 16 rows a block, and `columns` of the other side at a time."""

    dtype: np.dtype[Any]
    width: int
    warps: int
    parts: int
    columns: int
    # Whether products are done by matrix units, where there are such.
    units: bool
    drop: bool = False

    @property
    def rows(self) -> int:
        """The rows of a block."""
        return 16 * self.parts * self.warps

    @property
    def row_bytes(self) -> int:
        """A row in shared memory, with its padding."""
        return self.width * self.dtype.itemsize + 16

    @property
    def words(self) -> tuple[np.dtype[Any] | str, ...]:
        """The kernel's template arguments."""
        numbers = map(str, (self.warps, self.parts, self.columns, self.width))
        return self.dtype, _word(self.units), *numbers, _word(self.drop)

    def forward_bytes(self) -> int:
        """Shared memory: a tile of queries, one of keys, one of values, and what is kept of the scores."""
        return (self.rows + 2 * self.columns) * self.row_bytes + self._kept(by_keys=False)

    def gradient_bytes(self, *, by_keys: bool) -> int:
        """Shared memory: two tiles of rows; two of columns with three numbers a column, twice where there is room."""
        own, others = 2 * self.rows * self.row_bytes, self.columns * (2 * self.row_bytes + 12)
        own += self._kept(by_keys=by_keys)
        return own + others * (2 if own + 2 * others <= _SHARED else 1)

    def _kept(self, *, by_keys: bool) -> int:
        """Bytes of a bit for each score of a tile, in runs of four with one to spare."""
        own = 16 * self.parts
        rows, keys = (self.columns, own) if by_keys else (own, self.columns)
        return self.warps * rows * (keys // 4 + 1) if self.drop else 0


def _word(chosen: bool) -> str:
    return "true" if chosen else "false"


def tiling(
    dtype: np.dtype[Any], widest: int, *, backward: bool, tf32: bool = False, drop: bool = False
) -> Tiling:  # fmt: skip
    """The tiles for heads of up to `widest` numbers: as large as 64 KiB and 255 registers a thread allow."""
    width = -(-widest // 16) * 16
    narrow = dtype in _NARROW
    sizes = _TILES["narrow" if narrow else "wide"]["backward" if backward else "forward"][(width > 64) + (width > 128)]
    warps, parts, columns = sizes
    return Tiling(dtype, width, warps, parts, columns, narrow or tf32, drop)


def misfit(own: Attention) -> str:
    """Why the fused kernels do not do this attention; "" where they do."""
    widest = max(own.query.columns, own.value.columns)
    if own.dtype not in (*_NARROW, np.dtype(np.float32)):
        return f"{own.dtype}"
    most = min(WIDEST, WIDEST_FLOATS) if own.dtype == np.float32 else WIDEST
    if widest > most:
        return f"heads of {widest}, more than {most}"
    return "too many rows" if max(own.query.rows, own.key.rows) >= 2**31 - 128 else ""


def forward(own: Attention, mixed: Matrices, most: DeviceArray, share: DeviceArray) -> None:
    """Adds the launch for the result and what the gradient needs."""
    cut = _tiling(own, backward=False)
    places = (own.query, own.key, own.value, mixed)
    tiles = _tiles(own, cut.rows, cut.columns)
    arguments = *_addresses(*places), most, share, *_sizes(own), *_mask(own, tiles, places)
    blocks = _blocks(own, own.query.rows, cut.rows)
    own.bound.launch(forward_kernel(cut), blocks, 32 * cut.warps, *arguments, shared=cut.forward_bytes())


def gradient(
    own: Attention, dy: Matrices, mixed: Matrices, kept: tuple[DeviceArray, DeviceArray], results: tuple[Matrices, ...]
) -> None:
    """Adds the launches for the gradients with respect to query, key and value."""
    bound = own.bound
    level = _level(own, dy, mixed)
    cut = _tiling(own, backward=True)
    dq, dk, dv = results
    for what in _launches(cut):
        by_keys = what != "OF_QUERIES"
        first, second = (dk, dv) if by_keys else (dq, dq)
        rows = own.key.rows if by_keys else own.query.rows
        places = (own.query, own.key, own.value, dy, first, second)
        tiles = _tiles(own, cut.columns, cut.rows, turned=True) if by_keys else _tiles(own, cut.rows, cut.columns)
        arguments = *_addresses(*places), *kept, level, *_sizes(own), *_mask(own, tiles, places)
        shared = cut.gradient_bytes(by_keys=by_keys)
        bound.launch(
            gradient_kernel(cut, what), _blocks(own, rows, cut.rows), 32 * cut.warps, *arguments, shared=shared
        )


def _launches(cut: Tiling) -> tuple[str, ...]:
    """What each launch of a gradient computes, in the kernel's words."""
    return ("OF_VALUES", "OF_KEYS", "OF_QUERIES") if cut.width > _APART else ("OF_KEYS_AND_VALUES", "OF_QUERIES")


def gradient_kernels(cut: Tiling) -> list[Kernel]:
    """The kernels that give the gradients."""
    return [gradient_kernel(cut, what) for what in _launches(cut)]


def _tiling(own: Attention, *, backward: bool) -> Tiling:
    widest = max(own.query.columns, own.value.columns)
    return tiling(own.dtype, widest, backward=backward, tf32=own.bound.precision == "tf32", drop=own.chance != 0)


def _level(own: Attention, dy: Matrices, mixed: Matrices) -> DeviceArray:
    """What the slopes of each row are taken against."""
    level = own.bound.scratch((own.batch, own.heads, own.query.rows), np.float32)
    text = f"{_places('const dy', 'const mixed')}, float* level, int heads, long long matrices, int rows, int width"
    kernel = template(
        "flash_levels", "flash_attention.cuh", text, own.dtype, synchronizes=True, files=("random.cuh", "matrix.cuh")
    )  # fmt: skip
    matrices = own.batch * own.heads
    blocks = min(-(-matrices * own.query.rows * 32 // _LEVEL_THREADS), 65535)
    sizes = own.heads, matrices, own.query.rows, own.value.columns
    own.bound.launch(kernel, blocks, _LEVEL_THREADS, *_addresses(dy, mixed), level, *sizes)
    return level


def forward_kernel(cut: Tiling) -> Kernel:
    """The kernel that gives results."""
    places = _places("const query", "const key", "const value", "mixed")
    return _kernel("flash_attention", f"{places}, float* most, float* share, {_SIZES}, {_MASK}", cut)


def gradient_kernel(cut: Tiling, what: str) -> Kernel:
    """The kernel that gives the gradients of "OF_QUERIES", "OF_KEYS_AND_VALUES", "OF_KEYS" or "OF_VALUES"."""
    places = _places("const query", "const key", "const value", "const dy", "first", "second")
    text = f"{places}, const float* most, const float* share, const float* level, {_SIZES}, {_MASK}"
    return _kernel("flash_attention_gradient", text, cut, what)


def _kernel(name: str, parameters: str, cut: Tiling, *words: str) -> Kernel:
    options: dict[str, Any] = {"synchronizes": True, "threads": 32 * cut.warps, "files": ("random.cuh", "matrix.cuh")}
    return template(name, "flash_attention.cuh", parameters, *cut.words, *words, **options)


def _places(*names: str) -> str:
    """Parameters: an address and three steps for each name, which may begin with "const "."""
    texts = []
    for name in names:
        kind, bare = name.split(" ") if " " in name else ("", name)
        steps = ", ".join(f"long long {bare}_{axis}" for axis in ("batch", "head", "row"))
        texts.append(f"{kind} T* {bare}, {steps}".strip())
    return ", ".join(texts)


def _addresses(*places: Matrices) -> list[int]:
    return [number for place in places for number in (place.address, *place.steps)]


def _sizes(own: Attention) -> tuple[int, ...]:
    return own.heads, own.batch * own.heads, own.query.rows, own.key.rows, own.query.columns, own.value.columns


def _blocks(own: Attention, rows: int, tile: int) -> int:
    return -(-rows // tile) * own.batch * own.heads


def _mask(own: Attention, tiles: DeviceArray | None, places: tuple[Matrices, ...]) -> tuple[Any, ...]:
    """The last arguments; copies of 16 bytes at a time where all rows allow it."""
    address, steps = own.mask
    wide = all(n % 16 == 0 for p in places for n in (p.address, *(x * p.itemsize for x in (*p.steps, p.columns))))
    return address, *steps, *own.factors, own.chance, 0 if tiles is None else tiles, int(wide)


def _tiles(own: Attention, rows: int, keys: int, *, turned: bool = False) -> DeviceArray | None:
    """A byte for each tile of `rows` by `keys` scores, where one known mask is for all heads; see flash_attention.cuh."""
    place = len(own.bound.inputs) - (2 if own.chance else 1)
    found = own.bound.constants[place] if own.mask[0] and own.bound.constants else None
    if found is None or found.size != math.prod(found.shape[-2:]):
        return None
    factor, shape = float(own.bound.attrs["mask_factor"]), (own.query.rows, own.key.rows)
    # Layers mostly have one mask.
    key = "tiles of scores", id(found), factor, shape, rows, keys, turned
    if key not in own.bound.notes:
        mask = np.broadcast_to(found.reshape(found.shape[-2:]), shape) * found.dtype.type(factor)
        kinds = kinds_of_tiles(mask, rows, keys)
        plain = bool((kinds == 2).all())
        own.bound.notes[key] = None if plain else own.bound.table(np.ascontiguousarray(kinds.T if turned else kinds))
    tiles: DeviceArray | None = own.bound.notes[key]
    return tiles


def kinds_of_tiles(mask: Array, rows: int, keys: int) -> Array:
    """0 for tiles that hide all that they are for, 1 for those that change nothing, 2 for others."""
    starts = np.arange(0, mask.shape[0], rows), np.arange(0, mask.shape[1], keys)
    with np.errstate(all="ignore"):
        most = mask.max(1, keepdims=True)
        hidden = np.maximum.reduceat(mask, starts[1], axis=1) <= most - most.dtype.type(_HIDDEN)
    # A row that hides all its keys, or has NaN, is computed as it stands.
    hidden &= np.isfinite(most)
    plain = np.logical_and.reduceat(np.logical_and.reduceat(mask == 0, starts[1], axis=1), starts[0], axis=0)
    kinds = np.where(plain, np.uint8(1), np.uint8(2))
    kinds[np.logical_and.reduceat(hidden, starts[0], axis=0)] = 0
    return kinds
