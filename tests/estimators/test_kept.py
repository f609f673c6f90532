"""Graphs and sessions that estimators keep: counted, freed, brought to new checkpoints; steps that nothing counts."""

import gc
import threading

import numpy as np
import pytest

import headrace as tf
from headrace.engine.graph import Graph
from headrace.engine.session import BaseSession

X, Y = tf.datasets.iris.load_data()


@pytest.fixture
def made(monkeypatch):
    """Counts of the graphs and sessions that are made."""
    counts = {"graphs": 0, "sessions": 0}

    def counting(kind, name):
        init = kind.__init__

        def counted(self, *args, **kwargs):
            counts[name] += 1
            init(self, *args, **kwargs)

        monkeypatch.setattr(kind, "__init__", counted)

    counting(Graph, "graphs")
    counting(BaseSession, "sessions")
    return counts


def linear(folder=None, **options):
    return tf.estimator.LinearClassifier(
        [tf.feature_column.numeric_column("x", 4)], folder and str(folder), n_classes=3, **options
    )


def batches(epochs=1, x=X):
    return tf.estimator.inputs.numpy_input_fn({"x": x}, Y[: len(x)], 50, epochs, shuffle=False)


class Calls:
    """A model function that counts its calls by mode."""

    def __init__(self):
        self.modes = []

    def __call__(self, features, labels, mode):
        self.modes.append(mode)
        w = tf.get_variable("w", [4, 1], initializer=tf.zeros_initializer())
        found = tf.matmul(features["x"], w)
        if mode == tf.estimator.ModeKeys.PREDICT:
            return tf.estimator.EstimatorSpec(mode, found)
        loss = tf.reduce_mean(tf.square(found[:, 0] - tf.cast(labels, tf.float32)))
        train = tf.train.GradientDescentOptimizer(0.01).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, found, loss, train)


def test_the_model_function_is_called_once_a_mode(tmp_path):
    calls = Calls()
    model = tf.estimator.Estimator(calls, str(tmp_path))
    for _ in range(3):
        model.train(batches(), steps=2)
        model.evaluate(batches())
        list(model.predict(batches()))
    assert calls.modes == ["train", "eval", "infer"]
    assert model.get_variable_value("global_step") == 6
    # The same as without anything kept.
    other = tf.estimator.Estimator(Calls(), str(tmp_path / "other"))
    for _ in range(3):
        other.train(batches(), steps=2)
        other.close()
    np.testing.assert_array_equal(model.get_variable_value("w"), other.get_variable_value("w"))


def test_hooks_and_listeners_get_a_graph_that_is_not_finished(tmp_path):
    calls = Calls()
    model = tf.estimator.Estimator(calls, str(tmp_path))

    class Adds(tf.train.SessionRunHook):
        def begin(self):
            tf.constant(1)

    model.train(batches(), hooks=[Adds()])
    model.evaluate(batches(), hooks=[Adds()])
    assert len(list(model.predict(batches(), hooks=[Adds()]))) == 150
    assert calls.modes == ["train", "eval", "infer"]


def test_input_functions_with_state_are_built_with_their_model(tmp_path):
    calls = Calls()
    model = tf.estimator.Estimator(calls, str(tmp_path))

    def counted():
        count = tf.get_variable("count", [], trainable=False, initializer=tf.zeros_initializer())
        step = tf.cast(tf.train.get_global_step(), tf.float32)
        return {"x": tf.constant(X) + 0.0 * tf.assign_add(count, 1.0) + 0.0 * step}, tf.constant(Y)

    model.train(counted, steps=3)
    model.train(counted, steps=3)
    assert model.get_variable_value("count") == 6 and calls.modes == ["train"] * 2


def test_what_an_input_function_closes_over_is_not_kept(tmp_path):
    model, value = linear(tmp_path).train(batches()), [X[:2]]
    sums = []
    for value[0] in (X[:2], X[2:4]):
        found = next(model.predict(lambda: {"x": tf.constant(value[0])}, yield_single_examples=False))
        sums.append(found["logits"].sum())
    assert sums[0] != sums[1]


