"""Skip-gram word vectors of a made corpus: words that stand among the same words come to lie together."""

import numpy as np

import headrace as tf

text = tf.datasets.made_language.make_corpus(1500).split()
words = sorted(set(text))
ids = np.array([words.index(word) for word in text])
pairs = np.array([(ids[i], ids[i + d]) for i in range(2, len(ids) - 2) for d in (-2, -1, 1, 2)])

tf.set_random_seed(1)
center = tf.placeholder(tf.int64, [None])
context = tf.placeholder(tf.int64, [None, 1])
vectors = tf.get_variable("vectors", [len(words), 16], initializer=tf.random_uniform_initializer(-0.5, 0.5))
weights = tf.get_variable("weights", [len(words), 16], initializer=tf.truncated_normal_initializer(stddev=0.25))
biases = tf.get_variable("biases", [len(words)], initializer=tf.zeros_initializer())
embedded = tf.nn.embedding_lookup(vectors, center)
loss = tf.reduce_mean(tf.nn.nce_loss(weights, biases, context, embedded, num_sampled=8, num_classes=len(words)))
train = tf.train.AdamOptimizer(0.01).minimize(loss)
normal = tf.nn.l2_normalize(vectors, axis=1)
alike = tf.matmul(normal, normal, transpose_b=True)

with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    random = np.random.default_rng(0)
    for step in range(2001):
        batch = pairs[random.integers(0, len(pairs), 128)]
        value, _ = session.run([loss, train], {center: batch[:, 0], context: batch[:, 1:]})
        if step % 500 == 0:
            print(f"step {step} loss {value:.3f}")
    nearness = session.run(alike)
for word in ("dog", "soup", "train", "queen"):
    nearest = np.argsort(-nearness[words.index(word)])[1:4]
    print(f"{word}: {', '.join(words[i] for i in nearest)}")
