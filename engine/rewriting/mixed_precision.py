"""Pass, run where a session asks for it: products and convolutions in 16 bits, with variables and updates in float32.

Operands are rounded to bfloat16 or float16 before each product, whose sums are kept in float32 by the kernels, and what lies
between two products and does not lose by it (activations, pools, normalisations, changes of shape) stays in 16 bits. All else
(losses, means, exponentials, sums over an axis, optimizers) gets float32 as before, and so does what is fetched.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..dtypes import DType, as_dtype, float32
from ..registry import allowed_dtypes, definition_of
from .dataflow import Dataflow, Node, Value, constant_node
from .fuse_attention import WIDEST_HEADS

Array = np.ndarray[Any, Any]
DTYPES = ("bfloat16", "float16")

# As wholes, whose scores and sums are float32.
ATTENTION = frozenset({"_Attention", "_AttentionGrad", "_PackedAttentionGrad"})
PRODUCTS = ATTENTION | frozenset(
    "MatMul BatchMatMul BatchMatMulV2 Conv2D Conv2DBackpropInput Conv2DBackpropFilter Conv3D Conv3DBackpropInputV2 "
    "Conv3DBackpropFilterV2 DepthwiseConv2dNative DepthwiseConv2dNativeBackpropInput "
    "DepthwiseConv2dNativeBackpropFilter".split()
)
# What may be done in 16 bits between products: where all that it combines is in 16 bits, but for variables, and constants
# that lose nothing.
BETWEEN = frozenset(
    "Add AddV2 AddN Sub Mul Neg Square BiasAdd Relu Relu6 ReluGrad Relu6Grad LeakyRelu LeakyReluGrad Elu EluGrad Selu "
    "SeluGrad Tanh TanhGrad Sigmoid SigmoidGrad Softsign SoftsignGrad Softplus SoftplusGrad Erf MaxPool MaxPoolGrad AvgPool "
    "AvgPoolGrad FusedBatchNormV2 FusedBatchNormGradV2 FusedBatchNormV3 FusedBatchNormGradV3 Identity StopGradient Reshape "
    "Transpose Squeeze ExpandDims Concat ConcatV2 Split SplitV Slice StridedSlice Pack Unpack Pad Tile Select "
    "SelectV2 _Gelu _GeluGrad".split()
)


def mixed_precision(flow: Dataflow, dtype: str) -> None:
    """Makes the products of a step ones of `dtype`, "bfloat16" or "float16".

    Raises:
        ValueError: it is neither.
    """
    if dtype not in DTYPES:
        raise ValueError(f"mixed_precision must be one of {', '.join(DTYPES)}, got {dtype!r}")
    chosen = _chosen(flow, as_dtype(dtype))
    if chosen:
        _Rewriting(flow, as_dtype(dtype)).run(chosen)


def _chosen(flow: Dataflow, dtype: DType) -> set[Node]:
    """The nodes that work in 16 bits."""
    wanted = _wanted(flow, dtype)
    chosen: set[Node] = set()
    for node in flow.nodes:
        if node.type in PRODUCTS and _may_change(node, dtype):
            chosen.add(node)
        elif node in wanted:
            makers = [value.node for value in _typed_inputs(node) if not _may_be_rounded(value.node, dtype)]
            if makers and all(maker in chosen for maker in makers):
                chosen.add(node)
    return chosen


def _wanted(flow: Dataflow, dtype: DType) -> set[Node]:
    """The nodes whose results reach a product through none but such nodes."""
    wanted: set[Node] = set()
    reaching: set[Node] = set()
    for node in reversed(flow.nodes):
        if node in reaching and node.type in BETWEEN and _may_change(node, dtype):
            wanted.add(node)
        if node in wanted or (node.type in PRODUCTS and _may_change(node, dtype)):
            reaching.update(value.node for value in _typed_inputs(node))
    return wanted


def _may_be_rounded(node: Node, dtype: DType) -> bool:
    array = node.constant
    if array is None:
        return node.type == "ReadVariableOp"
    return array.dtype == np.float32 and bool(np.array_equal(array.astype(dtype.numpy).astype(np.float32), array))


def _may_change(node: Node, dtype: DType) -> bool:
    if node.type in ATTENTION and any(
        (v.sizes or (0,))[-1] not in range(WIDEST_HEADS + 1) for v in _typed_inputs(node)
    ):
        return False
    typed = [*_typed_inputs(node), *_typed_outputs(node)]
    return (
        node.attrs.get("T") == float32
        and dtype in allowed_dtypes(node.definition, "T")
        and all(value.dtype == float32 and value.variable is None for value in typed)
    )


def _typed_inputs(node: Node) -> list[Value]:
    """The inputs that have the node's own dtype."""
    return [node.inputs[i] for i in typed_positions(node)]


