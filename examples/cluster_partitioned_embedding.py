"""A table of 1,000,000,000 rows of 20 over three servers: mpirun -n 4 python examples/cluster_partitioned_embedding.py"""

import numpy as np

import headrace as tf

SERVERS, ROWS = tf.cluster.size() - 1, 1_000_000_000
cluster = tf.train.ClusterSpec({"ps": [f"ps{i}:1" for i in range(SERVERS)], "worker": ["worker0:1"]})
server = tf.train.Server(cluster)
if tf.cluster.rank() < SERVERS:
    server.join()
    raise SystemExit

with tf.device(tf.train.replica_device_setter(cluster=cluster)):
    # 80 GB, of which the servers keep the rows that are trained: a row comes into being when it is first changed.
    table = tf.get_variable("users", [ROWS, 20], partitioner=tf.fixed_size_partitioner(SERVERS))
    users, likes = tf.placeholder(tf.int64, [None], name="users"), tf.placeholder(tf.float32, [None], name="likes")
    rows = tf.nn.embedding_lookup(table, users, partition_strategy="div")
    logits = tf.squeeze(tf.layers.dense(rows, 1, name="taste"), 1)
    loss = tf.losses.sigmoid_cross_entropy(likes, logits)
    train = tf.train.AdagradOptimizer(0.5).minimize(loss)

rng = np.random.default_rng(0)
known = rng.integers(0, ROWS, 2000)
opinions = rng.integers(0, 2, 2000).astype(np.float32)
with tf.Session(server.target) as sess:
    sess.run(tf.global_variables_initializer())
    for start in range(0, 20_000, 100):
        batch = slice(start % 2000, start % 2000 + 100)
        sess.run(train, {users: known[batch], likes: opinions[batch]})
    found = sess.run(logits, {users: known}) > 0
    print("parts", *[part.shape[0] for part in table], "on", SERVERS, "servers: accuracy", np.mean(found == opinions))
