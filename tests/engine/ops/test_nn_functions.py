"""tf.nn's functions where the registry and the fixtures do not look: old orders, partial shapes, chance, errors."""

import numpy as np
import pytest

from headrace.engine.dtypes import float32, int32, int64
from headrace.engine.errors import InvalidArgumentError, UnimplementedError
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops import (
    nn_activations,
    nn_bias,
    nn_candidates,
    nn_convolution,
    nn_ctc,
    nn_embedding,
    nn_layers,
    nn_losses,
    nn_moments,
    nn_pooling,
    nn_sampled,
)
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.session import Session
from headrace.engine.tensor_types import SparseTensor

RNG = np.random.default_rng(0)
IMAGES = RNG.normal(size=(2, 5, 6, 3)).astype(np.float32)
TABLE = RNG.normal(size=(6, 2)).astype(np.float32)


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default():
        yield


def value(tensor, feeds=None):
    with Session() as session:
        return session.run(tensor, feeds)


@pytest.mark.parametrize(
    ("build", "shape"),
    [
        (lambda x: nn_convolution.conv2d(x, np.ones((3, 3, 3, 8), np.float32), 2, "SAME"), [None, 3, None, 8]),
        (lambda x: nn_convolution.conv2d(x, np.ones((3, 3, 3, 8), np.float32), 1, "VALID"), [None, 3, None, 8]),
        (
            lambda x: nn_convolution.depthwise_conv2d(x, np.ones((1, 1, 3, 2), np.float32), 1, "SAME"),
            [None, 5, None, 6],
        ),
        (lambda x: nn_pooling.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"), [None, 2, None, 3]),
        (lambda x: nn_pooling.avg_pool2d(x, 2, 2, "SAME"), [None, 3, None, 3]),
        (lambda x: nn_bias.bias_add(x, np.ones(3, np.float32)), [None, 5, None, 3]),
        (lambda x: nn_losses.softmax(x), [None, 5, None, 3]),
        (lambda x: nn_layers.dropout(x, 0.5), [None, 5, None, 3]),
    ],
)
def test_static_shapes_are_as_precise_as_they_can_be(build, shape):
    x = placeholder(float32, [None, 5, None, 3])
    y = build(x)
    assert y.shape.as_list() == shape
    assert y.shape.is_compatible_with(value(y, {x: IMAGES}).shape)


def test_channels_first_is_channels_last_transposed():
    filters = RNG.normal(size=(3, 2, 3, 4)).astype(np.float32)
    first = IMAGES.transpose(0, 3, 1, 2)
    for last, other in (
        (nn_convolution.conv2d(IMAGES, filters, [1, 2, 1, 1], "SAME"),
         nn_convolution.conv2d(first, filters, [1, 1, 2, 1], "SAME", data_format="NCHW")),
        (nn_pooling.max_pool(IMAGES, [1, 2, 3, 1], [1, 1, 2, 1], "SAME"),
         nn_pooling.max_pool(first, [1, 1, 2, 3], [1, 1, 1, 2], "SAME", "NCHW")),
        (nn_moments.fused_batch_norm(IMAGES, np.ones(3, np.float32), np.ones(3, np.float32))[0],
         nn_moments.fused_batch_norm(first, np.ones(3, np.float32), np.ones(3, np.float32), data_format="NCHW")[0]),
    ):  # fmt: skip
        np.testing.assert_allclose(value(other), value(last).transpose(0, 3, 1, 2), rtol=1e-5, atol=1e-5)


def test_gradients_flow_through_a_batch_of_unknown_size():
    x, w = placeholder(float32, [None, 5, 6, 3]), constant(np.ones((3, 3, 3, 2), np.float32))
    dx, dw = gradients(nn_pooling.max_pool(nn_convolution.conv2d(x, w, 1, "SAME"), 2, 2, "SAME"), [x, w])
    found = value([dx, dw], {x: IMAGES})
    assert [f.shape for f in found] == [(2, 5, 6, 3), (3, 3, 3, 2)]


def test_orders_of_the_first_releases_are_understood():
    x, p = constant(IMAGES[0, :, 0]), constant(np.eye(3, dtype=np.float32)[[0, 1, 2, 1, 0]])
    for function in (nn_losses.softmax_cross_entropy_with_logits, nn_losses.sigmoid_cross_entropy_with_logits):
        np.testing.assert_array_equal(*value([function(x, p), function(labels=p, logits=x)]))
    classes = constant(np.array([0, 1, 2, 1, 0]))
    sparse = nn_losses.sparse_softmax_cross_entropy_with_logits
    np.testing.assert_array_equal(*value([sparse(x, classes), sparse(labels=classes, logits=x)]))
    values = (np.array([1]), np.ones((2, 1), np.float32), np.ones(1, np.float32))
    arguments = (np.zeros(6, np.float32), constant([[1], [2]], int64), constant(TABLE[:2]))
    new = nn_sampled.nce_loss(TABLE, *arguments, 1, 6, 1, values)
    old = nn_sampled.nce_loss(TABLE, arguments[0], arguments[2], arguments[1], 1, 6, 1, values)
    np.testing.assert_array_equal(*value([old, new]))


def test_labels_get_a_gradient_only_in_the_second_version():
    x, p = constant(IMAGES[0, 0]), constant(np.full((6, 3), 1 / 3, np.float32))
    assert gradients(nn_losses.softmax_cross_entropy_with_logits(labels=p, logits=x), [p]) == [None]
    assert gradients(nn_losses.softmax_cross_entropy_with_logits_v2(p, x), [p]) != [None]


def test_the_loss_of_a_logit_of_zero_has_the_right_slope():
    x = constant([0.0, 0.0])
    (slope,) = gradients(nn_losses.sigmoid_cross_entropy_with_logits(labels=[0.0, 1.0], logits=x), [x])
    np.testing.assert_allclose(value(slope), [0.5, -0.5])
    big = nn_losses.sigmoid_cross_entropy_with_logits(labels=[1.0, 0.0, 0.0], logits=[20.0, -20.0, 1e4])
    np.testing.assert_allclose(value(big), [np.exp(-20.0), np.exp(-20.0), 1e4], rtol=1e-5)


def test_dropout_keeps_the_sum_and_takes_noise_shapes():
    x = np.ones((50, 40), np.float32)
    dropped = value(nn_layers.dropout(x, 0.8, seed=1))
    assert set(np.unique(dropped)) == {0.0, np.float32(1.25)} and abs(dropped.mean() - 1) < 0.1
    rows = value(nn_layers.dropout(x, noise_shape=[None, 1], rate=0.5, seed=1))
    assert (rows == rows[:, :1]).all() and 0 < rows.mean() < 2
    assert (value(nn_layers.dropout(x, keep_prob=1.0)) == x).all()
    keep = placeholder(float32, [])
    tensor = nn_layers.dropout(x, keep)
    assert (value(tensor, {keep: 1.0}) == x).all()
    assert (value(tensor, {keep: 0.5}) == 0).any()


def test_sequence_losses():
    logits, targets = [constant(IMAGES[0, i]) for i in range(2)], [np.array([0, 1, 2, 0, 1, 2])] * 2
    weights = [np.array([1, 1, 1, 1, 1, 0], np.float32), np.array([1, 0, 1, 0, 1, 0], np.float32)]
    rows = IMAGES[0, :2].astype(np.float64)
    loss = np.log(np.exp(rows).sum(-1)) - np.take_along_axis(rows, np.array(targets)[..., None], -1)[..., 0]
    expected = (loss * weights).sum(0) / (np.sum(weights, 0) + 1e-12)
    np.testing.assert_allclose(value(nn_losses.sequence_loss_by_example(logits, targets, weights)), expected, rtol=1e-5)
    np.testing.assert_allclose(value(nn_losses.sequence_loss(logits, targets, weights)), expected.mean(), rtol=1e-5)
    batch = nn_losses.batch_sequence_loss(rows.transpose(1, 0, 2), np.array(targets).T, np.array(weights, float).T)
    np.testing.assert_allclose(value(batch), (loss * weights).sum() / np.sum(weights), rtol=1e-5)


def test_safe_lookups_leave_out_what_is_no_id():
    where = np.array([[0, 0], [0, 1], [2, 0], [3, 0]])
    ids = SparseTensor(where, np.array([1, -1, 4, 2]), [5, 2])
    weights = SparseTensor(where, np.array([2.0, 1.0, 0.0, 3.0], np.float32), [5, 2])
    expected = np.zeros((5, 2), np.float32)
    expected[[0, 3]] = TABLE[[1, 2]]
    np.testing.assert_allclose(value(nn_embedding.safe_embedding_lookup_sparse(TABLE, ids, weights)), expected)
    expected[2] = TABLE[4]
    np.testing.assert_allclose(value(nn_embedding.safe_embedding_lookup_sparse([TABLE], ids)), expected)
    expected[[1, 4]] = TABLE[5]
    found = nn_embedding.safe_embedding_lookup_sparse(TABLE, ids, default_id=5, combiner="sum")
    np.testing.assert_allclose(value(found), expected)


def test_safe_lookups_of_more_dimensions():
    ids = SparseTensor(np.array([[0, 1, 0], [1, 0, 1]]), np.array([3, 5]), [2, 2, 2])
    found = value(nn_embedding.safe_embedding_lookup_sparse(TABLE, ids))
    expected = np.zeros((2, 2, 2), np.float32)
    expected[0, 1], expected[1, 0] = TABLE[3], TABLE[5]
    np.testing.assert_allclose(found, expected)


def test_learned_unigrams_learn():
    sampled = nn_candidates.learned_unigram_candidate_sampler(constant([[3]], int64), 1, 5, False, 10, seed=1)
    with Session() as session:
        first = session.run(sampled.true_expected_count)
        for _ in range(50):
            session.run(sampled.sampled_candidates)
        assert session.run(sampled.true_expected_count) > 5 * first


def test_fixed_unigrams_come_from_a_file_too(tmp_path):
    path = tmp_path / "vocabulary.csv"
    path.write_text("a,1\nb,0\nc,2.5\n")
    drawn = nn_candidates.fixed_unigram_candidate_sampler([[0]], 1, 40, False, 3, str(path), seed=1)
    assert set(value(drawn.sampled_candidates)) == {0, 2}


def test_all_candidates_make_the_sampled_softmax_the_whole_one():
    x, classes = IMAGES[0, :2, 0, :2], np.array([[1], [4]])
    values = nn_candidates.all_candidate_sampler(classes, 1, 6, True)
    loss = nn_sampled.sampled_softmax_loss(TABLE, np.zeros(6, np.float32), classes, x, 6, 6, 1, values)
    whole = nn_losses.sparse_softmax_cross_entropy_with_logits(labels=classes[:, 0], logits=x @ TABLE.T)
    np.testing.assert_allclose(*value([loss, whole]), rtol=1e-5)


@pytest.mark.parametrize(
    ("build", "error", "match"),
    [
        (lambda: nn_losses.softmax(1.0), ValueError, "rank at least 1|scalar|axis"),
        (lambda: nn_losses.softmax(IMAGES, axis=4), ValueError, "axis 4"),
        (lambda: nn_losses.softmax_cross_entropy_with_logits(labels=IMAGES), ValueError, "both labels and logits"),
        (lambda: nn_losses.sparse_softmax_cross_entropy_with_logits(labels=[[1]], logits=[[1.0]]), ValueError, "Rank mis"),
        (lambda: nn_losses.sigmoid_cross_entropy_with_logits(labels=[1.0], logits=[1.0, 2.0]), ValueError, "same shape"),
        (lambda: nn_losses.sequence_loss_by_example([], [1], []), ValueError, "Lengths"),
        (lambda: nn_layers.dropout(IMAGES, 0.5, rate=0.5), ValueError, "exactly one"),
        (lambda: nn_layers.dropout(IMAGES, 1.5), ValueError, "1.5"),
        (lambda: nn_layers.dropout([1, 2], 0.5), ValueError, "floating"),
        (lambda: nn_embedding.embedding_lookup([], [0]), ValueError, "at least one"),
        (lambda: nn_embedding.embedding_lookup([TABLE] * 2, [0], "hash"), ValueError, "strategy: 'hash'"),
        (lambda: nn_embedding.embedding_lookup_sparse(TABLE, [0], None), TypeError, "sp_ids"),
        (lambda: nn_convolution.conv2d(IMAGES), ValueError, "Must specify 'filter'"),
        (lambda: nn_convolution.conv2d(IMAGES, IMAGES, [1, 2, 3], "SAME"), ValueError, "strides must have"),
        (lambda: nn_convolution.conv2d(IMAGES, IMAGES, 1, [[1, 1]]), ValueError, "4 pairs"),
        (lambda: nn_convolution.conv2d_transpose(IMAGES, np.ones((1, 1, 2, 3), np.float32), [2, 9, 9, 2], 1), ValueError, "expected shape"),  # noqa: E501
        (lambda: nn_pooling.pool(IMAGES, [2, 2], "MIN", "SAME"), ValueError, "'MIN'"),
        (lambda: nn_pooling.pool(IMAGES, [2, 2], "MAX", "SAME", [2, 2]), UnimplementedError, "holes"),
        (lambda: nn_pooling.max_pool_with_argmax(IMAGES, 2, 2, "SAME", "NCHW"), ValueError, "NHWC"),
        (lambda: nn_moments.fused_batch_norm(IMAGES, [1.0] * 3, [1.0] * 3, is_training=False), ValueError, "mean"),
        (lambda: nn_bias.bias_add(IMAGES, [1.0], "CHWN"), ValueError, "data_format"),
        (lambda: nn_ctc.ctc_loss([[1]], IMAGES, [1]), TypeError, "SparseTensor"),
    ],
)  # fmt: skip
def test_bad_arguments_are_named(build, error, match):
    with pytest.raises(error, match=match):
        build()


def test_labels_and_ids_out_of_range_are_named_when_run():
    labels, ids = placeholder(int32, [1]), placeholder(int64, [2])
    loss = nn_losses.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=[[1.0, 2.0]])
    with pytest.raises(InvalidArgumentError, match=r"label value of 2 .* \[0, 2\)"):
        value(loss, {labels: [2]})
    with pytest.raises(InvalidArgumentError, match=r"6 is not in \[0, 6\)"):
        value(nn_embedding.embedding_lookup(TABLE, ids), {ids: [0, 6]})


def test_leaky_relu_takes_integers_and_computed_slopes():
    slope = placeholder(float32, [])
    np.testing.assert_allclose(value(nn_activations.leaky_relu([-5, 5])), [-1, 5])
    np.testing.assert_allclose(value(nn_activations.leaky_relu([-5.0, 5.0], slope), {slope: 0.5}), [-2.5, 5])
