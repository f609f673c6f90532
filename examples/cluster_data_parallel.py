"""A loop of one's own on several processes: `mpirun -n 4 python examples/cluster_data_parallel.py` trains one model."""

import numpy as np

import headrace as tf

rank, size = tf.cluster.rank(), tf.cluster.size()
x_train, x_test, y_train, y_test = tf.datasets.digits.load_split()

images = tf.placeholder(tf.float32, [None, x_train.shape[1]])
labels = tf.placeholder(tf.int64, [None])
hidden = tf.layers.dense(images, 64, tf.nn.relu)
logits = tf.layers.dense(hidden, 10)
loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
correct = tf.reduce_sum(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))

# The gradients are means over all ranks, each of which has a batch of its own.
optimizer = tf.cluster.DistributedOptimizer(tf.train.AdamOptimizer(0.003))
train = optimizer.minimize(loss, tf.train.get_or_create_global_step())

with tf.train.MonitoredSession(hooks=[tf.cluster.BroadcastGlobalVariablesHook(0)]) as session:
    for epoch in range(10):
        # One order on all ranks, of which each takes its part: every example comes once an epoch.
        order = np.random.default_rng(epoch).permutation(len(x_train))
        for batch in np.array_split(order, len(x_train) // 64):
            own = np.array_split(batch, size)[rank]
            session.run(train, {images: x_train[own], labels: y_train[own]})
    mine = slice(rank, None, size)
    right = session.run(correct, {images: x_test[mine], labels: y_test[mine]})
    total = tf.cluster.all_reduce(right, "right answers")
    if tf.cluster.is_chief():
        print(f"accuracy {total / len(x_test):.3f} on {size} process{'es' if size > 1 else ''}")
