"""Input that was stopped goes on with the same rest, bit for bit: in a Saver's checkpoints and in an estimator's."""

import threading

import numpy as np
import pytest

import headrace as tf
from headrace.datasets.arrays import ArrayBatches
from headrace.engine import errors

Dataset = tf.data.Dataset
X = np.arange(40, dtype=np.float32).reshape(20, 2)
Y = np.arange(20)


def files_of(folder):
    paths = []
    for number in range(3):
        path = folder / f"{number}.tfrecord"
        with tf.python_io.TFRecordWriter(str(path)) as writer:
            for i in range(7):
                writer.write(f"{number}:{i}".encode())
        paths.append(str(path))
    return paths


def fails_at(places):
    def check(x):
        if int(x) in places:
            raise ValueError(f"bad {x}")
        return x

    return lambda x: tf.py_func(check, [x], tf.int64)


PIPELINES = {
    "training": lambda f: Dataset.from_tensor_slices((X, Y)).shuffle(8).repeat(3).map(lambda x, y: (x * 2, y)).batch(
        3).prefetch(2),
    "parallel": lambda f: Dataset.range(40).shuffle(10).map(lambda x: x * 3, num_parallel_calls=3).repeat().batch(7).prefetch(1),
    "interleave": lambda f: Dataset.list_files(str(f / "*.tfrecord"), shuffle=True).interleave(
        tf.data.TFRecordDataset, cycle_length=2, block_length=2).shuffle(4).repeat(2).batch(4),
    "inner shuffles": lambda f: Dataset.range(4).interleave(lambda i: Dataset.range(i * 10, i * 10 + 6).shuffle(6), 3),
    "flat_map": lambda f: Dataset.range(5).flat_map(lambda i: Dataset.range(i).shuffle(3).repeat(2)),
    "filter": lambda f: Dataset.range(60).shuffle(20).filter(lambda x: tf.equal(x % 3, 0)).batch(2, drop_remainder=True),
    "cache": lambda f: Dataset.range(9).shuffle(9, reshuffle_each_iteration=False).cache().repeat(4).batch(2),
    "cache file": lambda f: Dataset.range(9).cache(str(f / "cached")).shuffle(5).repeat(3),
    "generator": lambda f: Dataset.from_generator(lambda: iter(range(30)), tf.int64, []).batch(4).repeat(2),
    "padded": lambda f: Dataset.range(1, 12).shuffle(5).map(lambda n: tf.fill([n], n)).padded_batch(3, [None]),
    "window": lambda f: Dataset.range(20).window(4, 2).flat_map(lambda w: w.batch(4)),
    "zip": lambda f: Dataset.zip((Dataset.range(12).shuffle(12), Dataset.range(12).shuffle(6))).repeat(2),
    "threads": lambda f: Dataset.zip(tuple(Dataset.range(9).shuffle(9).repeat().prefetch(2) for _ in range(4))),
    "threads of inner shuffles": lambda f: Dataset.zip(tuple(
        Dataset.range(3).repeat().flat_map(lambda i: Dataset.range(5).shuffle(5)).prefetch(1) for _ in range(3))),
    "seeded noise": lambda f: Dataset.range(20).map(lambda x: tf.random_uniform([], seed=3)).batch(3),
    "random": lambda f: tf.data.experimental.RandomDataset().take(20).batch(3),
    "sample": lambda f: tf.data.experimental.sample_from_datasets([Dataset.range(9), Dataset.range(20, 29)]),
    "scan": lambda f: Dataset.range(15).apply(tf.data.experimental.scan(np.int64(0), lambda s, x: (s + x, s + x))),
    "buckets": lambda f: Dataset.range(1, 20).shuffle(20).map(lambda n: tf.fill([n], n)).apply(
        tf.data.experimental.bucket_by_sequence_length(lambda x: tf.shape(x)[0], [5, 10], [2, 2, 2], padded_shapes=[None])),
    "array batches": lambda f: ArrayBatches((X, Y), 3, epochs=2, shuffle=True),
    "array batches across": lambda f: ArrayBatches({"x": X}, 3, epochs=3, shuffle=True, across=True),
    "csv": lambda f: tf.data.experimental.make_csv_dataset(str(f / "t.csv"), 2, num_epochs=3, shuffle_buffer_size=5),
    "failing": lambda f: Dataset.range(20).map(fails_at({3, 4, 11})).batch(2),
    "failing, parallel": lambda f: Dataset.range(20).map(fails_at({3, 4, 11}), 3).prefetch(2),
}  # fmt: skip


def taken(session, element, count):
    """Up to `count` elements, as bytes or as the error in their place."""
    found = []
    while len(found) < count:
        try:
            found.append(_plain(session.run(element)))
        except errors.OutOfRangeError:
            break
        except errors.OpError as error:
            found.append(type(error).__name__)
    return found


def _plain(value):
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(part) for part in value]
    return (value.dtype.str, value.tolist()) if isinstance(value, np.ndarray | np.generic) else value


