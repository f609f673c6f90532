"""The host computes what it needs of small whole numbers, and nothing else."""

import headrace as tf
from headrace.engine.rewriting.counters import keep_counters
from headrace.engine.rewriting.lower import lower


def marked(fetches, feeds, turns=None):
    flow = lower(fetches[0].graph, fetches, [], feeds)
    flow.of_function = turns is not None
    flow.turns = turns or {}
    keep_counters(flow)
    return {node.name for node in flow.nodes if node.at_home}


def test_what_lists_and_branches_are_chosen_by_is_the_hosts():
    with tf.Graph().as_default():
        i, x = tf.placeholder(tf.int32, []), tf.placeholder(tf.float32, [3])
        after = tf.add(i, 1, "after")
        read = tf.TensorArray(tf.float32, 3).unstack(x).read(after)
        chosen = tf.cond(tf.logical_not(tf.equal(i, 2, "equal"), "not"), lambda: x, lambda: x * 2.0)
        scaled = x * tf.cast(tf.multiply(i, 3, "alone"), tf.float32)
        assert marked([read, chosen, scaled], [i, x]) == {"after", "equal", "not"}


def test_what_a_device_gives_a_loop_is_not_the_hosts():
    with tf.Graph().as_default():
        i, best, x = tf.placeholder(tf.int32, []), tf.placeholder(tf.int64, []), tf.placeholder(tf.float32, [3])
        after, found = tf.add(i, 1, "after"), tf.argmax(x, name="found")
        other = tf.add(best, 1, "other")
        assert marked([after, found, other], [i, best, x], {i: 0, best: 1}) == {"after"}
        assert marked([after, found, other], [i, best, x], {i: 0, best: 2}) == {"after", "other"}
