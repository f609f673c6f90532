"""Recurrent cells and their runners: numbers, names and gradients against rnn.npz, and what they refuse."""

import importlib.util
import json
from pathlib import Path

import numpy as np
import pytest

import headrace as tf
from headrace.engine.nest import flatten

FIXTURES = Path(__file__).parent.parent / "fixtures" / "layers"
specification = importlib.util.spec_from_file_location("rnn_cases", FIXTURES / "rnn_cases.py")
cases = importlib.util.module_from_spec(specification)
specification.loader.exec_module(cases)
with np.load(FIXTURES / "rnn.npz") as archive:
    EXPECTED = dict(archive)
NAMES = json.loads(str(EXPECTED.pop("names")))
cells = tf.nn.rnn_cell


@pytest.mark.parametrize("case", cases.CASES, ids=cases.key_of)
def test_numbers_and_names_are_tensorflows(case):
    names, found = cases.run(tf, case, flatten)
    assert names == NAMES[cases.key_of(case)]
    flat = np.concatenate([np.ravel(value) for value in found])
    np.testing.assert_allclose(flat, EXPECTED[cases.key_of(case)], rtol=2e-5, atol=2e-6)


def test_unknown_sizes_give_the_numbers_of_known_ones():
    with tf.Graph().as_default(), tf.Session() as session:
        x, lengths = tf.placeholder(tf.float32, [None, None, 3]), tf.placeholder(tf.int32, [None])
        cell = cells.LSTMCell(2, initializer=tf.constant_initializer(0.3))
        outputs, state = tf.nn.dynamic_rnn(cell, x, lengths, dtype=tf.float32)
        again, _ = tf.nn.static_rnn(cell, [tf.ones([2, 3])] * 2, dtype=tf.float32)
        assert outputs.shape.as_list() == [None, None, 2] and state.c.shape.as_list() == [None, 2]
        session.run(tf.global_variables_initializer())
        feed = {x: np.ones((2, 4, 3)), lengths: [2, 1]}
        found, last, expected = session.run([outputs, state, again], feed)
        assert np.all(found[0, 2:] == 0) and np.all(found[1, 1:] == 0)
        np.testing.assert_allclose(found[0, :2], np.stack(expected)[:, 0], rtol=1e-6)
        np.testing.assert_allclose(last.h, [expected[1][0], expected[0][0]], rtol=1e-6)
        with pytest.raises(tf.errors.InvalidArgumentError, match="sequence lengths"):
            session.run(outputs, {x: np.ones((2, 4, 3)), lengths: [2, 1, 1]})


def test_a_cell_of_ones_own_with_a_nested_state_and_initial_state():
    class Counter(cells.RNNCell):
        state_size = (1, tf.TensorShape([2, 2]))
        output_size = 1

        def call(self, inputs, state):
            weight = tf.get_variable("w", [1], initializer=tf.ones_initializer())
            return inputs * weight + state[0], (state[0] + 1.0, state[1] * 2.0)

    with tf.Graph().as_default(), tf.Session() as session:
        start = (tf.zeros([2, 1]), tf.ones([2, 2, 2]))
        outputs, state = tf.nn.dynamic_rnn(Counter(), tf.ones([2, 3, 1]), initial_state=start)
        assert [v.name for v in tf.global_variables()] == ["rnn/counter/w:0"]
        session.run(tf.global_variables_initializer())
        found, (count, doubled) = session.run([outputs, state])
    assert found[:, :, 0].tolist() == [[1, 2, 3], [1, 2, 3]]
    assert count.tolist() == [[3], [3]] and np.all(doubled == 8)


def test_wrappers_pass_on_what_the_cell_is():
    with tf.Graph().as_default():
        inner = cells.GRUCell(3)
        for cell in (cells.DropoutWrapper(inner), cells.ResidualWrapper(inner), cells.DeviceWrapper(inner, "/cpu:0")):
            output, _ = cell(tf.ones([2, 3]), cell.zero_state(2, tf.float32))
            assert (cell.state_size, cell.output_size, output.shape.as_list()) == (3, 3, [2, 3])
        assert [v.name for v in cell.variables] == [v.name for v in tf.global_variables()]
        assert len(cell.trainable_weights) == 4
        assert "CPU:0" in output.op.device.upper()


def test_dropout_of_nothing_and_of_all():
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(1)
        cell = cells.BasicLSTMCell(8)
        dropped = cells.DropoutWrapper(cell, state_keep_prob=1e-3, seed=1)
        x, state = tf.ones([2, 3]), cell.zero_state(2, tf.float32)
        (plain, _), (output, after) = cell(x, state), dropped(x, state)
        session.run(tf.global_variables_initializer())
        a, b, last = session.run([plain, output, after])
    np.testing.assert_array_equal(a, b)
    assert np.all(last.h == 0) and np.any(last.c != 0)


@pytest.mark.parametrize(
    ("error", "text", "build"),
    [
        (TypeError, "not an RNNCell", lambda: tf.nn.dynamic_rnn(3, tf.ones([1, 1, 1]), dtype=tf.float32)),
        (TypeError, "sequence", lambda: tf.nn.static_rnn(cells.GRUCell(1), tf.ones([1, 1]), dtype=tf.float32)),
        (ValueError, "empty", lambda: tf.nn.static_rnn(cells.GRUCell(1), [], dtype=tf.float32)),
        (ValueError, "give a dtype", lambda: tf.nn.dynamic_rnn(cells.GRUCell(1), tf.ones([1, 1, 1]))),
        (ValueError, "vector", lambda: tf.nn.dynamic_rnn(cells.GRUCell(1), tf.ones([1, 1, 1]), 1, dtype=tf.float32)),
        (ValueError, "at least one cell", lambda: cells.MultiRNNCell([])),
        (ValueError, "between 0 and 1", lambda: cells.DropoutWrapper(cells.GRUCell(1), 1.5)),
        (ValueError, "dtype must be", lambda: cells.DropoutWrapper(cells.GRUCell(1), 0.5, variational_recurrent=True)),
        (ValueError, "Unknown activation", lambda: cells.GRUCell(1, activation="cubic")),
    ],
)
def test_what_is_refused(error, text, build):
    with tf.Graph().as_default(), pytest.raises(error, match=text):
        build()


def test_the_names_are_there_under_contrib_too():
    assert tf.contrib.rnn.BasicLSTMCell is cells.BasicLSTMCell
    assert tf.contrib.rnn.static_rnn is tf.nn.static_rnn is tf.nn.rnn


@pytest.mark.parametrize("units", [0, -1, 2.5, "a", True, None])
@pytest.mark.parametrize("name", ["BasicRNNCell", "BasicLSTMCell", "LSTMCell", "GRUCell"])
def test_sizes_of_cells_are_positive_whole_numbers(name, units):
    with pytest.raises(ValueError, match=f"num_units of {name} must be a positive whole number"):
        getattr(tf.nn.rnn_cell, name)(units)


def test_a_first_state_has_the_cells_structure():
    cell, x = tf.nn.rnn_cell.LSTMCell(4), tf.zeros([2, 3, 4])
    for state in (tf.zeros([2, 4]), (tf.zeros([2, 4]),) * 3):
        with pytest.raises(ValueError, match="initial_state must have the structure of the cell's state_size"):
            tf.nn.dynamic_rnn(cell, x, initial_state=state)
