"""Graph, ops, gradients, rewriting, planning, kernels, session, variables, training loop."""

if __name__ != "headrace.engine":
    raise ImportError(
        "this folder is the package headrace.engine, not a package of its own: "
        "install headrace and import headrace.engine"
    )
