"""What TensorFlow 1 tutorials import."""

from . import mnist as mnist
