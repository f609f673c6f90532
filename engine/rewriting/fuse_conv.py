"""Pass: convolutions and pools take in what follows them, which then is done while the numbers are in registers.

Conv2D -> BiasAdd (-> Relu) becomes _FusedConv2D; Conv2DBackpropInput -> ReluGrad and MaxPoolGrad -> ReluGrad (with a BiasAddGrad
of the result) become ops of their own. All in channels-last float32, where the value in between has no other user.
"""

from __future__ import annotations

from ..dtypes import float32
from ..registry import definition_of
from .dataflow import Dataflow, Node, Value


def fuse_conv(flow: Dataflow) -> None:
    """Replaces the last node of each pattern by the fused one, and drops the others."""
    patterns = _Patterns(flow)
    for node in flow.nodes:
        patterns.visit(node)
    flow.nodes = [n for n in flow.nodes if n not in patterns.absorbed]
    flow.redirect_control({inner: patterns.holder_of(inner) for inner in patterns.absorbed})


class _Patterns:
    """Users of values, who waits for whom, and which nodes are part of others by now."""

    def __init__(self, flow: Dataflow) -> None:
        self.flow = flow
        self.users = flow.users()
        self.kept = {v.node for v in flow.fetches} | set(flow.targets)
        self.position = {node: i for i, node in enumerate(flow.nodes)}
        self.waiting: dict[Node, list[Node]] = {}
        for node in flow.nodes:
            for before in node.control:
                self.waiting.setdefault(before, []).append(node)
        self.absorbed: dict[Node, Node] = {}

    def visit(self, node: Node) -> None:
        if not node.outputs or node.outputs[0].dtype != float32:
            return
        if node.type == "BiasAdd" and self._may_absorb(node, node.inputs[0], "Conv2D"):
            self._add_bias(node)
        elif node.type == "Relu" and self._may_absorb(node, node.inputs[0], "_FusedConv2D"):
            self._add_relu(node)
        elif node.type == "ReluGrad" and self._may_absorb(node, node.inputs[0], "Conv2DBackpropInput"):
            inner = node.inputs[0].node
            self._become(node, inner, "_Conv2DBackpropInputReluGrad", [*inner.inputs, node.inputs[1]])
        elif node.type == "ReluGrad" and self._may_absorb(node, node.inputs[0], "MaxPoolGrad"):
            self._pool(node)

    def _may_absorb(self, node: Node, value: Value, inner_type: str) -> bool:
        inner = value.node
        if inner.type != inner_type or inner in self.kept or not _channels_last(inner) or not _channels_last(node):
            return False
        if self.users[value] != [node] or len(node.inputs) != 2 - (node.type == "Relu"):
            return False
        # What waits for the inner node will wait for the outer one, which must not come after it.
        return all(self.position[w] > self.position[node] for w in self.waiting.get(inner, ()))

    def _add_bias(self, node: Node) -> None:
        inner = node.inputs[0].node
        more = {"fused_ops": ["BiasAdd"], "num_args": 1}
        self._become(node, inner, "_FusedConv2D", [*inner.inputs, node.inputs[1]], more)

    def _add_relu(self, node: Node) -> None:
        inner = node.inputs[0].node
        if "Relu" not in inner.attrs["fused_ops"]:
            self._become(node, inner, "_FusedConv2D", inner.inputs, {"fused_ops": ["BiasAdd", "Relu"]})

    def _pool(self, node: Node) -> None:
        """The pool's gradient and the relu's, whose features the pool took its maxima of, with sums by channel."""
        inner, features = node.inputs[0].node, node.inputs[1]
        if inner.inputs[0] is not features:
            return
        self._become(node, inner, "_MaxPoolGradReluGrad", inner.inputs)
        channels = features.sizes[-1:] if features.sizes is not None else None
        sums = Value(node, 1, float32, channels)
        node.outputs.append(sums)
        for user in self.users.get(node.outputs[0], ()):
            if user.type == "BiasAddGrad" and _channels_last(user) and self._may_go(user):
                self.flow.replace({user.outputs[0]: sums})
                self.absorbed[user] = node
                node.take_in(user)

    def _may_go(self, user: Node) -> bool:
        return user not in self.flow.targets and not user.control and not self.waiting.get(user)

    def _become(
        self, node: Node, inner: Node, op_type: str, inputs: list[Value], more: dict[str, object] | None = None
    ) -> None:
        """Lets `node` be the fused one, in its place and with its outputs."""
        for value in inputs:
            self.users[value] = [node if user is inner else user for user in self.users.get(value, ())]
        node.definition = definition_of(op_type)
        node.attrs = {**inner.attrs, **(more or {})}
        node.inputs = list(inputs)
        node.control += [c for c in inner.control if c not in node.control]
        self.waiting.setdefault(node, []).extend(self.waiting.get(inner, ()))
        self.absorbed[inner] = node
        node.take_in(inner)

    def holder_of(self, inner: Node) -> Node:
        """The node that an absorbed one ended up in."""
        node = self.absorbed[inner]
        return self.holder_of(node) if node in self.absorbed else node


def _channels_last(node: Node) -> bool:
    return bool(node.attrs.get("data_format", "NHWC") == "NHWC")
