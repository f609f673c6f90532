"""Exports of training and evaluation: what they are fed, with labels, and what their signatures give."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.graph import Graph, Tensor
from ..engine.protos import SignatureDef
from ..engine.saved_model.signature_defs import build_signature_def, build_tensor_info
from .export_outputs import named_tensors
from .model_fn import EstimatorSpec, ModeKeys
from .receivers import kinds_of, placeholders_of, receiver_tensors_of

_METHODS = {ModeKeys.TRAIN: "tensorflow/supervised/training", ModeKeys.EVAL: "tensorflow/supervised/eval"}


class SupervisedInputReceiver:
    """What a graph of training or evaluation is fed: features and labels, and the tensors that they come from.

    Args:
        features, labels: a tensor each, or tensors by name.
        receiver_tensors: the placeholders: one, or several by name.

    Raises:
        ValueError: something is no tensor, or there is none.
    """

    def __init__(self, features: Any, labels: Any, receiver_tensors: Any) -> None:
        for name, given in (("features", features), ("labels", labels)):
            if given is None:
                raise ValueError(f"{name} must be defined.")
            named_tensors(given, name)
        self.features, self.labels = features, labels
        self.receiver_tensors = receiver_tensors_of(receiver_tensors)


def build_raw_supervised_input_receiver_fn(
    features: Any, labels: Any, default_batch_size: int | None = None
) -> Callable[[], SupervisedInputReceiver]:
    """A function that makes a receiver with a placeholder for each feature and label.

    Args:
        features, labels: a tensor each, or tensors by name, of whose dtypes and shapes, but for the first size, the
            placeholders are.
        default_batch_size: examples a request, None for any number.

    Raises:
        ValueError: a feature and a label have one name.
    """
    names = [set(given) if isinstance(given, Mapping) else set() for given in (features, labels)]
    if names[0] & names[1]:
        raise ValueError(f"Features and labels must have distinct names, got both: {sorted(names[0] & names[1])}")

    kinds = [
        kinds_of(given if isinstance(given, Mapping) else {usual: given})
        for given, usual in ((features, "features"), (labels, "labels"))
    ]
    are_several = isinstance(features, Mapping), isinstance(labels, Mapping)

    def supervised_input_receiver_fn() -> SupervisedInputReceiver:
        x, y = (placeholders_of(one, default_batch_size) for one in kinds)
        features, labels = (
            found if several else next(iter(found.values())) for found, several in zip((x, y), are_several, strict=True)
        )
        return SupervisedInputReceiver(features, labels, {**x, **y})

    return supervised_input_receiver_fn


def build_supervised_input_receiver_fn_from_input_fn(
    input_fn: Callable[..., Any], **input_fn_args: Any
) -> Callable[[], SupervisedInputReceiver]:
    """A function that makes a receiver with placeholders like what an input function gives."""
    with Graph().as_default():
        result = input_fn(**input_fn_args)
        if hasattr(result, "make_one_shot_iterator"):
            result = result.make_one_shot_iterator().get_next()
        features, labels = result
        return build_raw_supervised_input_receiver_fn(features, labels)


def supervised_signature(mode: str, receiver: SupervisedInputReceiver, spec: EstimatorSpec) -> dict[str, SignatureDef]:
    """The signature of a graph of training or evaluation: loss, predictions, and values and updates of metrics."""
    outputs: dict[str, Any] = {"loss": spec.loss}
    for key, tensor in _predictions(spec).items():
        outputs[key if key.startswith("predictions") else f"predictions/{key}"] = tensor
    for name, (value, update) in (spec.eval_metric_ops or {}).items():
        prefix = name if name.startswith("metrics") else f"metrics/{name}"
        outputs[f"{prefix}/value"] = value
        outputs[f"{prefix}/update_op"] = update
    infos = {key: build_tensor_info(_tensor(value)) for key, value in outputs.items() if _tensor(value) is not None}
    fed = {key: build_tensor_info(tensor) for key, tensor in receiver.receiver_tensors.items()}
    key = "train" if mode == ModeKeys.TRAIN else "eval"
    return {key: build_signature_def(fed, infos, _METHODS[mode])}


def _predictions(spec: EstimatorSpec) -> dict[str, Any]:
    given = spec.predictions
    if given is None:
        return {}
    return {str(key): value for key, value in given.items()} if isinstance(given, Mapping) else {"predictions": given}


def _tensor(value: Any) -> Tensor | None:
    """A tensor of a metric's value or update; None for what is an operation."""
    if isinstance(value, Tensor):
        return value
    return None if not hasattr(value, "graph") or hasattr(value, "outputs") else convert_to_tensor(value)
