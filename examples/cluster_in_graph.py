"""One graph over two processes, a layer and its weights on each: mpirun -n 2 python examples/cluster_in_graph.py"""

import numpy as np

import headrace as tf

server = tf.train.Server({"worker": ["worker0:1", "worker1:1"]})
if tf.cluster.rank() > 0:
    server.join()  # It runs its part of each step.
    raise SystemExit

x_train, x_test, y_train, y_test = tf.datasets.digits.load_split()
x, y = tf.placeholder(tf.float32, [None, x_train.shape[1]], name="x"), tf.placeholder(tf.int64, [None], name="y")
with tf.device("/job:worker/task:0"):
    hidden = tf.layers.dense(x, 256, tf.nn.relu, name="hidden")
with tf.device("/job:worker/task:1"):
    logits = tf.layers.dense(hidden, 10, name="logits")
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
# A gradient is computed where its operation is, and applied where its variable is.
train = tf.train.AdagradOptimizer(0.1).minimize(loss, colocate_gradients_with_ops=True)

rng = np.random.default_rng(0)
with tf.Session(server.target) as sess:
    sess.run(tf.global_variables_initializer())
    for _ in range(500):
        rows = rng.integers(0, len(x_train), 64)
        sess.run(train, {x: x_train[rows], y: y_train[rows]})
    found = sess.run(logits, {x: x_test}).argmax(1)
    print({v.op.name: v.device for v in tf.trainable_variables()}, "accuracy", np.mean(found == y_test))
