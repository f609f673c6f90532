"""Dense optimizer updates: variables and slots in one pass, one node for all variables of a step."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..calls import Array, Bound, chunks_of, native

# The rules of engine/ops/training.py: kernel, variables among the inputs, place of the gradient, and the option.
RULES: dict[str, tuple[str, int, int, str]] = {
    "GradientDescent": ("gradient_descent", 1, 2, ""),
    "Momentum": ("momentum", 2, 3, "use_nesterov"),
    "KerasMomentum": ("keras_momentum", 2, 3, "use_nesterov"),
    "Adagrad": ("adagrad", 2, 3, "update_slots"),
    "AdagradV2": ("adagrad_v2", 2, 4, "update_slots"),
    "AdagradDA": ("adagrad_da", 3, 3, ""),
    "Adadelta": ("adadelta", 3, 6, ""),
    "Adam": ("adam", 3, 9, "use_nesterov"),
    "AdamWithAmsgrad": ("adam_amsgrad", 4, 10, ""),
    "AdaMax": ("ada_max", 3, 8, ""),
    "RMSProp": ("rms_prop", 3, 7, ""),
    "CenteredRMSProp": ("centered_rms_prop", 4, 8, ""),
    "Ftrl": ("ftrl", 3, 3, ""),
    "FtrlV2": ("ftrl_v2", 3, 3, ""),
    "ProximalGradientDescent": ("proximal_gradient_descent", 1, 4, ""),
    "ProximalAdagrad": ("proximal_adagrad", 2, 5, ""),
    "AddSign": ("add_sign", 2, 6, ""),
    "PowerSign": ("power_sign", 2, 6, ""),
}
ARRAYS, NUMBERS = 4, 8
SUFFIX = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}


def apply_dense(bound: Bound) -> None:
    """One update."""
    _update(bound, bound.type, bound.inputs, bound.node_attrs)


# There is no op of these that takes a reference.
_BY_HANDLE_ONLY = ("KerasMomentum", "AdamWithAmsgrad")

for _name in RULES:
    native(f"ResourceApply{_name}")(apply_dense)
    if _name not in _BY_HANDLE_ONLY:
        native(f"Apply{_name}")(apply_dense)


@native("_MultiUpdate")
def multi_update(bound: Bound) -> None:
    """The updates of one type on different variables, one call each."""
    start = 0
    for definition, attrs, count, _ in bound.node_attrs["parts"]:
        _update(bound, definition.type, bound.inputs[start : start + count], attrs)
        start += count


def _update(bound: Bound, op_type: str, inputs: Sequence[Array], attrs: dict[str, Any]) -> None:
    rule = op_type.removeprefix("Resource").removeprefix("Apply")
    bound.require(rule in RULES, f"no native {op_type}")
    kernel, variables, place, option = RULES[rule]
    arrays, gradient = list(inputs[:variables]), inputs[place]
    numbers = [x for i, x in enumerate(inputs) if i >= variables and i != place]
    dtype = arrays[0].dtype
    bound.require(dtype in SUFFIX, f"{dtype}")
    for array in [*arrays, gradient]:
        bound.require(array.shape == gradient.shape, "variable, slots and gradient of different shapes")
        bound.require(array.flags.c_contiguous, "strided memory")
    bound.require(all(x.size == 1 for x in numbers), "a number that is no scalar")
    size, chunks = chunks_of(gradient.size, 4)
    rows = [*arrays, *[None] * (ARRAYS - variables), gradient, *numbers, *[None] * (NUMBERS - len(numbers))]
    chosen = bool(attrs.get(option, option == "update_slots"))
    bound.call(f"apply_{kernel}_{SUFFIX[dtype]}", chunks, gradient.size, size, chosen, *rows)
