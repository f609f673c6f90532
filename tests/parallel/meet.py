"""Every rank says who it is; what it starts is no rank."""

import subprocess
import sys

from results import report

import headrace as tf
from headrace.cluster.world import world

cluster = tf.cluster
joined = world()
cluster.barrier()
total = joined.collectives.allreduce(cluster.rank()) if joined.size > 1 else 0
child = "import headrace, sys; c = headrace.cluster; print(c.rank(), c.size(), 'mpi4py' in sys.modules)"
said = subprocess.run([sys.executable, "-c", child], capture_output=True, text=True, check=True).stdout.strip()
order = []


def last():
    """Runs when the program ends: the one added first comes last."""
    order.append("first")
    report(
        rank=cluster.rank(),
        size=cluster.size(),
        local_rank=cluster.local_rank(),
        local_size=cluster.local_size(),
        chief=cluster.is_chief(),
        sum=total,
        loaded="mpi4py.MPI" in sys.modules,
        child=said,
        finalized=order,
    )


joined.finalizers.append(last)
joined.finalizers.append(lambda: order.append("second"))
