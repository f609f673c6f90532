"""Attention mechanisms and AttentionWrapper against their formulas in NumPy."""

import numpy as np
import pytest

import headrace as tf

seq2seq, cells = tf.contrib.seq2seq, tf.nn.rnn_cell
B, T, D, U = 2, 4, 3, 5
LENGTHS = [4, 2]
RNG = np.random.RandomState(0)
MEMORY = RNG.randn(B, T, D).astype(np.float32)
QUERY = RNG.randn(B, U).astype(np.float32)


def masked(memory):
    result = memory.copy()
    result[1, 2:] = 0
    return result


def softmax(scores):
    scores = np.where(np.arange(T) < np.array(LENGTHS)[:, None], scores, -np.inf)
    raised = np.exp(scores - scores.max(1, keepdims=True))
    return raised / raised.sum(1, keepdims=True)


def luong(w):
    return w.get("luong_attention/attention_g", 1) * np.einsum(
        "btu,bu->bt", masked(MEMORY) @ w["memory_layer/kernel"], QUERY
    )


def bahdanau(w):
    keys, asked = masked(MEMORY) @ w["memory_layer/kernel"], QUERY @ w["bahdanau_attention/query_layer/kernel"]
    v = w["bahdanau_attention/attention_v"]
    if "bahdanau_attention/attention_g" in w:
        v = w["bahdanau_attention/attention_g"] * v / np.sqrt(np.sum(v**2))
        keys = keys + w["bahdanau_attention/attention_b"]
    return np.tanh(keys + asked[:, None]) @ v


@pytest.mark.parametrize(
    ("make", "scores"),
    [
        (lambda m: seq2seq.LuongAttention(U, m, LENGTHS), luong),
        (lambda m: seq2seq.LuongAttention(U, m, LENGTHS, scale=True), luong),
        (lambda m: seq2seq.BahdanauAttention(U, m, LENGTHS), bahdanau),
        (lambda m: seq2seq.BahdanauAttention(U, m, LENGTHS, normalize=True), bahdanau),
    ],
)
def test_alignments(make, scores):
    with tf.Graph().as_default(), tf.Session() as session:
        mechanism = make(tf.constant(MEMORY))
        alignments, state = mechanism(tf.constant(QUERY), mechanism.initial_state(B, tf.float32))
        session.run(tf.global_variables_initializer())
        for index, variable in enumerate(tf.global_variables()):
            value = np.random.RandomState(index).randn(*variable.shape.as_list())
            variable.load(np.float32(value), session)
        weights = {v.op.name: session.run(v) for v in tf.global_variables()}
        np.testing.assert_allclose(session.run(alignments), softmax(scores(weights)), rtol=1e-5, atol=1e-6)
        assert state is alignments and mechanism.alignments_size == T and mechanism.batch_size == B


def test_a_memory_without_a_value_is_an_error():
    with tf.Graph().as_default(), tf.Session() as session:
        mechanism = seq2seq.LuongAttention(D, tf.constant(MEMORY), tf.constant([4, 0]))
        session.run(tf.global_variables_initializer())
        with pytest.raises(tf.errors.InvalidArgumentError, match="greater than zero"):
            session.run(mechanism(tf.ones([B, D]), None)[0])


def monotonic(chance, previous):
    result = np.zeros_like(chance)
    for b in range(len(chance)):
        reached = 0
        for t in range(chance.shape[1]):
            reached = reached * (1 - chance[b, t - 1] if t else 1) + previous[b, t]
            result[b, t] = chance[b, t] * reached
    return result


@pytest.mark.parametrize("mode", ["recursive", "parallel", "hard"])
def test_monotonic_attention(mode):
    chance = RNG.uniform(0.1, 0.9, (B, T)).astype(np.float32)
    previous = RNG.dirichlet(np.ones(T), B).astype(np.float32)
    if mode == "hard":
        chance, previous = np.float32([[1, 0, 1, 1], [0, 0, 0, 1]]), np.float32([[0, 1, 0, 0], [1, 0, 0, 0]])
    with tf.Graph().as_default(), tf.Session() as session:
        found = session.run(seq2seq.monotonic_attention(tf.constant(chance), tf.constant(previous), mode))
        product = session.run(seq2seq.safe_cumprod(tf.constant([[0.5, 0.0, 0.5]]), axis=1, exclusive=True))
        with pytest.raises(ValueError, match="mode"):
            seq2seq.monotonic_attention(tf.constant(chance), tf.constant(previous), "soft")
    np.testing.assert_allclose(found, monotonic(chance, previous), rtol=1e-4, atol=1e-6)
    np.testing.assert_allclose(product, [[1, 0.5, 0]], atol=1e-6)


@pytest.mark.parametrize("kind", [seq2seq.LuongMonotonicAttention, seq2seq.BahdanauMonotonicAttention])
def test_monotonic_mechanisms_start_at_the_first_value(kind):
    with tf.Graph().as_default(), tf.Session() as session:
        mechanism = kind(U, tf.constant(MEMORY), LENGTHS, mode="recursive", sigmoid_noise=0.1, sigmoid_noise_seed=1)
        first = mechanism.initial_state(B, tf.float32)
        alignments, _ = mechanism(tf.constant(QUERY), first)
        session.run(tf.global_variables_initializer())
        start, found = session.run([first, alignments])
    assert start.tolist() == [[1, 0, 0, 0]] * 2
    assert np.all(found[1, 2:] == 0) and np.all(found.sum(1) <= 1 + 1e-6) and np.all(found >= 0)


