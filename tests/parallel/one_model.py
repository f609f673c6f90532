"""Models trained by all ranks together, in the usual way and in the deterministic one; reports weights and metrics."""

import os
import sys

import numpy as np
from results import report

import headrace as tf

rank = tf.cluster.rank()
folder = sys.argv[1]
draws = np.random.default_rng(0)
X = draws.normal(size=(203, 20)).astype(np.float32)
Y = (X @ draws.normal(size=(20, 5))).argmax(1)


def batches(rows: int) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(({"x": X}, Y)).shuffle(300).batch(rows)


def keras(how: str) -> dict:
    tf.keras.backend.clear_session()
    # Unless the chief's values reach all, ranks differ from here on.
    np.random.seed(5 + rank)
    tf.set_random_seed(3)
    layers = [tf.keras.layers.Dense(32, "relu", input_shape=(20,)), tf.keras.layers.Dense(5, "softmax")]
    model = tf.keras.Sequential(layers)
    model.compile("adam", "sparse_categorical_crossentropy", metrics=["accuracy"])
    if rank:
        model.set_weights([w + rank for w in model.get_weights()])
    history = model.fit(X, Y, batch_size=16, epochs=2, verbose=0, validation_split=0.2).history
    metrics = np.array([v for name in sorted(history) for v in history[name]] + model.evaluate(X, Y, verbose=0))
    return {f"{how}_keras": flat(model.get_weights()), f"{how}_keras_metrics": metrics}


def classifier(how: str) -> dict:
    model = tf.estimators.DNNClassifier(hidden_units=[16], random_state=3, model_dir=f"{folder}/{how}")
    model.fit(X, Y, epochs=2, batch_size=16, verbose=0)
    found = model.evaluate(X, Y)
    values = [model.get_variable_value(name) for name in sorted(model.get_variable_names())]
    metrics = np.array([found["accuracy"], found["loss"], *model.history_["loss"]])
    return {f"{how}_classifier": flat(values), f"{how}_classifier_metrics": metrics}


def input_function(how: str) -> dict:
    columns = [tf.feature_column.numeric_column("x", shape=(20,))]
    config = tf.estimator.RunConfig(tf_random_seed=4)
    model = tf.estimator.DNNClassifier(
        hidden_units=[16], feature_columns=columns, n_classes=5, model_dir=f"{folder}/{how}_fn", config=config
    )
    model.train(lambda: batches(16), steps=8)
    found = model.evaluate(lambda: batches(50))
    values = [model.get_variable_value(name) for name in sorted(model.get_variable_names())]
    return {f"{how}_fn": flat(values), f"{how}_fn_metrics": np.array([found["accuracy"], found["average_loss"]])}


def flat(values: list) -> np.ndarray:
    return np.concatenate([np.ravel(v).astype(np.float64) for v in values])


found = {}
for how in ("usual", "deterministic"):
    os.environ["HEADRACE_DETERMINISTIC"] = str(int(how == "deterministic"))
    for train in (keras, classifier, input_function):
        found |= train(how)
report(**found, folder=folder)
