"""@op: the one place where an op is declared, with its shape rule, kernels, gradient and samples.

A block in engine/ops/ reads: `@op("Type", inputs=..., outputs=...)` over a function whose positional parameters are
the inputs and whose keyword-only parameters are the attributes; then `@name.shape`, `.kernel`, `.gradient`, ...
"""

from __future__ import annotations

import inspect
from collections import namedtuple
from collections.abc import Callable, Sequence
from typing import Any, Generic, ParamSpec, TypeVar, cast

import numpy as np

from .dtypes import ALL, DType, as_dtype
from .graph import Graph, Operation, Tensor, get_default_graph
from .inference import InferenceContext, ShapeRule, infer_sizes
from .inputs import convert_inputs, resolve_types
from .scalar import Expression, Scalar, trace
from .shapes import TensorShape
from .signatures import ATTRIBUTE_KINDS, Argument, Attribute, parse_arguments

P = ParamSpec("P")
R = TypeVar("R", covariant=True)
Rule = TypeVar("Rule", bound=Callable[..., Any])

# A number of outputs beyond this is a mistake, and would take all memory.
MOST_OUTPUTS = 1 << 20

_definitions: dict[str, Op[..., Any]] = {}

# Ops whose lists of N may be empty; those of others may not.
_WITHOUT_LISTS = {"SparseCross"}


