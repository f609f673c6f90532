"""Pass: LSTM layers become nodes that a device's library does as a whole, forwards and backwards.

BlockLSTM gives all its gates to BlockLSTMGrad. Where nothing else reads them, where of the cell states only the last is read, and
where all steps are taken, without peepholes and clipping, `_LibraryLSTM` and `_LibraryLSTMGrad` take their places: what one
leaves for the other is the library's own, and no value of the step.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from ..dtypes import float32, float64
from .dataflow import Dataflow, Node, Value
from .replacing import Replacing

# Outputs of BlockLSTM, which are inputs of the gradient after those of the layer itself.
_GATES, _CELLS, _OUTPUTS = (0, 2, 3, 4, 5), 1, 6
# Inputs of both: the limit, x, cs_prev, h_prev, w, three diagonals, b. Then the gradient has the outputs, cs_grad, h_grad.
_KEPT, _CELLS_GRAD, _OUTPUTS_GRAD = 16, 16, 17
_TAKEN = (1, 2, 3, 4, 8)
# Outputs of the gradient that are taken over; between them are those of the diagonals.
_GIVEN, _DIAGONALS = (0, 1, 2, 3, 7), (4, 5, 6)
_NO_MASKS = ("begin_mask", "ellipsis_mask", "new_axis_mask")


@dataclass(eq=False)
class _Layer:
    """A layer: what takes its last cell state, its gradient, and the gradient of the last cell state if there is one."""

    node: Node
    last: list[Node] = field(default_factory=list)
    gradient: Node | None = None
    cells_grad: list[Value] = field(default_factory=list)


def library_lstm(flow: Dataflow) -> None:
    """Replaces each layer and its gradient."""
    layers = _Layers(flow)
    for node in [n for n in flow.nodes if n.type == "BlockLSTM" and _plain(n)]:
        found = layers.found(node)
        if found is not None:
            layers.replace_one(found)
    layers.finish()


def _plain(node: Node) -> bool:
    """Whether a layer takes all its steps, and is one that libraries know."""
    limit, x, cells = node.inputs[0].node.constant, node.inputs[1], node.inputs[2]
    sizes = (*(x.sizes or (None,)), *(cells.sizes or (None,)))
    if node.attrs["use_peephole"] or node.attrs["cell_clip"] > 0 or x.dtype not in (float32, float64):
        return False
    return limit is not None and None not in sizes and math.prod(sizes) > 0 and int(limit) == sizes[0]  # type: ignore[arg-type]


def _takes_last(node: Node, bounds: Sequence[Value], time: int) -> bool:
    """Whether a slice is the last element along the first axis."""
    begin, _, strides = (value.node.constant for value in bounds)
    if begin is None or strides is None or begin.size != 1 or strides.size != 1:
        return False
    plain = not any(node.attrs[name] for name in _NO_MASKS) and node.attrs["shrink_axis_mask"] == 1
    return plain and int(strides[0]) == 1 and int(begin[0]) in (-1, time - 1)


def _is_zero(node: Node) -> bool:
    """Whether a node gives zeros: large ones are not folded."""
    filled = node.inputs[1].node if node.type == "Fill" else node
    return node.type == "ZerosLike" or (filled.constant is not None and not filled.constant.any())


class _Layers(Replacing):
    """The layers of a step."""

    def __init__(self, flow: Dataflow) -> None:
        super().__init__(flow)
        self.fetched = set(flow.fetches)

    def found(self, node: Node) -> _Layer | None:
        """The layer of a node; None where more of it is read than a library gives."""
        layer, time = _Layer(node), (node.inputs[1].sizes or (0,))[0] or 0
        if any(node.outputs[k] in self.fetched for k in (*_GATES, _CELLS)):
            return None
        readers = [user for k in _GATES for user in self.users.get(node.outputs[k], ())]
        for user in dict.fromkeys(self.users.get(node.outputs[_CELLS], ())):
            if user.type == "StridedSlice" and not user.control and _takes_last(user, user.inputs[1:], time):
                layer.last.append(user)
            else:
                readers.append(user)
        gradients = list(dict.fromkeys(readers))
        if len(gradients) > 1 or not all(self._is_gradient(layer, user, time) for user in gradients):
            return None
        return layer

    def _is_gradient(self, layer: _Layer, node: Node, time: int) -> bool:
        """Whether a node is the gradient of the layer and of no other; notes it."""
        given, own = node.inputs, [*layer.node.inputs, *layer.node.outputs]
        if node.type != "BlockLSTMGrad" or any(a is not b for a, b in zip(given[:_KEPT], own, strict=True)):
            return False
        if any(self.users.get(node.outputs[k]) or node.outputs[k] in self.fetched for k in _DIAGONALS):
            return False
        cells = given[_CELLS_GRAD].node
        layer.gradient = node
        if _is_zero(cells):
            return True
        layer.cells_grad = cells.inputs[4:]
        return cells.type == "StridedSliceGrad" and _takes_last(cells, cells.inputs[1:4], time)

    def replace_one(self, layer: _Layer) -> None:
        """Puts the library's nodes in the places of a layer's."""
        node, gradient = layer.node, layer.gradient
        taken, x, cells = [node.inputs[k] for k in _TAKEN], node.inputs[1], node.inputs[2]
        attrs: dict[str, Any] = {"T": x.dtype, "layer": node.name, "forget_bias": node.attrs["forget_bias"]}
        outputs = [(x.dtype, node.outputs[_OUTPUTS].sizes), (x.dtype, cells.sizes)]
        forward = {**attrs, "trains": gradient is not None}
        made = self.make("_LibraryLSTM", node, forward, taken, outputs, [node, *layer.last])
        made.control = list(node.control)
        self.replaced[node.outputs[_OUTPUTS]] = made.outputs[0]
        self.replaced.update((last.outputs[0], made.outputs[1]) for last in layer.last)
        if gradient is not None:
            inputs = [*taken, made.outputs[0], gradient.inputs[_OUTPUTS_GRAD], *layer.cells_grad]
            attrs["N"] = len(layer.cells_grad)
            results = [(value.dtype, value.sizes) for value in taken]
            back = self.make("_LibraryLSTMGrad", gradient, attrs, inputs, results, [gradient])
            back.control = list(gradient.control)
            self.replaced.update(zip((gradient.outputs[k] for k in _GIVEN), back.outputs, strict=True))
