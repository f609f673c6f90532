"""What programs ask for TensorFlow's version."""

import headrace as tf


def test_versions_are_of_the_tensorflow_that_is_spoken():
    assert tf.VERSION == tf.version.VERSION
    assert tf.VERSION.split(".")[:2] == ["1", "15"]
    assert f"v{tf.VERSION}" == tf.GIT_VERSION == tf.version.GIT_VERSION
    made = tf.Graph().as_graph_def().versions
    assert (made.producer, made.min_consumer) == (tf.GRAPH_DEF_VERSION, tf.GRAPH_DEF_VERSION_MIN_CONSUMER)
    assert tf.__version__ != tf.VERSION
