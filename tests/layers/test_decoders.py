"""dynamic_decode with its helpers, and beam search against a search of all sequences."""

import itertools

import numpy as np
import pytest

import headrace as tf

seq2seq, cells = tf.contrib.seq2seq, tf.nn.rnn_cell
B, T, D, U = 3, 5, 4, 6
LENGTHS = [5, 2, 3]
INPUTS = np.random.RandomState(0).randn(B, T, D).astype(np.float32)


class Markov(cells.RNNCell):
    """A cell whose logits follow from the class before alone; the state counts the steps."""

    def __init__(self, table):
        super().__init__()
        self.table = np.float32(table)

    state_size = 1

    @property
    def output_size(self):
        return self.table.shape[1]

    def call(self, inputs, state):
        return tf.gather(self.table, tf.cast(inputs[:, 0], tf.int32)), state + 1


def classes(ids):
    """The classes themselves as embedding."""
    return tf.expand_dims(tf.cast(ids, tf.float32), -1)


@pytest.mark.parametrize("time_major", [False, True])
@pytest.mark.parametrize("unknown", [False, True])
def test_training_is_dynamic_rnn(unknown, time_major):
    value = INPUTS.transpose(1, 0, 2) if time_major else INPUTS
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, None, D]) if unknown else tf.constant(value)
        lengths = tf.placeholder(tf.int32, [None]) if unknown else tf.constant(LENGTHS)
        feed = {x: value, lengths: LENGTHS} if unknown else {}
        cell, layer = cells.GRUCell(U), tf.layers.Dense(7, name="classes")
        helper = seq2seq.TrainingHelper(x, lengths, time_major)
        first = cell.zero_state(tf.size(lengths), tf.float32)
        decoder = seq2seq.BasicDecoder(cell, helper, first, layer)
        outputs, state, found = seq2seq.dynamic_decode(decoder, time_major, impute_finished=True)
        with tf.variable_scope("decoder", reuse=True):
            expected, last = tf.nn.dynamic_rnn(
                cell, x, lengths, initial_state=first, time_major=time_major, scope=tf.get_variable_scope()
            )
        dense = tf.layers.Dense(7, name="classes", _scope="decoder/classes", _reuse=True)(expected)
        names = [v.op.name for v in tf.trainable_variables()]
        variables = tf.trainable_variables()
        gradients = tf.gradients(tf.reduce_sum(outputs.rnn_output**2), [x, *variables])
        mask = tf.expand_dims(tf.sequence_mask(lengths, dtype=tf.float32), -1)
        dense = dense * (tf.transpose(mask, [1, 0, 2]) if time_major else mask)
        wanted = tf.gradients(tf.reduce_sum(dense**2), [x, *variables])
        session.run(tf.global_variables_initializer())
        a, b = session.run([(outputs, state, gradients), (dense, last, wanted)], feed)
        assert session.run(found, feed).tolist() == LENGTHS
    assert names[:2] == ["decoder/gru_cell/gates/kernel", "decoder/gru_cell/gates/bias"]
    assert names[4:] == ["decoder/classes/kernel", "decoder/classes/bias"]
    np.testing.assert_allclose(a[0].rnn_output, b[0], rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(a[0].sample_id, a[0].rnn_output.argmax(-1))
    np.testing.assert_allclose(a[1], b[1], rtol=1e-5, atol=1e-6)
    for one, other in zip(a[2], b[2], strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)


TABLE = np.log([[0.1, 0.5, 0.4, 0.0001], [0.1, 0.1, 0.6, 0.2], [0.2, 0.2, 0.1, 0.5], [0.25] * 4])


def decode(helper, rows=None, **options):
    with tf.Session() as session:
        cell = Markov(TABLE)
        state = cell.zero_state(rows or helper.batch_size, tf.float32)
        return session.run(seq2seq.dynamic_decode(seq2seq.BasicDecoder(cell, helper, state), **options))


def test_greedy_decoding_takes_the_largest_until_the_end():
    with tf.Graph().as_default():
        helper = seq2seq.GreedyEmbeddingHelper(classes, [0, 1, 2], 3)
        outputs, state, lengths = decode(helper, impute_finished=True)
        limited, _, short = decode(helper, maximum_iterations=2)
        table = seq2seq.GreedyEmbeddingHelper(np.float32([[0], [1], [2], [3]]), tf.fill([3], 1), 3)
        same, _, _ = decode(table)
    assert outputs.sample_id.tolist() == [[1, 2, 3], [2, 3, 0], [3, 0, 0]]
    assert lengths.tolist() == [3, 2, 1] and state[:, 0].tolist() == [3, 2, 1]
    assert limited.sample_id.tolist() == [[1, 2], [2, 3], [3, 0]]
    assert short.tolist() == [2, 2, 1] and same.sample_id.tolist() == [[2, 3]] * 3


def test_samples_are_drawn_by_the_logits():
    with tf.Graph().as_default():
        helper = seq2seq.SampleEmbeddingHelper(classes, [0] * 4000, 3, seed=1)
        outputs, _, _ = decode(helper, maximum_iterations=1)
        cold = seq2seq.SampleEmbeddingHelper(classes, [0] * 50, 3, softmax_temperature=0.01, seed=1)
        frozen, _, _ = decode(cold, maximum_iterations=1)
    shares = np.bincount(outputs.sample_id[:, 0], minlength=4) / 4000
    np.testing.assert_allclose(shares, np.exp(TABLE[0]), atol=0.04)
    assert np.all(frozen.sample_id == 1)


def test_inference_and_custom_helpers():
    with tf.Graph().as_default():
        sampled = seq2seq.InferenceHelper(
            lambda outputs: outputs[:, :1], [1], tf.float32, tf.zeros([2, 1]), lambda ids: tf.fill([2], False), tf.abs
        )
        outputs, _, lengths = decode(sampled, maximum_iterations=4)
        custom = seq2seq.CustomHelper(
            lambda: (tf.zeros([2], bool), tf.zeros([2, 1])),
            lambda time, outputs, state: tf.cast(tf.argmax(outputs, 1), tf.int32) * 2,
            lambda time, outputs, state, sample_ids: (tf.fill([2], time >= 2), tf.ones([2, 1]), state),
        )
        own, _, steps = decode(custom, 2)
    assert outputs.sample_id.shape == (2, 4, 1) and lengths.tolist() == [4, 4]
    assert own.sample_id.tolist() == [[2, 4, 4]] * 2 and steps.tolist() == [3, 3]


@pytest.mark.parametrize(("chance", "first"), [(0.0, True), (1.0, False)])
def test_scheduled_sampling_takes_inputs_or_outputs(chance, first):
    """Inputs always name class 2 but at the start; the own outputs name others."""
    inputs = np.float32([[[0], [2], [2]]] * 2)
    with tf.Graph().as_default():
        embedding = seq2seq.ScheduledEmbeddingTrainingHelper(inputs, [3, 3], classes, chance, seed=1, scheduling_seed=2)
        outputs, _, _ = decode(embedding)
        double = seq2seq.ScheduledOutputTrainingHelper(
            inputs, [3, 3], chance, seed=1, next_inputs_fn=lambda outputs: classes(tf.argmax(outputs, 1))
        )
        greedy, _, _ = decode(double)
        joined = seq2seq.ScheduledOutputTrainingHelper(
            inputs, [3, 3], chance, seed=1, next_inputs_fn=lambda o: classes(tf.argmax(o, 1)), auxiliary_inputs=inputs
        )
        same, _, _ = decode(joined)
    assert np.all((outputs.sample_id == -1) == first)
    logits = np.float32(TABLE[[0, 2, 2]] if first else TABLE[[0, 1, 2]])
    np.testing.assert_allclose(greedy.rnn_output, [logits] * 2, rtol=1e-6)
    np.testing.assert_allclose(same.rnn_output, [logits] * 2, rtol=1e-6)


def best_sequences(start, steps, weight):
    """All sequences of so many steps (class 3 ends them) with their scores, the best first."""
    found = {}
    for ids in itertools.product(range(4), repeat=steps):
        ids = ids[: ids.index(3) + 1] if 3 in ids else ids
        total = sum(np.log(softmax(TABLE[a]))[b] for a, b in zip((start, *ids), ids, strict=False))
        # As in TensorFlow the end counts in a sequence's length only from the step after it.
        length = steps - 1 if len(ids) == steps and ids[-1] == 3 else len(ids)
        found[ids] = total / ((5 + length) / 6) ** weight
    return sorted(found.items(), key=lambda pair: -pair[1])


def softmax(logits):
    return np.exp(logits) / np.exp(logits).sum()


@pytest.mark.parametrize("weight", [0.0, 0.9])
@pytest.mark.parametrize("unknown", [False, True])
def test_a_wide_beam_finds_the_best_sequences(weight, unknown):
    width, steps = 16, 3
    with tf.Graph().as_default(), tf.Session() as session:
        start = tf.placeholder(tf.int32, [None]) if unknown else tf.constant([0, 2])
        cell = Markov(TABLE)
        state = cell.zero_state(tf.size(start) * width, tf.float32)
        decoder = seq2seq.BeamSearchDecoder(cell, classes, start, 3, state, width, length_penalty_weight=weight)
        outputs, last, lengths = seq2seq.dynamic_decode(decoder, maximum_iterations=steps)
        found, state, lengths = session.run([outputs, last, lengths], {start: [0, 2]} if unknown else {})
    assert found.predicted_ids.shape == (2, steps, width) and lengths.shape == (2, width)
    for row, first in enumerate((0, 2)):
        expected = best_sequences(first, steps, weight)[:5]
        for beam, (ids, score) in enumerate(expected):
            length = lengths[row, beam]
            assert tuple(found.predicted_ids[row, :length, beam]) == ids
            assert np.all(found.predicted_ids[row, length:, beam] == 3)
            scores = found.beam_search_decoder_output.scores
            assert scores[row, -1, beam] == pytest.approx(score, rel=1e-4)


def test_beam_search_with_attention_history_and_coverage():
    width = 2
    memory = np.random.RandomState(3).randn(2, 4, U).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        tiled = seq2seq.tile_batch(tf.constant(memory), width)
        mechanism = seq2seq.LuongAttention(U, tiled, seq2seq.tile_batch(tf.constant([4, 3]), width))
        cell = seq2seq.AttentionWrapper(cells.LSTMCell(U), mechanism, U, alignment_history=True)
        table = tf.get_variable("table", [5, 3])
        decoder = seq2seq.BeamSearchDecoder(
            cell,
            table,
            tf.fill([2], 1),
            0,
            cell.zero_state(2 * width, tf.float32),
            width,
            tf.layers.Dense(5),
            coverage_penalty_weight=0.1,
        )
        outputs, state, _ = seq2seq.dynamic_decode(decoder, maximum_iterations=6)
        session.run(tf.global_variables_initializer())
        found, history = session.run([outputs, state.cell_state.alignment_history])
    steps = found.predicted_ids.shape[1]
    assert history.shape == (steps, 2, width, 4)
    np.testing.assert_allclose(history.sum(-1), np.ones((steps, 2, width)), rtol=1e-5)
    assert np.all(history[:, 1, :, 3] == 0)


def test_known_beams_and_tiles():
    ids = np.int32([[[1, 2, 3]], [[4, 5, 6]], [[7, 8, 9]], [[-1, -1, -1]]])
    parents = np.int32([[[0, 0, 0]], [[0, 1, 1]], [[2, 1, 2]], [[-1, -1, -1]]])
    with tf.Graph().as_default(), tf.Session() as session:
        beams = session.run(seq2seq.gather_tree(ids, parents, [3], 10))
        tiled = session.run(seq2seq.tile_batch((tf.constant([[1, 2], [3, 4]]), tf.constant([5, 6])), 2))
        values = session.run(
            seq2seq.gather_tree_from_array(tf.constant(ids[:3] * 1.0), parents[:3], tf.constant([[3, 3, 3]]))
        )
    assert beams.tolist() == [[[2, 2, 2]], [[6, 5, 6]], [[7, 8, 9]], [[10, 10, 10]]]
    assert tiled[0].tolist() == [[1, 2], [1, 2], [3, 4], [3, 4]] and tiled[1].tolist() == [5, 5, 6, 6]
    assert values.tolist() == [[[1, 1, 1]], [[6, 5, 6]], [[7, 8, 9]]] or values[1:].tolist() == [
        [[6, 5, 6]],
        [[7, 8, 9]],
    ]


@pytest.mark.parametrize(
    ("error", "text", "build"),
    [
        (TypeError, "type Decoder", lambda: seq2seq.dynamic_decode(3)),
        (ValueError, "vector", lambda: seq2seq.TrainingHelper(INPUTS, 5)),
        (ValueError, "vector", lambda: seq2seq.GreedyEmbeddingHelper(classes, 5, 1)),
        (ValueError, "scalar", lambda: seq2seq.GreedyEmbeddingHelper(classes, [5], [1])),
        (ValueError, "scalar or a vector", lambda: seq2seq.ScheduledOutputTrainingHelper(INPUTS, LENGTHS, [[0.5]])),
        (TypeError, "Helper", lambda: seq2seq.BasicDecoder(cells.GRUCell(U), 3, tf.zeros([B, U]))),
        (ValueError, "rank", lambda: seq2seq.tile_batch(tf.constant(1), 2)),
        (
            ValueError,
            "attentional",
            lambda: seq2seq.dynamic_decode(
                seq2seq.BeamSearchDecoder(
                    cells.LSTMCell(U), classes, [0], 1, cells.LSTMCell(U).zero_state(2, tf.float32), 2,
                    coverage_penalty_weight=1.0,
                )
            ),
        ),
    ],
)  # fmt: skip
def test_what_is_refused(error, text, build):
    with tf.Graph().as_default(), pytest.raises(error, match=text):
        build()


def test_arguments_of_decoders():
    seq2seq, cell = tf.contrib.seq2seq, tf.nn.rnn_cell.GRUCell(4)
    helper, state = seq2seq.TrainingHelper(tf.zeros([2, 3, 4]), [3, 3]), cell.zero_state(2, tf.float32)
    for width in (0, -1, 2.5, True):
        with pytest.raises(ValueError, match="beam_width must be a positive whole number"):
            seq2seq.BeamSearchDecoder(cell, tf.zeros([5, 4]), [0, 0], 1, state, width)
    with pytest.raises(ValueError, match="initial_state must be given"):
        seq2seq.BeamSearchDecoder(cell, tf.zeros([5, 4]), [0, 0], 1, None, 2)
    with pytest.raises(ValueError, match="initial_state must be given"):
        seq2seq.BasicDecoder(cell, helper, None)
    with pytest.raises(TypeError, match="output_layer must be a layer"):
        seq2seq.BasicDecoder(cell, helper, state, "dense")
