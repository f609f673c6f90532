"""NodeDef messages as parts of operations: inputs, attributes with their defaults, and what each input must be."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from .attr_values import Reader, any_value, sizes_of, spelled
from .dtypes import DType, float32, int32
from .errors import NotFoundError, PermissionDeniedError
from .graph import Sizes, Tensor
from .graph_state import VALID_OP_NAME
from .protos import AttrValue, NodeDef
from .registry import Op, allowed_dtypes, find_definition
from .signatures import Argument

# Ops that only rewritten steps hold: they carry what no message can say.
REWRITTEN = frozenset(
    {
        "_Feed",
        "_Fused",
        "_FusedMatMul",
        "_FusedMatMulGelu",
        "_FusedMatMulMask",
        "_LibraryLSTM",
        "_LibraryLSTMGrad",
        "_MatMulApplyAdam",
        "_MatMulApplyGradientDescent",
        "_MatMulApplyMomentum",
        "_MatMulBiasGrad",
        "_MatMulGeluGrad",
        "_MatMulReluGrad",
        "_MultiUpdate",
        "_SparseUpdate",
        "_SummedRows",
    }
)
# The stateless kinds of functional control flow mean the same as the others.
ALIASES = {"StatelessIf": "If", "StatelessWhile": "While"}
# Attributes that came after TensorFlow 1.15, with the values that say what 1.15 does.
LATER_DEFAULTS: dict[str, Any] = {
    "Tk": int32, "index_type": int32, "Tsegmentids": int32, "Tnumsegments": int32, "T_threshold": float32,
    "TInput": float32, "shape_type": int32, "exponential_avg_factor": 1.0, "blank_index": -1,
}  # fmt: skip
PYTHON_OPS = frozenset({"PyFunc", "PyFuncStateless", "EagerPyFunc"})
_INPUT = re.compile(r"^([^:^][^:]*)(?::(.+?))??(?::(\d{1,9}))?$")


@dataclass(slots=True)
class ParsedNode:
    """A NodeDef that has been read: `inputs` are (node, output name, index), `controls` names of nodes."""

    message: NodeDef
    definition: Op[..., Any]
    inputs: list[tuple[str, str, int]]
    controls: list[str]
    attrs: dict[str, Any] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The node's name, without a prefix."""
        return self.message.name


def parse_nodes(nodes: Iterable[NodeDef], allow_io: bool) -> dict[str, ParsedNode]:
    """The nodes by name, their attributes not yet read.

    Raises:
        ValueError: a bad or double name, a bad input.
        NotFoundError: op types that are not registered; all of them are named, with their counts.
        PermissionDeniedError: an op that touches files or runs Python functions, without `allow_io`.
    """
    nodes = list(nodes)
    _check_registered(nodes)
    parsed: dict[str, ParsedNode] = {}
    for node in nodes:
        if not VALID_OP_NAME.match(node.name):
            raise ValueError(f"Node {node.name!r}: Node name contains invalid characters")
        if node.name in parsed:
            raise ValueError(f"Node {node.name!r} is not unique")
        parsed[node.name] = _parse(node, allow_io)
    return parsed


def _definition(op: str) -> Op[..., Any] | None:
    return find_definition(ALIASES.get(op, op))


def _check_registered(nodes: Sequence[NodeDef]) -> None:
    unknown = Counter(n.op for n in nodes if _definition(n.op) is None or n.op in REWRITTEN)
    if unknown:
        parts = ", ".join(f"{op!r} ({count} node{'s' if count > 1 else ''})" for op, count in sorted(unknown.items()))
        raise NotFoundError(None, None, f"Op type not registered: {parts}. Functions are called by PartitionedCall.")


def _parse(node: NodeDef, allow_io: bool) -> ParsedNode:
    definition = _definition(node.op)
    if definition is None:
        raise NotFoundError(None, None, f"Op type not registered: {node.op!r}")
    if (definition.touches_files or node.op in PYTHON_OPS) and not allow_io:
        raise PermissionDeniedError(
            None,
            None,
            f"Node {node.name!r} of type {node.op} reads or writes files or runs Python functions: "
            "pass allow_io=True to import it from a source that you trust",
        )
    inputs, controls = [], []
    for text in node.input:
        if text.startswith("^"):
            controls.append(text[1:])
        elif controls:
            raise ValueError(f"Node {node.name!r}: data input {text!r} comes after a control input")
        else:
            inputs.append(parse_input(text, node.name))
    return ParsedNode(node, definition, inputs, controls)


def parse_input(text: str, where: str) -> tuple[str, str, int]:
    """`node`, `node:1` or `node:output:1` as node, output name and index."""
    match = _INPUT.match(text)
    if match is None:
        raise ValueError(f"Node {where!r}: {text!r} is not the name of an input: expected 'node' or 'node:0'")
    name, output, index = match.groups()
    if output is not None and index is None:
        raise ValueError(f"Node {where!r}: {text!r} is not the name of an input: the output's number is missing")
    return name, output or "", int(index or 0)


def read_attributes(node: ParsedNode, reader: Reader, producer: dict[str, AttrValue]) -> None:
    """Fills in the node's attributes.

    `producer` holds the defaults of the op's attributes where the graph was made. An attribute that is not known here
    is left out if it has that default, or is zero, false or empty; it is an error otherwise.
    """
    definition = node.definition
    attrs: dict[str, Any] = {}
    try:
        for name, message in node.message.attr.items():
            if name == "_output_shapes":
                continue
            kind = _kind(definition, name)
            if name.startswith("_") and kind is None:
                attrs[name] = _private(name, message, reader)
            elif kind is not None:
                attrs[name] = reader.read(kind, message)
            elif producer.get(name) != message and _says_something(name, message, reader):
                raise ValueError(f"NodeDef mentions attr '{name}' not in {describe(definition)}")
        _check_given(definition, attrs)
        node.attrs = definition.checked_attributes(attrs)
        _check_types(definition, node.attrs)
    except (ValueError, TypeError) as error:
        raise ValueError(f"{error}; NodeDef: {{{{node {node.name}}}}}") from None


