"""`keras.layers.Layer`: built at its first call, with Keras 3's arguments, over the default graph.

Each call is recorded as a Node, so that a model can be made of the tensors between which layers stand.
"""

from __future__ import annotations

import inspect
import warnings
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype
from ...engine.graph import Graph, Tensor, get_default_graph
from ...engine.nest import flatten, map_structure
from ...engine.ops.array import identity, shape as shape_of
from ...engine.ops.casting import cast
from ...engine.ops.constant import placeholder
from ...engine.ops.division import div_no_nan
from ...engine.shapes import TensorShape
from ...engine.variables import Variable
from ..base import snake_case
from . import backend
from .graph_record import CONTEXT, Node, mask_of, set_mask
from .input_spec import check_inputs
from .serialization import deserialize_keras_object, serialize_keras_object
from .weights import WeightsHolder

Shape = tuple[int | None, ...]
_SIGNATURES: WeakKeyDictionary[Any, inspect.Signature] = WeakKeyDictionary()


class _Given:
    """The arguments that a layer was made with."""

    __slots__ = ("args", "kwargs")

    def __init__(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.args, self.kwargs = args, kwargs


class Layer(WeightsHolder):
    """A callable with variables. Subclasses define `build(input_shape)` and `call(inputs)`.

    `call` may take `training` (whether the call trains: a bool or a bool tensor) and `mask` (of the first argument);
    for others `x_mask` goes with the argument `x`. They are filled in where a call leaves them out.

    Args:
        activity_regularizer: a name or function of the output that gives a loss; divided by the batch's size.
        trainable: whether training changes the variables.
        dtype: of variables and computations; `keras.backend.floatx()` by default.
        autocast: whether float inputs are cast to the layer's dtype.
        name: by default made of the class's name: `dense`, `dense_1`, ...
        input_shape, batch_input_shape, input_dim, batch_size: of the input, for a model that begins with the layer.

    Raises:
        TypeError: another argument was given.
    """

    # Whether call works with masks, and whether outputs keep the mask of the inputs.
    supports_masking = False
    stateful = False
    # Whether whole numbers are cast as floats are, in inputs.
    casts_integers = False

    def __new__(cls, *args: Any, **kwargs: Any) -> Any:
        layer = object.__new__(cls)
        layer._given = _Given(args, kwargs)
        vars(layer)["build"] = _in_own_scope(layer)
        return layer

    _given: _Given

    def __init__(
        self,
        *,
        activity_regularizer: Any = None,
        trainable: bool = True,
        dtype: Any = None,
        autocast: bool = True,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        from . import regularizers  # regularizers and layers are apart, and only weights join them

        super().__init__()
        if name is not None and (not str(name) or "/" in str(name)):
            raise ValueError(f"The name of a layer must be a string without '/', got {name!r}")
        self.name: str = str(name or backend.unique_name(layer_name(type(self).__name__)))
        self._trainable = bool(trainable)
        self._dtype = as_dtype(_dtype_name(dtype) or backend.floatx()).base_dtype
        self.autocast = autocast
        self.activity_regularizer = regularizers.get(activity_regularizer)
        self.built = False
        self.input_spec: Any = None
        self._inbound_nodes: list[Node] = []
        self._graph: Graph | None = None
        self._batch_input_shape = _batch_input_shape(kwargs)
        kwargs.pop("dynamic", None)
        if kwargs:
            raise TypeError(f"{type(self).__name__} got unexpected arguments: {', '.join(sorted(kwargs))}")

    # What subclasses define

    def build(self, *args: Any, **kwargs: Any) -> None:
        """Makes the variables for inputs of a shape (a tuple with None for unknown sizes; nested as the inputs are).

        A `build` of one argument is given the shape of `call`'s first; one of several those of `call`'s `x`, `y`, ... as
        `x_shape`, `y_shape`, ...
        """
        self.built = True

    def call(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for inputs."""
        raise NotImplementedError(f"Layer {type(self).__name__} does not define call")

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the outputs: the inputs' own if the layer supports masks."""
        return previous_mask if self.supports_masking else None

    def compute_output_shape(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs' static shapes for the inputs', as tuples: found by a call in a graph that is thrown away.

        Args:
            args: shapes, in the order of `call`'s arguments.
            kwargs: shapes as `{argument}_shape`.
        """
        with Graph().as_default():
            twin = type(self).from_config(self.get_config())
            names = [p.name for p in _parameters(type(self))]
            named = {**dict(zip(names, args, strict=False)), **{k.removesuffix("_shape"): v for k, v in kwargs.items()}}
            if len(named) == 1:
                named = {names[0]: next(iter(named.values()))}
            given = {name: map_shapes(self._stand_in, shape) for name, shape in named.items()}
            outputs = twin(given.pop(names[0]), **given)
            return map_structure(lambda t: t if t is None else static_shape(t), outputs)

    def _stand_in(self, shape: Shape) -> Tensor:
        return placeholder(self.input_dtype, shape)

    # Properties

    @property
    def dtype(self) -> str:
        """The name of the variables' dtype."""
        return self._dtype.name

    @property
    def variable_dtype(self) -> str:  # type: ignore[override]
        """The name of the variables' dtype."""
        return self._dtype.name

    @property
    def compute_dtype(self) -> str:
        """The name of the dtype that float inputs are cast to."""
        return self._dtype.name

    @property
    def input_dtype(self) -> str:
        """The name of the dtype that inputs are expected in."""
        return self._dtype.name

    @property
    def inbound_nodes(self) -> list[Node]:
        """The calls of the layer."""
        return self._inbound_nodes

    @property
    def input(self) -> Any:
        """The input of the layer's only call."""
        return self._only("input")

    @property
    def output(self) -> Any:
        """The output of the layer's only call."""
        return self._only("output")

    @property
    def input_shape(self) -> Any:
        """The static shape of the only input."""
        return map_structure(static_shape, self._only("input"))

    @property
    def output_shape(self) -> Any:
        """The static shape of the only output."""
        return map_structure(static_shape, self._only("output"))

    def get_input_at(self, node_index: int) -> Any:
        """The input of a call."""
        return self._at(node_index, "input")

    def get_output_at(self, node_index: int) -> Any:
        """The output of a call."""
        return self._at(node_index, "output")

    def _only(self, what: str) -> Any:
        if len(self._inbound_nodes) != 1:
            count = len(self._inbound_nodes)
            text = "was never called" if not count else f"was called {count} times: use get_{what}_at(node_index)"
            raise AttributeError(f"Layer {self.name!r} has no single {what}: it {text}")
        return self._at(0, what)

    def _at(self, index: int, what: str) -> Any:
        if not -len(self._inbound_nodes) <= index < len(self._inbound_nodes):
            raise ValueError(f"Layer {self.name!r} has {len(self._inbound_nodes)} nodes, asked for {what} at {index}")
        node = self._inbound_nodes[index]
        if what == "output":
            return node.outputs
        tensors: list[Any] = node.input_tensors or node.output_tensors
        return tensors[0] if len(tensors) == 1 else tensors

    def __repr__(self) -> str:
        return f"<{type(self).__name__} name={self.name}, built={self.built}>"

    # Calling

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The outputs for inputs; the variables are made at the first call."""
        if "_inbound_nodes" not in vars(self):
            raise RuntimeError(f"{type(self).__name__}.__init__ must call super().__init__() first")
        given = args, dict(kwargs)
        graph = get_default_graph()
        self._check_graph(graph)
        with graph.name_scope(self.name):
            bound = self._bound(args, kwargs)
            first = next(iter(bound.arguments.values()), None)
            self._prepare(bound, first)
            training, masks = self._fill(bound), self._fill_masks(bound, first)
            with CONTEXT.inside(training):
                outputs = self.call(*bound.args, **bound.kwargs)
            outputs = _passed_on(outputs, flatten([list(bound.arguments.values())]))
            self.built = True
            self._finish(first, outputs, masks)
        if not CONTEXT.depth:
            Node(self, *given, outputs)
        return outputs

    def _check_graph(self, graph: Graph) -> None:
        if self._graph is not None and self._graph is not graph.outermost() and self.weights:
            raise ValueError(f"Layer {self.name!r} was built in another graph; make a new layer for each graph.")

    def _bound(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> inspect.BoundArguments:
        try:
            bound = signature_of(type(self)).bind(*args, **kwargs)
        except TypeError as error:
            raise TypeError(f"Layer {self.name!r} ({type(self).__name__}): call {error}") from None
        for i, (name, value) in enumerate(bound.arguments.items()):
            if i == 0 and isinstance(value, list | tuple) and value and all(map(_is_plain, flatten(value))):
                value = convert_to_tensor(value)
            if name != "training":
                bound.arguments[name] = map_structure(lambda leaf, i=i: self._converted(leaf, i == 0), value)
        return bound

    def _converted(self, leaf: Any, is_input: bool) -> Any:
        """Arrays (and, as inputs, numbers and strings) as tensors; floats in the layer's dtype."""
        if isinstance(leaf, np.ndarray | np.generic | Variable) or (is_input and _is_plain(leaf)):
            leaf = convert_to_tensor(leaf)
        if not isinstance(leaf, Tensor):
            return leaf
        dtype = leaf.dtype.base_dtype
        fits = dtype.is_floating or (self.casts_integers and is_input and (dtype.is_integer or dtype.name == "bool"))
        if not self.autocast or not fits or not self._dtype.is_floating or dtype == self._dtype:
            return leaf
        result = cast(leaf, self._dtype)
        set_mask(result, mask_of(leaf))
        return result

    def _prepare(self, bound: inspect.BoundArguments, first: Any) -> None:
        check_inputs(self.input_spec, first, self.name)
        if not self.built:
            self._graph = get_default_graph().outermost()
            self._build_for(bound.arguments, first)
            self.built = True
            check_inputs(self.input_spec, first, self.name)

    def _build_for(self, arguments: dict[str, Any], first: Any) -> None:
        # The name scope is open already.
        build = type(self).build
        if build is Layer.build:
            return
        parameters = list(inspect.signature(build).parameters)[1:]
        if len(parameters) <= 1:
            build(self, map_structure(static_shape, first))
            return
        shapes = {f"{name}_shape": value for name, value in arguments.items() if _is_tensors(value)}
        build(self, **{name: map_structure(static_shape, shapes[name]) for name in parameters if name in shapes})

    def _fill(self, bound: inspect.BoundArguments) -> Any:
        """Fills in `training` if `call` has it; returns what layers inside take for theirs."""
        training = bound.arguments.get("training")
        if "training" not in signature_of(type(self)).parameters:
            return CONTEXT.training
        if training is None:
            training = backend.learning_phase()
        if isinstance(training, int | np.integer | np.bool_):
            training = bool(training)
        bound.arguments["training"] = training
        return training

    def _fill_masks(self, bound: inspect.BoundArguments, first: Any) -> Any:
        """Fills in masks that go with the arguments; returns that of the first."""
        parameters = signature_of(type(self)).parameters
        for i, (name, value) in enumerate(list(bound.arguments.items())):
            for wanted in (["mask"] if i == 0 else []) + [f"{name}_mask"]:
                if wanted in parameters and bound.arguments.get(wanted) is None and _is_tensors(value):
                    masks = map_structure(mask_of, value)
                    if any(mask is not None for mask in flatten(masks)):
                        bound.arguments[wanted] = masks
        given = bound.arguments.get("mask")
        return map_structure(mask_of, first) if given is None else given

    def _finish(self, first: Any, outputs: Any, masks: Any) -> None:
        if self.activity_regularizer is not None:
            self._regularize_activity(outputs)
        if all(mask_of(output) is not None for output in flatten(outputs)):
            return
        # Layers inside a layer are its own affair.
        if not CONTEXT.depth and not self.supports_masking and any(mask is not None for mask in flatten(masks)):
            warnings.warn(
                f"The layer {self.name!r} does not support masks: the mask that went with its inputs is dropped",
                stacklevel=3,
            )
        masks = self.compute_mask(first, masks)
        if masks is not None:
            for output, mask in zip(flatten(outputs), flatten(masks), strict=False):
                set_mask(output, mask)

    def _regularize_activity(self, outputs: Any) -> None:
        with get_default_graph().name_scope("ActivityRegularizer"):
            for output in flatten(outputs):
                loss = self.activity_regularizer(output)
                if output.sizes != ():
                    loss = div_no_nan(loss, cast(shape_of(output)[0], loss.dtype.base_dtype))
                self.add_loss(loss)

    # Configurations

    def get_config(self) -> dict[str, Any]:
        """The arguments that make a layer alike, as plain values: names and configurations where they were objects."""
        config = {"name": self.name, "trainable": self.trainable, "dtype": self.dtype}
        parameters = inspect.signature(type(self).__init__).parameters.values()
        bound = inspect.signature(type(self).__init__).bind(self, *self._given.args, **self._given.kwargs)
        bound.apply_defaults()
        extra: dict[str, Any] = {}
        for parameter in list(parameters)[1:]:
            value = bound.arguments.get(parameter.name)
            if parameter.kind is parameter.VAR_KEYWORD:
                extra = {k: v for k, v in (value or {}).items() if k not in config}
            elif parameter.kind is not parameter.VAR_POSITIONAL and parameter.name not in config:
                config[parameter.name] = serialize_keras_object(vars(self).get(parameter.name, value))
        config.update({name: serialize_keras_object(value) for name, value in extra.items()})
        return config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer with the arguments of `config`."""
        return cls(**{name: deserialize_keras_object(value) for name, value in config.items()})


def _in_own_scope(layer: Any) -> Any:
    """The layer's `build` for calls from outside: once, and in the layer's name scope."""
    build = type(layer).build

    @wraps(build)
    def build_once(*args: Any, **kwargs: Any) -> None:
        if not layer.built:
            with get_default_graph().name_scope(layer.name):
                layer._graph = get_default_graph().outermost()
                build(layer, *args, **kwargs)
            layer.built = True

    return build_once


def accepts(layer: Any, name: str) -> bool:
    """Whether a layer's call takes an argument."""
    return name in signature_of(type(layer)).parameters


def layer_name(class_name: str) -> str:
    """A class's name as Keras makes a layer's of it: `Conv2DTranspose` to `conv2d_transpose`."""
    return snake_case(class_name)


def static_shape(tensor: Any) -> Any:
    """A tensor's static shape as a tuple, None for an unknown rank or for no tensor."""
    sizes = getattr(tensor, "sizes", None) if not hasattr(tensor, "dense_shape") else tensor.shape.sizes
    return sizes if sizes is None else tuple(sizes)


def is_shape(value: Any) -> bool:
    """Whether a value is one shape and not a structure of shapes."""
    return isinstance(value, TensorShape) or (
        isinstance(value, list | tuple) and all(size is None or isinstance(size, int) for size in value)
    )


def map_shapes(function: Any, shapes: Any) -> Any:
    """`function` of each shape of a structure; a shape is a tuple or list of numbers and None."""
    if is_shape(shapes):
        return function(tuple(TensorShape(shapes).as_list()))
    if isinstance(shapes, dict):
        return {key: map_shapes(function, shape) for key, shape in shapes.items()}
    return type(shapes)([map_shapes(function, shape) for shape in shapes])


def signature_of(cls: Any) -> inspect.Signature:
    """The signature of a layer class's call, without self."""
    signature = _SIGNATURES.get(cls)
    if signature is None:
        whole = inspect.signature(cls.call)
        signature = _SIGNATURES[cls] = whole.replace(parameters=list(whole.parameters.values())[1:])
    return signature


def _parameters(cls: Any) -> list[inspect.Parameter]:
    return [p for p in signature_of(cls).parameters.values() if p.name not in ("training", "mask")]


def _is_tensors(value: Any) -> bool:
    return any(isinstance(leaf, Tensor) for leaf in flatten(value))


def _is_plain(leaf: Any) -> bool:
    return isinstance(leaf, int | float | str | bytes) and not isinstance(leaf, bool)


def _passed_on(outputs: Any, inputs: list[Any]) -> Any:
    """The outputs, none of them an input itself or given twice."""
    known = {id(leaf) for leaf in inputs}

    def distinct(leaf: Any) -> Any:
        result = identity(leaf) if isinstance(leaf, Tensor) and id(leaf) in known else leaf
        known.add(id(result))
        return result

    return map_structure(distinct, outputs)


def _dtype_name(dtype: Any) -> Any:
    """The name of the variables' dtype, given as such, as a policy, its name or its configuration."""
    if isinstance(dtype, dict):
        dtype = dtype["config"]["name"]
    if isinstance(dtype, str) and dtype in ("mixed_float16", "mixed_bfloat16"):
        return "float32"
    return getattr(dtype, "variable_dtype", dtype)


def _batch_input_shape(kwargs: dict[str, Any]) -> Shape | None:
    """The input's shape with the batch's size from the arguments that TensorFlow 1.15 has for it, which are taken out."""
    batch, size = kwargs.pop("batch_size", None), kwargs.pop("input_dim", None)
    shape, whole = kwargs.pop("input_shape", None), kwargs.pop("batch_input_shape", None)
    length = kwargs.pop("input_length", None)
    if size is not None and shape is None:
        shape = (size,) if length is None else (length, size)
    if whole is not None:
        return tuple(whole)
    return None if shape is None else (batch, *shape)
