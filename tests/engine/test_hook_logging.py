"""What hooks log is seen where tf.logging's verbosity lets it through."""

import subprocess
import sys

_PROGRAM = """
import headrace as tf
tf.logging.set_verbosity(tf.logging.INFO)
loss = tf.constant(2.0)
hook = tf.train.LoggingTensorHook({"loss": loss}, at_end=True)
hook.begin()
with tf.Session() as session:
    hook.end(session)
"""


def test_hooks_log_at_the_verbosity_that_is_set():
    done = subprocess.run([sys.executable, "-c", _PROGRAM], capture_output=True, text=True, check=True)
    assert "loss = 2.0" in done.stderr
