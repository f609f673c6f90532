"""Pass, for devices that compute expressions of several dtypes: casts between floating dtypes become part of what is around.

Mixed precision leaves casts where values of 16 bits meet float32. Element-wise nodes take them in, before and after; sums
and means read 16 bits and add in float32, as they would have done with the cast.
"""

from __future__ import annotations

from ..dtypes import FLOATING, bfloat16, bool as boolean, float16, float32, int32
from ..scalar import Expression, Instruction, Operand
from .dataflow import Dataflow, Node
from .fuse import Fusion, expression_of, sum_of

_SUMS = frozenset({"Sum", "Mean", "BiasAddGrad"})


def fuse_casts(flow: Dataflow) -> None:
    """Merges casts into their element-wise readers and makers, and drops them before sums."""
    for node in flow.nodes:
        if node.type in _SUMS:
            _read_narrow(node)
    flow.prune()
    Fusion(flow, _expression_of).run()


def _read_narrow(node: Node) -> None:
    maker = node.inputs[0].node
    if maker.type == "Cast" and maker.outputs[0].dtype is float32 and maker.inputs[0].dtype in (float16, bfloat16):
        node.inputs[0] = maker.inputs[0]


def _expression_of(node: Node) -> Expression | None:
    if node.type == "AddN" and node.outputs[0].dtype in (float16, bfloat16):
        # One sum in the order of the inputs, rounded once.
        return sum_of(len(node.inputs)) if all(v.variable is None for v in node.inputs) else None
    if node.type != "Cast":
        return expression_of(node)
    target, source = node.outputs[0].dtype, node.inputs[0]
    if target not in FLOATING or source.dtype not in (*FLOATING, boolean, int32) or source.variable is not None:
        return None
    return Expression(1, (Instruction(f"cast_{target.name}", (Operand("input", 0),)),))
