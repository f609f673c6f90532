"""Recurrent networks with one variable for all their weights, in cuDNN's order: `tf.contrib.cudnn_rnn` of TensorFlow 1.15."""
