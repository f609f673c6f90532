"""Keras's losses as classes: a function of targets and predictions, weights and a reduction."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

from ...engine.graph import Tensor, get_default_graph
from ...engine.nest import map_structure
from ..base import snake_case
from . import loss_functions as functions
from .graph_record import mask_of
from .loss_functions import (
    binary_crossentropy,
    binary_focal_crossentropy,
    categorical_crossentropy,
    categorical_focal_crossentropy,
    categorical_generalized_cross_entropy,
    categorical_hinge,
    circle,
    cosine_similarity,
    ctc,
    dice,
    hinge,
    huber,
    kl_divergence,
    log_cosh,
    mean_absolute_error,
    mean_absolute_percentage_error,
    mean_squared_error,
    mean_squared_logarithmic_error,
    poisson,
    sparse_categorical_crossentropy,
    squared_hinge,
    tversky,
)
from .loss_shapes import as_tensor, checked_reduction, reduced
from .serialization import REGISTER, deserialize_keras_object, resolve, serialize_keras_object

_MEAN = "sum_over_batch_size"


class Reduction:
    """The names of the reductions, as tf.keras 1.15 has them."""

    AUTO = "auto"
    NONE = "none"
    SUM = "sum"
    SUM_OVER_BATCH_SIZE = "sum_over_batch_size"

    @classmethod
    def all(cls) -> tuple[str, ...]:
        """All of them."""
        return cls.AUTO, cls.NONE, cls.SUM, cls.SUM_OVER_BATCH_SIZE


class Loss:
    """A loss; subclasses define `call(y_true, y_pred)`, which gives a loss an example.

    Args:
        name: shown in summaries.
        reduction: "sum_over_batch_size" (the mean), "sum", "mean_with_sample_weight" or None.
        dtype: of the arithmetic, float32 by default.
    """

    def __init__(self, name: str | None = None, reduction: str | None = _MEAN, dtype: Any = None) -> None:
        self.name = name or snake_case(type(self).__name__)
        self.reduction = checked_reduction(reduction)
        self.dtype = dtype or "float32"

    # Whether targets are numbers of the loss's dtype; class numbers stay integers.
    _casts_targets = True

    def __call__(self, y_true: Any, y_pred: Any, sample_weight: Any = None) -> Tensor:
        """The loss of a batch, weighted and reduced."""
        with get_default_graph().name_scope(self.name.strip("<>")):
            guesses = map_structure(lambda x: as_tensor(x, self.dtype), y_pred)
            truths = map_structure(lambda x: as_tensor(x, self.dtype if self._casts_targets else None), y_true)
            losses = self.call(truths, guesses)
            return reduced(losses, sample_weight, _both(mask_of(y_pred), mask_of(losses)), self.reduction)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        """The losses of the examples."""
        raise NotImplementedError(f"{type(self).__name__} does not define call(y_true, y_pred)")

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments."""
        return {"name": self.name, "reduction": self.reduction}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        """A loss with the constructor's arguments of `config`."""
        return cls(**config)


def _both(first: Any, second: Any) -> Any:
    from ...engine.ops.comparison import logical_and

    if first is None or second is None:
        return second if first is None else first
    return logical_and(first, second)


class LossFunctionWrapper(Loss):
    """A loss of a function `fn(y_true, y_pred, **kwargs)`."""

    def __init__(
        self,
        fn: Callable[..., Any],
        reduction: str | None = _MEAN,
        name: str | None = None,
        dtype: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name or getattr(fn, "__name__", None), reduction, dtype)
        self.fn = fn
        self._fn_kwargs = kwargs

    @property
    def _casts_targets(self) -> bool:  # type: ignore[override]
        return self.fn not in (sparse_categorical_crossentropy, categorical_generalized_cross_entropy, ctc, circle)

    def call(self, y_true: Any, y_pred: Any) -> Tensor:
        result: Tensor = self.fn(y_true, y_pred, **self._fn_kwargs)
        return result

    def get_config(self) -> dict[str, Any]:
        config = {**super().get_config(), **self._fn_kwargs}
        return {"fn": serialize_keras_object(self.fn), **config} if type(self) is LossFunctionWrapper else config

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Loss:
        if "fn" in config:
            config = {**config, "fn": get(config["fn"])}
        return cls(**config)


