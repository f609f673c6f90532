"""Slices of tensors: Slice, StridedSlice and what `tensor[...]` makes of its index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..dtypes import INDEX, bool as bool_dtype, int32, int64
from ..errors import InvalidArgumentError
from ..graph import OPERATORS, Operation, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, show
from ..registry import op
from ..samples import Failure, Sample
from .array import pack_op, shape
from .constant import constant

Gradients = list[Any]

# `tensor[tf.newaxis]` adds an axis of size one.
newaxis = None
MASKS = ("begin_mask", "end_mask", "ellipsis_mask", "new_axis_mask", "shrink_axis_mask")


@dataclass(frozen=True, slots=True)
class Cut:
    """One dimension of a strided slice: 'new', 'shrink' at `begin`, or 'slice'; '?' for numbers not known."""

    kind: str
    begin: int | str | None = None
    end: int | str | None = None
    stride: int | str = 1

    @property
    def known(self) -> bool:
        """Whether no number is missing."""
        return "?" not in (self.begin, self.end, self.stride)

    def index(self) -> Any:
        """What NumPy takes in this place of an index."""
        if self.kind == "new":
            return None
        return self.begin if self.kind == "shrink" else slice(self.begin, self.end, self.stride)


def cuts_of(begin: Sequence[Any], end: Sequence[Any], strides: Sequence[Any], masks: dict[str, int], rank: int) -> Any:
    """The specification of a strided slice as one Cut a dimension of input or result; None stands for unknown numbers.

    Raises:
        ValueError: two ellipses, a stride of 0, or more indices than dimensions.
    """
    count = len(begin)
    taken = sum(not (masks["ellipsis_mask"] | masks["new_axis_mask"]) >> i & 1 for i in range(count))
    if bin(masks["ellipsis_mask"] & ((1 << count) - 1)).count("1") > 1:
        raise ValueError("Multiple ellipses in slice spec not allowed")
    if taken > rank:
        raise ValueError(f"Index out of range using input dim {rank}; input has only {rank} dims")
    cuts: list[Cut] = []
    rest = [Cut("slice")] * (rank - taken)
    for i in range(count):
        if masks["ellipsis_mask"] >> i & 1:
            cuts += rest
            rest = []
        else:
            cuts.append(_cut(i, begin[i], end[i], strides[i], masks))
    return cuts + rest


def _cut(i: int, begin: Any, end: Any, stride: Any, masks: dict[str, int]) -> Cut:
    if masks["new_axis_mask"] >> i & 1:
        return Cut("new")
    if stride is not None and int(stride) == 0:
        raise ValueError(f"strides[{i}] must be non-zero")
    first, last, step = ("?" if v is None else int(v) for v in (begin, end, stride))
    if masks["shrink_axis_mask"] >> i & 1:
        return Cut("shrink", first)
    begin_masked, end_masked = masks["begin_mask"] >> i & 1, masks["end_mask"] >> i & 1
    return Cut("slice", None if begin_masked else first, None if end_masked else last, step)


def index_of(sizes: Sequence[int], begin: Any, end: Any, strides: Any, masks: dict[str, int]) -> tuple[Any, ...]:
    """The NumPy index that a strided slice of a tensor of `sizes` stands for; ValueError if it is out of range."""
    cuts = cuts_of(begin, end, strides, masks, len(sizes))
    axis = 0
    for cut in cuts:
        if cut.kind == "shrink":
            check_shrunk(cut, sizes[axis], axis)
        axis += cut.kind != "new"
    # The ellipsis makes the result a view even if every dimension is dropped.
    return (*(cut.index() for cut in cuts), ...)


def check_shrunk(cut: Cut, size: int | None, axis: int) -> None:
    """Raises ValueError if the index of a dropped dimension is outside of it."""
    if isinstance(cut.begin, int) and size is not None and not -size <= cut.begin < size:
        raise ValueError(f"slice index {cut.begin} of dimension {axis} out of bounds")


def checked_index(sizes: Sequence[int], begin: Any, end: Any, strides: Any, masks: dict[str, int]) -> tuple[Any, ...]:
    """As `index_of`, with an InvalidArgumentError: for kernels."""
    try:
        return index_of(sizes, begin, end, strides, masks)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


@op("StridedSlice", "input: T, begin: Index, end: Index, strides: Index", "output: T", Index=INDEX)
def strided_slice_op(
    input: Any, begin: Any, end: Any, strides: Any, *, begin_mask: int = 0, end_mask: int = 0, ellipsis_mask: int = 0,
    new_axis_mask: int = 0, shrink_axis_mask: int = 0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """A slice as of NumPy's basic indexing; the masks say which entries are open, `...`, new or dropped dimensions."""