def _kind(definition: Op[..., Any], name: str) -> str | None:
    attribute = definition.attributes.get(name)
    return attribute.kind if attribute is not None else definition.type_attributes.get(name)


def _private(name: str, message: AttrValue, reader: Reader) -> Any:
    value = any_value(message, reader)
    return value.decode() if name == "_gradient_op_type" and isinstance(value, bytes) else value


def _says_something(name: str, message: AttrValue, reader: Reader) -> bool:
    value = any_value(message, reader)
    if name in LATER_DEFAULTS and value == LATER_DEFAULTS[name]:
        return False
    return not isinstance(value, bool | int | float | bytes | list) or bool(value)


def _check_given(definition: Op[..., Any], attrs: dict[str, Any]) -> None:
    for attribute in definition.attributes.values():
        if attribute.required and attribute.name not in attrs and not _inferable(definition, attribute.name):
            raise ValueError(f"NodeDef missing attr '{attribute.name}' from {describe(definition)}")
        if attribute.name not in attrs and attribute.required:
            attrs[attribute.name] = None


def _inferable(definition: Op[..., Any], name: str) -> bool:
    return any(name in (a.type_attr, a.list_attr, a.number_attr) for a in definition.inputs)


def _check_types(definition: Op[..., Any], attrs: dict[str, Any]) -> None:
    for name in definition.constraints:
        dtype = attrs.get(name)
        if isinstance(dtype, DType) and dtype not in (allowed := allowed_dtypes(definition, name)):
            names = ", ".join(spelled(d) for d in allowed)
            raise ValueError(
                f"Value for attr '{name}' of {spelled(dtype)} is not in the list of allowed values: {names}; "
                f"{describe(definition)}"
            )


def describe(definition: Op[..., Any]) -> str:
    """An op's signature for error texts, as in TensorFlow's."""
    inputs = ", ".join(_argument(a) for a in definition.inputs)
    outputs = ", ".join(_argument(a) for a in definition.outputs)
    kinds = {name: a.kind for name, a in definition.attributes.items()} | definition.type_attributes
    attrs = "".join(f"; attr={name}:{kind}" for name, kind in sorted(kinds.items()))
    return f"Op<name={definition.type}; signature={inputs} -> {outputs}{attrs}>"


def _argument(argument: Argument) -> str:
    kind = argument.list_attr or argument.type_attr or (spelled(argument.dtype) if argument.dtype else "?")
    kind = f"{argument.number_attr}*{kind}" if argument.number_attr else kind
    return f"{argument.name}:{f'Ref({kind})' if argument.is_ref else kind}"


def output_sizes(node: ParsedNode) -> list[Sizes]:
    """The static shapes that the attribute `_output_shapes` gives, empty where there is none."""
    if "_output_shapes" not in node.message.attr:
        return []
    return [sizes_of(s) for s in node.message.attr["_output_shapes"].list.shape]


def group_tensors(node: ParsedNode, tensors: Sequence[Tensor]) -> list[list[Tensor]]:
    """A node's input tensors grouped by argument; number and dtypes must be what the attributes say.

    Attributes that the node does not give are taken from the inputs.
    """
    definition, attrs = node.definition, node.attrs
    groups: list[list[Tensor]] = []
    start = 0
    for i, argument in enumerate(definition.inputs):
        others = sum(not a.is_list for a in definition.inputs[i + 1 :])
        count = _count(argument, attrs, len(tensors) - start - others)
        group = list(tensors[start : start + count])
        if count < 0 or len(group) < count:
            raise _wrong_number(node, len(tensors))
        for offset, tensor in enumerate(group):
            _check_input(node, argument, offset, start + offset, tensor)
        groups.append(group)
        start += count
    if start != len(tensors):
        raise _wrong_number(node, len(tensors))
    return groups


def _count(argument: Argument, attrs: dict[str, Any], left: int) -> int:
    if argument.number_attr is not None:
        number = attrs.get(argument.number_attr)
        return left if number is None else int(number)
    if argument.list_attr is not None:
        types = attrs.get(argument.list_attr)
        return left if types is None else len(types)
    return 1


def _wrong_number(node: ParsedNode, count: int) -> ValueError:
    expected = ", ".join(_argument(a) for a in node.definition.inputs)
    return ValueError(
        f"NodeDef expected inputs '{expected}' do not match {count} inputs specified; {describe(node.definition)}; "
        f"NodeDef: {{{{node {node.name}}}}}"
    )


def _check_input(node: ParsedNode, argument: Argument, offset: int, index: int, tensor: Tensor) -> None:
    attrs = node.attrs
    given = tensor.dtype.base_dtype
    wanted = argument.dtype
    if argument.type_attr is not None:
        if attrs.get(argument.type_attr) is None:
            attrs[argument.type_attr] = given
            _check_types(node.definition, attrs)
        wanted = attrs[argument.type_attr]
    elif argument.list_attr is not None:
        types = attrs.get(argument.list_attr)
        wanted = given if types is None else types[offset]
    if wanted is None or given != wanted or (argument.is_ref and not tensor.dtype._is_ref_dtype):
        expected = "?" if wanted is None else spelled(wanted._as_ref if argument.is_ref else wanted)
        raise ValueError(
            f"Input {index} of node {node.name} was passed {spelled(tensor.dtype)} from {tensor.name} "
            f"incompatible with expected {expected}."
        )
