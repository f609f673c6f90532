"""Keras: layers by Keras 3's names and defaults over graphs and sessions, as TensorFlow 1.15's `tf.keras`."""

__version__ = "3.0.0"
