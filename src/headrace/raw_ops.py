"""`tf.raw_ops`: every op by its type name, taking keyword arguments by TensorFlow's names."""
