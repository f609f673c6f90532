"""The workloads of benchmarks/estimators.py as each peer writes them; reads their names, prints their times."""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np

HIDDEN, EPOCHS, BATCH = [128, 64], 30, 32
CENSUS_BATCH, CENSUS_STEPS, CENSUS_HIDDEN = 200, 200, [64, 32]


def seconds(call: Callable[[], Any]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def median_ms(call: Callable[[], Any], repeats: int) -> float:
    return statistics.median(seconds(call) for _ in range(repeats)) * 1e3


class Headrace:
    """headrace's own."""

    def __init__(self, data: dict[str, Any]) -> None:
        import headrace as hr

        self.data = data
        self.make = lambda: hr.estimators.DNNClassifier(HIDDEN, optimizer="Adam", random_state=0)
        self.fit = {"epochs": EPOCHS, "batch_size": BATCH, "verbose": 0}
        self.model = self.make().fit(data["x_train"], data["y_train"], epochs=1, verbose=0)
        self.wide = wide_and_deep(hr, hr.estimators.RunConfig(save_summary_steps=None, log_step_count_steps=None))
        self.wide_input = census_input(hr, data)

    def predict_one_row(self) -> float:
        row = self.data["x_test"][:1]
        return median_ms(lambda: self.model.predict(row), 300)

    def fit_digits(self) -> float:
        return seconds(lambda: self.make().fit(self.data["x_train"], self.data["y_train"], **self.fit))

    def wide_and_deep(self) -> float:
        return seconds(lambda: self.wide.train(self.wide_input, steps=CENSUS_STEPS)) / CENSUS_STEPS * 1e3


def wide_and_deep(tf: Any, config: Any) -> Any:
    """The model of both estimators' libraries."""
    fc = tf.feature_column
    words = {
        name: fc.categorical_column_with_hash_bucket(name, 50) for name in ("education", "occupation", "marital_status")
    }
    numbers = [fc.numeric_column(name) for name in ("age", "hours_per_week", "capital_gain")]
    groups = fc.bucketized_column(numbers[0], [25, 35, 45, 55, 65])
    wide = [*words.values(), groups, fc.crossed_column(["education", "occupation"], 200)]
    deep = [*numbers, fc.indicator_column(words["education"]), fc.embedding_column(words["occupation"], 8)]
    return tf.estimator.DNNLinearCombinedClassifier(
        linear_feature_columns=wide, dnn_feature_columns=deep, dnn_hidden_units=CENSUS_HIDDEN, config=config
    )


def census_input(tf: Any, data: dict[str, Any]) -> Any:
    """An input function without an end."""
    columns = {key.removeprefix("census/"): value for key, value in data.items() if key.startswith("census/")}
    columns = {name: value.astype(object) if value.dtype.kind == "U" else value for name, value in columns.items()}

    labels = data["label"].astype(np.int64)
    return tf.estimator.inputs.numpy_input_fn(columns, labels, CENSUS_BATCH, num_epochs=None, shuffle=True)


class TensorFlow:
    """tf.estimator of TensorFlow 2.15."""

    def __init__(self, data: dict[str, Any]) -> None:
        import tensorflow as tensorflow2

        tf = tensorflow2.compat.v1
        tf.logging.set_verbosity(tf.logging.ERROR)
        for device in ("inter_op", "intra_op"):
            getattr(tensorflow2.config.threading, f"set_{device}_parallelism_threads")(1)
        self.data, self.tf = data, tf
        self.config = tf.estimator.RunConfig(save_summary_steps=None, log_step_count_steps=None)
        self.model = self.make()
        self.model.train(self.digits(1))
        self.wide = wide_and_deep(tf, self.config)
        self.wide_input = census_input(tf, data)

    def make(self) -> Any:
        columns = [self.tf.feature_column.numeric_column("x", 64)]
        return self.tf.estimator.DNNClassifier(
            HIDDEN, columns, n_classes=10, optimizer=lambda: self.tf.train.AdamOptimizer(), config=self.config
        )

    def digits(self, epochs: int) -> Any:
        x, y = self.data["x_train"].astype(np.float32), self.data["y_train"].astype(np.int64)
        return lambda: (
            self.tf.data.Dataset.from_tensor_slices(({"x": x}, y)).shuffle(2000).repeat(epochs).batch(BATCH).prefetch(2)
        )

    def predict_one_row(self) -> float:
        row = self.data["x_test"][:1].astype(np.float32)

        def input_fn() -> Any:
            return self.tf.data.Dataset.from_tensor_slices({"x": row}).batch(1)

        return median_ms(lambda: list(self.model.predict(input_fn, predict_keys="class_ids")), 3)

    def fit_digits(self) -> float:
        return seconds(lambda: self.make().train(self.digits(EPOCHS)))

    def wide_and_deep(self) -> float:
        return seconds(lambda: self.wide.train(self.wide_input, steps=CENSUS_STEPS)) / CENSUS_STEPS * 1e3


class Keras:
    """Keras 3; wide and deep by its preprocessing layers."""

    def __init__(self, data: dict[str, Any]) -> None:
        import keras

        if keras.backend.backend() == "torch":
            import torch

            torch.set_num_threads(1)
        self.data, self.keras = data, keras
        self.model = self.make()
        self.model.fit(data["x_train"], data["y_train"], epochs=1, verbose=0)
        self.wide_rows = self.numbered()
        self.wide = self.wide_model()

    def make(self) -> Any:
        layers = self.keras.layers
        model = self.keras.Sequential(
            [layers.Input((64,)), *(layers.Dense(n, "relu") for n in HIDDEN), layers.Dense(10, "softmax")]
        )
        model.compile("adam", "sparse_categorical_crossentropy")
        return model

    def predict_one_row(self) -> float:
        row = self.data["x_test"][:1]
        return median_ms(lambda: self.model.predict(row, verbose=0), 10)

    def fit_digits(self) -> float:
        x, y = self.data["x_train"], self.data["y_train"]
        return seconds(lambda: self.make().fit(x, y, epochs=EPOCHS, batch_size=BATCH, verbose=0))

    def numbered(self) -> dict[str, Any]:
        """Words as numbers, once: what the estimators' columns do in each step is left out here."""
        words = {name: np.unique(self.data[f"census/{name}"], return_inverse=True)[1]
                 for name in ("education", "occupation", "marital_status")}  # fmt: skip
        numbers = np.stack([self.data[f"census/{n}"] for n in ("age", "hours_per_week", "capital_gain")], 1)
        words["cross"] = (words["education"] * 50 + words["occupation"]) % 200
        words["groups"] = np.digitize(self.data["census/age"], [25, 35, 45, 55, 65])
        return {**{name: value.astype("int32")[:, None] for name, value in words.items()}, "numbers": numbers}

    def wide_model(self) -> Any:
        layers = self.keras.layers
        sizes = {"education": 50, "occupation": 50, "marital_status": 50, "cross": 200, "groups": 6}
        inputs = {name: layers.Input((1,), dtype="int32", name=name) for name in sizes}
        inputs["numbers"] = layers.Input((3,), name="numbers")
        wide = layers.Add()([layers.Flatten()(layers.Embedding(n, 1)(inputs[name])) for name, n in sizes.items()])
        deep = [inputs["numbers"], layers.CategoryEncoding(50, "one_hot")(inputs["education"])]
        deep.append(layers.Flatten()(layers.Embedding(50, 8)(inputs["occupation"])))
        net = layers.Concatenate()(deep)
        for units in CENSUS_HIDDEN:
            net = layers.Dense(units, "relu")(net)
        model = self.keras.Model(inputs, layers.Activation("sigmoid")(layers.Add()([wide, layers.Dense(1)(net)])))
        model.compile("adagrad", "binary_crossentropy")
        return model

    def wide_and_deep(self) -> float:
        rows = CENSUS_BATCH * 40
        x, y = {name: value[:rows] for name, value in self.wide_rows.items()}, self.data["label"][:rows]
        epochs = CENSUS_STEPS // 40
        taken = seconds(lambda: self.wide.fit(x, y, batch_size=CENSUS_BATCH, epochs=epochs, verbose=0))
        return taken / CENSUS_STEPS * 1e3


class ScikitLearn:
    """MLPClassifier; there is no wide and deep."""

    def __init__(self, data: dict[str, Any]) -> None:
        import warnings

        warnings.simplefilter("ignore")
        self.data = data
        self.model = self.make().fit(data["x_train"], data["y_train"])

    def make(self) -> Any:
        from sklearn.neural_network import MLPClassifier

        return MLPClassifier(HIDDEN, batch_size=BATCH, max_iter=EPOCHS, alpha=0.0, tol=0.0, n_iter_no_change=EPOCHS)

    def predict_one_row(self) -> float:
        row = self.data["x_test"][:1]
        return median_ms(lambda: self.model.predict(row), 300)

    def fit_digits(self) -> float:
        return seconds(lambda: self.make().fit(self.data["x_train"], self.data["y_train"]))


PEERS = {"headrace": Headrace, "tf215": TensorFlow, "keras": Keras, "keras_jax": Keras, "sklearn": ScikitLearn}


def asked() -> Iterator[str]:
    for line in sys.stdin:
        yield line.strip()


def main() -> None:
    name, folder = sys.argv[1:]
    with np.load(Path(folder) / "data.npz", allow_pickle=False) as arrays:
        data = {key: arrays[key] for key in arrays.files}
    peer = PEERS[name](data)
    for workload in asked():
        method = getattr(peer, workload, None)
        print("time", json.dumps(None if method is None else method()), flush=True)


if __name__ == "__main__":
    main()
