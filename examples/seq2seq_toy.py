"""A toy English translated into a toy French, adjectives behind their nouns: encoder, attention, greedy decoder."""

import itertools

import numpy as np

import headrace as tf

french = {"the": "le", "a": "un", "big": "grand", "red": "rouge", "cat": "chat", "dog": "chien", "sees": "voit"}
phrases = [[a, *j, n] for a in ("the", "a") for j in ([], ["big"], ["red"]) for n in ("cat", "dog")]
behind = [[p[0], p[-1], *p[1:-1]] for p in phrases]
english = [[*s, "sees", *o] for s, o in itertools.product(phrases, phrases)]
translated = [[french[w] for w in (*s, "sees", *o)] for s, o in itertools.product(behind, behind)]
words = ["<end>", "<go>", *french, *french.values()]
english, translated = ([[words.index(w) for w in [*s, "<end>"]] for s in text] for text in (english, translated))
source, target = (np.array([s + [0] * (8 - len(s)) for s in text]) for text in (english, translated))
order = np.random.RandomState(0).permutation(len(source))
tf.set_random_seed(1)
x, y = tf.placeholder(tf.int32, [None, 8]), tf.placeholder(tf.int32, [None, 8])
rows, start, layer = tf.shape(x)[0], tf.fill([tf.shape(x)[0]], 1), tf.layers.Dense(len(words))
table = tf.get_variable("embedding", [len(words), 16])
memory, last = tf.nn.dynamic_rnn(tf.nn.rnn_cell.GRUCell(32), tf.nn.embedding_lookup(table, x), dtype=tf.float32)
attention = tf.contrib.seq2seq.LuongAttention(32, memory)
cell = tf.contrib.seq2seq.AttentionWrapper(tf.nn.rnn_cell.GRUCell(32), attention, 32, initial_cell_state=last)
given = tf.nn.embedding_lookup(table, tf.concat([start[:, None], y[:, :-1]], 1))
helpers = [tf.contrib.seq2seq.TrainingHelper(given, tf.fill([rows], 8))]
helpers += [tf.contrib.seq2seq.GreedyEmbeddingHelper(table, start, -1)]
decoders = [tf.contrib.seq2seq.BasicDecoder(cell, h, cell.zero_state(rows, tf.float32), layer) for h in helpers]
taught, made = (tf.contrib.seq2seq.dynamic_decode(d, maximum_iterations=8, scope="decoder")[0] for d in decoders)
step = tf.train.AdamOptimizer(0.01).minimize(tf.losses.sparse_softmax_cross_entropy(y, taught.rnn_output))
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    for number in range(300):
        batch = order[number % 4 * 30 :][:30]
        session.run(step, {x: source[batch], y: target[batch]})
    results = session.run(made.sample_id, {x: source[order[120:]]})
print("accuracy", np.mean(np.all(results == target[order[120:]], 1)))
