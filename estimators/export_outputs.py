"""What a model gives when it is served: PredictOutput, ClassificationOutput and RegressionOutput, as tf.estimator.export."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Any

from ..engine.conversion import convert_to_tensor
from ..engine.dtypes import string
from ..engine.graph import Tensor
from ..engine.protos import SignatureDef
from ..engine.saved_model.constants import DEFAULT_SERVING_SIGNATURE_DEF_KEY
from ..engine.saved_model.signature_defs import (
    classification_signature_def,
    predict_signature_def,
    regression_signature_def,
)


class ExportOutput(ABC):
    """One of the outputs of an EstimatorSpec, which becomes a signature of the SavedModel."""

    @abstractmethod
    def as_signature_def(self, receiver_tensors: Mapping[str, Tensor]) -> SignatureDef:
        """The signature with these inputs."""


def _one_input(receiver_tensors: Mapping[str, Tensor], what: str) -> Tensor:
    found = list(receiver_tensors.values())
    if len(found) != 1 or found[0].dtype.base_dtype != string:
        shown = {key: f"{t.dtype.name} {t.shape}" for key, t in receiver_tensors.items()}
        raise ValueError(f"{what} signatures take one string tensor of serialized examples, got {shown}")
    return found[0]


class ClassificationOutput(ExportOutput):
    """Scores and classes, either of which may be left out.

    Args:
        scores: float [batch, classes] or [batch].
        classes: string [batch, classes].

    Raises:
        ValueError: both are missing, or one is of another dtype.
    """

    def __init__(self, scores: Any = None, classes: Any = None) -> None:
        if scores is None and classes is None:
            raise ValueError("Cannot create a ClassificationOutput with empty arguments.")
        if scores is not None and not (isinstance(scores, Tensor) and scores.dtype.is_floating):
            raise ValueError(f"Classification scores must be a float32 Tensor; got {scores!r}")
        if classes is not None and not (isinstance(classes, Tensor) and classes.dtype.base_dtype == string):
            raise ValueError(f"Classification classes must be a string Tensor; got {classes!r}")
        self.scores, self.classes = scores, classes

    def as_signature_def(self, receiver_tensors: Mapping[str, Tensor]) -> SignatureDef:
        return classification_signature_def(_one_input(receiver_tensors, "Classification"), self.classes, self.scores)


class RegressionOutput(ExportOutput):
    """Numbers, float [batch, n].

    Raises:
        ValueError: the value is no tensor of floats.
    """

    def __init__(self, value: Any) -> None:
        if not (isinstance(value, Tensor) and value.dtype.is_floating):
            raise ValueError(f"Regression output value must be a float32 Tensor; got {value!r}")
        self.value = value

    def as_signature_def(self, receiver_tensors: Mapping[str, Tensor]) -> SignatureDef:
        return regression_signature_def(_one_input(receiver_tensors, "Regression"), self.value)


class PredictOutput(ExportOutput):
    """Any tensors by name; a single tensor is called "output".

    Raises:
        ValueError: a name or a value is of another type.
    """

    def __init__(self, outputs: Any) -> None:
        self.outputs = named_tensors(outputs, "output")

    def as_signature_def(self, receiver_tensors: Mapping[str, Tensor]) -> SignatureDef:
        return predict_signature_def(dict(receiver_tensors), self.outputs)


def named_tensors(given: Any, usual: str) -> dict[str, Any]:
    """Tensors by name, from one or from a mapping; names that are tuples are joined by "/"."""
    found = dict(given) if isinstance(given, Mapping) else {usual: given}
    named = {"/".join(key) if isinstance(key, tuple) else key: value for key, value in found.items()}
    for key, value in named.items():
        if not isinstance(key, str):
            raise ValueError(f"{usual} names must be strings, got {key!r}")
        if not hasattr(value, "dense_shape"):
            named[key] = convert_to_tensor(value)
    return named


def checked_export_outputs(given: Any, predictions: Any) -> dict[str, ExportOutput]:
    """The outputs of a spec by name, one of them the default; the predictions where there are none.

    Raises:
        ValueError: none of several is the default.
        TypeError: one is no ExportOutput.
    """
    outputs = {DEFAULT_SERVING_SIGNATURE_DEF_KEY: PredictOutput(predictions)} if given is None else dict(given)
    for key, value in outputs.items():
        if not isinstance(value, ExportOutput):
            raise TypeError(f"Values in export_outputs must be ExportOutput objects. Given {key}: {value!r}")
    if len(outputs) == 1:
        ((key, only),) = outputs.items()
        return (
            outputs
            if key == DEFAULT_SERVING_SIGNATURE_DEF_KEY
            else {key: only, DEFAULT_SERVING_SIGNATURE_DEF_KEY: only}
        )
    if DEFAULT_SERVING_SIGNATURE_DEF_KEY not in outputs:
        raise ValueError(
            "Multiple export_outputs were provided, but none of them is specified as the default. "
            f"Do this by naming one of them {DEFAULT_SERVING_SIGNATURE_DEF_KEY!r}."
        )
    return outputs
