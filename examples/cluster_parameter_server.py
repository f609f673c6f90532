"""A parameter server and workers that train as fast as each can: mpirun -n 3 python examples/cluster_parameter_server.py"""

import numpy as np

import headrace as tf

rank, workers = tf.cluster.rank(), tf.cluster.size() - 1
cluster = tf.train.ClusterSpec({"ps": ["ps:1"], "worker": [f"worker{i}:1" for i in range(workers)]})
server = tf.train.Server(cluster)  # By rank: the server first.
if rank == 0:
    server.join()  # Until all workers have ended.
    raise SystemExit

worker = rank - 1
x_train, x_test, y_train, y_test = tf.datasets.digits.load_split()
x_own, y_own = x_train[worker::workers], y_train[worker::workers]
with tf.device(tf.train.replica_device_setter(cluster=cluster, worker_device=f"/job:worker/task:{worker}")):
    x, y = tf.placeholder(tf.float32, [None, x_own.shape[1]], name="x"), tf.placeholder(tf.int64, [None], name="y")
    logits = tf.layers.dense(tf.layers.dense(x, 128, tf.nn.relu, name="hidden"), 10, name="logits")
    loss = tf.losses.sparse_softmax_cross_entropy(y, logits)
    step = tf.train.get_or_create_global_step()
    train = tf.train.AdagradOptimizer(0.1).minimize(loss, step)

rng = np.random.default_rng(worker)
with tf.train.MonitoredTrainingSession(server.target, is_chief=worker == 0) as sess:
    for _ in range(400):
        rows = rng.integers(0, len(x_own), 32)
        sess.run(train, {x: x_own[rows], y: y_own[rows]})
    if worker == 0:
        found = sess.run(logits, {x: x_test}).argmax(1)
        print("step", sess.run(step), "of all workers: accuracy", np.mean(found == y_test))
