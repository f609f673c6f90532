"""headrace: machine learning with estimators over a dataflow graph; TensorFlow 1's names."""

__version__ = "0.1.0"
