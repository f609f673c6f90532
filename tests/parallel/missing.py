"""Only the first rank asks for a collective operation; argument: whether the others have started MPI before."""

import sys
import time

import headrace as tf

if sys.argv[1] == "after":
    tf.cluster.barrier()
if tf.cluster.rank() == 0:
    tf.cluster.all_reduce([1.0])
time.sleep(60)
