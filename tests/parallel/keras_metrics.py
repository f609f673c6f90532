"""Metrics of a program's own in Keras on several ranks: how what ranks have of them is made one."""

import numpy as np
from results import report

import headrace as tf

keras = tf.keras
rank, size = tf.cluster.rank(), tf.cluster.size()


class Largest(keras.metrics.Metric):
    """The largest target so far, which does not add up."""

    def __init__(self, aggregation=None):
        super().__init__(name="largest")
        self.most = self.add_weight((), aggregation=aggregation, name="most")

    def update_state(self, y_true, y_pred, sample_weight=None):
        return self.most.assign(tf.maximum(self.most, tf.reduce_max(y_true)))

    def result(self):
        return self.most


class Rows(keras.metrics.Metric):
    """How many rows there were, which adds up."""

    def __init__(self):
        super().__init__(name="rows")
        self.count = self.add_weight(name="count")

    def update_state(self, y_true, y_pred, sample_weight=None):
        self.count.assign_add(tf.cast(tf.shape(y_true)[0], tf.float32))

    def result(self):
        return self.count


def evaluated(metric):
    """The metric of one batch of 8 * size rows, of which each rank has 8."""
    model = keras.Sequential([keras.layers.Dense(1, input_shape=(3,))])
    model.compile("sgd", "mse", metrics=[metric])
    y = np.arange(8 * size, dtype=np.float32)[:, None]
    try:
        return model.evaluate(np.ones((8 * size, 3)), y, batch_size=8 * size, verbose=0)[1]
    except ValueError as error:
        return str(error)


ways = [None, "sum", "mean", tf.VariableAggregation.ONLY_FIRST_REPLICA]
with tf.cluster.alone():
    alone = evaluated(Largest())
report(found=[evaluated(Largest(way)) for way in ways], rows=evaluated(Rows()), alone=alone)