@strided_slice_op.shape
def strided_slice_shape(context: InferenceContext) -> list[Sizes]:
    numbers = [_numbers(context, i) for i in (1, 2, 3)]
    sizes = context.sizes[0]
    if sizes is None or None in numbers:
        return [None]
    begin, end, strides = numbers
    return [sliced_sizes(sizes, cuts_of(begin or (), end or (), strides or (), context.attrs, len(sizes)))]


def _numbers(context: InferenceContext, index: int) -> tuple[int | None, ...] | None:
    value = context.value(index)
    return context.shape_value(index) if value is None else tuple(int(v) for v in value)


def sliced_sizes(sizes: tuple[int | None, ...], cuts: Sequence[Cut]) -> tuple[int | None, ...]:
    """The shape of a strided slice."""
    result: list[int | None] = []
    axis = 0
    for cut in cuts:
        if cut.kind == "new":
            result.append(1)
            continue
        if cut.kind == "shrink":
            check_shrunk(cut, sizes[axis], axis)
        else:
            result.append(_sliced_size(sizes[axis], cut))
        axis += 1
    return tuple(result)


def _sliced_size(size: int | None, cut: Cut) -> int | None:
    if cut.begin is None and cut.end is None and cut.stride in (1, -1):
        return size
    if not cut.known or size is None:
        return None
    return len(range(*cut.index().indices(size)))


@strided_slice_op.kernel
def strided_slice_kernel(xp: Any, x: Any, begin: Any, end: Any, strides: Any, **masks: int) -> Any:
    return x[checked_index(x.shape, begin, end, strides, masks)]


@strided_slice_op.into
def strided_slice_into(xp: Any, out: Any, x: Any, begin: Any, end: Any, strides: Any, **masks: int) -> None:
    xp.copyto(out, x[checked_index(x.shape, begin, end, strides, masks)])


@strided_slice_op.view
def strided_slice_view(x: Any, begin: Any, end: Any, strides: Any, **masks: int) -> Any:
    return x[index_of(x.shape, begin, end, strides, masks)]


@strided_slice_op.gradient
def strided_slice_gradient(op: Operation, dy: Tensor) -> Gradients:
    x, begin, end, strides = op.inputs
    sizes = shape(x, out_type=begin.dtype)
    masks = {name: op.attrs[name] for name in MASKS}
    return [strided_slice_grad_op(sizes, begin, end, strides, dy, **masks), None, None, None]


@op("StridedSliceGrad", "shape: Index, begin: Index, end: Index, strides: Index, dy: T", "output: T", Index=INDEX)
def strided_slice_grad_op(
    shape: Any, begin: Any, end: Any, strides: Any, dy: Any, *, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, name: str | None = None,
) -> Tensor:  # fmt: skip
    """Zeros of `shape` with `dy` where the strided slice was taken."""


@strided_slice_grad_op.shape
def strided_slice_grad_shape(context: InferenceContext) -> list[Sizes]:
    return [context.shape_value(0)]


@strided_slice_grad_op.kernel
def strided_slice_grad_kernel(xp: Any, shape: Any, begin: Any, end: Any, strides: Any, dy: Any, **masks: int) -> Any:
    out = xp.empty(tuple(int(s) for s in shape), dy.dtype)
    strided_slice_grad_into(xp, out, shape, begin, end, strides, dy, **masks)
    return out


@strided_slice_grad_op.into
def strided_slice_grad_into(
    xp: Any, out: Any, shape: Any, begin: Any, end: Any, strides: Any, dy: Any, **masks: int
) -> None:
    out[...] = 0
    place = out[checked_index(out.shape, begin, end, strides, masks)]
    if place.shape != dy.shape:
        raise InvalidArgumentError(None, None, f"dy has shape {list(dy.shape)}, the slice {list(place.shape)}")
    place[...] = dy