def _kind(class_name: str, fn: Callable[..., Any], name: str, doc: str, **defaults: Any) -> type[LossFunctionWrapper]:
    """A class of Keras's signature: what the function takes, then reduction and name."""
    parameters = inspect.signature(fn).parameters
    own = [n for n in parameters if n not in ("y_true", "y_pred", "ref_labels", "ref_embeddings")]
    preset = {n: defaults.get(n, parameters[n].default) for n in own}
    order = [*own, "reduction", "name", "dtype"]
    if class_name in ("Dice", "Tversky"):
        order = [*(n for n in own if n != "axis"), "reduction", "name", "axis", "dtype"]
    if class_name == "SparseCategoricalCrossentropy":
        order = ["from_logits", "ignore_class", "reduction", "axis", "name", "dtype"]
    values = {**preset, "reduction": _MEAN, "name": name, "dtype": None}
    positional = inspect.Parameter.POSITIONAL_OR_KEYWORD
    signature = inspect.Signature([inspect.Parameter(n, positional, default=values[n]) for n in order])

    def __init__(self: Any, *args: Any, **kwargs: Any) -> None:
        bound = signature.bind(*args, **kwargs)
        bound.apply_defaults()
        LossFunctionWrapper.__init__(self, fn, **bound.arguments)
        for key in own:
            setattr(self, key, bound.arguments[key])

    __init__.__signature__ = inspect.Signature(  # type: ignore[attr-defined]
        [inspect.Parameter("self", positional), *signature.parameters.values()]
    )
    return type(class_name, (LossFunctionWrapper,), {"__init__": __init__, "__doc__": doc, "__module__": __name__})


MeanSquaredError = _kind("MeanSquaredError", mean_squared_error, "mean_squared_error", "The mean of squared errors.")
MeanAbsoluteError = _kind(
    "MeanAbsoluteError", mean_absolute_error, "mean_absolute_error", "The mean of absolute errors."
)
MeanAbsolutePercentageError = _kind(
    "MeanAbsolutePercentageError", mean_absolute_percentage_error, "mean_absolute_percentage_error",
    "The mean of errors as percentages of the targets.",
)  # fmt: skip
MeanSquaredLogarithmicError = _kind(
    "MeanSquaredLogarithmicError", mean_squared_logarithmic_error, "mean_squared_logarithmic_error",
    "The mean of squared errors of logarithms.",
)  # fmt: skip
CosineSimilarity = _kind(
    "CosineSimilarity", cosine_similarity, "cosine_similarity", "Minus the cosine between targets and predictions."
)
Huber = _kind("Huber", huber, "huber_loss", "Half the squared error, growing linearly from `delta` on.")
LogCosh = _kind("LogCosh", log_cosh, "log_cosh", "The logarithm of the hyperbolic cosine of the errors.")
Hinge = _kind("Hinge", hinge, "hinge", "What is missing to the margin 1; labels are -1 and 1, or 0 and 1.")
SquaredHinge = _kind("SquaredHinge", squared_hinge, "squared_hinge", "The square of the hinge loss.")
CategoricalHinge = _kind(
    "CategoricalHinge", categorical_hinge, "categorical_hinge", "The hinge loss of the best wrong class."
)
KLDivergence = _kind("KLDivergence", kl_divergence, "kl_divergence", "The Kullback-Leibler divergence.")
Poisson = _kind("Poisson", poisson, "poisson", "The Poisson loss `y_pred - y_true * log(y_pred)`.")
BinaryCrossentropy = _kind(
    "BinaryCrossentropy", binary_crossentropy, "binary_crossentropy", "The cross entropy of labels 0 and 1."
)
BinaryFocalCrossentropy = _kind(
    "BinaryFocalCrossentropy", binary_focal_crossentropy, "binary_focal_crossentropy",
    "The binary cross entropy with less weight on what is easy.",
)  # fmt: skip
CategoricalCrossentropy = _kind(
    "CategoricalCrossentropy", categorical_crossentropy, "categorical_crossentropy",
    "The cross entropy of one-hot labels.",
)  # fmt: skip
CategoricalFocalCrossentropy = _kind(
    "CategoricalFocalCrossentropy", categorical_focal_crossentropy, "categorical_focal_crossentropy",
    "The categorical cross entropy with less weight on what is easy.",
)  # fmt: skip
SparseCategoricalCrossentropy = _kind(
    "SparseCategoricalCrossentropy", sparse_categorical_crossentropy, "sparse_categorical_crossentropy",
    "The cross entropy of class numbers.",
)  # fmt: skip
CTC = _kind("CTC", ctc, "ctc", "Connectionist temporal classification; class 0 is the blank.")
Dice = _kind("Dice", dice, "dice", "One less the Dice coefficient.")
Tversky = _kind("Tversky", tversky, "tversky", "One less the Tversky index.")
Circle = _kind("Circle", circle, "circle", "The circle loss of embeddings.", gamma=80.0)
CategoricalGeneralizedCrossEntropy = _kind(
    "CategoricalGeneralizedCrossEntropy", categorical_generalized_cross_entropy,
    "categorical_generalized_cross_entropy", "A cross entropy that is robust against wrong labels.", q=0.5,
)  # fmt: skip

