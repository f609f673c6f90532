"""Signatures: which tensors of a graph are a model's inputs and outputs, as tf.saved_model.signature_def_utils."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..dtypes import as_dtype, string
from ..graph import Graph, Tensor, get_default_graph
from ..protos import MetaGraphDef, SignatureDef, TensorInfo, TensorShapeProto
from ..shapes import TensorShape
from ..tensor_types import SparseTensor
from . import constants


def build_tensor_info(tensor: Any) -> TensorInfo:
    """What a SavedModel says of a tensor: its name, dtype and shape.

    Args:
        tensor: a Tensor, or a SparseTensor.

    Example:
        >>> import headrace as tf
        >>> x = tf.placeholder(tf.float32, [None, 2], name="x")
        >>> tf.saved_model.utils.build_tensor_info(x).name
        'x:0'
    """
    info = TensorInfo(dtype=tensor.dtype.base_dtype.as_datatype_enum, tensor_shape=_shape_proto(tensor.get_shape()))
    if isinstance(tensor, SparseTensor):
        info.coo_sparse.values_tensor_name = tensor.values.name
        info.coo_sparse.indices_tensor_name = tensor.indices.name
        info.coo_sparse.dense_shape_tensor_name = tensor.dense_shape.name
    else:
        info.name = tensor.name
    return info


def _shape_proto(shape: TensorShape) -> TensorShapeProto:
    if shape.ndims is None:
        return TensorShapeProto(unknown_rank=True)
    sizes = shape.as_list()
    return TensorShapeProto(dim=[TensorShapeProto.Dim(size=-1 if n is None else n) for n in sizes])


def get_tensor_from_tensor_info(
    tensor_info: TensorInfo, graph: Graph | None = None, import_scope: str | None = None
) -> Any:
    """The Tensor or SparseTensor of a graph that a TensorInfo names.

    Raises:
        KeyError: the graph has no such tensor.
        ValueError: the information is of another kind.
    """
    graph = graph or get_default_graph()
    prefix = f"{import_scope}/" if import_scope else ""

    def found(name: str) -> Tensor:
        return graph.get_tensor_by_name(prefix + name)

    kind = tensor_info.WhichOneof("encoding")
    if kind == "name":
        return found(tensor_info.name)
    if kind == "coo_sparse":
        sparse = tensor_info.coo_sparse
        names = (sparse.indices_tensor_name, sparse.values_tensor_name, sparse.dense_shape_tensor_name)
        return SparseTensor(*map(found, names))
    raise ValueError(f"Invalid TensorInfo.encoding: {kind}")


def build_signature_def(
    inputs: Mapping[str, TensorInfo] | None = None,
    outputs: Mapping[str, TensorInfo] | None = None,
    method_name: str | None = None,
) -> SignatureDef:
    """A signature of these inputs and outputs by name."""
    made = SignatureDef(method_name=method_name or "")
    for ours, given in ((made.inputs, inputs), (made.outputs, outputs)):
        for key, info in (given or {}).items():
            ours[key].CopyFrom(info)
    return made


def _infos(tensors: Mapping[str, Any]) -> dict[str, TensorInfo]:
    return {key: build_tensor_info(tensor) for key, tensor in tensors.items()}


def predict_signature_def(inputs: Mapping[str, Any], outputs: Mapping[str, Any]) -> SignatureDef:
    """A signature of any tensors by name.

    Raises:
        ValueError: there are no inputs or no outputs.
    """
    if not inputs or not outputs:
        raise ValueError(f"Prediction inputs and outputs cannot be None or empty: {inputs!r}, {outputs!r}")
    return build_signature_def(_infos(inputs), _infos(outputs), constants.PREDICT_METHOD_NAME)


def regression_signature_def(examples: Tensor, predictions: Tensor) -> SignatureDef:
    """A signature from serialized examples, a string tensor, to numbers.

    Raises:
        ValueError: a tensor is missing or of another dtype.
    """
    _check(examples, "examples", "string")
    _check(predictions, "predictions", "float")
    outputs = _infos({constants.REGRESS_OUTPUTS: predictions})
    return build_signature_def(_infos({constants.REGRESS_INPUTS: examples}), outputs, constants.REGRESS_METHOD_NAME)


def classification_signature_def(examples: Tensor, classes: Tensor | None, scores: Tensor | None) -> SignatureDef:
    """A signature from serialized examples, a string tensor, to classes, strings, and scores, floats.

    Raises:
        ValueError: classes and scores are both missing, or a tensor is of another dtype.
    """
    _check(examples, "examples", "string")
    if classes is None and scores is None:
        raise ValueError("Classification classes and scores cannot both be None.")
    found = {}
    if classes is not None:
        found[constants.CLASSIFY_OUTPUT_CLASSES] = _check(classes, "classes", "string")
    if scores is not None:
        found[constants.CLASSIFY_OUTPUT_SCORES] = _check(scores, "scores", "float")
    inputs = _infos({constants.CLASSIFY_INPUTS: examples})
    return build_signature_def(inputs, _infos(found), constants.CLASSIFY_METHOD_NAME)


def _check(tensor: Any, what: str, kind: str) -> Tensor:
    good = isinstance(tensor, Tensor) and (
        tensor.dtype.base_dtype == string if kind == "string" else tensor.dtype.is_floating
    )
    if not good:
        raise ValueError(f"The {what} of a signature must be a {kind} tensor, got {tensor!r}")
    result: Tensor = tensor
    return result


def is_valid_signature(signature_def: Any) -> bool:
    """Whether a signature has the inputs and outputs that its method asks for."""
    if signature_def is None or not isinstance(signature_def, SignatureDef):
        return False
    method, inputs, outputs = signature_def.method_name, signature_def.inputs, signature_def.outputs
    if method == constants.PREDICT_METHOD_NAME:
        return bool(inputs) and bool(outputs)
    if set(inputs) != {"inputs"} or inputs["inputs"].dtype != string.as_datatype_enum:
        return False
    if method == constants.REGRESS_METHOD_NAME:
        return set(outputs) == {constants.REGRESS_OUTPUTS} and _is_float(outputs[constants.REGRESS_OUTPUTS])
    if method != constants.CLASSIFY_METHOD_NAME or not outputs:
        return False
    if not set(outputs) <= {constants.CLASSIFY_OUTPUT_CLASSES, constants.CLASSIFY_OUTPUT_SCORES}:
        return False
    classes, scores = constants.CLASSIFY_OUTPUT_CLASSES, constants.CLASSIFY_OUTPUT_SCORES
    return (classes not in outputs or outputs[classes].dtype == string.as_datatype_enum) and (
        scores not in outputs or _is_float(outputs[scores])
    )


def _is_float(info: TensorInfo) -> bool:
    return as_dtype(info.dtype).is_floating


def get_signature_def_by_key(meta_graph_def: MetaGraphDef, signature_def_key: str) -> SignatureDef:
    """The signature of a graph under a key.

    Raises:
        ValueError: there is none; the text names those there are.
    """
    if signature_def_key not in meta_graph_def.signature_def:
        known = sorted(meta_graph_def.signature_def)
        raise ValueError(f"No SignatureDef with key {signature_def_key!r} found in MetaGraphDef; there are {known}")
    return meta_graph_def.signature_def[signature_def_key]
