"""Heads: metrics, losses and predictions equal to tf.estimator's; what they refuse."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as tf
from headrace.datasets.arrays import ArrayBatches
from headrace.estimators import BinaryClassHead, Estimator, EstimatorSpec, ModeKeys, MultiClassHead, RegressionHead

FIXTURES = Path(__file__).parents[1] / "fixtures" / "estimators"
MODULE = runpy.run_path(str(FIXTURES / "head_cases.py"))
VALUES = np.load(FIXTURES / "heads.npz")


def estimator_of(head, folder):
    def model_fn(features, labels, mode):
        step = tf.train.get_or_create_global_step()

        def train_op_fn(loss):
            return tf.assign_add(step, 1)

        return head.create_estimator_spec(
            features, mode, tf.identity(features["logits"]), labels=labels, train_op_fn=train_op_fn
        )

    return Estimator(model_fn, str(folder))


def expected(name, what):
    start = f"{name}/{what}/"
    return {key.removeprefix(start): VALUES[key] for key in VALUES.files if key.startswith(start)}


@pytest.mark.parametrize("name", MODULE["CASES"])
def test_a_head_gives_what_tf_estimators_gives(name, tmp_path):
    kind, arguments, logits, labels = MODULE["CASES"][name]

    def input_fn():
        # Two batches of six, one after the other.
        flat = ({"logits": np.concatenate(logits), "w": MODULE["WEIGHTS"].reshape(-1)}, np.concatenate(labels))
        return ArrayBatches(flat, 6, 1).make_one_shot_iterator().get_next()

    estimator = estimator_of(getattr(tf.estimators, kind)(**arguments), tmp_path)
    estimator.train(input_fn, steps=1)
    found, wanted = estimator.evaluate(input_fn), expected(name, "metric")
    assert sorted(found) == sorted(wanted)
    wanted.pop("global_step")
    for key, value in wanted.items():
        np.testing.assert_allclose(found[key], value, rtol=1e-5, atol=1e-6, err_msg=key)
    rows, wanted = list(estimator.predict(input_fn)), expected(name, "prediction")
    assert sorted(rows[0]) == sorted(wanted)
    for key, value in wanted.items():
        values = np.stack([row[key] for row in rows])
        if value.dtype.kind == "S":
            assert values.astype("S").tolist() == value.tolist(), key
        else:
            assert values.dtype == value.dtype, key
            np.testing.assert_allclose(values, value, rtol=1e-5, atol=1e-6, err_msg=key)


def spec(head, labels, columns=1, mode=ModeKeys.TRAIN, **options):
    logits = tf.zeros([3, columns])
    return head.create_estimator_spec({"w": tf.ones([3])}, mode, logits, labels, **options)


@pytest.mark.parametrize(
    ("build", "text"),
    [
        (lambda: MultiClassHead(2), "n_classes must be > 2: 2"),
        (lambda: MultiClassHead(3, label_vocabulary=["a"]), '"label_vocabulary" does not have "n_classes" items'),
        (lambda: BinaryClassHead(label_vocabulary="ab"), "label_vocabulary should be a list or a tuple"),
        (lambda: BinaryClassHead(thresholds=[1.0]), r"thresholds not in \(0, 1\)"),
        (lambda: BinaryClassHead(loss_reduction="none"), "Invalid loss_reduction: none"),
        (lambda: RegressionHead(loss_fn=lambda labels: labels), "loss_fn must contain argument: logits"),
        (lambda: RegressionHead(loss_fn=lambda labels, logits, x: x), r"loss_fn has unexpected args: \['x'\]"),
        (lambda: RegressionHead(0), "Invalid label_dimension 0"),
        (lambda: spec(BinaryClassHead(), None), "You must provide a labels Tensor"),
        (lambda: spec(BinaryClassHead(), [0, 1, 1], columns=2), "logits shape must be"),
        (lambda: spec(BinaryClassHead(), [[0, 1]] * 3), "Mismatched label shape. Expected labels dimension=1"),
        (lambda: spec(BinaryClassHead(), ["a", "b", "c"]), "without a label_vocabulary"),
        (lambda: spec(BinaryClassHead(), [0, 1, 1]), "one of train_op_fn and optimizer"),
        (lambda: spec(BinaryClassHead("v"), [0, 1, 1]), "Feature 'v' is not in features dictionary"),
        (lambda: spec(MultiClassHead(3), [0.5, 1.0, 1.0], 3), "Labels dtype should be integer. Instead got float32"),
        (lambda: spec(MultiClassHead(3, label_vocabulary=["a", "b", "c"]), [0, 1, 2], 3), "should be string"),
    ],
)
def test_refused(build, text):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        build()


def test_a_weight_column_is_a_name_or_a_column():
    with pytest.raises(TypeError, match="Weight column must be either a string or NumericColumn"):
        BinaryClassHead(weight_column=3)


@pytest.mark.parametrize(
    ("head", "columns", "label", "text"),
    [
        (BinaryClassHead(), 1, 2, "Labels must be < n_classes = 2"),
        (BinaryClassHead(), 1, -1, "Labels must be >= 0"),
        (MultiClassHead(3), 3, 3, "Labels must be < n_classes = 3"),
        (MultiClassHead(3, label_vocabulary=["a", "b", "c"]), 3, b"d", "Labels must be >= 0"),
    ],
)
def test_labels_out_of_range_fail_when_run(head, columns, label, text):
    with tf.Graph().as_default(), tf.Session() as session:
        labels = tf.placeholder(tf.string if isinstance(label, bytes) else tf.int64, [3])
        made = spec(head, labels, columns, ModeKeys.EVAL)
        session.run([tf.local_variables_initializer(), tf.tables_initializer()])
        with pytest.raises(tf.errors.InvalidArgumentError, match=text):
            session.run(made.loss, {labels: [label] * 3})


def test_regularization_own_loss_optimizer_and_update_ops():
    with tf.Graph().as_default(), tf.Session() as session:
        step = tf.train.get_or_create_global_step()
        weight, seen = (
            tf.get_variable("weight", [1, 1]),
            tf.get_variable("seen", [], initializer=tf.zeros_initializer()),
        )

        def loss_fn(labels, logits, features):
            return tf.abs(labels - logits) * tf.reshape(features["w"], [-1, 1])

        head = RegressionHead(loss_fn=loss_fn)
        made = head.create_estimator_spec(
            {"w": tf.constant([1.0, 3.0])},
            ModeKeys.TRAIN,
            tf.matmul(tf.zeros([2, 1]), weight),
            tf.constant([1.0, 1.0]),
            optimizer=tf.train.GradientDescentOptimizer(0.1),
            update_ops=[tf.assign_add(seen, 1.0)],
            regularization_losses=[tf.constant(0.5), tf.constant(0.25)],
        )
        assert isinstance(made, EstimatorSpec)
        session.run(tf.global_variables_initializer())
        assert session.run(made.loss) == pytest.approx(2.75)
        session.run(made.train_op)
        assert session.run([step, seen]) == [1, 1.0]


def test_sparse_labels_of_several_classes():
    words = tf.estimators.MultiLabelHead(3, label_vocabulary=["a", "b", "c"])
    numbers = tf.estimators.MultiLabelHead(3)
    with tf.Graph().as_default(), tf.Session() as session:
        places = [[0, 0], [1, 0], [1, 1]]
        logits = tf.constant([[1.0, -1.0, 0.5], [0.2, 0.3, -2.0]])
        losses = [
            words.loss(tf.SparseTensor(places, ["b", "a", "c"], [2, 2]), logits),
            numbers.loss(tf.SparseTensor(places, np.array([1, 0, 2]), [2, 2]), logits),
            numbers.loss([[0, 1, 0], [1, 0, 1]], logits),
        ]
        session.run(tf.tables_initializer())
        assert np.ptp(session.run(losses)) == 0