CLASSES: dict[str, type[Loss]] = {
    kind.__name__: kind
    for kind in (
        MeanSquaredError, MeanAbsoluteError, MeanAbsolutePercentageError, MeanSquaredLogarithmicError,
        CosineSimilarity, Huber, LogCosh, Hinge, SquaredHinge, CategoricalHinge, KLDivergence, Poisson,
        BinaryCrossentropy, BinaryFocalCrossentropy, CategoricalCrossentropy, CategoricalFocalCrossentropy,
        SparseCategoricalCrossentropy, CTC, Dice, Tversky, Circle, CategoricalGeneralizedCrossEntropy,
    )
}  # fmt: skip

_ALIASES = (
    "mse MSE mae MAE mape MAPE msle MSLE kld KLD kullback_leibler_divergence logcosh cosine cosine_proximity bce "
    "mean_squared_error mean_absolute_error mean_absolute_percentage_error mean_squared_logarithmic_error "
    "cosine_similarity huber log_cosh hinge squared_hinge categorical_hinge kl_divergence poisson "
    "binary_crossentropy binary_focal_crossentropy categorical_crossentropy categorical_focal_crossentropy "
    "sparse_categorical_crossentropy ctc dice tversky circle categorical_generalized_cross_entropy"
)
FUNCTIONS: dict[str, Callable[..., Any]] = {name: getattr(functions, name) for name in _ALIASES.split()}
# A name of TensorFlow 1.15's tf.keras.
FUNCTIONS["huber_loss"] = huber
REGISTER.setdefault("losses", {}).update({**CLASSES, **FUNCTIONS})


def get(identifier: Any) -> Any:
    """The loss of a name ("mse", "MeanSquaredError"), a configuration, a function or a Loss.

    Raises:
        ValueError: there is no such loss; the known ones are listed.
    """
    return resolve("losses", identifier)


def as_loss(identifier: Any) -> Loss:
    """A Loss, made of a function where one is given."""
    found = get(identifier)
    return found if isinstance(found, Loss) else LossFunctionWrapper(found)


def serialize(loss: Any) -> Any:
    """The configuration of a loss, the name of a function."""
    return serialize_keras_object(loss)


def deserialize(name: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The loss of what `serialize` gave."""
    if isinstance(name, str):
        return resolve("losses", name, custom_objects)
    return deserialize_keras_object(name, custom_objects, "losses")
