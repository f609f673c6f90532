"""Block cells and those of tf.contrib.cudnn_rnn: over a sequence in one operation as step by step."""

import numpy as np
import pytest

import headrace as tf

rnn, cudnn_rnn = tf.contrib.rnn, tf.contrib.cudnn_rnn
CASES = {
    "lstm": (rnn.LSTMBlockCell, {"forget_bias": 0.3}, "BlockLSTM"),
    "peepholes": (rnn.LSTMBlockCell, {"use_peephole": True, "cell_clip": 0.4}, "BlockLSTM"),
    "gru": (rnn.GRUBlockCell, {}, "GRUSequence"),
    "gru_v2": (rnn.GRUBlockCellV2, {}, "GRUSequence"),
    "cudnn_lstm": (cudnn_rnn.CudnnCompatibleLSTMCell, {}, "BlockLSTM"),
    "cudnn_gru": (cudnn_rnn.CudnnCompatibleGRUCell, {}, "GRUResetAfterSequence"),
}


def run(made, runner):
    value = np.random.RandomState(1).normal(size=(3, 5, 4)).astype(np.float32)
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.constant(value)
        with tf.variable_scope("net", initializer=tf.random_normal_initializer(stddev=0.5, seed=3)):
            # The name is the class's, which a subclass does not share.
            made._name = "cell"
            if runner == "static":
                outputs, state = tf.nn.static_rnn(made, tf.unstack(x, axis=1), dtype=tf.float32)
                outputs = tf.stack(outputs, 1)
            else:
                outputs, state = tf.nn.dynamic_rnn(made, x, dtype=tf.float32)
        states = list(state) if isinstance(state, tuple) else [state]
        loss = tf.add_n([tf.reduce_sum(tf.square(part)) for part in (outputs, *states)])
        variables = tf.trainable_variables()
        session.run(tf.global_variables_initializer())
        types = {op.type for op in graph.get_operations()}
        return [v.name for v in variables], session.run([outputs, *states, *tf.gradients(loss, [x, *variables])]), types


@pytest.mark.parametrize("runner", ["static", "dynamic"])
@pytest.mark.parametrize("case", CASES)
def test_one_operation_or_a_loop(case, runner):
    kind, options, op_type = CASES[case]
    looped = type("Looped", (kind,), {})
    names, numbers, types = run(kind(3, **options), runner)
    slow_names, slow, slow_types = run(looped(3, **options), runner)
    assert names == slow_names and op_type in types and "While" not in types and op_type not in slow_types
    for one, other in zip(numbers, slow, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=1e-6)


def test_no_rows_have_no_lengths():
    with tf.Graph().as_default(), tf.Session() as session:
        x, lengths = tf.placeholder(tf.float32, [3, None, 4]), tf.placeholder(tf.int32, [None])
        outputs, state = rnn.LSTMBlockFusedCell(2)(x, dtype=tf.float32, sequence_length=lengths)
        session.run(tf.global_variables_initializer())
        found = session.run([outputs, *state], {x: np.zeros((3, 0, 4)), lengths: []})
        assert [array.shape for array in found] == [(3, 0, 2), (0, 2), (0, 2)]