@pytest.mark.parametrize("kind", ["one shot", "initializable"])
@pytest.mark.parametrize("name", PIPELINES)
def test_every_pipeline_goes_on_where_it_was(tmp_path, name, kind):
    files_of(tmp_path)
    (tmp_path / "t.csv").write_text("a,b\n" + "".join(f"{i},{i / 2}\n" for i in range(7)))
    with tf.Graph().as_default():
        tf.set_random_seed(5) if name == "seeded noise" else None
        data = PIPELINES[name](tmp_path)
        iterator = data.make_one_shot_iterator() if kind == "one shot" else data.make_initializable_iterator()
        start = [] if kind == "one shot" else [iterator.initializer]
        element = iterator.get_next()
        saver = tf.train.Saver([tf.data.experimental.make_saveable_from_iterator(iterator)])
        for place in (0, 1, 4, 9):
            with tf.Session() as session:
                session.run(start)
                taken(session, element, place)
                path = saver.save(session, str(tmp_path / "input"), write_meta_graph=False)
                expected = taken(session, element, 25)
            with tf.Session() as session:
                saver.restore(session, path)
                session.run(start)
                assert taken(session, element, 25) == expected


def test_a_started_iterator_goes_back_at_once_and_starts_anew_when_told(tmp_path):
    iterator = Dataset.range(6).make_initializable_iterator()
    element = iterator.get_next()
    saver = tf.train.Saver([tf.data.experimental.make_saveable_from_iterator(iterator)])
    with tf.Session() as session:
        session.run(iterator.initializer)
        taken(session, element, 2)
        path = saver.save(session, str(tmp_path / "input"))
        taken(session, element, 3)
        saver.restore(session, path)
        assert session.run(element) == 2
        session.run(iterator.initializer)
        assert session.run(element) == 0


@pytest.mark.parametrize(
    "state", [{}, {"position": -1, "seeds": []}, {"position": "x", "seeds": []}, {"position": 1, "seeds": [1]}, [], 3]
)
def test_what_is_no_state_is_refused(state):
    iterator = Dataset.range(3).make_one_shot_iterator()
    element = iterator.get_next()
    with tf.Session() as session:
        session.run(element)
        with pytest.raises(errors.InvalidArgumentError, match=r"No state of an iterator|before the start"):
            iterator.set_state(session, state)
        assert session.run(element) == 1


def test_an_iterator_from_a_handle_has_no_state_of_its_own():
    iterator = tf.data.Iterator.from_string_handle(tf.placeholder(tf.string, []), tf.int64, [])
    with pytest.raises(ValueError, match="string handle"):
        tf.data.experimental.make_saveable_from_iterator(iterator)


def model(features, labels, mode):
    """Notes what it was trained on, so that a run can be compared with another."""
    step = tf.train.get_or_create_global_step()
    seen = tf.get_variable("seen", [30, 2], initializer=tf.zeros_initializer())
    weight = tf.get_variable("weight", [], initializer=tf.zeros_initializer())
    loss = tf.reduce_mean(tf.square(features[:, 0] * weight - 1.0))
    note = tf.scatter_update(seen, [step], [tf.stack([tf.reduce_sum(features), tf.reduce_max(features)])])
    with tf.control_dependencies([note]):
        train = tf.train.GradientDescentOptimizer(1e-4).minimize(loss, step)
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)


def shuffled():
    return Dataset.from_tensor_slices((X, Y)).shuffle(20, seed=4).repeat().batch(3).prefetch(1)


def saveable():
    iterator = shuffled().make_initializable_iterator()
    tf.add_to_collection(tf.GraphKeys.TABLE_INITIALIZERS, iterator.initializer)
    tf.add_to_collection(tf.GraphKeys.SAVEABLE_OBJECTS, tf.data.experimental.make_saveable_from_iterator(iterator))
    return iterator.get_next()


def trained(folder, input_fn, *stops):
    for stop in stops:
        config = tf.estimator.RunConfig(save_checkpoints_steps=4, tf_random_seed=1)
        estimator = tf.estimator.Estimator(model, str(folder), config)
        hooks = [] if input_fn is saveable else [tf.data.experimental.CheckpointInputPipelineHook(estimator)]
        estimator.train(input_fn, hooks=hooks, max_steps=stop)
    return estimator


@pytest.mark.parametrize(
    "input_fn",
    [shuffled, saveable, tf.estimator.inputs.numpy_input_fn(X, Y, 3, None, True)],
    ids=["hook", "saver", "arrays"],
)
def test_training_in_parts_is_training_in_one_go(tmp_path, input_fn):
    whole, parts = trained(tmp_path / "whole", input_fn, 17), trained(tmp_path / "parts", input_fn, 5, 6, 17)
    for name in ("seen", "weight"):
        assert whole.get_variable_value(name).tobytes() == parts.get_variable_value(name).tobytes()
    assert (tmp_path / "parts" / "checkpoint_input").is_file() == (input_fn is not saveable)
    assert whole.latest_checkpoint().endswith("model.ckpt-17")


def test_the_hook_needs_an_iterator(tmp_path):
    estimator = tf.estimator.Estimator(model, str(tmp_path))
    hook = tf.data.experimental.CheckpointInputPipelineHook(estimator)
    with pytest.raises(ValueError, match=r"made no tf\.data iterator"):
        estimator.train(lambda: (tf.ones([2, 2]), tf.ones([2])), hooks=[hook], steps=1)


def test_the_next_element_is_made_while_a_step_runs():
    made, wanted = threading.Event(), threading.Event()

    def make(x):
        if int(x) == 1:
            made.set()
            assert wanted.wait(10)
        return x

    element = Dataset.range(3).map(lambda x: tf.py_func(make, [x], tf.int64)).prefetch(1).make_one_shot_iterator()
    value = element.get_next()
    with tf.Session() as session:
        assert session.run(value) == 0
        # Nobody asks for the second element yet.
        assert made.wait(10)
        wanted.set()
        assert session.run(value) == 1
