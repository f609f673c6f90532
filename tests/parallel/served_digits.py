"""An estimator of digits whose variables are on a parameter server: by `fit` or by `train_and_evaluate`.

Arguments: the model's folder, how it is trained ("fit", "strategy", "train_and_evaluate", "with evaluator"), how many
parameter servers there are, and which rank gets SIGTERM once there is a checkpoint of some steps.
"""

import json
import os
import signal
import sys
import threading
import time
from pathlib import Path

from results import report

import headrace as tf

folder, way, servers = sys.argv[1], sys.argv[2], int(sys.argv[3])
asked = int(sys.argv[4]) if len(sys.argv) > 4 else None
rank, size = tf.cluster.rank(), tf.cluster.size()
evaluators = way == "with evaluator"
workers = size - servers - evaluators
names = [f"rank{k}" for k in range(size)]
cluster = {"chief": names[:1], "worker": names[1:workers], "ps": names[workers : workers + servers]}
tasks = [(job, index) for job, addresses in cluster.items() for index in range(len(addresses))]
job, index = tasks[rank] if rank < len(tasks) else ("evaluator", 0)
if way != "strategy":
    os.environ["TF_CONFIG"] = json.dumps({"cluster": cluster, "task": {"type": job, "index": index}})
config = tf.estimator.RunConfig(
    tf_random_seed=1,
    save_checkpoints_steps=100,
    save_summary_steps=50,
    strategy="parameter_server" if way == "strategy" else None,
)
x_train, x_test, y_train, y_test = tf.datasets.digits.load_split()
begins, seen = [], []
beside = Path(folder or ".")


def ask():
    """Sends SIGTERM to this process once the training is under way."""
    while not list(Path(folder).glob("model.ckpt-1*.index")):
        time.sleep(0.02)
    os.kill(os.getpid(), signal.SIGTERM)


if asked == rank:
    threading.Thread(target=ask, daemon=True).start()


class Watch(tf.train.SessionRunHook):
    """Notes what this worker sees."""

    def after_create_session(self, session, coord):
        self.session, graph = session, tf.get_default_graph()
        begins.append({v.op.name: v.device for v in graph.get_collection(tf.GraphKeys.GLOBAL_VARIABLES)})
        # No worker is through before another one has begun.
        beside.with_name(f"began{rank}").touch()
        while len(list(beside.parent.glob("began*"))) < workers:
            time.sleep(0.01)

    def end(self, session):
        beside.with_name(f"steps{rank}").write_text(str(len(seen)))

    def after_run(self, run_context, run_values):
        seen.append(time.time())
        if asked is None and len(seen) == 30:
            beside.with_name(f"far{rank}").touch()
        # However busy the machine is, the others get so far too.
        while asked is None and len(seen) == 250 and len(list(beside.parent.glob("far*"))) < workers:
            time.sleep(0.01)


def batches():
    data = tf.data.Dataset.from_tensor_slices(({"x": x_train}, y_train))
    return data.shuffle(1000).repeat().batch(32)


def examples():
    return tf.data.Dataset.from_tensor_slices(({"x": x_test}, y_test)).batch(100)


def model(**more):
    columns = [tf.feature_column.numeric_column("x", shape=[x_train.shape[1]])]
    optimizer = tf.train.AdagradOptimizer(0.1)
    return tf.estimators.DNNClassifier(
        hidden_units=[64], feature_columns=columns, n_classes=10, optimizer=optimizer, config=config, **more
    )


def report_of(found, value):
    report(
        role=[config.task_type, config.task_id],
        accuracy=float(value["accuracy"]),
        step=int(value["global_step"]),
        devices=begins[0] if begins else {},
        steps=len(seen),
        last=max(seen, default=0.0),
        newest=found.latest_checkpoint(),
    )


if way in ("fit", "strategy"):
    found = tf.estimators.DNNClassifier(hidden_units=[64], optimizer="Adagrad", model_dir=folder or None, config=config)
    if config.task_type == "ps":
        report(role=["ps", config.task_id])
    found.fit(x_train, y_train, epochs=15, verbose=0)
    report_of(found, found.evaluate(x_test, y_test))
else:
    found = model(model_dir=folder)
    if config.task_type == "ps":
        report(role=["ps", config.task_id])
    result = tf.estimator.train_and_evaluate(
        found,
        tf.estimator.TrainSpec(batches, max_steps=600 if asked is None else 100_000, hooks=[Watch()]),
        tf.estimator.EvalSpec(examples, steps=None, start_delay_secs=0, throttle_secs=0),
    )
    report_of(found, result[0] if result[0] is not None else found.evaluate(examples))
