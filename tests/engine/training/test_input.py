"""Producers and batches: what comes out, epochs, names, padding, filters."""

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.graph import Graph
from headrace.engine.ops.array import stack
from headrace.engine.ops.casting import cast
from headrace.engine.ops.constant import constant
from headrace.engine.ops.ranges import range as range_tensor
from headrace.engine.ops.sparse_functions import sparse_tensor_to_dense
from headrace.engine.scopes import GraphKeys
from headrace.engine.session import Session
from headrace.engine.tensor_types import SparseTensor
from headrace.engine.training import input as inputs
from headrace.engine.training.coordinator import Coordinator
from headrace.engine.training.queue_runner import start_queue_runners
from headrace.engine.variable_lists import local_variables_initializer


@pytest.fixture
def graph():
    graph = Graph()
    with graph.as_default():
        yield graph


def all_of(graph, fetch, limit=1000):
    """What a fetch gives until its input ends."""
    init = local_variables_initializer()
    results = []
    with Session(graph=graph) as sess:
        sess.run(init)
        coord = Coordinator()
        threads = start_queue_runners(sess, coord)
        try:
            while len(results) < limit:
                results.append(sess.run(fetch))
        except errors.OutOfRangeError:
            pass
        coord.request_stop()
        coord.join(threads)
    return results


def test_string_producer(graph):
    queue = inputs.string_input_producer(["a", "b", "c"], num_epochs=2, shuffle=False)
    assert queue.name == "input_producer"
    names = {op.name for op in graph.get_operations()}
    assert "input_producer/input_producer_EnqueueMany" in names and "input_producer/limit_epochs/epochs" in names
    (summary,) = graph.get_collection(GraphKeys.SUMMARIES)
    assert summary.op.name == "input_producer/fraction_of_32_full"
    assert all_of(graph, queue.dequeue()) == [b"a", b"b", b"c"] * 2


def test_shuffled_epochs(graph):
    queue = inputs.range_input_producer(20, num_epochs=3, seed=1)
    numbers = [int(n) for n in all_of(graph, queue.dequeue())]
    epochs = [numbers[:20], numbers[20:40], numbers[40:]]
    assert [sorted(e) for e in epochs] == [list(range(20))] * 3 and epochs[0] != epochs[1]


def test_slices_and_batches(graph):
    x, y = np.arange(10.0, dtype=np.float32).reshape(5, 2), np.arange(5)
    one = inputs.slice_input_producer([x, y], num_epochs=2, shuffle=False)
    batch = inputs.batch(one, 3, allow_smaller_final_batch=True)
    assert [t.shape.as_list() for t in batch] == [[None, 2], [None]] and batch[0].op.name == "batch"
    results = all_of(graph, batch)
    assert [b[1].tolist() for b in results] == [[0, 1, 2], [3, 4, 0], [1, 2, 3], [4]]
    np.testing.assert_array_equal(results[1][0], x[[3, 4, 0]])


def test_batch_of_a_dictionary(graph):
    number = inputs.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
    batch = inputs.batch({"n": number, "m": number * 2}, batch_size=2)
    assert batch["n"].shape.as_list() == [2]
    results = all_of(graph, batch)
    assert [r["m"].tolist() for r in results] == [[0, 2], [4, 6]]


def test_shuffle_batch_gives_all_in_another_order(graph):
    number = inputs.range_input_producer(100, num_epochs=1, shuffle=False).dequeue()
    batch = inputs.shuffle_batch([number], 10, capacity=60, min_after_dequeue=30, seed=3, num_threads=2)
    assert batch[0].op.name == "shuffle_batch"
    tags = [t.op.name for t in graph.get_collection(GraphKeys.SUMMARIES)]
    assert tags[-1] == "shuffle_batch/fraction_over_30_of_60_full"
    numbers = [int(n) for b in all_of(graph, batch) for n in b[0]]
    assert sorted(numbers) == list(range(100)) and numbers != sorted(numbers)


def test_padded_batches(graph):
    number = inputs.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
    batch = inputs.batch(range_tensor(number), 2, dynamic_pad=True)
    results = all_of(graph, batch)
    assert [r.tolist() for r in results] == [[[0], [0]], [[0, 1, 0], [0, 1, 2]]]


def test_joined_batches(graph):
    sources = [inputs.range_input_producer(5, num_epochs=1).dequeue() + i * 5 for i in range(2)]
    batch = inputs.batch_join([[s] for s in sources], 5)
    numbers = [int(n) for b in all_of(graph, batch) for n in b[0]]
    assert sorted(numbers) == list(range(10))


