"""What TensorFlow 1 tutorials import."""
