"""dynamic_rnn and static_rnn in one operation a layer: same names, numbers and gradients as step by step."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.nest import flatten

cells = tf.nn.rnn_cell
BATCH, TIME, SIZE, UNITS = 3, 5, 4, 4


class LoopedLSTM(cells.LSTMCell):
    """A subclass goes step by step."""


class LoopedBasicLSTM(cells.BasicLSTMCell):
    pass


class LoopedGRU(cells.GRUCell):
    pass


class LoopedMulti(cells.MultiRNNCell):
    pass


FUSED = (cells.LSTMCell, cells.BasicLSTMCell, cells.GRUCell, cells.MultiRNNCell)
LOOPED = (LoopedLSTM, LoopedBasicLSTM, LoopedGRU, LoopedMulti)
SCOPES = ("lstm_cell", "basic_lstm_cell", "gru_cell", "multi_rnn_cell")

CELLS = {
    "basic": lambda lstm, basic, gru, multi: basic(UNITS, forget_bias=0.3),
    "joined": lambda lstm, basic, gru, multi: basic(UNITS, state_is_tuple=False),
    "lstm": lambda lstm, basic, gru, multi: lstm(UNITS),
    "peepholes": lambda lstm, basic, gru, multi: lstm(UNITS, use_peepholes=True, state_is_tuple=False),
    "gru": lambda lstm, basic, gru, multi: gru(UNITS),
    "multi": lambda lstm, basic, gru, multi: multi([gru(3), basic(UNITS), lstm(2)]),
}


def types_of(graph):
    return {op.type for op in graph.get_operations()}


def run(cell, runner, classes, unknown=False, initial=False):
    """Names of variables, types of operations, and numbers: outputs, state, gradients."""
    value = np.random.RandomState(1).randn(BATCH, TIME, SIZE).astype(np.float32)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None, SIZE]) if unknown else tf.constant(value)
        made = CELLS[cell](*classes)
        state = made.zero_state(BATCH, tf.float32) if initial else None
        if initial:
            parts = [part + 0.1 * (k + 1) for k, part in enumerate(flatten(state))]
            state = parts[0] if len(parts) == 1 else pack(state, parts)
        if runner == "static":
            results = tf.nn.static_rnn(made, tf.unstack(x, TIME, 1), initial_state=state, dtype=tf.float32)
        else:
            results = tf.nn.dynamic_rnn(made, x, initial_state=state, dtype=tf.float32)
        types = types_of(graph)
        names = [v.name for v in tf.trainable_variables()]
        flat = flatten(results)
        loss = tf.add_n([tf.reduce_sum(r * r * (k + 1)) for k, r in enumerate(flat)])
        gradients = tf.gradients(loss, [x, *tf.trainable_variables()])
        for index, variable in enumerate(tf.trainable_variables()):
            weights = np.random.RandomState(index).uniform(-0.8, 0.8, variable.shape.as_list())
            variable.load(weights.astype(np.float32), session)
        found = session.run([*flat, *gradients], {x: value} if unknown else {})
        shapes = [r.shape.as_list() for r in flat]
    return names, types, shapes, found


def pack(structure, parts):
    from headrace.engine.nest import pack_sequence_as

    return pack_sequence_as(structure, parts)


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    ("runner", "unknown", "initial"),
    [("static", False, False), ("dynamic", False, False), ("dynamic", True, False), ("dynamic", False, True)],
)
def test_fused_is_what_the_loop_gives(cell, runner, unknown, initial):
    names, types, shapes, found = run(cell, runner, FUSED, unknown, initial)
    slow_names, slow_types, slow_shapes, expected = run(cell, runner, LOOPED, unknown, initial)
    assert types & {"BlockLSTM", "GRUSequence"} and "While" not in types
    assert not slow_types & {"BlockLSTM", "GRUSequence"}
    for old, new in zip(("looped_lstm", "looped_basic_lstm", "looped_gru", "looped_multi"), SCOPES, strict=True):
        slow_names = [name.replace(f"{old}/", f"{new}/") for name in slow_names]
    assert names == slow_names and shapes == slow_shapes
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6 * max(1, np.abs(other).max()))


@pytest.mark.parametrize(
    ("cell", "options"),
    [
        (lambda: cells.LSTMCell(UNITS, num_proj=2), {}),
        (lambda: cells.LSTMCell(UNITS, cell_clip=1.0), {}),
        (lambda: cells.GRUCell(UNITS, activation=tf.nn.relu), {}),
        (lambda: cells.BasicRNNCell(UNITS), {}),
        (lambda: cells.DropoutWrapper(cells.GRUCell(UNITS), 0.5), {}),
        (lambda: cells.MultiRNNCell([cells.GRUCell(UNITS), cells.BasicRNNCell(UNITS)]), {}),
        (lambda: cells.GRUCell(UNITS), {"sequence_length": [5, 2, 3]}),
    ],
)
def test_what_the_operations_cannot_do_goes_in_a_loop(cell, options):
    with tf.Graph().as_default() as graph:
        tf.nn.dynamic_rnn(cell(), tf.ones([BATCH, TIME, SIZE]), dtype=tf.float32, **options)
        assert "While" in types_of(graph) and "GRUSequence" not in types_of(graph)


@pytest.mark.parametrize("lengths", [[TIME] * BATCH, np.full(BATCH, TIME), "constant"])
def test_full_lengths_that_are_known_do_not_hinder(lengths):
    with tf.Graph().as_default() as graph:
        lengths = tf.constant([TIME] * BATCH) if isinstance(lengths, str) else lengths
        tf.nn.dynamic_rnn(cells.GRUCell(UNITS), tf.ones([BATCH, TIME, SIZE]), lengths, dtype=tf.float32)
        assert "GRUSequence" in types_of(graph) and "While" not in types_of(graph)


@pytest.mark.parametrize("cell", [cells.LSTMCell, cells.GRUCell])
def test_no_steps_give_the_first_state(cell):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [BATCH, None, SIZE])
        made = cell(UNITS)
        state = (
            tf.ones([BATCH, UNITS]) if cell is cells.GRUCell else cells.LSTMStateTuple(*[tf.ones([BATCH, UNITS])] * 2)
        )
        outputs, last = tf.nn.dynamic_rnn(made, x, initial_state=state)
        session.run(tf.global_variables_initializer())
        found, *parts = session.run([outputs, *flatten(last)], {x: np.ones((BATCH, 0, SIZE))})
        assert found.shape == (BATCH, 0, UNITS) and all(np.all(part == 1) for part in parts)


def test_one_cell_in_two_networks_shares_its_variables():
    with tf.Graph().as_default(), tf.Session() as session:
        cell = cells.LSTMCell(UNITS)
        x = tf.random_normal([BATCH, TIME, SIZE], seed=1)
        whole, _ = tf.nn.dynamic_rnn(cell, x, dtype=tf.float32)
        steps, _ = tf.nn.static_rnn(cell, tf.unstack(x, TIME, 1), dtype=tf.float32)
        alone, _ = cell(x[:, 0], cell.zero_state(BATCH, tf.float32))
        assert len(tf.global_variables()) == 2
        session.run(tf.global_variables_initializer())
        a, b, c = session.run([whole, tf.stack(steps, 1), alone])
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(a[:, 0], c, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("unknown", [False, True])
@pytest.mark.parametrize("index", [0, 2], ids=["lstm", "gru"])
def test_gradients_of_gradients_are_those_of_the_loop(index, unknown):
    value = np.random.RandomState(2).randn(BATCH, TIME, SIZE).astype(np.float32)
    found = []
    for classes in (FUSED, LOOPED):
        with tf.Graph().as_default(), tf.Session() as session:
            fused = classes is FUSED
            x = tf.placeholder(tf.float32, [None, None if unknown and fused else TIME, SIZE])
            # static_rnn unrolls what the operations do at once.
            if fused:
                outputs, _ = tf.nn.dynamic_rnn(FUSED[index](UNITS), x, dtype=tf.float32)
            else:
                steps, _ = tf.nn.static_rnn(classes[index](UNITS), tf.unstack(x, TIME, 1), dtype=tf.float32)
                outputs = tf.stack(steps, 1)
            (slope,) = tf.gradients(tf.reduce_sum(outputs**2), x)
            penalty = tf.reduce_sum(slope**2)
            gradients = tf.gradients(penalty, [x, *tf.trainable_variables()])
            for number, variable in enumerate(tf.trainable_variables()):
                weights = np.random.RandomState(number).uniform(-0.8, 0.8, variable.shape.as_list())
                variable.load(weights.astype(np.float32), session)
            found.append(session.run([penalty, *gradients], {x: value}))
    for one, other in zip(*found, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
