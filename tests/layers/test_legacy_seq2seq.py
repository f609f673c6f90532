"""tf.contrib.legacy_seq2seq: decoders against NumPy and each other, names of variables, buckets."""

import numpy as np
import pytest

import headrace as tf

legacy, cells = tf.contrib.legacy_seq2seq, tf.nn.rnn_cell
B, U, CLASSES = 2, 3, 5
SOURCE = [np.int32([1, 2]), np.int32([3, 4]), np.int32([0, 1])]
TARGET = [np.int32([0, 0]), np.int32([2, 3])]


def started(session):
    session.run(tf.global_variables_initializer())
    for index, variable in enumerate(tf.global_variables()):
        value = np.random.RandomState(index).uniform(-1, 1, variable.shape.as_list())
        variable.load(value.astype(np.float32), session)
    return {v.op.name: session.run(v) for v in tf.global_variables()}


def steps(count, size=4, seed=0):
    return [np.float32(v) for v in np.random.RandomState(seed).randn(count, B, size)]


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def test_basic_and_tied():
    with tf.Graph().as_default(), tf.Session() as session:
        outputs, state = legacy.basic_rnn_seq2seq(steps(3), steps(2, seed=1), cells.BasicRNNCell(U))
        tied, _ = legacy.tied_rnn_seq2seq(steps(3), steps(2, seed=1), cells.BasicRNNCell(U))
        w = started(session)
        found, last, same = session.run([outputs, state, tied])
    names = ["basic_rnn_seq2seq/rnn/basic_rnn_cell", "basic_rnn_seq2seq/rnn_decoder/basic_rnn_cell"]
    names.append("combined_tied_rnn_seq2seq/tied_rnn_seq2seq/basic_rnn_cell")
    assert sorted(w) == sorted(f"{name}/{part}" for name in names for part in ("kernel", "bias"))
    for results, pair in ((found, names[:2]), (same, names[2:] * 2)):
        h = np.zeros((B, U))
        for name, xs in zip(pair, (steps(3), steps(2, seed=1)), strict=True):
            outs = []
            for x in xs:
                h = np.tanh(np.hstack([x, h]) @ w[f"{name}/kernel"] + w[f"{name}/bias"])
                outs.append(h)
        np.testing.assert_allclose(results, outs, rtol=1e-4, atol=1e-5)
    np.testing.assert_array_equal(last, found[-1])


@pytest.mark.parametrize("looks_first", [False, True])
def test_attention_decoder_is_its_formula(looks_first):
    memory = np.random.RandomState(5).randn(B, 4, 2).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        cell = cells.BasicRNNCell(U)
        outputs, _ = legacy.attention_decoder(
            steps(2), tf.ones([B, U]), tf.constant(memory), cell, 6, 2, initial_state_attention=looks_first
        )
        w = {name.removeprefix("attention_decoder/"): value for name, value in started(session).items()}
        found = session.run(outputs)

    def look(h):
        taken = []
        for head in range(2):
            asked = h @ w[f"Attention_{head}/kernel"] + w[f"Attention_{head}/bias"]
            scores = np.tanh(memory @ w[f"AttnW_{head}"][0, 0] + asked[:, None]) @ w[f"AttnV_{head}"]
            shares = np.exp(scores) / np.exp(scores).sum(1, keepdims=True)
            taken.append(np.einsum("bt,bts->bs", shares, memory))
        return taken

    h = np.ones((B, U))
    attention = look(h) if looks_first else [np.zeros((B, 2))] * 2
    for x, output in zip(steps(2), found, strict=True):
        x = np.hstack([x, *attention]) @ w["kernel"] + w["bias"]
        h = np.tanh(np.hstack([x, h]) @ w["basic_rnn_cell/kernel"] + w["basic_rnn_cell/bias"])
        attention = look(h)
        expected = np.hstack([h, *attention]) @ w["AttnOutputProjection/kernel"] + w["AttnOutputProjection/bias"]
        np.testing.assert_allclose(output, expected, rtol=1e-4, atol=1e-5)


MODELS = {
    "rnn": lambda feed: legacy.embedding_rnn_seq2seq(
        SOURCE, TARGET, cells.GRUCell(U), CLASSES, CLASSES, 4, feed_previous=feed
    ),
    "lstm": lambda feed: legacy.embedding_rnn_seq2seq(
        SOURCE, TARGET, cells.BasicLSTMCell(U), CLASSES, CLASSES, 4, feed_previous=feed
    ),
    "tied": lambda feed: legacy.embedding_tied_rnn_seq2seq(
        SOURCE, TARGET, cells.GRUCell(U), CLASSES, 4, feed_previous=feed
    ),
    "attention": lambda feed: legacy.embedding_attention_seq2seq(
        SOURCE, TARGET, cells.MultiRNNCell([cells.GRUCell(U)] * 1), CLASSES, CLASSES, 4, feed_previous=feed
    ),
}