def _typed_outputs(node: Node) -> list[Value]:
    counts = _counts(node, inputs=False)
    return [value for value, typed in zip(node.outputs, counts, strict=True) if typed]


def typed_positions(node: Node) -> list[int]:
    """The numbers of the inputs that have the dtype of the attribute T."""
    return [i for i, typed in enumerate(_counts(node, inputs=True)) if typed]


def _counts(node: Node, inputs: bool) -> Iterator[bool]:
    """For each input or output, whether T is its dtype."""
    arguments = node.definition.inputs if inputs else node.definition.outputs
    for argument in arguments:
        count = 1
        if argument.number_attr is not None:
            count = node.attrs[argument.number_attr]
        elif argument.list_attr is not None:
            count = len(node.attrs[argument.list_attr])
        yield from [argument.type_attr == "T"] * count


class _Rewriting:
    """A step on the way: which values there are in both dtypes."""

    def __init__(self, flow: Dataflow, dtype: DType) -> None:
        self.flow = flow
        self.dtype = dtype
        # Values that are of 16 bits now, and their float32 twins; the 16-bit twins of others.
        self.shortened: set[Value] = set()
        self.short: dict[Value, Value] = {}
        self.long: dict[Value, Value] = {}
        self.nodes: list[Node] = []

    def run(self, chosen: set[Node]) -> None:
        for node in self.flow.nodes:
            if node in chosen:
                self._shorten(node)
            else:
                node.inputs = [self._long(value) for value in node.inputs]
                self.nodes.append(node)
        self.flow.fetches = [self._long(value) for value in self.flow.fetches]
        self.flow.nodes = self.nodes

    def _shorten(self, node: Node) -> None:
        positions = set(typed_positions(node))
        node.inputs = [
            self._short(value) if i in positions else self._long(value) for i, value in enumerate(node.inputs)
        ]
        outputs = _typed_outputs(node)
        node.attrs = node.attrs | {"T": self.dtype}
        for value in outputs:
            value.dtype = self.dtype
            self.shortened.add(value)
        self.nodes.append(node)

    def _short(self, value: Value) -> Value:
        if value in self.shortened:
            return value
        if value not in self.short:
            array = value.node.constant
            if array is None:
                self.short[value] = self._cast(value, self.dtype)
            else:
                self.short[value] = self._constant(value, array)
        return self.short[value]

    def _long(self, value: Value) -> Value:
        if value not in self.shortened:
            return value
        if value not in self.long:
            self.long[value] = self._cast(value, float32)
        return self.long[value]

    def _constant(self, value: Value, array: Array) -> Value:
        node = constant_node(array.astype(self.dtype.numpy), self.dtype, _name(value, self.dtype), value.node.order)
        self.nodes.append(node)
        return node.outputs[0]

    def _cast(self, value: Value, dtype: DType) -> Value:
        attrs = {"SrcT": value.dtype, "DstT": dtype, "Truncate": False}
        outputs = [(dtype, value.sizes)]
        node = Node(definition_of("Cast"), _name(value, dtype), attrs, [value], outputs, value.node.order)
        node.device = value.node.device
        self.nodes.append(node)
        return node.outputs[0]


def _name(value: Value, dtype: DType) -> str:
    place = f"_{value.index}" if value.index else ""
    return f"{value.node.name}{place}/{dtype.name}"
