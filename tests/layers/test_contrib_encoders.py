"""Encoders of tf.contrib.layers against NumPy."""

import numpy as np
import pytest

import headrace as tf

contrib = tf.contrib.layers


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def value(tensor):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run(tensor)


def test_words_without_order():
    table = np.arange(10.0, dtype=np.float32).reshape(5, 2)
    ids = [[1, 3, 0], [0, 0, 0], [4, 0, 0]]
    made = tf.constant_initializer(table)
    dense = contrib.bow_encoder(ids, 5, 2, sparse_lookup=False, initializer=made)
    sparse = contrib.bow_encoder(ids, 5, 2, initializer=made)
    assert [v.op.name for v in tf.trainable_variables()] == ["bow_encoder/embeddings", "bow_encoder_1/embeddings"]
    np.testing.assert_allclose(value(dense), table[ids].mean(1))
    np.testing.assert_allclose(value(sparse), [table[[1, 3]].mean(0), table[0], table[4]])
    with pytest.raises(TypeError, match="dense Tensor"):
        contrib.bow_encoder(contrib.dense_to_sparse(ids), 5, 2, sparse_lookup=False)


def test_places_of_features():
    images = np.zeros((1, 3, 5, 2), np.float32)
    images[0, 0, 4, 0] = images[0, 2, 2, 1] = 50
    for data_format, x in (("NHWC", images), ("NCHW", images.transpose(0, 3, 1, 2))):
        y = contrib.spatial_softmax(tf.constant(x), data_format=data_format)
        assert y.shape.as_list() == [1, 4]
        np.testing.assert_allclose(value(y), [[-1, 1, 1, 0]], atol=1e-5)
    warm = contrib.spatial_softmax(tf.constant(images), temperature=1e6, name="warm", trainable=False)
    np.testing.assert_allclose(value(warm), np.zeros((1, 4)), atol=1e-3)
    assert [v.op.name for v in tf.trainable_variables()] == [
        "spatial_softmax/temperature",
        "spatial_softmax_1/temperature",
    ]


def test_maxout():
    x = np.random.default_rng(0).normal(size=(2, 3, 6)).astype(np.float32)
    np.testing.assert_array_equal(value(contrib.maxout(x, 2)), x.reshape(2, 3, 2, 3).max(3))
    np.testing.assert_array_equal(value(contrib.maxout(x, 1, axis=1)), x.max(1, keepdims=True))
    with pytest.raises(ValueError, match="not a multiple"):
        contrib.maxout(x, 4)
