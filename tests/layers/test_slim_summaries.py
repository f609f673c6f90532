"""tf.contrib.slim.summaries: tags, the collection, values that are printed."""

import numpy as np

import headrace as tf

slim = tf.contrib.slim.summaries


def test_tags_and_values(capfd):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant([[0.0, 2.0], [0.0, 4.0]], name="x")
        loss = tf.reduce_sum(x, name="loss")
        slim.add_scalar_summary(loss, print_summary=True)
        slim.add_scalar_summaries([loss], prefix="all")
        slim.add_histogram_summary(x, "weights", "net")
        slim.add_histogram_summaries([x])
        slim.add_zero_fraction_summary(x)
        slim.add_zero_fraction_summaries([x], "net")
        slim.add_image_summary(tf.reshape(x, [1, 2, 2, 1]), "picture")
        slim.add_image_summaries([tf.reshape(x, [1, 2, 2, 1], name="y")], "net")
        found = {v.tag: v for v in tf.Summary.FromString(session.run(tf.summary.merge_all())).value}
    # A summary is a node too: where there is one of its name, it has a number, as in TensorFlow 1.15.
    assert list(found) == [
        "loss_1", "all/loss", "net/weights", "x_1", "x/fraction_of_zero_values", "net/x/fraction_of_zero_values",
        "picture/image/0", "net/y/image/0",
    ]  # fmt: skip
    assert found["loss_1"].simple_value == 6 and found["x/fraction_of_zero_values"].simple_value == np.float32(0.5)
    assert "loss[6]" in capfd.readouterr().err