@pytest.mark.parametrize("many", [False, True])
def test_filtered_batches(graph, many):
    number = inputs.range_input_producer(8, num_epochs=1, shuffle=False).dequeue()
    if many:
        rows = number * 10 + constant([0, 1])
        batch = inputs.maybe_batch(rows, rows > 33, 2, enqueue_many=True)
        expected = [40, 41, 50, 51, 60, 61, 70, 71]
    else:
        batch = inputs.maybe_batch(number, number > 3, 2)
        expected = [4, 5, 6, 7]
    assert [int(n) for b in all_of(graph, batch) for n in b] == expected


def diagonal(number, rows=None):
    """A sparse vector with `number + 1` at the place `number`; with `rows` a matrix of such ones."""
    place = cast(number, "int64")
    if rows is None:
        return SparseTensor(stack([[place]]), stack([number + 1]), stack([place + 1]))
    indices = stack([stack([constant(i, "int64"), place]) for i in range(rows)])
    return SparseTensor(indices, stack([number + i for i in range(rows)]), stack([constant(rows, "int64"), place + 1]))


def dense(batches):
    return [np.asarray(b).tolist() for b in batches]


def test_batches_of_sparse_tensors(graph):
    number = inputs.range_input_producer(4, num_epochs=1, shuffle=False).dequeue()
    batch = inputs.batch({"sparse": diagonal(number), "number": number}, 3, allow_smaller_final_batch=True)
    assert batch["sparse"].dense_shape.shape.as_list() == [2] and batch["sparse"].dtype.name == "int32"
    found = all_of(graph, [sparse_tensor_to_dense(batch["sparse"]), batch["number"]])
    assert [dense(f) for f in found] == [[[[1, 0, 0], [0, 2, 0], [0, 0, 3]], [0, 1, 2]], [[[0, 0, 0, 4]], [3]]]


def test_rows_of_sparse_tensors(graph):
    number = inputs.range_input_producer(2, num_epochs=1, shuffle=False).dequeue()
    batch = inputs.batch(diagonal(number + 1, rows=2), 4, enqueue_many=True)
    assert batch.dense_shape.shape.as_list() == [2]
    found = all_of(graph, sparse_tensor_to_dense(batch))
    assert dense(found) == [[[0, 1, 0], [0, 2, 0], [0, 0, 2], [0, 0, 3]]]


@pytest.mark.parametrize("keep", [True, False])
def test_shuffled_joined_and_filtered_sparse_batches(graph, keep):
    numbers = [inputs.range_input_producer(8, num_epochs=1, seed=i).dequeue() for i in range(2)]
    structures = [[diagonal(n), n] for n in numbers]
    if keep:
        sparse, plain = inputs.shuffle_batch_join(structures, 4, 20, 5, seed=1)
        expected = sorted([*range(8)] * 2)
    else:
        sparse, plain = inputs.maybe_shuffle_batch(structures[0], 2, 20, 5, numbers[0] > 3, seed=1)
        expected = [4, 5, 6, 7]
    found = all_of(graph, [sparse.values, sparse.indices, plain])
    rows = [
        (int(v), int(i), int(n))
        for values, places, ns in found
        for v, (_, i), n in zip(values, places, ns, strict=True)
    ]
    assert sorted(n for _, _, n in rows) == expected
    assert all(value == place + 1 and place == n for value, place, n in rows)


def test_sparse_tensors_must_stand_in_the_same_places(graph):
    number = inputs.range_input_producer(4).dequeue()
    with pytest.raises(TypeError, match="same places"):
        inputs.batch_join([[diagonal(number)], [number]], 2)


def test_file_names(graph, tmp_path):
    for name in ("b.txt", "a.txt", "c.csv"):
        (tmp_path / name).write_text(name)
    files = inputs.match_filenames_once(f"{tmp_path}/*.txt")
    queue = inputs.string_input_producer(files, num_epochs=1, shuffle=False)
    assert [f.rpartition(b"/")[2] for f in all_of(graph, queue.dequeue())] == [b"a.txt", b"b.txt"]


def test_errors(graph):
    with pytest.raises(ValueError, match="non-null input"):
        inputs.string_input_producer([])
    with pytest.raises(ValueError, match="num_epochs must be > 0 not 0"):
        inputs.limit_epochs([1], 0)
    with pytest.raises(ValueError, match="at least one tensor"):
        inputs.batch([], 2)
    with pytest.raises(ValueError, match="larger than min_after_dequeue"):
        inputs.shuffle_batch([constant(1)], 2, 5, 5)