def test_wrapper_is_its_formula():
    """Two steps of a BasicRNNCell with Luong attention, in NumPy."""
    xs = RNG.randn(B, 2, 6).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        mechanism = seq2seq.LuongAttention(U, tf.constant(MEMORY), LENGTHS)
        cell = seq2seq.AttentionWrapper(
            cells.BasicRNNCell(U), mechanism, attention_layer_size=7, alignment_history=True
        )
        state = cell.zero_state(B, tf.float32)
        outputs = []
        for t in range(2):
            output, state = cell(tf.constant(xs[:, t]), state)
            outputs.append(output)
        names = [v.op.name for v in tf.global_variables()]
        session.run(tf.global_variables_initializer())
        w = {v.op.name: session.run(v) for v in tf.global_variables()}
        found = session.run([*outputs, state.alignments, state.alignment_history.stack(), state.time])
    assert names == [
        "memory_layer/kernel",
        "attention_wrapper/basic_rnn_cell/kernel",
        "attention_wrapper/basic_rnn_cell/bias",
        "attention_wrapper/attention_layer/kernel",
    ]
    h, attention, expected = np.zeros((B, U)), np.zeros((B, 7)), []
    keys = masked(MEMORY) @ w["memory_layer/kernel"]
    for t in range(2):
        rows = np.hstack([xs[:, t], attention, h])
        h = np.tanh(rows @ w["attention_wrapper/basic_rnn_cell/kernel"])
        shares = softmax(np.einsum("btu,bu->bt", keys, h))
        context = np.einsum("bt,btd->bd", shares, masked(MEMORY))
        attention = np.hstack([h, context]) @ w["attention_wrapper/attention_layer/kernel"]
        expected.append((attention, shares))
    np.testing.assert_allclose(found[0], expected[0][0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[1], expected[1][0], rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(found[3], [expected[0][1], expected[1][1]], rtol=1e-4, atol=1e-6)
    assert found[4] == 2


def test_wrapper_with_several_mechanisms_in_a_loop_learns():
    with tf.Graph().as_default(), tf.Session() as session:
        memory = tf.constant(MEMORY)
        both = [seq2seq.LuongAttention(U, memory, LENGTHS), seq2seq.BahdanauAttention(U, memory)]
        cell = seq2seq.AttentionWrapper(cells.GRUCell(U), both, [4, 3], output_attention=False, alignment_history=True)
        outputs, state = tf.nn.dynamic_rnn(
            cell, tf.ones([B, 5, 2]), initial_state=cell.zero_state(B, tf.float32), sequence_length=[5, 3]
        )
        assert outputs.shape.as_list() == [B, 5, U] and state.attention.shape.as_list() == [B, 7]
        history = [h.stack() for h in state.alignment_history]
        gradients = tf.gradients(tf.reduce_sum(outputs**2), tf.trainable_variables())
        session.run(tf.global_variables_initializer())
        found = session.run([*history, *gradients])
        assert found[0].shape == (5, B, T) and all(np.abs(g).sum() > 0 for g in found[2:4])


def test_state_is_cloned_with_new_parts():
    with tf.Graph().as_default():
        cell = seq2seq.AttentionWrapper(cells.GRUCell(U), seq2seq.LuongAttention(U, tf.constant(MEMORY)))
        state = cell.zero_state(B, tf.float32)
        new = tf.ones([B, U])
        assert state.clone(cell_state=new).cell_state is new
        with pytest.raises(ValueError):
            state.clone(cell_state=tf.ones([B, U + 1]))
        with pytest.raises(ValueError, match="tile_batch"):
            cell.zero_state(2 * B, tf.float32)
        with pytest.raises(TypeError, match="AttentionWrapperState"):
            cell(tf.ones([B, 2]), new)


@pytest.mark.parametrize(
    ("error", "text", "build"),
    [
        (ValueError, "inner dims", lambda: seq2seq.LuongAttention(U, tf.placeholder(tf.float32, [B, T, None]))),
        (TypeError, "AttentionMechanism", lambda: seq2seq.AttentionWrapper(cells.GRUCell(U), 3)),
        (
            ValueError,
            "exactly one item",
            lambda: seq2seq.AttentionWrapper(cells.GRUCell(U), seq2seq.LuongAttention(U, tf.constant(MEMORY)), [1, 2]),
        ),
        (
            ValueError,
            "set num_units",
            lambda: seq2seq.LuongAttention(U, tf.constant(MEMORY))(tf.ones([B, U + 1]), None),
        ),
    ],
)
def test_what_is_refused(error, text, build):
    with tf.Graph().as_default(), pytest.raises(error, match=text):
        build()


def test_hardmax():
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(seq2seq.hardmax(tf.constant([[1.0, 3, 2], [5, 4, 5]]))).tolist() == [[0, 1, 0], [1, 0, 0]]
