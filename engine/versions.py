"""`tf.VERSION` and `tf.version`: which TensorFlow's programs are understood. headrace's own is `headrace.__version__`."""

from __future__ import annotations

from .graph_def import PRODUCER

# Programs ask these which names they may use: those of TensorFlow 1.15.
VERSION = "1.15.5"
GIT_VERSION = f"v{VERSION}"
GRAPH_DEF_VERSION = PRODUCER
GRAPH_DEF_VERSION_MIN_CONSUMER = 0
GRAPH_DEF_VERSION_MIN_PRODUCER = 0
