"""`keras.backend`'s functions of tensors, variables and functions of placeholders."""

import numpy as np
import pytest

import headrace as tf

K = tf.keras.backend
X = np.array([[1.0, -2.0, 3.0], [0.0, 5.0, -6.0]], np.float32)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default(), tf.Session():
        yield


@pytest.mark.parametrize("function, expected", [
    (lambda x: K.mean(x > 0), 0.5),
    (lambda x: K.mean(x, axis=-1, keepdims=True), X.mean(-1, keepdims=True)),
    (lambda x: K.sum(x, 0), X.sum(0)),
    (lambda x: K.prod(x, 1), X.prod(1)),
    (lambda x: K.max(x, axis=1), X.max(1)),
    (lambda x: K.min(x), X.min()),
    (lambda x: K.std(x, 0), X.std(0)),
    (lambda x: K.var(x), X.var()),
    (lambda x: K.any(x, 1), [True, True]),
    (lambda x: K.all(x, 1), [True, False]),
    (lambda x: K.logsumexp(x), np.log(np.exp(X).sum())),
    (lambda x: K.argmax(x), [2, 1]),
    (lambda x: K.argmin(x, 0), [1, 0, 1]),
    (lambda x: K.flatten(x), X.ravel()),
    (lambda x: K.batch_flatten(K.expand_dims(x)), X),
    (lambda x: K.squeeze(K.expand_dims(x, 1), 1), X),
    (lambda x: K.permute_dimensions(x, (1, 0)), X.T),
    (lambda x: K.concatenate([x, x]), np.concatenate([X, X], 1)),
    (lambda x: K.repeat_elements(x, 2, 1), X.repeat(2, 1)),
    (lambda x: K.one_hot([1, 0], 2), [[0, 1], [1, 0]]),
    (lambda x: K.dot(x, K.transpose(x)), X @ X.T),
    (lambda x: K.dot(K.expand_dims(x, 0), np.ones((3, 2), np.float32)), (X @ np.ones((3, 2)))[None]),
    (lambda x: K.batch_dot(x, x, axes=1), (X * X).sum(1, keepdims=True)),
    (lambda x: K.sqrt(x), np.sqrt(np.maximum(X, 0))),
    (lambda x: K.clip(x, -1, None), X.clip(-1, None)),
    (lambda x: K.relu(x, 0.5, 2.0), np.minimum(np.where(X > 0, X, X / 2), 2)),
    (lambda x: K.switch(x > 0, x, K.zeros_like(x)), np.maximum(X, 0)),
    (lambda x: K.switch(x[:, 0] > 0, x, -x), X * [[1], [-1]]),
    (lambda x: K.switch(x[0, 0] > 0, lambda: x, lambda: -x), X),
    (lambda x: K.in_train_phase(x, -x), -X),
    (lambda x: K.in_test_phase(x, -x, training=True), -X),
    (lambda x: K.softmax(x), np.exp(X) / np.exp(X).sum(1, keepdims=True)),
    (lambda x: K.square(x) + K.abs(x) - K.pow(x, 2), np.abs(X)),
    (lambda x: K.binary_crossentropy([1.0, 0.0], [0.0, 1.5], from_logits=True), [0.693147, 1.701413]),
    (lambda x: K.binary_crossentropy([1.0, 0.0], [0.25, 0.5]), [1.386294, 0.693147]),
    (lambda x: K.categorical_crossentropy([[0.0, 1.0]], [[0.25, 0.75]]), [0.287682]),
    (lambda x: K.sparse_categorical_crossentropy([[1]], [[0.25, 0.75]]), [0.287682]),
    (lambda x: K.sparse_categorical_crossentropy([0], [[1.0, 1.0]], from_logits=True), [0.693147]),
])  # fmt: skip
def test_functions(function, expected):
    np.testing.assert_allclose(K.eval(function(tf.constant(X))), expected, rtol=1e-4, atol=1e-6)


def test_variables_and_functions_of_placeholders():
    v, w, ones = K.variable(X, name="v"), K.zeros((2,)), K.ones((2, 1), "float64")
    assert (K.int_shape(v), K.ndim(w), K.dtype(ones), v.op.name) == ((2, 3), 1, "float64", "v")
    given, any_rank = K.placeholder((None, 3)), K.placeholder(ndim=2)
    assert K.int_shape(given) == (None, 3) and K.int_shape(any_rank) == (None, None)
    run = K.function([given, K.learning_phase()], [K.sum(given) + K.sum(v)], updates=[K.update_add(w, [1.0, 2.0])])
    assert run([X, 0]) == [2.0] and K.get_value(w).tolist() == [1.0, 2.0]
    K.eval(K.update(w, [5.0, 5.0])), K.eval(K.update_sub(w, [1.0, 0.0]))
    assert K.get_value(w).tolist() == [4.0, 5.0]
    with pytest.raises(TypeError, match="takes a list of 2 values"):
        run(X)
    grads = K.gradients(K.sum(K.square(given)), [given])
    np.testing.assert_allclose(K.function([given], grads)([X])[0], 2 * X)


def test_random_numbers_have_their_shape_and_bounds():
    drawn, normal = K.eval(K.random_uniform((3, 4), 2.0, 3.0)), K.eval(K.random_normal((2,), stddev=0.0, mean=4.0))
    assert drawn.shape == (3, 4) and drawn.min() >= 2 and drawn.max() < 3 and normal.tolist() == [4.0, 4.0]
    assert (K.eval(K.dropout(tf.ones([50]), 0.5)) == 0).any()


def test_ctc():
    labels, lengths = np.array([[0, 1], [1, 0]]), np.array([[2], [1]])
    sparse = K.ctc_label_dense_to_sparse(labels, lengths[:, 0])
    found = K.get_session().run(sparse)
    assert found.indices.tolist() == [[0, 0], [0, 1], [1, 0]] and found.values.tolist() == [0, 1, 1]
    shares = np.full((2, 3, 3), 1 / 3, np.float32)
    costs = K.eval(K.ctc_batch_cost(labels, shares, np.array([[3], [2]]), lengths))
    # Five of 27 paths give the labels 0 and 1, three of nine the label 1.
    np.testing.assert_allclose(costs, [[np.log(27 / 5)], [np.log(3)]], rtol=1e-4)
