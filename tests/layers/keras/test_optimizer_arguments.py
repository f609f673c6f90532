"""Numbers that Keras's optimizers refuse, and those that change nothing."""

import numpy as np
import pytest

import headrace as tf

keras = tf.keras
RNG = np.random.default_rng(3)
X = RNG.normal(size=(40, 4)).astype("float32")

OUT_OF_RANGE = {
    "share": [("Adam", "beta_1"), ("Nadam", "beta_2"), ("Lamb", "beta_1"), ("Adamax", "beta_2"), ("Lion", "beta_2"),
              ("RMSprop", "rho"), ("RMSprop", "momentum"), ("Adadelta", "rho"), ("SGD", "momentum"), ("SGD", "ema_momentum")],
    "number": [("Adam", "epsilon"), ("RMSprop", "epsilon"), ("Adagrad", "initial_accumulator_value")],
    "whole": [("Adam", "gradient_accumulation_steps"), ("Adam", "ema_overwrite_frequency")],
}  # fmt: skip


@pytest.mark.parametrize("kind", OUT_OF_RANGE)
def test_arguments_of_optimizers_out_of_range(kind):
    wrong = {"share": (2.0, -0.1, "a"), "number": (-1.0, "a", float("nan")), "whole": (0, 2.5, "a")}[kind]
    for name, argument in OUT_OF_RANGE[kind]:
        for value in wrong:
            with pytest.raises(ValueError, match=f"{argument} .*must be a (whole )?number"):
                getattr(keras.optimizers, name)(**{argument: value})
    with pytest.raises(ValueError, match="learning_rate must be a number"):
        keras.optimizers.SGD(float("nan"))


@pytest.mark.parametrize("name", ["clipnorm", "clipvalue", "global_clipnorm", "weight_decay"])
def test_numbers_of_optimizers(name):
    for wrong in (-1.0, "a", float("nan")):
        with pytest.raises(ValueError, match=f"{name} of Adam must be a number from 0 on"):
            keras.optimizers.Adam(**{name: wrong})
    weights = []
    for options in ({}, {name: 0.0}):
        model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, kernel_initializer="ones")])
        model.compile(keras.optimizers.SGD(0.1, **options), "mse")
        model.fit(X, X[:, 0], shuffle=False, verbose=0)
        weights.append(model.get_weights()[0])
    np.testing.assert_array_equal(*weights)