@strided_slice_grad_op.gradient
def strided_slice_grad_gradient(op: Operation, dy: Tensor) -> Gradients:
    masks = {name: op.attrs[name] for name in MASKS}
    return [None, None, None, None, strided_slice_op(dy, *op.inputs[1:4], **masks)]


def _vectors(*values: Sequence[int]) -> tuple[Any, ...]:
    return tuple(np.array(v, np.int32) for v in values)


@strided_slice_op.samples
def strided_slice_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(4, 3, 5))
    return [
        Sample((x, *_vectors([1, 0], [3, 2], [1, 1])), gradients=(0,)),
        Sample((x, *_vectors([0, 0, 4], [0, 0, 0], [1, 1, -2])), {"begin_mask": 1, "end_mask": 5, "ellipsis_mask": 2},
               gradients=(0,)),
        Sample((x, *_vectors([0, -1, 0], [0, 0, 2], [1, 1, 1])), {"new_axis_mask": 1, "shrink_axis_mask": 2},
               gradients=(0,)),
        Sample((x, *_vectors([1, 2, 3], [2, 3, 4], [1, 1, 1])), {"shrink_axis_mask": 7}, gradients=(0,)),
        Sample((x, *_vectors([3], [1], [1])), gradients=(0,)),
    ]  # fmt: skip


@strided_slice_op.failing
def strided_slice_failing(rng: np.random.Generator) -> list[Failure]:
    x = np.ones((2, 3))
    return [
        Failure((x, *_vectors([2], [3], [1])), ValueError, "index 2 of dimension 0 out of", {"shrink_axis_mask": 1}),
        Failure((x, *_vectors([0], [3], [0])), ValueError, "non-zero"),
        Failure((x, *_vectors([0] * 3, [1] * 3, [1] * 3)), ValueError, "only 2 dims"),
        Failure((x, *_vectors([0] * 2, [1] * 2, [1] * 2)), ValueError, "Multiple ellipses", {"ellipsis_mask": 3}),
    ]


@strided_slice_grad_op.samples
def strided_slice_grad_samples(rng: np.random.Generator) -> list[Sample]:
    sizes, dy = np.array([4, 3], np.int32), rng.normal(size=(2, 3))
    return [Sample((sizes, *_vectors([3], [0], [-2]), dy), gradients=(4,))]


@op("Slice", "input: T, begin: Index, size: Index", "output: T", Index=INDEX)
def slice_op(input: Any, begin: Any, size: Any, *, name: str | None = None) -> Tensor:
    """The block of `input` that starts at `begin` with `size` elements a dimension; -1 stands for the rest."""


@slice_op.shape
def slice_shape(context: InferenceContext) -> list[Sizes]:
    sizes, begin, size = context.sizes[0], context.value(1), context.value(2)
    wanted = context.shape_value(2)
    if sizes is not None and wanted is not None and len(wanted) != len(sizes):
        raise ValueError(f"begin and size need one entry a dimension of {show(sizes)}, got {len(wanted)}")
    if sizes is None or begin is None or size is None:
        return [wanted if wanted is not None else (None,) * len(sizes) if sizes is not None else None]
    return [tuple(_block_size(int(b), int(n), whole, i) for i, (b, n, whole) in enumerate(
        zip(begin, size, sizes, strict=True)))]  # fmt: skip


def _block_size(begin: int, size: int, whole: int | None, axis: int) -> int | None:
    if begin < 0 or size < -1 or (whole is not None and begin + max(size, 0) > whole):
        raise ValueError(f"Expected begin[{axis}] in [0, {whole}] and size[{axis}] within, got {begin} and {size}")
    if size == -1:
        return None if whole is None else whole - begin
    return size


def _block(sizes: Sequence[int], begin: Any, size: Any) -> tuple[Any, ...]:
    if not len(begin) == len(size) == len(sizes):
        raise ValueError(f"begin and size need {len(sizes)} entries, got {len(begin)} and {len(size)}")
    counts = [_block_size(int(b), int(n), s, i) for i, (b, n, s) in enumerate(zip(begin, size, sizes, strict=True))]
    return tuple(slice(int(b), int(b) + (c or 0)) for b, c in zip(begin, counts, strict=True))