class Op(Generic[P, R]):
    """A registered op: calling it adds an operation to the default graph; its rules hang on it as attributes."""

    def __init__(
        self, function: Callable[P, R], op_type: str, inputs: str, outputs: str, options: dict[str, Any]
    ) -> None:
        self.type = op_type
        self.__name__ = function.__name__
        self.__qualname__ = function.__qualname__
        self.__module__ = function.__module__
        self.__doc__ = function.__doc__
        self.__wrapped__ = function
        self.stateful: bool = options.pop("stateful", False)
        # Whether the op may wait for another thread: such ops run after all others that could run.
        self.blocking: bool = options.pop("blocking", False)
        # Run before whatever else could run.
        self.early: bool = options.pop("early", False)
        # Whether an imported graph may hold the op only with allow_io.
        self.touches_files: bool = options.pop("touches_files", False)
        self.shape_rule: ShapeRule | None = options.pop("shape", None)
        # Whether the op may be evaluated while the graph is compiled.
        self.foldable: bool = options.pop("foldable", not self.stateful)
        reads: tuple[str, ...] = options.pop("reads", ())
        parameters = list(inspect.signature(function).parameters.values())
        self._read_parameters(parameters)
        list_attrs = tuple(a.name for a in self.attributes.values() if a.kind == "list(type)")
        self.inputs = parse_arguments(inputs, (*list_attrs, *options.get("lists", ())))
        self.outputs = parse_arguments(outputs, (*list_attrs, *options.pop("lists", ())))
        self.constraints: dict[str, tuple[DType, ...]] = options
        self._add_inferred_attributes()
        self.has_list_input = any(a.is_list for a in self.inputs)
        self.result_type = namedtuple(op_type, [a.name for a in self.outputs]) if len(self.outputs) > 1 else None
        self.kernel_function: Callable[..., Any] | None = None
        self.into_function: Callable[..., Any] | None = None
        self.view_function: Callable[..., Any] | None = None
        self.state_function: Callable[..., Any] | None = None
        self.bound_function: Callable[..., Any] | None = None
        self.update_function: Callable[..., Any] | None = None
        self.updated: tuple[str, ...] = ()
        # Resource inputs that stand for the value of the variable and not for the variable itself.
        self.read_resources: tuple[str, ...] = reads
        self.scalar_rule: Callable[..., Scalar] | None = None
        self.scalar_dtypes: tuple[DType, ...] | None = None
        # Tells from the attributes whether the expression holds, where it depends on them (a data format).
        self.scalar_when: Callable[[dict[str, Any]], bool] | None = None
        self.gradient_function: Callable[..., Any] | None = None
        self.not_differentiable = False
        self.sample_function: Callable[..., Any] | None = None
        self.failing_function: Callable[..., Any] | None = None
        self._expressions: dict[Any, Expression] = {}

    def _read_parameters(self, parameters: list[inspect.Parameter]) -> None:
        self.parameter_names = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD and p.name != "name"]
        self.attributes: dict[str, Attribute] = {}
        for p in parameters:
            if p.kind is p.KEYWORD_ONLY and p.name != "name":
                kind = ATTRIBUTE_KINDS[str(p.annotation).split(" | ")[0]]
                default = None if p.default is p.empty else p.default
                if kind == "shape" and p.default is None:
                    # A shape that nothing is said about is an unknown one.
                    default = TensorShape(None)
                if kind == "float" and p.default not in (None, p.empty):
                    default = _float(p.default)
                self.attributes[p.name] = Attribute(p.name, kind, p.default is p.empty, default)
        self.kernel_attributes = tuple(self.attributes)

    def _add_inferred_attributes(self) -> None:
        self.type_attributes: dict[str, str] = {}
        for argument in (*self.inputs, *self.outputs):
            for name, kind in (
                (argument.type_attr, "type"),
                (argument.number_attr, "int"),
                (argument.list_attr, "list(type)"),
            ):
                if name is not None and name not in self.attributes:
                    self.type_attributes[name] = kind

    # Building

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        name = cast("str | None", kwargs.pop("name", None))
        values = self._bind_inputs(args, kwargs)
        return cast("R", self.result(self.make(values, dict(kwargs), name)))

    def _bind_inputs(self, args: Sequence[Any], kwargs: dict[str, Any]) -> list[Any]:
        names = self.parameter_names
        if len(args) > len(names):
            raise TypeError(
                f"{self.type} takes {len(names)} inputs ({', '.join(names)}), got {len(args)} positional arguments"
            )
        values = list(args)
        for name in names[len(args) :]:
            if name not in kwargs:
                raise TypeError(f"{self.type} needs the input {name!r}")
            values.append(kwargs.pop(name))
        return values

    def make(self, values: list[Any], attrs: dict[str, Any], name: str | None = None) -> Operation:
        """Adds an operation: `values` are one item an input (a list for list inputs)."""
        attrs = self.checked_attributes(attrs)
        graph = get_default_graph()
        full_name = graph.name_of_new(name, self.type)
        types = resolve_types(self, values, attrs)
        groups = convert_inputs(self, values, types, graph, full_name)
        return self.add(graph, groups, {**attrs, **types}, full_name)

    def checked_attributes(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The attributes with defaults filled in, in the forms kernels take; TypeError for unknown or missing ones."""
        result: dict[str, Any] = {}
        for name, attribute in self.attributes.items():
            if name in attrs:
                result[name] = _normal_attribute(self.type, attribute, attrs.pop(name))
            elif attribute.required:
                raise TypeError(f"{self.type} needs the attribute {name!r} ({attribute.kind})")
            else:
                result[name] = attribute.default
        for name in list(attrs):
            if name.startswith("_") or name in self.type_attributes:
                result[name] = attrs.pop(name)
        if attrs:
            raise TypeError(f"{self.type} has no attributes {sorted(attrs)}; it has {sorted(self.attributes)}")
        return result

    def add(self, graph: Graph, groups: list[list[Tensor]], attrs: dict[str, Any], full_name: str) -> Operation:
        """Adds an operation from converted inputs (one group an argument) under its final name."""
        for argument, group in zip(self.inputs, groups, strict=True):
            if argument.number_attr is not None:
                attrs[argument.number_attr] = len(group)
                if not group and argument.number_attr == "N" and self.type not in _WITHOUT_LISTS:
                    raise ValueError(
                        f"List argument '{argument.name}' to '{self.type}' Op with length 0 shorter than minimum length 1."
                    )
            if argument.list_attr is not None:
                attrs[argument.list_attr] = [t.dtype.base_dtype for t in group]
        flat = [tensor for group in groups for tensor in group]
        dtypes = self.output_dtypes(attrs)
        sizes = infer_sizes(self, InferenceContext.of_tensors(self, flat, attrs, full_name), len(dtypes))
        references = [g[0].op for a, g in zip(self.inputs, groups, strict=True) if a.is_ref and len(g) == 1]
        if not references or references[0].type == "Placeholder":
            return graph.add_operation(self.type, flat, attrs, dtypes, sizes, full_name)
        # What writes to a variable stays with it, as in TensorFlow.
        with graph.colocate_with(references[0]):
            return graph.add_operation(self.type, flat, attrs, dtypes, sizes, full_name)

    def output_dtypes(self, attrs: dict[str, Any]) -> list[DType]:
        """The dtypes of the outputs under complete attributes."""
        dtypes: list[DType] = []
        for argument in self.outputs:
            if argument.list_attr is not None:
                dtypes.extend(attrs[argument.list_attr])
                continue
            dtype = argument.dtype if argument.dtype is not None else as_dtype(attrs[cast("str", argument.type_attr)])
            dtype = dtype._as_ref if argument.is_ref else dtype
            dtypes.extend([dtype] * (self._output_count(attrs, argument.number_attr) if argument.number_attr else 1))
        return dtypes

    def _output_count(self, attrs: dict[str, Any], attribute: str) -> int:
        count: int = attrs[attribute]
        if not 0 <= count <= MOST_OUTPUTS:
            raise ValueError(f"{self.type}: attribute {attribute!r} must be in [0, {MOST_OUTPUTS}], got {count}")
        return count

    def result(self, op: Operation) -> Any:
        """What a call returns: the operation, its tensor, a list, or a named tuple by output."""
        if not self.outputs:
            return op
        grouped = self.group_outputs(op.outputs, op.attrs)
        return grouped[0] if self.result_type is None else self.result_type(*grouped)

    def group_inputs(self, flat: Sequence[Any], attrs: dict[str, Any]) -> list[Any]:
        """A flat list with one item an input tensor, grouped by argument."""
        return _group(self.inputs, flat, attrs) if self.has_list_input else list(flat)

    def group_outputs(self, flat: Sequence[Any], attrs: dict[str, Any]) -> list[Any]:
        """A flat list with one item an output tensor, grouped by argument."""
        return _group(self.outputs, flat, attrs)

    def kernel_attrs(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """The declared attributes alone: what kernels are called with."""
        return {name: attrs[name] for name in self.kernel_attributes}

    # Rules

    def shape(self, rule: Rule) -> Rule:
        """Registers the shape rule: `(InferenceContext) -> [sizes of each output]`."""
        self.shape_rule = rule
        return rule

    def kernel(self, function: Rule) -> Rule:
        """Registers the reference kernel `(xp, *inputs, **attributes) -> array or tuple`, which allocates."""
        self.kernel_function = function
        return function

    def into(self, function: Rule) -> Rule:
        """Registers `(xp, out, *inputs, **attributes)`, which writes to `out` (a tuple if there are several outputs)."""
        self.into_function = function
        return function

    def view(self, function: Rule) -> Rule:
        """Registers `(x, *constants, **attributes) -> view of x`, which must not read x; ValueError where a copy is needed."""
        self.view_function = function
        return function

    def state(self, function: Rule) -> Rule:
        """Registers the kernel of a stateful op: `(context, *inputs, **attributes)`."""
        self.state_function = function
        return function

    def bound(self, function: Rule) -> Rule:
        """Registers `(context, inputs, outputs, **attributes) -> call` for a stateful op on arrays that stay in place.

        Planned programs use it instead of the stateful kernel. The call may leave work behind that reads the inputs and
        writes the outputs after it has returned; another op must take both and wait for it.
        """
        self.bound_function = function
        return function

    def update(self, *names: str) -> Callable[[Rule], Rule]:
        """Registers `(xp, *variables, *others, **attributes)`, which writes to the variables called `names` in place."""

        def register(function: Rule) -> Rule:
            self.update_function = function
            self.updated = names
            return function

        return register

    def scalar(self, rule: Callable[..., Scalar], dtypes: tuple[DType, ...] | None = None) -> Callable[..., Scalar]:
        """Registers the scalar expression of an element-wise op, for inputs of `dtypes` (None: all)."""
        self.scalar_rule = rule
        self.scalar_dtypes = dtypes
        return rule

    def gradient(self, function: Rule) -> Rule:
        """Registers `(operation, *output gradients) -> [gradient of each input]`, which builds graph."""
        self.gradient_function = function
        return function

    def samples(self, function: Rule) -> Rule:
        """Registers `(rng) -> [Sample, ...]`: good inputs for the tests."""
        self.sample_function = function
        return function

    def failing(self, function: Rule) -> Rule:
        """Registers `(rng) -> [Failure, ...]`: bad inputs and the errors they must give."""
        self.failing_function = function
        return function

    def expression(self, dtype: DType, attrs: dict[str, Any]) -> Expression | None:
        """The scalar expression for inputs of `dtype`, or None if the op has none there."""
        if self.scalar_rule is None or (self.scalar_dtypes is not None and dtype not in self.scalar_dtypes):
            return None
        if self.scalar_when is not None and not self.scalar_when(attrs):
            return None
        values = self.kernel_attrs(attrs)
        key = tuple(values.values())
        if key not in self._expressions:
            self._expressions[key] = trace(self.scalar_rule, len(self.inputs), values)
        return self._expressions[key]

    def __repr__(self) -> str:
        return f"<op {self.type}>"


def _group(arguments: tuple[Argument, ...], flat: Sequence[Any], attrs: dict[str, Any]) -> list[Any]:
    groups: list[Any] = []
    start = 0
    for argument in arguments:
        if not argument.is_list:
            groups.append(flat[start])
            start += 1
            continue
        count = attrs[argument.number_attr] if argument.number_attr else len(attrs[cast("str", argument.list_attr)])
        groups.append(list(flat[start : start + count]))
        start += count
    return groups


def _normal_attribute(op_type: str, attribute: Attribute, value: Any) -> Any:
    try:
        return _NORMAL.get(attribute.kind, lambda v: v)(value)
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"{op_type}: attribute {attribute.name!r} takes {attribute.kind}, got {value!r}: {error}"
        ) from None


def _integer(value: Any) -> int:
    if isinstance(value, bool) or not hasattr(value, "__index__"):
        raise TypeError("not an integer")
    return int(value)


def _float(value: Any) -> float:
    # TensorFlow keeps attributes in 32 bits: what a GraphDef brings back must be what was given.
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _text(value: Any) -> Any:
    if not isinstance(value, str | bytes):
        raise TypeError("not a string")
    return value.decode() if isinstance(value, bytes) else value


_NORMAL: dict[str, Callable[[Any], Any]] = {
    "int": lambda v: None if v is None else _integer(v),
    "float": lambda v: None if v is None else _float(v),
    "bool": bool,
    "string": lambda v: None if v is None else _text(v),
    "type": lambda v: None if v is None else as_dtype(v).base_dtype,
    "shape": lambda v: v if isinstance(v, TensorShape) else TensorShape(v),
    "list(int)": lambda v: None if v is None else [_integer(i) for i in v],
    "list(float)": lambda v: None if v is None else [_float(i) for i in v],
    "list(type)": lambda v: None if v is None else [as_dtype(d).base_dtype for d in v],
    "list(shape)": lambda v: None if v is None else [s if isinstance(s, TensorShape) else TensorShape(s) for s in v],
}


def op(op_type: str, inputs: str = "", outputs: str = "", **options: Any) -> Callable[[Callable[P, R]], Op[P, R]]:
    """Declares the op `op_type` with TensorFlow's signature.

    Args:
        op_type: TensorFlow's op type name.
        inputs: arguments such as "a: T, b: T" or "values: N * T"; "x: Ref(T)" takes a variable.
        outputs: the same for outputs.
        **options: stateful, blocking, early, touches_files, foldable (bools); shape (a rule); lists (names of inferred lists of
            types); and for every dtype attribute the tuple of dtypes it may be, such as T=FLOATING.
    """

    def declare(function: Callable[P, R]) -> Op[P, R]:
        if op_type in _definitions:
            raise ValueError(f"the op {op_type} is declared twice")
        definition = Op(function, op_type, inputs, outputs, options)
        _definitions[op_type] = definition
        return definition

    return declare


def definition_of(op_type: str) -> Op[..., Any]:
    """The op registered under a type name; KeyError if there is none."""
    return _definitions[op_type]


def find_definition(op_type: str) -> Op[..., Any] | None:
    """The op registered under a type name, or None."""
    return _definitions.get(op_type)


def all_definitions() -> dict[str, Op[..., Any]]:
    """All registered ops by type name."""
    return dict(_definitions)


def allowed_dtypes(definition: Op[..., Any], attribute: str) -> tuple[DType, ...]:
    """The dtypes a dtype attribute may be."""
    return definition.constraints.get(attribute, ALL)
