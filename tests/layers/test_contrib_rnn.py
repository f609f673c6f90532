"""tf.contrib.rnn: cells against their formulas in NumPy, one-operation cells and whole layers against the plain ones."""

import numpy as np
import pytest

import headrace as tf
from headrace.engine.nest import flatten

rnn, cells = tf.contrib.rnn, tf.nn.rnn_cell
B, T, D, U = 2, 4, 3, 3


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def norm(x):
    centered = x - x.mean(1, keepdims=True)
    return centered / np.sqrt((centered**2).mean(1, keepdims=True) + 1e-12)


def relu(x):
    return np.maximum(x, 0)


def layer_norm_lstm(x, c, h, w):
    i, j, f, o = (norm(part) for part in np.split(np.hstack([x, h]) @ w["kernel"], 4, 1))
    c = norm(c * sigmoid(f + 1) + sigmoid(i) * np.tanh(j))
    return np.tanh(c) * sigmoid(o), c


def coupled(x, c, h, w):
    j, f, o = np.split(np.hstack([x, h]) @ w["W_0"] + w["B"], 3, 1)
    f = sigmoid(f + 1 + w["W_F_diag"] * c)
    c = f * c + (1 - f) * np.tanh(j)
    return sigmoid(o + w["W_O_diag"] * c) * np.tanh(c), c


def coupled_projected(x, c, h, w):
    j, f, o = (norm(part) for part in np.split(np.hstack([x, h]) @ np.vstack([w["W_0"], w["W_1"]]), 3, 1))
    f = sigmoid(f + 1)
    c = norm(f * c + (1 - f) * np.tanh(j))
    return np.clip((sigmoid(o) * np.tanh(c)) @ w["W_P_0"], -0.2, 0.2), c


def ugrnn(x, c, h, w):
    g, a = np.split(np.hstack([x, h]) @ w["kernel"] + w["bias"], 2, 1)
    g = sigmoid(g + 1)
    return (g * h + (1 - g) * np.tanh(a),) * 2


def intersection(x, c, h, w):
    gh, a, gy, y = np.split(np.hstack([x, h]) @ w["kernel"] + w["bias"], 4, 1)
    gh, gy = sigmoid(gh + 1), sigmoid(gy + 1)
    return gy * x + (1 - gy) * relu(y), gh * h + (1 - gh) * np.tanh(a)


def nas(x, c, h, w):
    a = np.split(x @ w["kernel"], 8, 1)
    b = np.split(h @ w["recurrent_kernel"] + w["bias"], 8, 1)
    tanh = np.tanh
    first = tanh(sigmoid(a[0] + b[0]) * relu(a[1] + b[1]))
    second = tanh(sigmoid(a[2] + b[2]) + relu(a[3] * b[3]))
    third = tanh(tanh(a[4] + b[4]) * sigmoid(a[5] + b[5]))
    fourth = sigmoid(tanh(a[6] + b[6]) + sigmoid(a[7] + b[7]))
    c = tanh(first + c) * second
    return tanh(c * tanh(third + fourth)), c


@pytest.mark.parametrize(
    ("make", "formula"),
    [
        (lambda: rnn.LayerNormBasicLSTMCell(U), layer_norm_lstm),
        (lambda: rnn.CoupledInputForgetGateLSTMCell(U, use_peepholes=True), coupled),
        (
            lambda: rnn.CoupledInputForgetGateLSTMCell(
                U, num_proj=U, proj_clip=0.2, num_unit_shards=2, layer_norm=True, state_is_tuple=False
            ),
            coupled_projected,
        ),
        (lambda: rnn.UGRNNCell(U), ugrnn),
        (lambda: rnn.IntersectionRNNCell(U), intersection),
        (lambda: rnn.NASCell(U, use_bias=True), nas),
    ],
    ids=lambda v: getattr(v, "__name__", ""),
)
def test_a_step_is_its_formula(make, formula):
    rng = np.random.RandomState(0)
    x, c, h = (rng.randn(B, D).astype(np.float32) for _ in range(3))
    with tf.Graph().as_default(), tf.Session() as session:
        cell = make()
        size = cell.state_size
        state = cells.LSTMStateTuple(*map(tf.constant, (c, h))) if isinstance(size, tuple) else tf.constant(h)
        state = tf.concat([c, h], 1) if size == 2 * U else state
        output, after = cell(tf.constant(x), state)
        session.run(tf.global_variables_initializer())
        weights = {v.op.name.split("/", 1)[1]: session.run(v) for v in tf.global_variables()}
        found, last = session.run([output, after])
        expected, kept = formula(x, c, h, weights)
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)
        kept = np.hstack([kept, expected]) if size == 2 * U else kept
        np.testing.assert_allclose(last[0] if isinstance(size, tuple) else last, kept, rtol=1e-4, atol=1e-5)


