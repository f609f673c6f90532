"""Keras's metrics: classes by name; the means of functions are made here, the others in modules of their own."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ...engine.graph import Operation
from ...engine.ops.unary import sqrt, square
from . import loss_functions as losses, metric_functions as functions
from .loss_functions import (
    binary_crossentropy,
    categorical_crossentropy,
    categorical_hinge,
    hinge,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
)
from .loss_shapes import pair
from .metric import Mean, MeanMetricWrapper, Metric, Sum
from .metric_functions import (
    accuracy,
    binary_accuracy,
    categorical_accuracy,
    concordance_correlation,
    cosine_similarity,
    pearson_correlation,
    sparse_categorical_accuracy,
    sparse_top_k_categorical_accuracy,
    top_k_categorical_accuracy,
)
from .metrics_confusion import (
    AUC,
    FalseNegatives,
    FalsePositives,
    Precision,
    PrecisionAtRecall,
    Recall,
    RecallAtPrecision,
    SensitivityAtSpecificity,
    SpecificityAtSensitivity,
    TrueNegatives,
    TruePositives,
)
from .metrics_other import BinaryIoU, F1Score, FBetaScore, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU, R2Score
from .serialization import REGISTER, deserialize_keras_object, resolve, serialize_keras_object


def _mean_of(
    class_name: str, fn: Callable[..., Any], name: str, doc: str, first: tuple[str, ...] = ()
) -> type[MeanMetricWrapper]:
    """A class of Keras's signature: name and dtype, and what the function takes; those of `first` come before."""
    parameters = inspect.signature(fn).parameters
    own = [n for n in parameters if n not in ("y_true", "y_pred")]
    values = {**{n: parameters[n].default for n in own}, "name": name, "dtype": None}
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    order = [*first, "name", "dtype", *(n for n in own if n not in first)]
    signature = inspect.Signature([inspect.Parameter(n, positional, default=values[n]) for n in order])

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        MeanMetricWrapper.__init__(self, fn, **bound.arguments)
        for key in own:
            setattr(self, key, bound.arguments[key])

    __init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("self", positional), *signature.parameters.values()]
    )
    return type(class_name, (MeanMetricWrapper,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


Accuracy = _mean_of("Accuracy", accuracy, "accuracy", "How often predictions equal targets.")
BinaryAccuracy = _mean_of(
    "BinaryAccuracy", binary_accuracy, "binary_accuracy", "How often probabilities are on the right side."
)
CategoricalAccuracy = _mean_of(
    "CategoricalAccuracy", categorical_accuracy, "categorical_accuracy", "How often the best class is the one-hot one."
)
SparseCategoricalAccuracy = _mean_of(
    "SparseCategoricalAccuracy", sparse_categorical_accuracy, "sparse_categorical_accuracy",
    "How often the best class has the target's number.",
)  # fmt: skip
TopKCategoricalAccuracy = _mean_of(
    "TopKCategoricalAccuracy", top_k_categorical_accuracy, "top_k_categorical_accuracy",
    "How often the one-hot class is among the best k.", ("k",),
)  # fmt: skip
SparseTopKCategoricalAccuracy = _mean_of(
    "SparseTopKCategoricalAccuracy", sparse_top_k_categorical_accuracy, "sparse_top_k_categorical_accuracy",
    "How often the target's number is among the best k.", ("k",),
)  # fmt: skip
MeanSquaredError = _mean_of("MeanSquaredError", mean_squared_error, "mean_squared_error", "The mean squared error.")
MeanAbsoluteError = _mean_of(
    "MeanAbsoluteError", mean_absolute_error, "mean_absolute_error", "The mean absolute error."
)
MeanAbsolutePercentageError = _mean_of(
    "MeanAbsolutePercentageError", mean_absolute_percentage_error, "mean_absolute_percentage_error",
    "The mean error as a percentage of the targets.",
)  # fmt: skip
MeanSquaredLogarithmicError = _mean_of(
    "MeanSquaredLogarithmicError", mean_squared_logarithmic_error, "mean_squared_logarithmic_error",
    "The mean squared error of logarithms.",
)  # fmt: skip
CosineSimilarity = _mean_of(
    "CosineSimilarity", cosine_similarity, "cosine_similarity", "The mean cosine between targets and predictions."
)
LogCoshError = _mean_of("LogCoshError", log_cosh, "logcosh", "The mean logarithm of the errors' hyperbolic cosine.")
KLDivergence = _mean_of("KLDivergence", kl_divergence, "kl_divergence", "The mean Kullback-Leibler divergence.")
Poisson = _mean_of("Poisson", poisson, "poisson", "The mean Poisson loss.")
Hinge = _mean_of("Hinge", hinge, "hinge", "The mean hinge loss.")
SquaredHinge = _mean_of("SquaredHinge", squared_hinge, "squared_hinge", "The mean squared hinge loss.")
CategoricalHinge = _mean_of(
    "CategoricalHinge", categorical_hinge, "categorical_hinge", "The mean hinge loss of the best wrong class."
)
BinaryCrossentropy = _mean_of(
    "BinaryCrossentropy", binary_crossentropy, "binary_crossentropy", "The mean cross entropy of labels 0 and 1."
)
CategoricalCrossentropy = _mean_of(
    "CategoricalCrossentropy", categorical_crossentropy, "categorical_crossentropy",
    "The mean cross entropy of one-hot labels.",
)  # fmt: skip
SparseCategoricalCrossentropy = _mean_of(
    "SparseCategoricalCrossentropy", sparse_categorical_crossentropy, "sparse_categorical_crossentropy",
    "The mean cross entropy of class numbers.",
)  # fmt: skip
PearsonCorrelation = _mean_of(
    "PearsonCorrelation", pearson_correlation, "pearson_correlation", "The mean of Pearson's correlation."
)
ConcordanceCorrelation = _mean_of(
    "ConcordanceCorrelation", concordance_correlation, "concordance_correlation", "The mean of Lin's correlation."
)


class RootMeanSquaredError(Mean):
    """The root of the mean squared error over all batches."""

    def __init__(self, name: str | None = "root_mean_squared_error", dtype: Any = None) -> None:
        super().__init__(name, dtype)

    def update_state(  # type: ignore[override]
        self, y_true: Any, y_pred: Any, sample_weight: Any = None
    ) -> Operation:
        truth, guess = pair(y_true, y_pred)
        return super().update_state(square(guess - truth), sample_weight)

    def result(self) -> Any:
        return sqrt(super().result())


CLASSES: dict[str, type[Metric]] = {
    kind.__name__: kind
    for kind in (
        Mean, Sum, MeanMetricWrapper, Accuracy, BinaryAccuracy, CategoricalAccuracy, SparseCategoricalAccuracy,
        TopKCategoricalAccuracy, SparseTopKCategoricalAccuracy, MeanSquaredError, MeanAbsoluteError,
        MeanAbsolutePercentageError, MeanSquaredLogarithmicError, RootMeanSquaredError, CosineSimilarity,
        LogCoshError, KLDivergence, Poisson, Hinge, SquaredHinge, CategoricalHinge, BinaryCrossentropy,
        CategoricalCrossentropy, SparseCategoricalCrossentropy, PearsonCorrelation, ConcordanceCorrelation, AUC,
        FalseNegatives, FalsePositives, Precision, PrecisionAtRecall, Recall, RecallAtPrecision,
        SensitivityAtSpecificity, SpecificityAtSensitivity, TrueNegatives, TruePositives, BinaryIoU, F1Score,
        FBetaScore, IoU, MeanIoU, OneHotIoU, OneHotMeanIoU, R2Score,
    )
}  # fmt: skip

FUNCTIONS: dict[str, Callable[..., Any]] = {
    **{
        name: getattr(losses, name)
        for name in (
            "mse MSE mae MAE mape MAPE msle MSLE kld KLD logcosh log_cosh bce hinge squared_hinge categorical_hinge "
            "mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error "
            "kl_divergence poisson binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy"
        ).split()
    },
    **{
        name: getattr(functions, name)
        for name in (
            "binary_accuracy categorical_accuracy sparse_categorical_accuracy top_k_categorical_accuracy "
            "sparse_top_k_categorical_accuracy cosine_similarity pearson_correlation concordance_correlation"
        ).split()
    },
}
mse, MSE, mae, MAE, mape, MAPE, msle, MSLE = (
    FUNCTIONS[name] for name in ("mse", "MSE", "mae", "MAE", "mape", "MAPE", "msle", "MSLE")
)
REGISTER.setdefault("metrics", {}).update({**CLASSES, **FUNCTIONS})


def get(identifier: Any) -> Any:
    """The metric of a name ("mse", "AUC", "auc"), a configuration, a function or a Metric.

    Raises:
        ValueError: there is no such metric; the known ones are listed.
    """
    return resolve("metrics", identifier)


def as_metric(identifier: Any, truth: Any, guess: Any) -> Metric:
    """A metric of its own; "accuracy" and "crossentropy" become the kind that fits targets and predictions.

    Args:
        identifier: as for `get`.
        truth: the tensor of targets.
        guess: the tensor of predictions.
    """
    name = identifier if isinstance(identifier, str) else None
    if name in ("accuracy", "acc", "crossentropy", "ce"):
        return MeanMetricWrapper(_fitting(str(name), truth, guess), name)
    found = get(identifier)
    if isinstance(found, Metric):
        return found
    return MeanMetricWrapper(found, name or getattr(found, "__name__", None))


def _fitting(name: str, truth: Any, guess: Any) -> Callable[..., Any]:
    accuracy_kinds = (binary_accuracy, sparse_categorical_accuracy, categorical_accuracy)
    entropy_kinds = (binary_crossentropy, sparse_categorical_crossentropy, categorical_crossentropy)
    kinds = accuracy_kinds if name in ("accuracy", "acc") else entropy_kinds
    outputs = guess.sizes[-1] if guess.sizes else None
    if outputs == 1 or guess.sizes == (None,) or (guess.sizes is not None and len(guess.sizes) < 2):
        return kinds[0]
    if truth.sizes is None or len(truth.sizes) < len(guess.sizes or ()) or truth.sizes[-1] == 1:
        return kinds[1]
    return kinds[2]


def serialize(metric: Any) -> Any:
    """The configuration of a metric, the name of a function."""
    return serialize_keras_object(metric)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The metric of what `serialize` gave."""
    if isinstance(config, str):
        return resolve("metrics", config, custom_objects)
    return deserialize_keras_object(config, custom_objects, "metrics")
