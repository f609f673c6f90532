"""A character LSTM: learns a made language letter by letter, and then writes some of it."""

import numpy as np

import headrace as tf

text = tf.datasets.made_language.make_corpus(800)
letters = sorted(set(text))
ids = np.array([letters.index(letter) for letter in text])
batch, steps, size = 32, 25, 64
streams = ids[: len(ids) // batch * batch].reshape(batch, -1)

tf.set_random_seed(1)
x = tf.placeholder(tf.int32, [None, None])
y = tf.placeholder(tf.int32, [None, None])
cell = tf.nn.rnn_cell.BasicLSTMCell(size)
start = tf.nn.rnn_cell.LSTMStateTuple(
    tf.placeholder(tf.float32, [None, size]), tf.placeholder(tf.float32, [None, size])
)
outputs, end = tf.nn.dynamic_rnn(cell, tf.one_hot(x, len(letters)), initial_state=start)
logits = tf.layers.dense(outputs, len(letters))
loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=y, logits=logits))
train = tf.train.AdamOptimizer(1e-2).minimize(loss)
draw = tf.multinomial(logits[:, -1], 1, seed=1)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for epoch in range(6):
        value, state = 0.0, (np.zeros((batch, size)), np.zeros((batch, size)))
        for i in range(0, streams.shape[1] - steps - 1, steps):
            feed = {x: streams[:, i : i + steps], y: streams[:, i + 1 : i + steps + 1], start: state}
            value, state, _ = session.run([loss, end, train], feed)
        print(f"epoch {epoch} loss {value:.3f}")
    letter, state, written = letters.index("t"), (np.zeros((1, size)), np.zeros((1, size))), "t"
    for _ in range(160):
        drawn, state = session.run([draw, end], {x: [[letter]], start: state})
        letter = drawn.item()
        written += letters[letter]
print(written)
