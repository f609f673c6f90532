"""headrace: machine learning with estimators, on a dataflow graph of its own; TensorFlow 1's names."""

__version__ = "0.1.0"
