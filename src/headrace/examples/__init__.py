"""Modules that programs of TensorFlow 1 import from its examples."""
