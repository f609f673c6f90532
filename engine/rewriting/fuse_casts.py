"""Pass, for devices that compute expressions of several dtypes: casts between floating dtypes become part of what is around.

Mixed precision leaves casts where values of 16 bits meet float32. Element-wise nodes take them in, before and after; sums
and means read 16 bits and add in float32, as they would have done with the cast; products of 16 bits, whose sums are kept
in float32, are written as they are.
"""

from __future__ import annotations

from ..dtypes import FLOATING, bfloat16, bool as boolean, float16, float32, int32
from ..scalar import Expression, Instruction, Operand
from .dataflow import Dataflow, Node
from .fuse import Fusion, expression_of, sum_of

_PRODUCTS = frozenset({"MatMul", "BatchMatMul", "BatchMatMulV2"})
_SUMS = frozenset({"Sum", "Mean", "BiasAddGrad"})


def fuse_casts(flow: Dataflow) -> None:
    """Merges casts into their element-wise readers and makers, and drops them before sums and after products."""
    for node in flow.nodes:
        if node.type in _SUMS:
            _read_narrow(node)
    flow.prune()
    _write_wide(flow)
    Fusion(flow, _expression_of).run()


def _read_narrow(node: Node) -> None:
    maker = node.inputs[0].node
    if maker.type == "Cast" and maker.outputs[0].dtype is float32 and maker.inputs[0].dtype in (float16, bfloat16):
        node.inputs[0] = maker.inputs[0]


def _write_wide(flow: Dataflow) -> None:
    users = flow.users()
    kept = {v.node for v in flow.fetches} | set(flow.targets) | {c for node in flow.nodes for c in node.control}
    gone = set()
    for node in flow.nodes:
        if node.type != "Cast" or node.outputs[0].dtype is not float32:
            continue
        product = node.inputs[0].node
        narrow = node.inputs[0].dtype in (float16, bfloat16)
        if narrow and product.type in _PRODUCTS and product not in kept and users[node.inputs[0]] == [node]:
            node.definition, node.attrs, node.inputs = product.definition, product.attrs, product.inputs
            node.control += [c for c in product.control if c not in node.control]
            node.take_in(product)
            gone.add(product)
    flow.nodes = [node for node in flow.nodes if node not in gone]


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
