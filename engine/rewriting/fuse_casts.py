"""Pass, for devices that compute expressions of several dtypes: casts between floating dtypes become part of what is around.

Mixed precision leaves casts where values of 16 bits meet float32. Element-wise nodes take them in, before and after; sums,
means, cross entropy, updates and gradients of layer normalisation read 16 bits and compute in float32, as they would have
done with the cast; products of 16 bits, whose sums are kept in float32, are written as they are. What layer normalisation
and cross entropy compute in float32 is written in 16 bits where only those are asked for.
"""

from __future__ import annotations

from ..dtypes import FLOATING, bfloat16, bool as boolean, float16, float32, int32
from ..graph import Sizes
from ..scalar import Expression, Instruction, Operand
from .dataflow import NARROWED, Dataflow, Node, Value
from .fuse import Fusion, expression_of, sum_of

_PRODUCTS = frozenset({"MatMul", "BatchMatMul", "BatchMatMulV2"})
_SUMS = frozenset({"Sum", "Mean", "BiasAddGrad"})
# What computes in float32 whatever it reads -> the inputs that may have 16 bits, and the outputs.
_ENTROPIES = ("SparseSoftmaxCrossEntropyWithLogits", "_ScaledSparseSoftmaxCrossEntropyWithLogits")
_READERS = dict.fromkeys([*_SUMS, "LayerNormalizationGrad", *_ENTROPIES], 0)
_WRITERS = {"LayerNormalization": 0, **dict.fromkeys(_ENTROPIES, 1)}
_NARROW = (float16, bfloat16)


def fuse_casts(flow: Dataflow) -> None:
    """Merges casts into their element-wise readers and makers, and drops them before sums and after products."""
    for node in flow.nodes:
        if node.type in _READERS:
            _read_narrow(node, _READERS[node.type])
        elif node.type == "_MultiUpdate":
            _update_narrow(node)
    _write_narrow(flow)
    flow.prune()
    _write_wide(flow)
    Fusion(flow, _expression_of).run()


def _read_narrow(node: Node, place: int) -> None:
    maker, sizes = node.inputs[place].node, node.inputs[place].sizes
    widens = maker.type == "Cast" and maker.outputs[0].dtype is float32 and maker.inputs[0].dtype in _NARROW
    # The host computes what has no elements.
    if widens and (node.type in _SUMS or _has_elements(sizes)):
        node.inputs[place] = maker.inputs[0]
        if node.type not in _SUMS:
            node.attrs = node.attrs | {NARROWED: True}


def _has_elements(sizes: Sizes) -> bool:
    return sizes is not None and None not in sizes and 0 not in sizes


def _update_narrow(node: Node) -> None:
    start = 0
    for definition, _, count, _ in node.attrs["parts"]:
        names = [argument.name for argument in definition.inputs]
        for name in ("grad", "delta"):
            if name in names:
                _read_narrow(node, start + names.index(name))
        start += count


def _write_narrow(flow: Dataflow) -> None:
    """Lets what is asked for in 16 bits alone be written so."""
    users = flow.users()
    kept = {*flow.fetches}
    replaced: dict[Value, Value] = {}
    for node in flow.nodes:
        value = node.outputs[_WRITERS[node.type]] if node.type in _WRITERS else None
        if value is None or value in kept or value.dtype is not float32 or not _has_elements(value.sizes):
            continue
        casts = users.get(value, [])
        kinds = {cast.outputs[0].dtype for cast in casts}
        if len(kinds) == 1 and kinds <= set(_NARROW) and all(c.type == "Cast" and not c.control for c in casts):
            value.dtype = kinds.pop()
            node.attrs = node.attrs | {NARROWED: True}
            replaced.update((cast.outputs[0], value) for cast in casts)
            flow.redirect_control({cast: node for cast in casts})
    flow.replace(replaced)


def _write_wide(flow: Dataflow) -> None:
    users = flow.users()
    kept = {v.node for v in flow.fetches} | set(flow.targets) | {c for node in flow.nodes for c in node.control}
    gone = set()
    for node in flow.nodes:
        if node.type != "Cast" or node.outputs[0].dtype is not float32:
            continue
        product = node.inputs[0].node
        narrow = node.inputs[0].dtype in _NARROW
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
