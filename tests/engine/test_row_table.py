"""Tables kept by rows: the rows are those of the whole, whoever asks for them first and however many parts there are."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st

import headrace as tf
from headrace.engine import resources
from headrace.engine.kernels import distributions
from headrace.engine.kernels.philox import stream_of_seeds
from headrace.engine.kernels.random_rows import random_rows
from headrace.engine.row_table import RowTable

DRAWS = {
    "RandomUniform": distributions.uniform,
    "RandomStandardNormal": distributions.normal,
    "TruncatedNormal": distributions.truncated_normal,
}
OPTIMIZERS = [
    lambda: tf.train.GradientDescentOptimizer(0.01),
    lambda: tf.train.AdagradOptimizer(0.1),
    lambda: tf.train.FtrlOptimizer(0.1),
    lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    lambda: tf.train.RMSPropOptimizer(0.01),
    lambda: tf.train.AdadeltaOptimizer(1.0),
]


@contextmanager
def by_rows_from(nbytes: int) -> Iterator[None]:
    with mock.patch.object(resources, "BY_ROWS_FROM", nbytes):
        yield


@pytest.mark.parametrize("kind", DRAWS)
@pytest.mark.parametrize("width", [1, 3, 4, 20])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_rows_are_those_of_the_whole_array(kind: str, width: int, dtype: Any) -> None:
    stream = stream_of_seeds(5, 7)
    whole = DRAWS[kind](stream, (50, width), dtype)[0]
    rows = np.array([3, 7, 0, 49, 12])
    np.testing.assert_array_equal(random_rows(kind, stream, rows, width, np.dtype(dtype)), whole[rows])


@settings(max_examples=50, deadline=None)
@given(st.lists(st.lists(st.integers(0, 99), max_size=30), max_size=20))
def test_a_table_is_a_dictionary_with_initial_values(batches: list[list[int]]) -> None:
    table = RowTable((100, 2), np.dtype(np.float32))
    table.initialize(lambda rows, _: np.stack([rows, -rows], 1).astype(np.float32), np.empty((0, 6), np.uint64))
    expected: dict[int, Any] = {}
    with mock.patch("headrace.engine.row_table._FEW", 5):
        for i, batch in enumerate(batches):
            rows = np.unique(np.array(batch, np.int64))
            before = np.array([expected.get(r, (r, -r)) for r in rows.tolist()], np.float32).reshape(-1, 2)
            np.testing.assert_array_equal(table.rows(rows), before)
            table.put(rows, before + i)
            expected.update(zip(rows.tolist(), (before + i).tolist(), strict=True))
    rows, values = table.items()
    assert rows.tolist() == sorted(expected)
    np.testing.assert_array_equal(values, np.array([expected[r] for r in sorted(expected)]).reshape(-1, 2))


def trained(make: Any, resource: bool, backend: str) -> list[float]:
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        start = tf.random_normal_initializer(stddev=0.1)
        table = tf.get_variable("table", [100, 5], initializer=start, use_resource=resource)
        ids = tf.placeholder(tf.int32, [None, 2])
        loss = tf.reduce_sum(tf.square(tf.nn.embedding_lookup(table, ids) - 1))
        train = make().minimize(loss)
        random = np.random.default_rng(0)
        with tf.Session(backend=backend) as sess:
            sess.run(tf.global_variables_initializer())
            assert not len(sess.run(tf.report_uninitialized_variables()))
            batches = [random.integers(0, 100, (6, 2)) for _ in range(6)]
            return [sess.run([loss, train], {ids: batch})[0] for batch in batches]


@pytest.mark.parametrize("make", OPTIMIZERS)
@pytest.mark.parametrize("resource", [False, True])
@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_training_by_rows_equals_training_of_the_whole(make: Any, resource: bool, backend: str) -> None:
    expected = trained(make, resource, backend)
    with by_rows_from(1000):
        np.testing.assert_allclose(trained(make, resource, backend), expected, rtol=2e-6)


def rows_of_a_partitioned_table(parts: int) -> Any:
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        table = tf.get_variable("table", [101, 4], partitioner=tf.fixed_size_partitioner(parts))
        rows = tf.nn.embedding_lookup(table, [0, 100, 50, 51, 33, 67], partition_strategy="div")
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            return sess.run(rows)


def test_initial_values_do_not_depend_on_the_number_of_parts() -> None:
    with by_rows_from(100):
        expected = rows_of_a_partitioned_table(1)
        assert np.unique(expected).size == expected.size
        for parts in (2, 3, 5):
            np.testing.assert_array_equal(rows_of_a_partitioned_table(parts), expected)


def test_memory_grows_with_the_rows_in_use() -> None:
    with tf.Graph().as_default():
        table = tf.get_variable("table", [1_000_000_000, 20])
        ids = tf.placeholder(tf.int64, [None])
        rows = tf.nn.embedding_lookup(table, ids)
        train = tf.train.AdagradOptimizer(0.1).minimize(tf.reduce_sum(rows))
        with tf.Session() as sess:
            sess.run(tf.global_variables_initializer())
            sess.run(rows, {ids: np.arange(1000) * 1_000_003 % 1_000_000_000})
            assert sess.runtime.resources.variables["table"].table.nbytes == 0
            sess.run(train, {ids: [5, 999_999_999, 5]})
            assert sess.runtime.resources.variables["table"].table.nbytes == 2 * 20 * 4


def bad_uses() -> dict[str, tuple[Any, str]]:
    table = tf.get_variable("table", [100, 5])
    return {
        "product": (lambda: tf.matmul(table, tf.ones([5, 1])), "needs the variable 'table' .* as a whole"),
        "above": (lambda: tf.nn.embedding_lookup(table, [[1, 100]]), r"indices\[0, 1\] = 100 is not in \[0, 100\)"),
        "below": (lambda: tf.scatter_add(table, [-1], tf.ones([1, 5])).op, r"indices\[0\] = -1 is not in \[0, 100\)"),
        "one element": (lambda: tf.scatter_nd_add(table, [[1, 2]], [1.0]).op, "as a whole"),
        "adam": (lambda: tf.train.AdamOptimizer().minimize(tf.nn.embedding_lookup(table, [1])), "as a whole"),
    }


@pytest.mark.parametrize("case", ["product", "above", "below", "one element", "adam"])
def test_bad_uses(case: str) -> None:
    with by_rows_from(1000), tf.Graph().as_default():
        make, text = bad_uses()[case]
        made = make()
        with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match=text):
            sess.run(tf.global_variables_initializer())
            sess.run(made)


def test_an_initial_value_that_cannot_be_computed_by_rows() -> None:
    with by_rows_from(1000), tf.Graph().as_default():
        table = tf.get_variable("table", [100, 100], initializer=tf.orthogonal_initializer())
        with tf.Session() as sess, pytest.raises(tf.errors.InvalidArgumentError, match="cannot be computed for single"):
            sess.run(table.initializer)


def test_a_lookup_before_the_initializer() -> None:
    with by_rows_from(1000), tf.Graph().as_default():
        rows = tf.nn.embedding_lookup(tf.get_variable("table", [100, 5]), [1])
        with tf.Session() as sess, pytest.raises(tf.errors.FailedPreconditionError, match="uninitialized value table"):
            sess.run(rows)


def saved_and_trained(parts: int, path: str, restore: str | None, steps: int) -> Any:
    """Rows after restoring a checkpoint or from the start, then training, then saving."""
    with tf.Graph().as_default():
        tf.set_random_seed(1)
        table = tf.get_variable("table", [101, 4], partitioner=tf.fixed_size_partitioner(parts))
        ids = tf.placeholder(tf.int64, [None])
        rows = tf.nn.embedding_lookup(table, ids, partition_strategy="div")
        train = tf.train.AdagradOptimizer(0.1).minimize(tf.reduce_sum(tf.square(rows)))
        saver = tf.train.Saver(sharded=True)
        with tf.Session() as sess:
            if restore is None:
                sess.run(tf.global_variables_initializer())
            else:
                saver.restore(sess, restore)
            for step in range(steps):
                sess.run(train, {ids: [step, 100, 50 + step, step]})
            return sess.run(rows, {ids: np.arange(101)}), saver.save(sess, path)


def test_a_checkpoint_holds_the_rows_in_use_for_any_number_of_parts(tmp_path: Any) -> None:
    with by_rows_from(100):
        expected, path = saved_and_trained(3, str(tmp_path / "a"), None, 5)
        shapes = dict(tf.train.list_variables(path))
        assert sum(shape[0] for name, shape in shapes.items() if "Adagrad" not in name and "/rows" in name) == 11
        for parts in (1, 2, 3):
            restored, again = saved_and_trained(parts, str(tmp_path / f"b{parts}"), path, 0)
            np.testing.assert_array_equal(restored, expected)
            further, _ = saved_and_trained(2, str(tmp_path / "c"), again, 3)
            np.testing.assert_array_equal(further, saved_and_trained(3, str(tmp_path / "d"), path, 3)[0])
