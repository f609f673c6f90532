"""SavedModel: graphs with signatures and a checkpoint in a folder, as TensorFlow 1.15's tf.saved_model."""
