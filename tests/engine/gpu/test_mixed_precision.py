"""Mixed precision on the simulated GPU: the CPU's results in every choice, with branches and loops, and for whole programs."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.session_config import DEFAULTS


@pytest.fixture(autouse=True)
def simulated(sim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_GPU", os.environ.get("HEADRACE_TEST_DEVICE", "sim"))
    monkeypatch.setattr(DEFAULTS, "mixed_precision", "float32")


def images_and_labels() -> tuple[Any, Any]:
    random = np.random.default_rng(0)
    images = random.standard_normal((8, 8, 8, 2)).astype(np.float32)
    return images, (images.mean((1, 2, 3)) > 0).astype(np.int32)


def network(x: Any) -> Any:
    x = tf.layers.conv2d(x, 4, 3, padding="same", use_bias=False)
    x = tf.nn.relu(tf.layers.batch_normalization(x, training=True, fused=True))
    x = tf.layers.flatten(tf.layers.max_pooling2d(x, 2, 2))
    return tf.layers.dense(tf.layers.dense(x, 8, activation=tf.nn.relu), 2)


def losses(backend: str, dtype: str) -> list[float]:
    with tf.Graph().as_default():
        tf.set_random_seed(5)
        images, labels = images_and_labels()
        loss = tf.losses.sparse_softmax_cross_entropy(labels, network(images))
        train = tf.train.MomentumOptimizer(0.05, 0.9).minimize(loss)
        with tf.Session(backend=backend, mixed_precision=dtype) as session:
            session.run(tf.global_variables_initializer())
            return [session.run([loss, train])[0] for _ in range(8)]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
def test_training_is_the_cpus(dtype: str) -> None:
    found, expected, exact = losses("gpu", dtype), losses("numpy", dtype), losses("gpu", "float32")
    assert found != exact
    np.testing.assert_allclose(found, expected, rtol=2e-2)
    np.testing.assert_allclose(found, exact, rtol=5e-2, atol=1e-2)


@pytest.mark.parametrize("dtype", ["tf32", "bfloat16", "float16"])
@pytest.mark.parametrize("options", [{}, {"check_numerics": True}])
def test_branches_and_loops(dtype: str, options: dict[str, Any]) -> None:
    start = np.random.default_rng(0).standard_normal((4, 4)).astype(np.float32)

    def result(backend: str, precision: str) -> list[Any]:
        with tf.Graph().as_default():
            w = tf.get_variable("w", initializer=start)
            y = tf.cond(tf.reduce_sum(w) > 0, lambda: tf.matmul(w, w), lambda: tf.matmul(tf.nn.relu(w), w))
            z = tf.while_loop(lambda i, v: i < 3, lambda i, v: (i + 1, tf.tanh(tf.matmul(v, w))), [0, y])[1]
            train = tf.train.AdamOptimizer(0.01).minimize(tf.reduce_mean(tf.square(z)))
            with tf.Session(backend=backend, mixed_precision=precision, **options) as session:
                session.run(tf.global_variables_initializer())
                for _ in range(3):
                    values: list[Any] = session.run([y, z, train])[:2]
                return values

    found, exact = result("gpu", dtype), result("cpu", "float32")
    for own, expected in zip(found, exact, strict=True):
        assert own.dtype == np.float32
        np.testing.assert_allclose(own, expected, rtol=0.05, atol=0.05)


@pytest.mark.parametrize(("toggles", "chosen", "policy", "precision"), [
    ({"auto_mixed_precision": 1}, None, "float32", "float16"),
    ({"auto_mixed_precision": 3}, None, "float32", "float16"),
    ({"auto_mixed_precision_cpu": 1}, None, "float32", "float16"),
    ({"auto_mixed_precision": 1}, "bfloat16", "float32", "bfloat16"),
    ({"auto_mixed_precision": 1}, None, "mixed_bfloat16", "float16"),
    ({"auto_mixed_precision": 2}, None, "mixed_bfloat16", ""),
    ({"auto_mixed_precision": 2}, "float16", "mixed_bfloat16", "float16"),
    ({}, None, "mixed_bfloat16", "bfloat16"),
])  # fmt: skip
def test_which_switch_counts(toggles: dict[str, int], chosen: str | None, policy: str, precision: str) -> None:
    config = tf.ConfigProto()
    for name, value in toggles.items():
        setattr(config.graph_options.rewrite_options, name, value)
    tf.keras.mixed_precision.set_policy(policy)
    with tf.Session(config=config, mixed_precision=chosen, backend="cpu") as session:
        assert session.options.mixed_precision == precision


def test_keras_and_estimators_follow_the_switch(tmp_path: Path) -> None:
    precisions: list[str] = []

    class Watch(tf.train.SessionRunHook):
        def after_create_session(self, session: Any, coord: Any) -> None:
            precisions.append(session.options.mixed_precision)

    config = tf.ConfigProto()
    config.graph_options.rewrite_options.auto_mixed_precision_onednn_bfloat16 = 1
    x = np.random.default_rng(0).standard_normal((16, 4)).astype(np.float32)
    columns = [tf.feature_column.numeric_column("x", shape=(4,))]
    for session_config, policy in ((config, "float32"), (None, "mixed_float16")):
        tf.keras.mixed_precision.set_policy(policy)
        with tf.Graph().as_default():
            estimator = tf.estimator.DNNRegressor(
                [4], columns, config=tf.estimator.RunConfig(session_config=session_config)
            )
            estimator.train(
                lambda: tf.data.Dataset.from_tensors(({"x": x}, x[:, :1])).repeat(), hooks=[Watch()], steps=2
            )
    assert precisions == ["bfloat16", "float16"]
    tf.keras.mixed_precision.set_policy("mixed_bfloat16")
    model = tf.keras.Sequential(
        [tf.keras.layers.Dense(4, activation="relu", input_shape=(4,)), tf.keras.layers.Dense(1)]
    )
    model.compile("adam", "mse")
    history = model.fit(x, x[:, :1], epochs=3, verbose=0).history["loss"]
    assert history[-1] < history[0]
    assert model.predict(x).dtype == np.float32


def wordy(size: int) -> tuple[Any, Any]:
    """A classifier of words with layer normalisation, and what it is fed."""
    words, labels = tf.placeholder(tf.int32, [8]), tf.placeholder(tf.int32, [8])
    x = tf.nn.embedding_lookup(tf.get_variable("table", [size, 12]), words)
    for i in range(2):
        scale = tf.get_variable(f"scale{i}", [12], initializer=tf.ones_initializer())
        offset = tf.get_variable(f"offset{i}", [12])
        mean, variance = tf.nn.moments(x, [-1], keep_dims=True)
        x += tf.layers.dense(tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-5), 12)
    logits = tf.layers.dense(x, size, use_bias=False)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    return (words, labels), [loss, tf.train.AdamOptimizer(0.01).minimize(loss)]


@pytest.mark.parametrize("dtype", ["bfloat16", "float16"])
@pytest.mark.parametrize("size", [17, 1200])
def test_what_computes_in_float32_reads_and_writes_16_bits(dtype: str, size: int) -> None:
    random = np.random.default_rng(4)
    words, labels = random.integers(0, size, 8), random.integers(0, size, 8)
    found: list[list[float]] = []
    # The watched one runs on the host what was rewritten for the device.
    for backend, watched in (("numpy", False), ("gpu", True), ("gpu", False)):
        options = {"backend": backend, "mixed_precision": dtype, "check_numerics": watched}
        with tf.Graph().as_default(), tf.Session(**options) as session:
            tf.set_random_seed(3)
            fed, fetches = wordy(size)
            session.run(tf.global_variables_initializer())
            feeds = dict(zip(fed, (words, labels), strict=True))
            found.append([session.run(fetches, feeds)[0] for _ in range(6)])
            if backend == "gpu" and not watched:
                text = session.explain(fetches, feeds)
                # Neither logits nor their gradient.
                assert f"float32[8, {size}]" not in text and "NumPy" not in text
                with pytest.raises(tf.errors.InvalidArgumentError, match=f"label value of {size}"):
                    session.run(fetches, {fed[0]: words, fed[1]: np.full(8, size)})
    np.testing.assert_allclose(found[1], found[0], rtol=2e-2, atol=1e-2)
    np.testing.assert_allclose(found[2], found[0], rtol=2e-2, atol=1e-2)