def test_sparse_features_and_tables_of_the_input(tmp_path):
    words = tf.feature_column.categorical_column_with_identity("ids", 5)

    def input_fn():
        table = tf.contrib.lookup.index_table_from_tensor(tf.constant(["a", "b", "c"]))
        ids = tf.SparseTensor([[0, 0], [1, 1]], table.lookup(tf.constant(["c", "a"])), [2, 2])
        return {"ids": ids}, tf.constant([1, 0])

    model = tf.estimator.LinearClassifier([words], str(tmp_path))
    for _ in range(2):
        model.train(input_fn, steps=20)
    assert next(model.predict(input_fn, yield_single_examples=False))["class_ids"].ravel().tolist() == [1, 0]
    assert len(model._kept) == 2


def test_a_thousand_predictions_make_nothing(made):
    model = tf.estimator.DNNClassifier([4], random_state=0).fit(X, Y, epochs=1, verbose=0)
    model.predict(X[:1])
    gc.collect()
    before, objects = dict(made), len(gc.get_objects())
    for _ in range(1000):
        model.predict(X[:1])
    gc.collect()
    assert made == before and len(gc.get_objects()) < objects + 100
    for _ in range(5):
        model.evaluate(X, Y)
    assert made["graphs"] == before["graphs"] + 1


def test_any_number_of_rows_needs_few_programs():
    model = tf.estimator.DNNClassifier([4], random_state=0).fit(X, Y, epochs=1, verbose=0)
    whole = model.predict_proba(X)
    for rows in range(1, 150):
        np.testing.assert_allclose(model.predict_proba(X[:rows]), whole[:rows], rtol=1e-5)
    (kept,) = [kept for (mode, _), kept in model._kept.items() if mode == "infer"]
    assert len(kept._callables) == 1


def test_a_new_checkpoint_is_picked_up(tmp_path):
    first, second = linear(tmp_path), linear(tmp_path)
    first.train(batches())
    before = second.evaluate(batches())["loss"]
    rows = [next(iter(second.predict(batches())))["probabilities"]]
    first.train(batches(20))
    assert second.evaluate(batches())["loss"] < before
    rows.append(next(iter(second.predict(batches())))["probabilities"])
    assert not np.array_equal(*rows)
    # Training goes on from what another estimator saved.
    second.train(batches())
    assert second.get_variable_value("global_step") == 3 + 60 + 3
    old = first.evaluate(batches(), checkpoint_path=str(tmp_path / "model.ckpt-3"))
    assert old["global_step"] == 3 and old["loss"] == pytest.approx(before)


def test_close_and_the_end_of_a_block_free_what_is_kept(tmp_path, made):
    with linear(tmp_path) as model:
        model.train(batches()).evaluate(batches())
        assert len(model._kept) == 2
    assert not model._kept
    before = model.evaluate(batches())
    model.close()
    assert model.evaluate(batches()) == before


def test_a_few_models_are_kept(tmp_path):
    model = linear(tmp_path).train(batches())
    for rows in range(1, 20):
        next(model.predict(lambda rows=rows: {"x": tf.constant(X[:rows])}))
    assert len(model._kept) <= 8