def _checked_block(sizes: Sequence[int], begin: Any, size: Any) -> tuple[Any, ...]:
    try:
        return _block(sizes, begin, size)
    except ValueError as error:
        raise InvalidArgumentError(None, None, str(error)) from None


@slice_op.kernel
def slice_kernel(xp: Any, x: Any, begin: Any, size: Any) -> Any:
    return x[_checked_block(x.shape, begin, size)]


@slice_op.into
def slice_into(xp: Any, out: Any, x: Any, begin: Any, size: Any) -> None:
    xp.copyto(out, x[_checked_block(x.shape, begin, size)])


@slice_op.view
def slice_view(x: Any, begin: Any, size: Any) -> Any:
    return x[_block(x.shape, begin, size)]


@slice_op.gradient
def slice_gradient(op: Operation, dy: Tensor) -> Gradients:
    from .array_pad import pad_op

    x, begin, _ = op.inputs
    dtype = begin.dtype.base_dtype
    after = shape(x, out_type=dtype) - begin - shape(dy, out_type=dtype)
    return [pad_op(dy, pack_op([begin, after], axis=1)), None, None]


@slice_op.samples
def slice_samples(rng: np.random.Generator) -> list[Sample]:
    x = rng.normal(size=(4, 3))
    return [
        Sample((x, *_vectors([1, 0], [2, -1])), gradients=(0,)),
        Sample((x, *_vectors([4, 1], [0, 2])), gradients=(0,)),
        Sample((np.float64(3), *_vectors([], [])), gradients=(0,)),
    ]


@slice_op.failing
def slice_failing(rng: np.random.Generator) -> list[Failure]:
    x = np.ones((2, 3))
    return [
        Failure((x, *_vectors([1, 1], [1, 3])), ValueError, r"begin\[1\] in \[0, 3\]"),
        Failure((x, *_vectors([1], [1])), ValueError, "one entry a dimension"),
    ]


# What Python's subscripts build


@dataclass(slots=True)
class SliceSpec:
    """A Python index as the numbers and masks of a strided slice; numbers may be scalar tensors."""

    begin: list[Any] = field(default_factory=list)
    end: list[Any] = field(default_factory=list)
    strides: list[Any] = field(default_factory=list)
    masks: dict[str, int] = field(default_factory=lambda: dict.fromkeys(MASKS, 0))

    def add(self, begin: Any, end: Any, stride: Any, *masks: str) -> None:
        """Appends an entry with its bit set in the named masks."""
        for mask in masks:
            self.masks[mask] |= 1 << len(self.begin)
        for numbers, number in ((self.begin, begin), (self.end, end), (self.strides, stride)):
            numbers.append(number)

    def tensors(self) -> list[Tensor]:
        """Begin, end and strides as vectors."""
        items = [*self.begin, *self.end, *self.strides]
        wide = any(isinstance(v, Tensor) and v.dtype.base_dtype == int64 for v in items)
        return [_vector(v, wide) for v in (self.begin, self.end, self.strides)]


def slice_spec(index: Any) -> SliceSpec:
    """The strided slice that a Python index stands for.

    Raises:
        TypeError: an entry is none of: integer, slice, `...`, None, scalar integer tensor.
    """
    spec = SliceSpec()
    for entry in index if isinstance(index, tuple | list) else (index,):
        if entry is Ellipsis:
            spec.add(0, 0, 1, "ellipsis_mask")
        elif entry is None:
            spec.add(0, 0, 1, "new_axis_mask")
        elif isinstance(entry, slice):
            _add_slice(spec, entry)
        else:
            number = _index_number(entry)
            spec.add(number, number + 1, 1, "shrink_axis_mask")
    return spec


def _add_slice(spec: SliceSpec, entry: slice) -> None:
    begin = None if entry.start is None else _index_number(entry.start)
    end = None if entry.stop is None else _index_number(entry.stop)
    stride = 1 if entry.step is None else _index_number(entry.step)
    masks = ["begin_mask"] * (begin is None) + ["end_mask"] * (end is None)
    # Open ends hold zeros, as TensorFlow writes them.
    spec.add(0 if begin is None else begin, 0 if end is None else end, stride, *masks)


