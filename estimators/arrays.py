"""The dialect of arrays: fit, evaluate and predict on x and y, over the estimators' input functions."""

from __future__ import annotations

from typing import Any

import numpy as np

from .estimator import Estimator
from .inputs import batches, input_fn_of
from .model_fn import EstimatorSpec
from .progress import ProgressHook

DEFAULT_BATCH = 32
# Rows a batch where nothing is learnt: large enough that Python's part does not show.
EVALUATION_BATCH = 256


class ArrayEstimator(Estimator):
    """An estimator that also takes arrays: `fit(x, y)`, `evaluate(x, y)`, `predict(x)`."""

    # Which of the predictions `predict` gives for an array.
    _predicted_key = "predictions"

    def fit(
        self,
        x: Any,
        y: Any,
        epochs: int = 1,
        batch_size: int = DEFAULT_BATCH,
        shuffle: bool = True,
        verbose: int = 1,
    ) -> ArrayEstimator:
        """Trains on arrays for some epochs.

        Args:
            x: examples, or a dictionary of columns.
            y: a label an example.
            epochs: passes over the data.
            batch_size: examples a step.
            shuffle: draw the examples in another order each epoch.
            verbose: 0 for no progress.

        Raises:
            ValueError: x and y differ in length, are empty, or hold NaN; the column and row are named.
        """
        if not isinstance(epochs, int | np.integer):
            raise TypeError(f"epochs must be an integer, got {epochs!r}")
        if epochs < 1:
            raise ValueError(f"epochs must be at least 1, got {epochs}")
        data = batches(x, y, batch_size, epochs, shuffle, self.config.tf_random_seed)
        self._before_fit(x, y)
        total = len(data) * epochs

        def progress(spec: EstimatorSpec) -> ProgressHook:
            return ProgressHook(spec.loss, total, batch_size, verbose)

        self.train(input_fn_of(data), hooks=[progress])
        return self

    def _before_fit(self, x: Any, y: Any) -> None:
        """What a subclass learns from the data before its model is built."""

    # The second argument is labels after an array, and tf.estimator's `steps` after an input function.
    def evaluate(self, input_fn: Any, y: Any = None, *args: Any, **kwargs: Any) -> dict[str, Any]:  # type: ignore[override]
        """The metrics on arrays (x, y), or on an input function as for every estimator."""
        if callable(input_fn):
            if y is not None:
                args = (y, *args)
            return super().evaluate(input_fn, *args, **kwargs)
        data = batches(input_fn, y, kwargs.pop("batch_size", EVALUATION_BATCH))
        return super().evaluate(input_fn_of(data), *args, **kwargs)

    def predict(self, input_fn: Any, *args: Any, **kwargs: Any) -> Any:
        """The predictions for an array of examples, or what an input function's examples give, one by one."""
        if callable(input_fn):
            return super().predict(input_fn, *args, **kwargs)
        return self._predicted(input_fn, self._predicted_key)

    def _predicted(self, x: Any, key: str) -> np.ndarray[Any, Any]:
        data = batches(x, None, EVALUATION_BATCH)
        parts = super().predict(input_fn_of(data), predict_keys=key, yield_single_examples=False)
        return np.concatenate([part[key] for part in parts])
