"""fit_generator, evaluate_generator and predict_generator: tf.keras 1.15's names of fit, evaluate and predict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class GeneratorMethods:
    """The methods of generators. Batches are drawn in the training's own thread, whatever the workers' arguments say."""

    # Defined by Trainer.
    fit: Any
    evaluate: Any
    predict: Any
    layers: Any

    def fit_generator(
        self,
        generator: Any,
        steps_per_epoch: int | None = None,
        epochs: int = 1,
        verbose: Any = 1,
        callbacks: Any = None,
        validation_data: Any = None,
        validation_steps: int | None = None,
        validation_freq: Any = 1,
        class_weight: Mapping[int, float] | None = None,
        max_queue_size: int = 10,
        workers: int = 1,
        use_multiprocessing: bool = False,
        shuffle: bool = True,
        initial_epoch: int = 0,
    ) -> Any:
        """`fit` of a generator or a Sequence of batches."""
        del max_queue_size, workers, use_multiprocessing
        return self.fit(
            generator, steps_per_epoch=steps_per_epoch, epochs=epochs, verbose=verbose, callbacks=callbacks,
            validation_data=validation_data, validation_steps=validation_steps, validation_freq=validation_freq,
            class_weight=class_weight, shuffle=shuffle, initial_epoch=initial_epoch,
        )  # fmt: skip

    def evaluate_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False, verbose: Any = 0,
    ) -> Any:  # fmt: skip
        """`evaluate` of a generator or a Sequence of batches."""
        del max_queue_size, workers, use_multiprocessing
        return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def predict_generator(
        self, generator: Any, steps: int | None = None, callbacks: Any = None, max_queue_size: int = 10,
        workers: int = 1, use_multiprocessing: bool = False, verbose: Any = 0,
    ) -> Any:  # fmt: skip
        """`predict` of a generator or a Sequence of batches."""
        del max_queue_size, workers, use_multiprocessing
        return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def reset_states(self) -> None:
        """Sets the states of stateful layers, in models inside too, to zero."""
        for layer in self.layers:
            if getattr(layer, "stateful", False) or isinstance(layer, GeneratorMethods):
                layer.reset_states()
