"""The tutorial's network learns, under the names that programs import."""

import numpy as np

import headrace as tf


def test_the_tutorials_network_learns():
    mnist = tf.examples.tutorials.mnist.mnist
    rng = np.random.default_rng(0)
    labels_in = rng.integers(0, 10, 200)
    images_in = rng.random((200, mnist.IMAGE_PIXELS)).astype(np.float32) * 0.1
    images_in[np.arange(200), labels_in * 7] = 3
    with tf.Graph().as_default(), tf.Session() as sess:
        tf.set_random_seed(1)
        images, labels = tf.placeholder(tf.float32, [None, mnist.IMAGE_PIXELS]), tf.placeholder(tf.int32, [None])
        logits = mnist.inference(images, 32, 16)
        loss = mnist.loss(logits, labels)
        train, right = mnist.training(loss, 0.1), mnist.evaluation(logits, labels)
        sess.run(tf.global_variables_initializer())
        feed = {images: images_in, labels: labels_in}
        for _ in range(300):
            sess.run(train, feed)
        assert sess.run(right, feed) > 180
