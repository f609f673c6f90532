"""How many floating-point operations ops take: the rules of TensorFlow 1.15, and those for ops that it does not have."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

from ..graph_util import tensor_shape_from_node_def_name
from ..protos import NodeDef
from .statistics import OpStats, RegisterStatistics

Sizes = tuple[int, ...]

# Operations an element of the first input.
_BY_INPUT = dict.fromkeys(("AssignAdd", "AssignSub", "BiasAdd", "Log", "Neg", "Reciprocal", "Square"), 1)
_BY_INPUT |= {"Rsqrt": 2, "Softmax": 5}
# Operations an element of the result.
_BY_OUTPUT = dict.fromkeys(("Add", "AddV2", "Maximum", "Minimum", "Mul", "Pow", "RealDiv", "Sub"), 1)
_BY_OUTPUT |= dict.fromkeys(("Equal", "Greater", "GreaterEqual", "Less", "LessEqual", "NotEqual"), 1)
_BY_OUTPUT |= {"RsqrtGrad": 4, "SquaredDifference": 2}
# Reductions: operations an element of the result once all is summed up.
_REDUCTIONS = {"ArgMax": 0, "ArgMin": 0, "BiasAddGrad": 0, "Mean": 1, "Sum": 0}


def _sizes(graph: Any, name: str) -> Sizes:
    """The whole shape of a tensor; ValueError where it is not known."""
    sizes = tensor_shape_from_node_def_name(graph, name).as_list()
    known = tuple(size for size in sizes if size is not None)
    if len(known) < len(sizes):
        raise ValueError(f"The shape of {name!r} is not known: {sizes}")
    return known


def _count(graph: Any, name: str) -> int:
    return math.prod(_sizes(graph, name))


def _rule(*op_types: str) -> Callable[[Callable[[Any, NodeDef], float]], None]:
    """Registers a function from graph and node to the number of operations."""

    def register(function: Callable[[Any, NodeDef], float]) -> None:
        for op_type in op_types:
            RegisterStatistics(op_type, "flops")(lambda graph, node: OpStats("flops", function(graph, node)))

    return register


def _register_counts(op_types: Iterable[tuple[str, int]], of_input: bool) -> None:
    for op_type, each in op_types:

        @_rule(op_type)
        def count(graph: Any, node: NodeDef, each: int = each) -> float:
            return each * _count(graph, node.input[0] if of_input else node.name)


_register_counts(_BY_INPUT.items(), True)
_register_counts(_BY_OUTPUT.items(), False)


@_rule(*_REDUCTIONS)
def _reduction(graph: Any, node: NodeDef) -> float:
    return _count(graph, node.input[0]) + (_REDUCTIONS[node.op] - 1) * _count(graph, node.name)


@_rule("L2Loss")
def _l2_loss(graph: Any, node: NodeDef) -> float:
    return 3 * _count(graph, node.input[0]) - 1


@_rule("AddN")
def _add_n(graph: Any, node: NodeDef) -> float:
    terms = [name for name in node.input if not name.startswith("^")]
    return (len(terms) - 1) * _count(graph, terms[0]) if terms else 0


@_rule("MatMul", "BatchMatMul", "BatchMatMulV2")
def _product(graph: Any, node: NodeDef) -> float:
    turned = node.attr["transpose_a" if node.op == "MatMul" else "adj_x"].b
    return 2 * _sizes(graph, node.input[0])[-2 if turned else -1] * _count(graph, node.name)


@_rule("Conv2D", "Conv3D")
def _convolution(graph: Any, node: NodeDef) -> float:
    *_, depth, filters = sizes = _sizes(graph, node.input[1])
    del depth
    return 2 * _count(graph, node.name) * (math.prod(sizes) // max(filters, 1))


@_rule("DepthwiseConv2dNative", "Dilation2D")
def _by_window(graph: Any, node: NodeDef) -> float:
    return 2 * _count(graph, node.name) * math.prod(_sizes(graph, node.input[1])[:2])


def _channels(node: NodeDef, sizes: Sizes) -> int:
    return sizes[1] if node.attr["data_format"].s == b"NCHW" else sizes[-1]


def _strides(node: NodeDef) -> int:
    return math.prod(node.attr["strides"].list.i)


@_rule("Conv2DBackpropInput")
def _input_gradient(graph: Any, node: NodeDef) -> float:
    sizes = _sizes(graph, node.name)
    filters = _count(graph, node.input[1])
    return 2 * math.prod(sizes) * filters / (_channels(node, sizes) * _strides(node))


@_rule("Conv2DBackpropFilter")
def _filter_gradient(graph: Any, node: NodeDef) -> float:
    sizes = _sizes(graph, node.input[0])
    filters = _count(graph, node.name)
    return 2 * math.prod(sizes) * filters / (_channels(node, sizes) * _strides(node))


def _window(node: NodeDef) -> int:
    return math.prod(node.attr["ksize"].list.i)


@_rule("AvgPool", "MaxPool")
def _pool(graph: Any, node: NodeDef) -> float:
    return _window(node) * _count(graph, node.name)


@_rule("AvgPoolGrad")
def _average_pool_gradient(graph: Any, node: NodeDef) -> float:
    return 2 * _window(node) * _count(graph, node.input[1])


@_rule("MaxPoolGrad")
def _maximum_pool_gradient(graph: Any, node: NodeDef) -> float:
    return (_window(node) + 1) * _count(graph, node.input[1])


# Layers over sequences, which TensorFlow counts as nothing: their matrix products, twice that many for gradients.
# Op type -> which input is x, and which are the matrices.
_SEQUENCES = {
    "BlockLSTM": (1, (4,)),
    "LSTMBlockCell": (0, (3,)),
    "GRUBlockCell": (0, (2, 3)),
    "GRUSequence": (0, (2, 3)),
}


@_rule(*_SEQUENCES, *(f"{name}Grad" for name in _SEQUENCES))
def _sequence(graph: Any, node: NodeDef) -> float:
    x, matrices = _SEQUENCES[node.op.removesuffix("Grad")]
    rows = math.prod(_sizes(graph, node.input[x])[:-1])
    products = 2 * rows * sum(_count(graph, node.input[i]) for i in matrices)
    return 2 * products if node.op.endswith("Grad") else products
