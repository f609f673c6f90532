"""Training with parameter servers; arguments: a folder, and what goes wrong as "job:step:way"."""

import os
import signal
import sys
import threading
import time
from pathlib import Path

import numpy as np
from results import report

import headrace as tf

place, trouble = Path(sys.argv[1]), sys.argv[2]
who, when, way = trouble.split(":") if trouble else ("", "-1", "")
STEPS = 30
config = tf.estimator.RunConfig()
server = tf.train.Server(config.cluster_spec, config.task_type, config.task_id)
first = os.environ["HEADRACE_ATTEMPT"] == "0"


def fail():
    os.kill(os.getpid(), {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM}[way])


def fail_later():
    """A server fails when the chief has said that it is time."""
    while not (place / "now").exists():
        time.sleep(0.005)
    fail()


if config.task_type == "ps":
    if who in ("ps", "all") and first:
        threading.Thread(target=fail_later, daemon=True).start()
    server.join()
    report(attempt=int(os.environ["HEADRACE_ATTEMPT"]))
    sys.exit()

rng = np.random.default_rng(0)
worker = f"/job:{config.task_type}/task:{config.task_id}"
with tf.device(tf.train.replica_device_setter(worker_device=worker, cluster=config.cluster_spec)):
    x = tf.placeholder(tf.float32, [8, 4])
    weights = tf.get_variable("weights", [4, 1], initializer=tf.ones_initializer())
    step = tf.train.get_or_create_global_step()
    loss = tf.reduce_mean(tf.square(tf.matmul(x, weights) - tf.reduce_sum(x, 1, keepdims=True) * 2.0))
    update = tf.train.AdagradOptimizer(0.1).minimize(loss, global_step=step)
    with tf.control_dependencies([update]):
        trained = tf.identity(step.read_value())
data = rng.normal(size=(STEPS, 8, 4)).astype(np.float32)
hooks = [tf.train.StopAtStepHook(last_step=STEPS)]
saving = {"save_checkpoint_steps": 6, "checkpoint_dir": str(place)}
with tf.train.MonitoredTrainingSession(server.target, config.is_chief, hooks=hooks, **saving) as session:
    number = session.run(step)
    while not session.should_stop():
        number = session.run(trained, {x: data[number]})
        if number == int(when) and first:
            (place / "now").touch()
            if who in (config.task_type, "all"):
                fail()
            if who == "ps":
                # The server has its time to fail before the next step.
                time.sleep(0.5)
with tf.Session(server.target) as session:
    values = session.run(weights)
report(weights=values, attempt=int(os.environ["HEADRACE_ATTEMPT"]))
