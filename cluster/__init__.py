"""Cluster specs, servers, MPI transport, replication, launching, failure handling.

`rank`, `size` and their like come from the launcher's environment: a single process never loads MPI.
"""

if __name__ != "headrace.cluster":
    raise ImportError(
        "this folder is the package headrace.cluster, not a package of its own: "
        "install headrace and import headrace.cluster"
    )

from ..engine.communicator import Communicator as _Communicator, provide as _provide
from ..engine.training.data_parallel import alone as alone
from .arrays import (
    ProcessSet as ProcessSet,
    all_gather as all_gather,
    all_reduce as all_reduce,
    broadcast as broadcast,
)
from .distributed_optimizer import (
    BroadcastGlobalVariablesHook as BroadcastGlobalVariablesHook,
    DistributedOptimizer as DistributedOptimizer,
    broadcast_variables as broadcast_variables,
)
from .ranks import (
    barrier as barrier,
    is_chief as is_chief,
    local_rank as local_rank,
    local_size as local_size,
    rank as rank,
    size as size,
)


def _communicator() -> _Communicator | None:
    # MPI is loaded by what is imported here, and only in a job of several processes.
    from .collectives.communicator import communicator

    return communicator()


_provide(_communicator)
