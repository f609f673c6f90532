"""Ranks that do not do the same, in the way that the first argument names."""

import sys
import time
from contextlib import nullcontext

import numpy as np

import headrace as tf
from headrace.cluster.collectives.settings import Settings
from headrace.engine.communicator import current

how = sys.argv[1]
odd = tf.cluster.rank() == 1
if how == "graph":
    shapes = [[3, 4]] * 9 + [[3, 5 if odd else 4]]
    weights = [tf.get_variable(f"w{i}", shape) for i, shape in enumerate(shapes)]
    loss = tf.add_n([tf.reduce_sum(tf.square(w)) for w in weights])
    step = tf.cluster.DistributedOptimizer(tf.train.GradientDescentOptimizer(0.1)).minimize(loss)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step)
ranks = current()
ranks.all_reduce("fine", np.ones(3))
if how == "shape":
    ranks.all_reduce("weights", np.ones((2, 3 if odd else 4)))
elif how == "name":
    ranks.all_reduce("left" if odd else "right", np.ones(3))
elif how == "dtype":
    ranks.all_reduce("weights", np.ones(3, "int32" if odd else "float32"))
elif how == "order":
    for name in ("b", "a") if odd else ("a", "b"):
        ranks.all_reduce(name, np.ones(3))
elif how == "extra":
    for _ in range(3 if odd else 4):
        ranks.all_reduce("gradients of w", np.ones(3))
elif how == "busy":
    # From here on: how long the ranks take to start does not count.
    ranks.group._shared._settings = Settings(stall_warning=2.0, stall_timeout=2.5)
    with tf.cluster.alone() if odd else nullcontext():
        tf.cluster.barrier()
        if odd:
            time.sleep(4)
    ranks.all_reduce("gradients of w", np.ones(3))
elif how == "stall":
    if odd:
        time.sleep(60)
    ranks.all_reduce("gradients of w", np.ones(3))
