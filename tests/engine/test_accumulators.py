"""Accumulators: means, sums, stale gradients, waiting."""

import threading

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.dtypes import float32
from headrace.engine.graph import Graph
from headrace.engine.ops.accumulators import ConditionalAccumulator, SparseConditionalAccumulator
from headrace.engine.ops.constant import constant, placeholder
from headrace.engine.session import Session
from headrace.engine.tensor_types import IndexedSlices


@pytest.fixture
def sess():
    with Graph().as_default(), Session() as sess:
        yield sess


@pytest.mark.parametrize("reduction, expected", [("MEAN", [2.0, 3.0]), ("SUM", [4.0, 6.0])])
def test_dense(sess, reduction, expected):
    accumulator = ConditionalAccumulator(float32, [2], reduction_type=reduction)
    for values in ([1.0, 2.0], [3.0, 4.0]):
        sess.run(accumulator.apply_grad(values))
    assert sess.run(accumulator.num_accumulated()) == 2
    assert sess.run(accumulator.take_grad(2)).tolist() == expected
    assert sess.run(accumulator.num_accumulated()) == 0
    # The step is one on now: gradients of step 0 are stale.
    sess.run(accumulator.apply_grad([9.0, 9.0]))
    assert sess.run(accumulator.num_accumulated()) == 0
    sess.run(accumulator.set_global_step(5))
    sess.run([accumulator.apply_grad([9.0, 9.0], local_step=4), accumulator.apply_grad([1.0, 1.0], local_step=5)])
    assert sess.run(accumulator.take_grad(1)).tolist() == [1.0, 1.0]


def test_taking_waits(sess):
    accumulator = ConditionalAccumulator(float32, [])
    x, got = placeholder(float32, []), []
    add, take = accumulator.apply_grad(x), accumulator.take_grad(3)
    thread = threading.Thread(target=lambda: got.append(sess.run(take)))
    thread.start()
    for value in (1.0, 2.0, 6.0):
        sess.run(add, {x: value})
    thread.join()
    assert got == [3.0]


def test_sparse(sess):
    accumulator = SparseConditionalAccumulator(float32, [None, 2])
    sess.run(accumulator.apply_grad([0, 2], [[1.0, 1.0], [2.0, 2.0]], [3, 2]))
    slices = IndexedSlices(constant([[4.0, 6.0]]), constant(np.array([2])), constant(np.array([3, 2])))
    sess.run(accumulator.apply_indexed_slices_grad(slices))
    got = sess.run(accumulator.take_indexed_slices_grad(2))
    assert got.indices.tolist() == [0, 2] and got.dense_shape.tolist() == [3, 2]
    assert got.values.tolist() == [[1.0, 1.0], [3.0, 4.0]]


def test_wrong_gradients(sess):
    accumulator, x = ConditionalAccumulator(float32, [2]), placeholder(float32)
    with pytest.raises(ValueError, match=r"incompatible|not compatible"):
        accumulator.apply_grad([1.0])
    with pytest.raises(errors.InvalidArgumentError, match=r"Shape mismatch: expected \[2\], got \[3\]"):
        sess.run(accumulator.apply_grad(x), {x: [1.0, 2.0, 3.0]})
    with pytest.raises(errors.InvalidArgumentError, match="must be positive"):
        sess.run(accumulator.take_grad(0))
