"""What a served model is fed: ServingInputReceiver and the functions that make it, as tf.estimator.export."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..engine.dtypes import string
from ..engine.graph import Tensor
from ..engine.ops.constant import placeholder
from ..engine.ops.parsing import parse_example
from ..engine.shapes import TensorShape
from .export_outputs import named_tensors

# The feature and the receiver tensor that are given without a name.
_FEATURE, _RECEIVER = "feature", "input"


class ServingInputReceiver:
    """Placeholders that requests are fed to, and the features that the model gets.

    Args:
        features: a tensor, or tensors by name.
        receiver_tensors: the placeholders: one, or several by name.
        receiver_tensors_alternatives: by name, other sets of tensors of `features`'s graph that can be fed instead.

    Raises:
        ValueError: something is no tensor, or there is none.
    """

    def __init__(
        self, features: Any, receiver_tensors: Any, receiver_tensors_alternatives: Mapping[str, Any] | None = None
    ) -> None:
        if features is None:
            raise ValueError("features must be defined.")
        self.features = self._features(features)
        self.receiver_tensors = receiver_tensors_of(receiver_tensors)
        alternatives = receiver_tensors_alternatives
        if alternatives is not None and not isinstance(alternatives, Mapping):
            raise ValueError(f"receiver_tensors_alternatives must be a dict: {alternatives}.")
        self.receiver_tensors_alternatives = {
            key: receiver_tensors_of(value) for key, value in (alternatives or {}).items()
        }

    def _features(self, features: Any) -> Any:
        return named_tensors(features, _FEATURE)


class TensorServingInputReceiver(ServingInputReceiver):
    """The same for models whose features are one tensor, which stays without a name.

    Raises:
        ValueError: features is no tensor.
    """

    def _features(self, features: Any) -> Any:
        if not isinstance(features, Tensor) and not hasattr(features, "dense_shape"):
            raise ValueError(f"feature must be a Tensor, SparseTensor, or RaggedTensor, got {features!r}")
        return features


def receiver_tensors_of(given: Any) -> dict[str, Any]:
    """Tensors that are fed, by name; ValueError where there is none, or one is something else."""
    if given is None or (isinstance(given, Mapping) and not given):
        raise ValueError("receiver_tensors must be defined.")
    found = {_RECEIVER: given} if not isinstance(given, Mapping) else dict(given)
    for key, tensor in found.items():
        if not isinstance(tensor, Tensor) and not hasattr(tensor, "dense_shape"):
            raise ValueError(f"receiver_tensors {key!r} must be a Tensor or SparseTensor, got {tensor!r}")
    return found


def build_parsing_serving_input_receiver_fn(
    feature_spec: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """A function that makes a receiver of serialized `tf.train.Example`s, called "examples".

    Args:
        feature_spec: what `tf.parse_example` reads, as of `tf.feature_column.make_parse_example_spec`.
        default_batch_size: examples a request, None for any number.

    Example:
        >>> import headrace as tf
        >>> spec = {"age": tf.FixedLenFeature([1], tf.float32)}
        >>> with tf.Graph().as_default():
        ...     receiver = tf.estimator.export.build_parsing_serving_input_receiver_fn(spec)()
        ...     print(receiver.receiver_tensors["examples"].name, receiver.features["age"].shape)
        input_example_tensor:0 (?, 1)
    """
    spec = dict(feature_spec)

    def serving_input_receiver_fn() -> ServingInputReceiver:
        serialized = placeholder(string, [default_batch_size], name="input_example_tensor")
        return ServingInputReceiver(parse_example(serialized, spec), {"examples": serialized})

    return serving_input_receiver_fn


def build_raw_serving_input_receiver_fn(
    features: Mapping[str, Any], default_batch_size: int | None = None
) -> Callable[[], ServingInputReceiver]:
    """A function that makes a receiver with a placeholder for each feature.

    Args:
        features: tensors by name, of whose dtypes and shapes, but for the first size, the placeholders are.
        default_batch_size: examples a request, None for any number.
    """
    kinds = kinds_of(features)

    def serving_input_receiver_fn() -> ServingInputReceiver:
        made = placeholders_of(kinds, default_batch_size)
        return ServingInputReceiver(made, dict(made))

    return serving_input_receiver_fn


def kinds_of(tensors: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Dtypes and static shapes by name."""
    return {name: (tensor.dtype.base_dtype, tensor.shape.sizes) for name, tensor in tensors.items()}


def placeholders_of(kinds: Mapping[str, tuple[Any, Any]], batch_size: int | None) -> dict[str, Any]:
    """Placeholders of dtypes and shapes, but for the first size."""
    return {
        name: placeholder(dtype, TensorShape(None if sizes is None else [batch_size, *sizes[1:]]), name=name)
        for name, (dtype, sizes) in kinds.items()
    }
