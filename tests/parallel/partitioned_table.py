"""A table of a thousand million rows on all ranks but the last, which trains some of it and saves and restores it.

Arguments: the checkpoint to restore ("" for none), how many steps to take, the checkpoint to save.
"""

import resource
import sys

import numpy as np
from results import report

import headrace as tf

ROWS = 1_000_000_000
restored, steps, saved = sys.argv[1], int(sys.argv[2]), sys.argv[3]
servers = tf.cluster.size() - 1
cluster = tf.train.ClusterSpec({"ps": [f"ps{i}:2222" for i in range(servers)], "worker": ["worker0:2222"]})
server = tf.train.Server(cluster)


def memory():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if server.task[0] == "ps":
    server.join()
    report(memory=memory())
else:
    tf.set_random_seed(1)
    with tf.device(tf.train.replica_device_setter(cluster=cluster)):
        table = tf.get_variable("embedding", [ROWS, 20], partitioner=tf.fixed_size_partitioner(servers))
        ids = tf.placeholder(tf.int64, [None])
        rows = tf.nn.embedding_lookup(table, ids, partition_strategy="div")
        loss = tf.reduce_sum(tf.square(rows - 1.0))
        train = tf.train.AdagradOptimizer(0.5).minimize(loss)
    saver = tf.train.Saver(sharded=True)
    random = np.random.default_rng(0)
    batches = [random.integers(0, ROWS, 500) for _ in range(4)]
    with tf.Session(server.target) as sess:
        if restored:
            saver.restore(sess, restored)
        else:
            sess.run(tf.global_variables_initializer())
        losses = [float(sess.run([loss, train], {ids: batches[i % 4]})[0]) for i in range(steps)]
        some = sess.run(rows, {ids: np.concatenate([*batches, [0, ROWS - 1, ROWS // 2]])})
        path = saver.save(sess, saved)
    report(losses=losses, rows=some, path=path, memory=memory())
