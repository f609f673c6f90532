"""Ranks 2 and 3 come to a barrier late; argument: how long the others wait for them at most."""

import io
import logging
import sys
import time

from results import report

import headrace as tf
from headrace.cluster import barriers

barriers.TELL_SECONDS, barriers.LATE_SECONDS = 0.1, 0.3
log = io.StringIO()
logging.getLogger("absl").addHandler(logging.StreamHandler(log))
for _ in range(2):
    tf.cluster.barrier()
if tf.cluster.rank() == 1:
    # The chief's time is over first, so that it is the one who speaks.
    time.sleep(0.2)
if tf.cluster.rank() > 1:
    time.sleep(1)
tf.cluster.barrier("save", float(sys.argv[1]))
tf.cluster.barrier()
report(log=log.getvalue())