@pytest.mark.parametrize("model", MODELS)
def test_a_tensor_says_whether_outputs_are_fed_back(model):
    results = {}
    for feed in (False, True, "tensor"):
        with tf.Graph().as_default(), tf.Session() as session:
            previous = tf.placeholder(tf.bool, []) if feed == "tensor" else feed
            outputs, state = MODELS[model](previous)
            w = started(session)
            assert all(output.shape.as_list() == [B, CLASSES] for output in outputs)
            if feed == "tensor":
                for value in (False, True):
                    found = session.run([outputs, state], {previous: value})
                    np.testing.assert_allclose(found[0], results[value][0], rtol=1e-5, atol=1e-6)
                assert sorted(w) == sorted(results["names"])
            else:
                results[feed] = session.run([outputs, state])
                results["names"] = list(w)
    first, second = (np.array(results[feed][0]) for feed in (False, True))
    np.testing.assert_allclose(first[0], second[0], rtol=1e-6)


def test_names_of_variables_of_a_translation_model():
    with tf.Graph().as_default():
        MODELS["attention"](False)
        names = [v.op.name.removeprefix("embedding_attention_seq2seq/") for v in tf.global_variables()]
    decoder = "embedding_attention_decoder/attention_decoder"
    assert names[0] == "rnn/embedding_wrapper/embedding"
    assert "rnn/embedding_wrapper/multi_rnn_cell/cell_0/gru_cell/gates/kernel" in names
    for name in ("AttnW_0", "AttnV_0", "Attention_0/kernel", "AttnOutputProjection/bias", "kernel"):
        assert f"{decoder}/{name}" in names, names
    assert f"{decoder}/output_projection_wrapper/multi_rnn_cell/cell_0/gru_cell/gates/kernel" in names


def test_gradients_stop_at_fed_back_embeddings_if_wanted():
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.get_variable("w", [U, CLASSES]), tf.get_variable("b", [CLASSES])
        found = []
        for update in (True, False):
            with tf.variable_scope(f"update_{update}"):
                outputs, _ = legacy.embedding_rnn_decoder(
                    TARGET, tf.ones([B, U]), cells.GRUCell(U), CLASSES, 4, weights, True, update
                )
            table = next(v for v in tf.global_variables() if v.op.name.startswith(f"update_{update}/embedding"))
            found.append(tf.convert_to_tensor(tf.gradients(tf.add_n(outputs), table)[0]))
        started(session)
        passed, stopped = session.run(found)
    assert np.count_nonzero(stopped.any(1)) == 1 and np.count_nonzero(passed.any(1)) >= 2


def test_one_encoder_many_decoders():
    with tf.Graph().as_default(), tf.Session() as session:
        outputs, states = legacy.one2many_rnn_seq2seq(
            SOURCE,
            {"a": TARGET, "b": TARGET[:1]},
            cells.GRUCell(U),
            {"a": cells.GRUCell(U), "b": cells.GRUCell(U)},
            CLASSES,
            {"a": CLASSES, "b": 7},
            4,
            feed_previous=tf.constant(True),
        )
        started(session)
        found, last = session.run([outputs, states])
    assert [len(found[name]) for name in "ab"] == [2, 1] and found["b"][0].shape == (B, 7) and last["a"].shape == (B, U)


@pytest.mark.parametrize("per_example", [False, True])
def test_buckets_share_their_variables(per_example):
    targets, weights = TARGET, [np.ones(B, np.float32)] * 2
    with tf.Graph().as_default(), tf.Session() as session:
        cell = cells.GRUCell(U)

        def model(source, target):
            return legacy.embedding_attention_seq2seq(source, target, cell, CLASSES, CLASSES, 4)

        outputs, losses = legacy.model_with_buckets(
            SOURCE, TARGET, targets, weights, [(1, 1), (3, 2)], model, per_example_loss=per_example
        )
        count = len(tf.global_variables())
        gradients = [tf.gradients(loss, tf.trainable_variables()) for loss in losses]
        started(session)
        found = session.run([outputs, losses])
        session.run([g for g in gradients[1] if g is not None])
        with pytest.raises(ValueError, match="Length of targets"):
            legacy.model_with_buckets(SOURCE, TARGET, targets[:1], weights, [(3, 2)], model)
    assert [len(bucket) for bucket in found[0]] == [1, 2] and count == 20
    logits = np.stack(found[0][1])
    expected = np.log(np.exp(logits).sum(-1)) - np.take_along_axis(logits, np.stack(targets)[..., None], -1)[..., 0]
    expected = expected.mean(0) if per_example else expected.mean(0).mean()
    np.testing.assert_allclose(found[1][1], expected, rtol=1e-5)


@pytest.mark.parametrize(
    ("text", "build"),
    [
        ("at least 1 input", lambda: legacy.attention_decoder([], 0, tf.ones([B, 2, 2]), cells.GRUCell(U))),
        ("heads", lambda: legacy.attention_decoder(steps(1), 0, tf.ones([B, 2, 2]), cells.GRUCell(U), num_heads=0)),
    ],
)
def test_what_is_refused(text, build):
    with tf.Graph().as_default(), pytest.raises(ValueError, match=text):
        build()


def test_the_old_names_are_there():
    assert tf.nn.seq2seq.embedding_attention_seq2seq is legacy.embedding_attention_seq2seq
    assert tf.nn.seq2seq.sequence_loss is legacy.sequence_loss
