"""A worker whose input ends while the server has already sent it the variables, which are no small message."""

import sys

from results import report

import headrace as tf

same_task = sys.argv[1] == "same task"
cluster = tf.train.ClusterSpec({"ps": ["ps0:1"], "worker": ["worker0:1", "worker1:1"][: tf.cluster.size() - 1]})
job = "ps" if tf.cluster.rank() == 0 else "worker"
server = tf.train.Server(cluster, job, 0 if same_task else max(tf.cluster.rank() - 1, 0))
steps = 0
if job == "ps":
    server.join()
else:
    with tf.device(tf.train.replica_device_setter(cluster=cluster, worker_device="/job:worker/task:0")):
        x = tf.data.Dataset.from_tensor_slices(tf.ones([6, 784])).batch(2).make_one_shot_iterator().get_next()
        loss = tf.reduce_mean(tf.square(tf.matmul(x, tf.get_variable("w", [784, 500]))))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss, tf.train.get_or_create_global_step())
    with tf.train.MonitoredTrainingSession(server.target, is_chief=True) as session:
        while not session.should_stop():
            session.run(train)
            steps += 1
report(steps=steps)
