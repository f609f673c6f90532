"""The primitives that TensorFlow 1 lowers branches and loops to: Switch, Merge, Enter, Exit, NextIteration, LoopCond.

They have no kernels: backends/dynamic.py runs the steps that hold them. `tf.cond` and `tf.while_loop` do not use them.
"""

from __future__ import annotations

from typing import Any

from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, like_first, scalar_shape
from ..registry import op
from .aggregation import as_dense
from .array_parts import zeros_like_tensor
from .comparison import equal
from .cond import common_sizes

Gradients = list[Any]


def _both(context: InferenceContext) -> list[Sizes]:
    context.with_rank(1, 0)
    return [context.sizes[0], context.sizes[0]]


@op("Switch", "data: T, pred: bool", "output_false: T, output_true: T", shape=_both, foldable=False)
def switch_op(data: Any, pred: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """`data` at the output that `pred` chooses; the other output is dead, and so is what depends on it."""


@op("RefSwitch", "data: Ref(T), pred: bool", "output_false: Ref(T), output_true: Ref(T)", shape=_both, foldable=False)
def ref_switch_op(data: Any, pred: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Switch for references to variables."""


def _merged(context: InferenceContext) -> list[Sizes]:
    result = context.sizes[0]
    for sizes in context.sizes[1:]:
        result = common_sizes(result, sizes)
    return [result, ()]


@op("Merge", "inputs: N * T", "output: T, value_index: int32", shape=_merged, foldable=False)
def merge_op(inputs: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """The first input that is there and not dead, and its index; dead if all are."""


@op("RefMerge", "inputs: N * Ref(T)", "output: Ref(T), value_index: int32", shape=_merged, foldable=False)
def ref_merge_op(inputs: Any, *, name: str | None = None) -> tuple[Tensor, Tensor]:
    """Merge for references to variables."""


@op("Enter", "data: T", "output: T", shape=like_first, foldable=False)
def enter_op(
    data: Any, *, frame_name: str, is_constant: bool = False, parallel_iterations: int = 10, name: str | None = None
) -> Tensor:
    """`data` in the first iteration of a frame, or in all of them if `is_constant`."""


@op("RefEnter", "data: Ref(T)", "output: Ref(T)", shape=like_first, foldable=False)
def ref_enter_op(
    data: Any, *, frame_name: str, is_constant: bool = False, parallel_iterations: int = 10, name: str | None = None
) -> Tensor:
    """Enter for references to variables."""


@op("Exit", "data: T", "output: T", shape=like_first, foldable=False)
def exit_op(data: Any, *, name: str | None = None) -> Tensor:
    """`data` in the frame around."""


@op("RefExit", "data: Ref(T)", "output: Ref(T)", shape=like_first, foldable=False)
def ref_exit_op(data: Any, *, name: str | None = None) -> Tensor:
    """Exit for references to variables."""


@op("NextIteration", "data: T", "output: T", shape=like_first, foldable=False)
def next_iteration_op(data: Any, *, name: str | None = None) -> Tensor:
    """`data` in the next iteration of the frame."""


@op("RefNextIteration", "data: Ref(T)", "output: Ref(T)", shape=like_first, foldable=False)
def ref_next_iteration_op(data: Any, *, name: str | None = None) -> Tensor:
    """NextIteration for references to variables."""


@op("LoopCond", "input: bool", "output: bool", shape=scalar_shape, foldable=False)
def loop_cond_op(input: Any, *, name: str | None = None) -> Tensor:
    """The condition of a loop, as it is."""


# Outside of frames: TensorFlow's rules


@switch_op.gradient
def switch_gradient(op: Operation, dfalse: Any, dtrue: Any) -> Gradients:
    data, pred = op.inputs
    false, true = (zeros_like_tensor(data) if d is None else as_dense(d) for d in (dfalse, dtrue))
    return [merge_op([switch_op(false, pred)[0], switch_op(true, pred)[1]])[0], None]


@merge_op.gradient
def merge_gradient(op: Operation, dy: Any, _: Any) -> Gradients:
    if dy is None:
        return [None] * len(op.inputs)
    dense = as_dense(dy)
    return [switch_op(dense, equal(op.outputs[1], i))[1] for i in range(len(op.inputs))]
