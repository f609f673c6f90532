"""Look-up tables: filled once or changed, from tensors and files, with buckets for unknown words."""

import numpy as np
import pytest

from headrace.engine import lookup
from headrace.engine.dtypes import float32, int64, string
from headrace.engine.errors import FailedPreconditionError, NotFoundError
from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant
from headrace.engine.session import Session
from headrace.engine.tensor_types import SparseTensor


@pytest.fixture
def session():
    with Graph().as_default(), Session() as session:
        yield session


def test_index_table_with_buckets(session):
    table = lookup.index_table_from_tensor(["a", "b", "c"], num_oov_buckets=3)
    session.run(lookup.tables_initializer())
    ids = session.run(table.lookup(constant(["b", "a", "zz"])))
    assert ids[:2].tolist() == [1, 0] and 3 <= ids[2] < 6
    assert session.run(table.size()) == 6


def test_sparse_keys_keep_their_places(session):
    table = lookup.index_table_from_tensor(["a", "b"])
    session.run(lookup.tables_initializer())
    found = session.run(table.lookup(SparseTensor([[0, 1], [1, 0]], ["b", "?"], [2, 2])))
    assert found.values.tolist() == [1, -1] and found.indices.tolist() == [[0, 1], [1, 0]]


def test_tables_of_files(session, tmp_path):
    path = tmp_path / "words.txt"
    path.write_text("red\t7\ngreen\t8\n")
    by_line = lookup.index_table_from_file(str(path), key_column_index=0)
    by_column = lookup.StaticHashTable(lookup.TextFileInitializer(str(path), string, 0, int64, 1), -1)
    back = lookup.index_to_string_table_from_file(str(path), value_column_index=0)
    session.run(lookup.tables_initializer())
    assert session.run(by_line.lookup(constant(["green", "blue"]))).tolist() == [1, -1]
    assert session.run(by_column.lookup(constant(["red"]))).tolist() == [7]
    assert session.run(back.lookup(constant([0, 5], int64))).tolist() == [b"red", b"UNK"]


def test_a_missing_file_is_named(session):
    lookup.index_table_from_file("/no/such/words")
    with pytest.raises(NotFoundError, match="/no/such/words"):
        session.run(lookup.tables_initializer())


def test_a_table_without_its_initializer(session):
    table = lookup.HashTable(lookup.KeyValueTensorInitializer(["a"], [1.5], string, float32), 0.0)
    with pytest.raises(FailedPreconditionError, match="not initialized"):
        session.run(table.lookup(constant(["a"])))
    session.run(table.init)
    session.run(table.initializer)
    assert session.run(table.lookup(constant(["a", "b"]))).tolist() == [1.5, 0.0]


def test_mutable_table(session):
    table = lookup.MutableHashTable(string, int64, -1)
    session.run(table.insert(["a", "b"], [1, 2]))
    session.run(table.insert(["b"], [3]))
    assert session.run(table.lookup(constant(["a", "b", "c"]))).tolist() == [1, 3, -1]
    session.run(table.remove(["a"]))
    keys, values = session.run(table.export())
    assert keys.tolist() == [b"b"] and values.tolist() == [3] and session.run(table.size()) == 1


def test_mutable_table_of_vectors(session):
    table = lookup.MutableHashTable(int64, float32, [0.0, 0.0])
    session.run(table.insert([3], [[1.0, 2.0]]))
    np.testing.assert_array_equal(session.run(table.lookup(constant([3, 4], int64))), [[1, 2], [0, 0]])


@pytest.mark.parametrize(
    ("make", "error", "text"),
    [
        (lambda: lookup.index_table_from_file(""), ValueError, "must be specified"),
        (lambda: lookup.index_table_from_tensor(["a"], num_oov_buckets=-1), ValueError, "num_oov_buckets"),
        (lambda: lookup.TextFileInitializer("f", string, -1, int64, -1), ValueError, "Keys must be dtype"),
        (lambda: lookup.index_table_from_tensor(["a"]).lookup(constant([1])), TypeError, "Keys must be dtype"),
        (lambda: lookup.StrongHashSpec([1]), ValueError, "size 2"),
    ],
)
def test_wrong_arguments(session, make, error, text):
    with pytest.raises(error, match=text):
        make()
