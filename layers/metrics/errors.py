"""Means over batches of how far predictions are from labels."""

from __future__ import annotations

from typing import Any

from ...engine.conversion import convert_to_tensor
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.binary import squared_difference
from ...engine.ops.choice import where_v2
from ...engine.ops.comparison import equal
from ...engine.ops.reduce import reduce_sum
from ...engine.ops.unary import abs as absolute, sqrt
from ..weights import fitted, remove_squeezable_dimensions
from .means import mean
from .variables import Metric, collected


def mean_absolute_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of |prediction - label| so far."""
    truth, guesses, weight = fitted(labels, predictions, weights)
    errors = absolute(guesses - truth)
    return mean(errors, weight, metrics_collections, updates_collections, name or "mean_absolute_error")


def mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of (prediction - label)² so far."""
    truth, guesses, weight = fitted(labels, predictions, weights)
    errors = squared_difference(truth, guesses)
    return mean(errors, weight, metrics_collections, updates_collections, name or "mean_squared_error")


def root_mean_squared_error(
    labels: Any,
    predictions: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The square root of the mean of (prediction - label)² so far."""
    value, update = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    return collected(sqrt(value), sqrt(update), metrics_collections, updates_collections)


def mean_relative_error(
    labels: Any,
    predictions: Any,
    normalizer: Any,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """The mean of |prediction - label| / normalizer so far; nothing is added where the normalizer is 0."""
    truth, guesses, weight = fitted(labels, predictions, weights)
    guesses, scale = remove_squeezable_dimensions(guesses, normalizer)
    guesses.shape.assert_is_compatible_with(scale.shape)
    errors = where_v2(equal(scale, 0.0), zeros_like(truth), absolute(truth - guesses) / scale)
    return mean(errors, weight, metrics_collections, updates_collections, name or "mean_relative_error")


def mean_cosine_distance(
    labels: Any,
    predictions: Any,
    dim: int,
    weights: Any = None,
    metrics_collections: Any = None,
    updates_collections: Any = None,
    name: str | None = None,
) -> Metric:
    """One less the mean so far of the inner products along `dim`; the weights have size 1 there."""
    truth, guesses, weight = fitted(labels, predictions, weights)
    products = reduce_sum(guesses * truth, [dim], keepdims=True)
    value, update = mean(products, weight, None, None, name or "mean_cosine_distance")
    one = convert_to_tensor(1.0)
    return collected(one - value, one - update, metrics_collections, updates_collections)
