"""import_graph_def: the nodes of a GraphDef as operations of a graph; all of them, or none where one is wrong."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from .attr_values import Reader, sizes_of
from .conversion import convert_to_tensor
from .device import canonical_name
from .errors import OpError
from .function import FunctionGraph, set_input
from .graph import Graph, Operation, Sizes, Tensor, get_default_graph
from .graph_def import PRODUCER, output_slots
from .node_reader import ParsedNode, group_tensors, output_sizes, parse_input, parse_nodes, read_attributes
from .protos import AttrValue, FunctionDef, GraphDef, NodeDef, OpList
from .registry import definition_of
from .shapes import merge_sizes

# A few functions that call each other twice could stand for a graph of any size.
MOST_FUNCTION_NODES = 1_000_000
DEEPEST_FUNCTION = 64
_MERGES = ("Merge", "RefMerge")
_NEXT = ("NextIteration", "RefNextIteration")


def import_graph_def(
    graph_def: Any,
    input_map: Mapping[str, Any] | None = None,
    return_elements: Sequence[str] | None = None,
    name: str | None = None,
    op_dict: Any = None,
    producer_op_list: OpList | None = None,
    *,
    allow_io: bool = False,
) -> list[Any] | None:
    """Adds the nodes of a GraphDef to the default graph, as TensorFlow 1.15's `tf.import_graph_def`.

    Args:
        graph_def: a GraphDef message.
        input_map: tensors of the default graph by the names, in `graph_def`, of the tensors that they replace.
        return_elements: names of operations and tensors in `graph_def` to return.
        name: prefix of the names, "import" by default; "" for none.
        op_dict: ignored, as in TensorFlow.
        producer_op_list: the ops of the program that made the graph; attributes with their defaults there which are
            not known here are left out.
        allow_io: import ops that touch files or run Python functions. Without it a graph from anywhere is safe to import.

    Returns:
        The operations and tensors that `return_elements` names, or None.

    Raises:
        TypeError, ValueError: wrong arguments, or a graph that is not well formed. Nothing has been added then.
        NotFoundError: ops that are not registered.
        PermissionDeniedError: an op that needs `allow_io`.
    """
    del op_dict
    _check_arguments(graph_def, input_map, return_elements)
    graph = get_default_graph()
    with graph.lock:
        return _Import(graph, graph_def, producer_op_list, allow_io).run(input_map or {}, return_elements, name)


def _check_arguments(graph_def: Any, input_map: Any, return_elements: Any) -> None:
    if not isinstance(graph_def, GraphDef):
        raise TypeError(f"graph_def must be a GraphDef proto, got {type(graph_def).__name__}.")
    if input_map is not None and not (isinstance(input_map, Mapping) and all(isinstance(k, str) for k in input_map)):
        raise TypeError("input_map must be a dictionary mapping strings to Tensor objects.")
    if return_elements is None:
        return
    if isinstance(return_elements, str) or not all(isinstance(e, str) for e in tuple(return_elements)):
        raise TypeError("return_elements must be a list of strings.")


class _Import:
    """One call of import_graph_def."""

    def __init__(self, graph: Graph, message: GraphDef, producer: OpList | None, allow_io: bool) -> None:
        self.graph = graph
        self.message = message
        self.allow_io = allow_io
        self.producer = {op.name: {a.name: a.default_value for a in op.attr} for op in producer.op} if producer else {}
        self.functions = _Functions(message.library.function, self)
        # Reading only collects the names of functions: their graphs are made when their inputs are known.
        self.reader = Reader(function=self.functions.check)

    def run(
        self, input_map: Mapping[str, Any], return_elements: Sequence[str] | None, name: str | None
    ) -> list[Any] | None:
        _check_versions(self.message)
        nodes = parse_nodes(self.message.node, self.allow_io)
        self.read(nodes)
        mapped = {_key(k): k for k in input_map}
        _check_map(mapped, nodes)
        order = topological(nodes, mapped)
        start = self.graph.version
        try:
            with self.graph.name_scope("import" if name is None else name) as prefix:
                values = {k: _mapped(input_map[text], name) for k, text in mapped.items()}
                self._check_names(nodes, prefix)
                start_nodes = self.graph.version
                body = Builder(self.graph, nodes, prefix, values, self.functions)
                body.build(order)
                self._mark_names(start_nodes)
            return None if return_elements is None else [_element(body, values, e) for e in return_elements]
        except BaseException:
            self.graph.discard_since(start)
            raise

    def read(self, nodes: dict[str, ParsedNode]) -> None:
        """Reads the attributes of nodes."""
        for node in nodes.values():
            defaults: dict[str, AttrValue] = self.producer.get(node.message.op, {})
            read_attributes(node, self.reader, defaults)

    def _check_names(self, nodes: Iterable[str], prefix: str) -> None:
        for name in nodes:
            if self.graph.has_operation(prefix + name):
                raise ValueError(f"Node name '{prefix + name}' already exists in the Graph")

    def _mark_names(self, start: int) -> None:
        with self.graph.name_scope(None):
            for op in self.graph.operations_since(start):
                self.graph.unique_name(op.name)


def _check_versions(message: GraphDef) -> None:
    versions = message.versions
    if versions.min_consumer > PRODUCER:
        raise ValueError(
            f"GraphDef min consumer version {versions.min_consumer} above current version {PRODUCER}: "
            "the graph was made by a newer TensorFlow"
        )
    if versions.producer < 0:
        raise ValueError(f"GraphDef producer version {versions.producer} below min producer 0")
    if PRODUCER in versions.bad_consumers:
        raise ValueError(f"GraphDef disallows consumer version {PRODUCER}")


def _key(text: str) -> tuple[str, int]:
    if text.startswith("^"):
        return text[1:], -1
    name, _, index = parse_input(text, "input_map")
    return name, index


def _check_map(mapped: dict[tuple[str, int], str], nodes: dict[str, ParsedNode]) -> None:
    missing = sorted(text for (name, _), text in mapped.items() if name not in nodes and not _is_used(name, nodes))
    if missing:
        raise ValueError(
            f"Attempted to map inputs that were not found in graph_def: [{', '.join(repr(m) for m in missing)}]"
        )


def _is_used(name: str, nodes: dict[str, ParsedNode]) -> bool:
    return any(name == source for node in nodes.values() for source, _, _ in node.inputs)


def _mapped(value: Any, name: str | None) -> Any:
    if isinstance(value, Operation):
        return value
    if not isinstance(value, Tensor) and name == "" and not hasattr(value, "_as_graph_element"):
        raise ValueError(
            "tf.import_graph_def() requires a non-empty `name` if `input_map` contains non-Tensor values. "
            "Try calling tf.convert_to_tensor() on `input_map` values before calling tf.import_graph_def()."
        )
    convert = getattr(value, "_as_graph_element", None)
    return convert() if convert is not None else convert_to_tensor(value)


def _element(body: Builder, mapped: dict[tuple[str, int], Any], text: str) -> Any:
    name, colon, _ = text.partition(":")
    if colon:
        key = _key(text)
        if key in mapped:
            return mapped[key]
        op = body.made.get(name)
        if op is not None and key[1] < len(op.outputs):
            return op.outputs[key[1]]
    elif name in body.made:
        return body.made[name]
    raise ValueError(f"Requested return_element {text!r} not found in graph_def.")


def topological(nodes: dict[str, ParsedNode], mapped: Mapping[tuple[str, int], Any]) -> list[ParsedNode]:
    """The nodes in an order in which they can be made. Loops through Merge and NextIteration are left open.

    Raises:
        ValueError: an input that is no node of the graph; a cycle.
    """
    names = list(nodes)
    place = {name: i for i, name in enumerate(names)}
    waiting: list[int] = []
    after: dict[str, list[int]] = {}
    for node in nodes.values():
        sources = _sources(node, nodes, mapped)
        waiting.append(len(sources))
        for source in sources:
            after.setdefault(source, []).append(place[node.name])
    # The order of the message is kept as far as it runs.
    ready = [i for i, count in enumerate(waiting) if count == 0]
    order: list[ParsedNode] = []
    while ready:
        name = names[heapq.heappop(ready)]
        order.append(nodes[name])
        for later in after.get(name, ()):
            waiting[later] -= 1
            if waiting[later] == 0:
                heapq.heappush(ready, later)
    if len(order) < len(nodes):
        stuck = [name for name, count in zip(names, waiting, strict=True) if count > 0]
        raise ValueError(f"{len(stuck)} nodes in a cycle, or behind one: {stuck[:5]}")
    return order


def _sources(node: ParsedNode, nodes: dict[str, ParsedNode], mapped: Mapping[tuple[str, int], Any]) -> set[str]:
    found: set[str] = set()
    for name, _, index in node.inputs:
        if (name, index) in mapped:
            continue
        if name not in nodes:
            raise ValueError(f"Node '{node.name}': Unknown input node '{name}'")
        if not (node.message.op in _MERGES and nodes[name].message.op in _NEXT):
            found.add(name)
    for name in node.controls:
        if (name, -1) in mapped:
            continue
        if name not in nodes:
            raise ValueError(f"Node '{node.name}': Unknown input node '^{name}'")
        found.add(name)
    return found


class Builder:
    """Makes operations of parsed nodes, in an order that `topological` gave."""

    def __init__(
        self,
        graph: Graph,
        nodes: dict[str, ParsedNode],
        prefix: str,
        mapped: Mapping[tuple[str, int], Any],
        functions: _Functions,
    ) -> None:
        self.graph = graph
        self.nodes = nodes
        self.prefix = prefix
        self.mapped = mapped
        self.functions = functions
        self.made: dict[str, Operation] = {}
        self._open: list[tuple[Operation, int, ParsedNode, tuple[str, str, int]]] = []

    def build(self, order: Iterable[ParsedNode]) -> None:
        """Makes the operations and closes the loops."""
        for node in order:
            try:
                self._make(node)
            except (ValueError, TypeError, OpError):
                raise
            except Exception as error:
                # A shape rule met attributes that no program would write.
                raise ValueError(
                    f"Cannot import node {node.name!r} of type {node.message.op}: {type(error).__name__}: {error}"
                ) from error
        for op, index, node, source in self._open:
            self._close(op, index, node, source)

    def _make(self, node: ParsedNode) -> None:
        tensors, pending = self._inputs(node)
        groups = group_tensors(node, tensors)
        attrs = self.functions.instantiated(node, tensors, self.graph)
        self._prefix_colocation(node, attrs)
        with self.graph.as_default():
            op = node.definition.add(self.graph, groups, attrs, self.prefix + node.name)
        self.made[node.name] = op
        op.device = canonical_name(node.message.device)
        self.graph.place(op)
        own = [self._control(name) for name in node.controls]
        op.control_inputs = list(dict.fromkeys([*op.control_inputs, *own]))
        self._narrow(op, node, bool(pending))
        self._open.extend((op, index, node, source) for index, source in pending)

    def _inputs(self, node: ParsedNode) -> tuple[list[Tensor], list[tuple[int, tuple[str, str, int]]]]:
        tensors: list[Tensor | None] = []
        pending = []
        for i, source in enumerate(node.inputs):
            if source[0] in self.nodes and source[0] not in self.made and (source[0], source[2]) not in self.mapped:
                pending.append((i, source))
                tensors.append(None)
            else:
                tensors.append(self.find(node, source))
        if not pending:
            return [t for t in tensors if t is not None], []
        stand_in = next((t for t in tensors if t is not None), None)
        if stand_in is None:
            raise ValueError(f"Node '{node.name}': all inputs of a {node.message.op} come from its own loop")
        return [stand_in if t is None else t for t in tensors], pending

    def find(self, node: ParsedNode, source: tuple[str, str, int]) -> Tensor:
        """The tensor that an input names."""
        name, output, index = source
        if (name, index) in self.mapped:
            return self._of_this_graph(self.mapped[name, index])
        op = self.made[name]
        if output:
            index = _flat_index(op, output, index, node)
        if index >= len(op.outputs):
            raise ValueError(
                f"Node '{node.name}': Connecting to invalid output {index} of source node {name} "
                f"which has {len(op.outputs)} outputs."
            )
        return op.outputs[index]

    def _of_this_graph(self, value: Any) -> Tensor:
        if not isinstance(value, Tensor):
            raise TypeError(f"input_map maps a tensor to {value!r}, which is not a tensor")
        return value if value.graph is self.graph else self.graph.capture(value)

    def _control(self, name: str) -> Operation:
        if (name, -1) in self.mapped:
            value = self.mapped[name, -1]
            return value if isinstance(value, Operation) else value.op
        return self.made[name]

    def _prefix_colocation(self, node: ParsedNode, attrs: dict[str, Any]) -> None:
        groups = attrs.get("_class")
        if not isinstance(groups, list) or not all(isinstance(g, bytes) for g in groups):
            attrs.pop("_class", None)
            return
        if isinstance(self.graph, FunctionGraph):
            # What a function shares a device with may stand in the graph around it, under a name of its own.
            groups = [g for g in groups if g.removeprefix(b"loc:@").decode("utf-8", "replace") in self.nodes]
        for group in groups:
            name = group.removeprefix(b"loc:@").decode("utf-8", "replace")
            if group.startswith(b"loc:@") and name not in self.nodes:
                raise ValueError(
                    f"Specified colocation to an op that does not exist during import: {name} in {node.name}"
                )
        attrs["_class"] = [b"loc:@" + self.prefix.encode() + g[5:] if g.startswith(b"loc:@") else g for g in groups]

    def _narrow(self, op: Operation, node: ParsedNode, is_open: bool) -> None:
        if is_open:
            # What comes round the loop may have another shape than what enters it.
            op.outputs[0]._sizes = None
        given = output_sizes(node)
        if given and len(given) == len(op.outputs):
            for tensor, sizes in zip(op.outputs, given, strict=True):
                tensor._sizes = _merged(node, tensor.sizes, sizes)

    def _close(self, op: Operation, index: int, node: ParsedNode, source: tuple[str, str, int]) -> None:
        tensor = self.find(node, source)
        if tensor.dtype.base_dtype != op.inputs[index].dtype.base_dtype:
            raise ValueError(
                f"Input {index} of node {node.name} was passed {tensor.dtype.name} from {tensor.name} "
                f"incompatible with expected {op.inputs[index].dtype.name}."
            )
        set_input(op, index, tensor)


def _merged(node: ParsedNode, own: Sizes, given: Sizes) -> Sizes:
    try:
        return merge_sizes(own, given)
    except ValueError as error:
        raise ValueError(
            f"Node '{node.name}' has an _output_shapes attribute inconsistent with the GraphDef: {error}"
        ) from None


def _flat_index(op: Operation, output: str, index: int, node: ParsedNode) -> int:
    for i, slot in enumerate(output_slots(op)):
        if slot == (output, index):
            return i
    raise ValueError(f"Node '{node.name}': the node {op.name!r} has no output {output}:{index}")


class _Functions:
    """The functions of a GraphDef's library; each use of one becomes a graph of its own."""

    def __init__(self, messages: Iterable[FunctionDef], importer: _Import) -> None:
        self.messages: dict[str, FunctionDef] = {}
        for message in messages:
            if message.signature.name in self.messages:
                raise ValueError(f"Function {message.signature.name!r} is there twice")
            self.messages[message.signature.name] = message
        self.importer = importer
        self.active: list[str] = []
        self.count = 0

    def check(self, name: str) -> FunctionDef:
        """The function called `name`; ValueError if there is none."""
        if name not in self.messages:
            raise ValueError(f"Function {name!r} is not defined in the library of the graph")
        return self.messages[name]

    def instantiated(self, node: ParsedNode, tensors: Sequence[Tensor], graph: Graph) -> dict[str, Any]:
        """A node's attributes with graphs in the places of functions."""
        attrs = dict(node.attrs)
        for name, value in attrs.items():
            if isinstance(value, FunctionDef):
                attrs[name] = self._graph(value, node, tensors, graph)
            elif isinstance(value, list) and value and isinstance(value[0], FunctionDef):
                attrs[name] = [self._graph(v, node, tensors, graph) for v in value]
        return attrs

    def _graph(self, message: FunctionDef, node: ParsedNode, tensors: Sequence[Tensor], graph: Graph) -> FunctionGraph:
        name = message.signature.name
        if name in self.active or len(self.active) >= DEEPEST_FUNCTION:
            raise ValueError(f"Function {name!r} calls itself, or functions are nested too deeply: {self.active[:5]}")
        self.count += len(message.node_def)
        if self.count > MOST_FUNCTION_NODES:
            raise ValueError(f"The functions of the graph stand for more than {MOST_FUNCTION_NODES} nodes")
        self.active.append(name)
        try:
            return self._build(message, node, tensors, graph)
        finally:
            self.active.pop()

    def _build(self, message: FunctionDef, node: ParsedNode, tensors: Sequence[Tensor], graph: Graph) -> FunctionGraph:
        arguments = message.signature.input_arg
        first = len(tensors) - len(arguments)
        if first < 0:
            raise ValueError(
                f"Node '{node.name}': the function {message.signature.name!r} takes {len(arguments)} inputs, "
                f"got {len(tensors)}"
            )
        function = FunctionGraph(message.signature.name, graph)
        function._scope = function._base_scope = ""
        mapped: dict[tuple[str, int], Tensor] = {}
        for i, argument in enumerate(arguments):
            outer = tensors[first + i]
            _check_argument(message, i, outer)
            inner = function.add_input(outer.dtype, _argument_sizes(message, i), f"{argument.name}/")
            mapped[argument.name, 0] = inner
            if outer.dtype._is_ref_dtype or outer.dtype.name == "resource":
                inner._dtype = outer.dtype
                function.captured[outer] = inner
        self._add_body(function, message, mapped)
        return function

    def _add_body(self, function: FunctionGraph, message: FunctionDef, mapped: dict[tuple[str, int], Tensor]) -> None:
        nodes = parse_nodes(message.node_def, self.importer.allow_io)
        double = [name for name, _ in mapped if name in nodes]
        if double or len(mapped) < len(message.signature.input_arg):
            raise ValueError(
                f"Function {message.signature.name!r}: the names of its arguments are not unique: {double}"
            )
        self.importer.read(nodes)
        body = Builder(function, nodes, "", mapped, self)
        body.build(topological(nodes, mapped))
        for argument in message.signature.output_arg:
            source = parse_input(message.ret.get(argument.name, ""), message.signature.name)
            known = (source[0], source[2]) in mapped or source[0] in body.made
            if not known:
                raise ValueError(f"Function {message.signature.name!r}: output {argument.name!r} is {source[0]!r}")
            function.outputs.append(body.find(_caller(message), source))
        function.control_outputs.extend(body.made[n] for n in message.control_ret.values() if n in body.made)


def _caller(message: FunctionDef) -> ParsedNode:
    # Errors about an output name the function: it stands where a node does.
    node = NodeDef(name=message.signature.name, op="Identity")
    return ParsedNode(node, definition_of("Identity"), [], [])


def _check_argument(message: FunctionDef, index: int, outer: Tensor) -> None:
    argument = message.signature.input_arg[index]
    if argument.number_attr or argument.type_list_attr or (argument.type_attr and not argument.type):
        raise ValueError(f"Function {message.signature.name!r}: the argument {argument.name!r} has no type of its own")
    if argument.type % 100 != outer.dtype.base_dtype.as_datatype_enum:
        raise ValueError(
            f"Function {message.signature.name!r}: the argument {argument.name!r} was passed {outer.dtype.name} "
            f"from {outer.name}"
        )


def _argument_sizes(message: FunctionDef, index: int) -> Sizes:
    if index not in message.arg_attr or "_output_shapes" not in message.arg_attr[index].attr:
        return None
    shapes = message.arg_attr[index].attr["_output_shapes"].list.shape
    return sizes_of(shapes[0]) if len(shapes) == 1 else None
