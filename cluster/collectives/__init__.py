"""Collective operations on arrays: shared memory inside a host, MPI between hosts, one thread that performs them in order."""