def run_alike(build_one, build_other):
    """Outputs, states and gradients of two networks with the same weights."""
    x = np.random.RandomState(1).randn(B, T, D).astype(np.float32)
    results = []
    for build in (build_one, build_other):
        with tf.Graph().as_default(), tf.Session() as session:
            inputs = tf.constant(x)
            flat = flatten(build(inputs))
            variables = tf.trainable_variables()
            gradients = tf.gradients(tf.add_n([tf.reduce_sum(v * v) for v in flat]), [inputs, *variables])
            for index, variable in enumerate(variables):
                value = np.random.RandomState(index).uniform(-0.8, 0.8, variable.shape.as_list())
                variable.load(value.astype(np.float32), session)
            results.append(session.run([*flat, *gradients]))
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one, other, rtol=2e-5, atol=2e-6)


LENGTHS = [2, 4]


def fused(cell, lengths=None):
    return lambda x: cell()(tf.transpose(x, [1, 0, 2]), dtype=tf.float32, sequence_length=lengths)


def looped(cell, lengths=None):
    return lambda x: tf.nn.dynamic_rnn(cell(), tf.transpose(x, [1, 0, 2]), lengths, dtype=tf.float32, time_major=True)


def backward(x):
    """A cell from the end, by hand."""
    turned = tf.reverse_sequence(tf.transpose(x, [1, 0, 2]), LENGTHS, seq_axis=0, batch_axis=1)
    outputs, state = tf.nn.dynamic_rnn(cells.GRUCell(U), turned, LENGTHS, dtype=tf.float32, time_major=True)
    return tf.reverse_sequence(outputs, LENGTHS, seq_axis=0, batch_axis=1), state


def raw(x):
    """dynamic_rnn with lengths, written with raw_rnn."""
    steps = tf.TensorArray(tf.float32, size=T, clear_after_read=False).unstack(tf.transpose(x, [1, 0, 2]))
    cell = cells.LSTMCell(U)

    def loop(time, output, state, _):
        state = cell.zero_state(B, tf.float32) if output is None else state
        ended = time >= tf.constant(LENGTHS)
        return ended, steps.read(tf.minimum(time, T - 1)), state, output, None

    arrays, state, _ = tf.nn.raw_rnn(cell, loop)
    return arrays.stack(), state


def lstm():
    return cells.LSTMCell(U)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (fused(lambda: rnn.LSTMBlockFusedCell(U)), looped(lstm)),
        (fused(lambda: rnn.LSTMBlockFusedCell(U), LENGTHS), looped(lstm, LENGTHS)),
        (looped(lambda: rnn.LSTMBlockCell(U), LENGTHS), looped(lstm, LENGTHS)),
        (
            fused(lambda: rnn.LSTMBlockFusedCell(U, use_peephole=True)),
            looped(lambda: rnn.LSTMBlockCell(U, use_peephole=True)),
        ),
        (looped(lambda: rnn.GRUBlockCellV2(U)), looped(lambda: cells.GRUCell(U))),
        (fused(lambda: rnn.FusedRNNCellAdaptor(lstm()), LENGTHS), looped(lstm, LENGTHS)),
        (fused(lambda: rnn.FusedRNNCellAdaptor(lstm(), use_dynamic_rnn=True)), looped(lstm)),
        (fused(lambda: rnn.TimeReversedFusedRNN(rnn.FusedRNNCellAdaptor(cells.GRUCell(U))), LENGTHS), backward),
        (raw, looped(lstm, LENGTHS)),
    ],
)
def test_two_ways_to_the_same_numbers(one, other):
    run_alike(one, other)


def test_names_of_variables():
    with tf.Graph().as_default():
        x = tf.ones([B, D])
        for cell in (rnn.LSTMBlockCell(U, use_peephole=True), rnn.GRUBlockCell(U), rnn.GRUBlockCellV2(U, name="v2")):
            cell(x, cell.zero_state(B, tf.float32))
        rnn.LSTMBlockFusedCell(U)(tf.ones([T, B, D]), dtype=tf.float32)
        names = [v.op.name for v in tf.global_variables()]
    lstm_names = ["kernel", "bias", "w_i_diag", "w_f_diag", "w_o_diag"]
    assert names[:5] == [f"lstm_cell/{name}" for name in lstm_names]
    assert names[5:9] == [f"gru_cell/{name}" for name in ("w_ru", "b_ru", "w_c", "b_c")]
    assert names[9:13] == [
        f"v2/{name}" for name in ("gates/kernel", "gates/bias", "candidate/kernel", "candidate/bias")
    ]
    assert names[13:] == ["lstm_fused_cell/kernel", "lstm_fused_cell/bias"]