def _index_number(entry: Any) -> Any:
    if hasattr(entry, "_as_graph_element") and not isinstance(entry, Tensor):
        entry = entry._as_graph_element()
    if isinstance(entry, Tensor) and entry.dtype.base_dtype in (int32, int64) and entry.sizes in (None, ()):
        return entry
    plain = getattr(entry, "value", entry) if type(entry).__name__ == "Dimension" else entry
    if hasattr(plain, "__index__") and not isinstance(plain, bool | np.bool_ | Tensor) and np.ndim(plain) == 0:
        return int(plain)
    raise TypeError(
        "Only integers, slices (`:`), ellipsis (`...`), tf.newaxis (`None`) and scalar tf.int32/tf.int64 tensors are "
        f"valid indices, got {entry!r}"
    )


def _vector(numbers: list[Any], wide: bool) -> Tensor:
    dtype = int64 if wide else int32
    if not any(isinstance(n, Tensor) for n in numbers):
        return constant(np.array(numbers, dtype.numpy), name="stack")
    return pack_op([_widened(n, dtype) for n in numbers], name="stack")


def _widened(number: Any, dtype: Any) -> Any:
    if isinstance(number, Tensor) and number.dtype.base_dtype != dtype:
        from ..registry import definition_of

        return definition_of("Cast")(number, DstT=dtype)
    return number if isinstance(number, Tensor) else np.array(number, dtype.numpy)


def getitem(tensor: Any, index: Any) -> Tensor:
    """`tensor[index]`: integers, slices with any stride, `...`, None (a new axis) and scalar integer tensors."""
    if not isinstance(tensor, Tensor):
        tensor = tensor._as_graph_element()
    if isinstance(index, Tensor) and index.dtype.base_dtype == bool_dtype:
        raise TypeError("A boolean tensor is no index: use tf.boolean_mask(tensor, mask)")
    with get_default_graph().name_scope("strided_slice") as scope:
        spec = slice_spec(index)
        result: Tensor = strided_slice_op(tensor, *spec.tensors(), **spec.masks, name=scope)
    return result


OPERATORS["getitem"] = getitem


# TensorFlow's names


def slice_(input_: Any, begin: Any, size: Any, name: str | None = None) -> Tensor:
    """The block of `input_` that starts at `begin` with `size` elements a dimension; -1 stands for the rest.

    Raises:
        ValueError, InvalidArgumentError: the block is not within the tensor.
    """
    return slice_op(input_, begin, size, name=name)


def strided_slice(
    input_: Any, begin: Any, end: Any, strides: Any = None, begin_mask: int = 0, end_mask: int = 0,
    ellipsis_mask: int = 0, new_axis_mask: int = 0, shrink_axis_mask: int = 0, var: Any = None, name: str | None = None,
) -> Tensor:  # fmt: skip
    """The slice `input_[begin:end:strides]`, dimension by dimension; bits of the masks open, add or drop dimensions.

    Args:
        input_: any tensor.
        begin: first indices, one an entry.
        end: where each entry ends, exclusive.
        strides: steps, which may be negative; all 1 by default.
        begin_mask: bit i leaves out begin[i].
        end_mask: bit i leaves out end[i].
        ellipsis_mask: the bit that stands for as many whole dimensions as needed.
        new_axis_mask: bit i adds a dimension of size 1.
        shrink_axis_mask: bit i takes the single element begin[i] and drops the dimension.
        var: a variable, accepted for TensorFlow's sake.
        name: the operation's name.
    """
    del var
    if strides is None:
        count = len(begin) if isinstance(begin, list | tuple | np.ndarray) else begin.sizes[0]
        strides = np.ones(count, begin.dtype.numpy if isinstance(begin, Tensor) else np.int32)
    return strided_slice_op(
        input_, begin, end, strides, begin_mask=begin_mask, end_mask=end_mask, ellipsis_mask=ellipsis_mask,
        new_axis_mask=new_axis_mask, shrink_axis_mask=shrink_axis_mask, name=name,
    )  # fmt: skip
