"""Handwritten digits by a small convolutional network: a model function for tf.estimator, layers from tf.layers."""

import headrace as tf

x_train, x_test, y_train, y_test = tf.datasets.digits.load_split()


def model(features, labels, mode):
    images = tf.reshape(features["x"], [-1, 8, 8, 1])
    net = tf.layers.conv2d(images, 16, 3, padding="same", activation=tf.nn.relu)
    net = tf.layers.max_pooling2d(net, 2, 2)
    net = tf.layers.conv2d(net, 32, 3, padding="same", activation=tf.nn.relu)
    net = tf.layers.flatten(tf.layers.max_pooling2d(net, 2, 2))
    net = tf.layers.dense(net, 64, tf.nn.relu)
    net = tf.layers.dropout(net, 0.4, training=mode == tf.estimator.ModeKeys.TRAIN)
    logits = tf.layers.dense(net, 10)
    classes = tf.argmax(logits, axis=1)
    if mode == tf.estimator.ModeKeys.PREDICT:
        return tf.estimator.EstimatorSpec(mode, predictions={"class": classes, "logits": logits})
    loss = tf.losses.sparse_softmax_cross_entropy(labels, logits)
    if mode == tf.estimator.ModeKeys.EVAL:
        return tf.estimator.EstimatorSpec(
            mode, loss=loss, eval_metric_ops={"accuracy": tf.metrics.accuracy(labels, classes)}
        )
    train = tf.train.AdamOptimizer(2e-3).minimize(loss, tf.train.get_global_step())
    return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)


numpy_input_fn = tf.estimator.inputs.numpy_input_fn
estimator = tf.estimator.Estimator(model, "runs/digits_cnn")
estimator.train(numpy_input_fn({"x": x_train}, y_train, batch_size=64, num_epochs=12, shuffle=True))
print("accuracy", estimator.evaluate(numpy_input_fn({"x": x_test}, y_test, shuffle=False))["accuracy"])