def test_wrappers_and_their_variables():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.ones([B, D])
        wrapped = {
            "input": rnn.InputProjectionWrapper(cells.GRUCell(U), 5),
            "output": rnn.OutputProjectionWrapper(cells.GRUCell(U), 7, tf.tanh),
            "highway": rnn.HighwayWrapper(cells.GRUCell(U), couple_carry_transform_gates=False),
            "attention": rnn.AttentionCellWrapper(cells.BasicLSTMCell(U), 4),
            "joined": rnn.AttentionCellWrapper(cells.GRUCell(U), 4, attn_vec_size=2, state_is_tuple=False),
            "embedding": rnn.EmbeddingWrapper(cells.GRUCell(U), 10, 6),
        }
        shapes = {}
        for name, cell in wrapped.items():
            with tf.variable_scope(name):
                steps = [tf.constant([[1], [2]])] * 3 if name == "embedding" else [x] * 3
                outputs, state = tf.nn.static_rnn(cell, steps, dtype=tf.float32)
                shapes[name] = outputs[-1].shape.as_list()
                session.run(tf.global_variables_initializer())
                assert all(np.isfinite(v).all() for v in flatten(session.run([outputs, state])))
        assert shapes == {"input": [B, U], "output": [B, 7]} | {
            n: [B, U] for n in ("highway", "attention", "joined", "embedding")
        }
        names = [v.op.name for v in tf.global_variables()]
    for name in (
        "input/rnn/input_projection_wrapper/kernel",
        "input/rnn/input_projection_wrapper/gru_cell/gates/kernel",
        "output/rnn/output_projection_wrapper/bias",
        "highway/rnn/transform_b",
        "attention/rnn/attention_cell_wrapper/attention/attn_w",
        "attention/rnn/attention_cell_wrapper/attn_output_projection/kernel",
        "embedding/rnn/embedding_wrapper/embedding",
    ):
        assert name in names, names


def test_stacks_of_pairs_of_cells():
    def dynamic(x):
        pairs = [[cells.GRUCell(U) for _ in range(2)] for _ in range(2)]
        return rnn.stack_bidirectional_dynamic_rnn(*pairs, x, dtype=tf.float32, sequence_length=LENGTHS)

    def static(x):
        pairs = [[cells.GRUCell(U) for _ in range(2)] for _ in range(2)]
        outputs, fw, bw = rnn.stack_bidirectional_rnn(
            *pairs, tf.unstack(x, T, 1), dtype=tf.float32, sequence_length=LENGTHS
        )
        return tf.stack(outputs, 1), fw, bw

    run_alike(dynamic, static)
    with tf.Graph().as_default():
        outputs, fw, bw = dynamic(tf.ones([B, T, D]))
        assert outputs.shape.as_list() == [B, T, 2 * U] and len(fw) == len(bw) == 2
        assert tf.global_variables()[0].op.name == (
            "stack_bidirectional_rnn/cell_0/bidirectional_rnn/fw/gru_cell/gates/kernel"
        )


def test_raw_rnn_with_a_state_and_outputs_of_its_own():
    with tf.Graph().as_default(), tf.Session() as session:
        cell = cells.BasicRNNCell(U)

        def loop(time, output, state, count):
            if output is None:
                return (
                    tf.zeros([B], bool),
                    tf.ones([B, D]),
                    cell.zero_state(B, tf.float32),
                    tf.zeros([], tf.int32),
                    tf.constant(0),
                )
            return tf.fill([B], time >= 3), tf.ones([B, D]), state, tf.fill([B], time * 10), count + 2

        arrays, state, count = tf.nn.raw_rnn(cell, loop)
        session.run(tf.global_variables_initializer())
        emitted, total = session.run([arrays.stack(), count])
    assert emitted.tolist() == [[10, 10], [20, 20], [30, 30]] and total == 6 and state.shape.as_list() == [B, U]


@pytest.mark.parametrize(
    ("error", "text", "build"),
    [
        (ValueError, "initial_state or dtype", lambda: rnn.LSTMBlockFusedCell(U)(tf.ones([T, B, D]))),
        (ValueError, "Exactly one", lambda: rnn.GRUBlockCell()),
        (ValueError, "num_in_proj", lambda: rnn.IntersectionRNNCell(5)(tf.ones([B, D]), tf.ones([B, 5]))),
        (
            ValueError,
            "Too many shards",
            lambda: rnn.CoupledInputForgetGateLSTMCell(U, num_unit_shards=9)(tf.ones([B, D]), (tf.ones([B, U]),) * 2),
        ),
        (ValueError, "greater than zero", lambda: rnn.AttentionCellWrapper(cells.GRUCell(U), 0)),
        (ValueError, "must be > 0", lambda: rnn.EmbeddingWrapper(cells.GRUCell(U), 0, 1)),
        (ValueError, "as many", lambda: rnn.stack_bidirectional_rnn([cells.GRUCell(1)], [cells.GRUCell(1)] * 2, [])),
        (TypeError, "callable", lambda: tf.nn.raw_rnn(cells.GRUCell(1), 3)),
        (ValueError, "must be specified", lambda: cells._linear([], 3, True)),
    ],
)
def test_what_is_refused(error, text, build):
    with tf.Graph().as_default(), pytest.raises(error, match=text):
        build()
