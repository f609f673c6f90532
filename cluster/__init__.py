"""Cluster specs, servers, MPI transport, replication, launching, failure handling."""

if __name__ != "headrace.cluster":
    raise ImportError(
        "this folder is the package headrace.cluster, not a package of its own: "
        "install headrace and import headrace.cluster"
    )