def test_threads_predict():
    model = tf.estimator.DNNClassifier([8], random_state=0).fit(X, Y, epochs=5, verbose=0)
    wanted, wrong = model.predict_proba(X), []

    def work(start):
        for i in range(start, 150, 4):
            if not np.allclose(model.predict_proba(X[i : i + 3]), wanted[i : i + 3], rtol=1e-5):
                wrong.append(i)

    threads = [threading.Thread(target=work, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("hooks", [None, [tf.train.SessionRunHook()]], ids=["kept", "anew"])
def test_a_train_op_that_counts_no_steps_is_reported(tmp_path, hooks):
    def model_fn(features, labels, mode):
        loss = tf.reduce_sum(tf.square(tf.get_variable("w", [2]))) + tf.reduce_sum(features["x"])
        return tf.estimator.EstimatorSpec(mode, None, loss, tf.train.GradientDescentOptimizer(0.1).minimize(loss))

    model = tf.estimator.Estimator(model_fn, str(tmp_path))
    with pytest.raises(RuntimeError, match=r"the global step is still 0: .*global_step=tf"):
        model.train(lambda: {"x": tf.constant([1.0])}, steps=5, hooks=hooks)
    # Without a number of steps the input ends it.
    model.train(tf.estimator.inputs.numpy_input_fn({"x": X[:, 0]}, batch_size=2, shuffle=False), hooks=hooks)
    assert model.get_variable_value("global_step") == 0


def test_training_that_goes_on_saves_the_same_files(tmp_path):
    config = tf.estimator.RunConfig(save_checkpoints_steps=2, keep_checkpoint_max=2)
    kept, other = linear(tmp_path / "kept", config=config), linear(tmp_path / "other", config=config)
    for _ in range(3):
        kept.train(batches(None), steps=5)
        other.train(batches(None), steps=5)
        other.close()
    names = [
        sorted(p.name for p in (tmp_path / name).iterdir() if "events" not in p.name) for name in ("kept", "other")
    ]
    assert names[0] == names[1] and "model.ckpt-15.meta" in names[0]
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(str(tmp_path / "kept/model.ckpt-15.meta")).restore(
            session, str(tmp_path / "kept/model.ckpt-15")
        )
        assert session.run("global_step:0") == 15


def test_models_that_are_in_use_stay_open_when_others_take_their_place(monkeypatch):
    monkeypatch.setattr("headrace.estimators.estimator.MOST_KEPT", 1)
    model = linear(optimizer="SGD")
    model.fit({"x": X}, Y, epochs=3, batch_size=50, shuffle=False, validation_data=({"x": X}, Y), verbose=0)
    other = linear(optimizer="SGD").fit({"x": X}, Y, epochs=3, batch_size=50, shuffle=False, verbose=0)
    wanted = other.predict_proba({"x": X})
    np.testing.assert_array_equal(model.predict_proba({"x": X}), wanted)
    found = model.predict(lambda: tf.data.Dataset.from_tensor_slices({"x": X}).batch(50))
    first = next(found)["probabilities"]
    model.evaluate({"x": X}, Y)
    np.testing.assert_array_equal([first, *(p["probabilities"] for p in found)], wanted)


def test_a_session_that_is_lost_is_replaced_from_the_newest_checkpoint(tmp_path):
    failures, seen = [], []

    def lose():
        if failures and len(seen) == 13:
            raise failures.pop()
        return np.float32(1.0)

    def model(features, labels, mode):
        step = tf.train.get_or_create_global_step()
        number = tf.get_variable("number", [], initializer=tf.zeros_initializer())
        one = tf.py_func(lose, [], tf.float32, stateful=True)
        train = tf.group(number.assign_add(one), tf.assign_add(step, 1), tf.py_func(seen.append, [step], []))
        return tf.estimator.EstimatorSpec(mode, loss=tf.reduce_sum(features), train_op=train)

    config = tf.estimator.RunConfig(save_checkpoints_steps=5, log_step_count_steps=None)
    with tf.estimator.Estimator(model, str(tmp_path), config) as estimator:
        data = lambda: tf.data.Dataset.from_tensors(np.ones(2, np.float32)).repeat()  # noqa: E731
        estimator.train(data, steps=8)
        failures.append(tf.errors.AbortedError(None, None, "lost"))
        estimator.train(data, steps=8)
        assert not failures
        assert estimator.get_variable_value("global_step") == 16 and estimator.get_variable_value("number") == 16
