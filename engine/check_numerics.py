"""add_check_numerics_ops: a check of everything in a graph at once."""

from __future__ import annotations

from .graph import Operation, get_default_graph
from .ops.control import group
from .ops.guards import check_numerics


def add_check_numerics_ops() -> Operation:
    """An operation that fails where any floating tensor of the default graph, as it is now, has a NaN or Inf.

    As TensorFlow 1.15's: run it with the step; the error names the tensor. Tensors that the step does not need are
    computed too, so that everything they need must be fed. Branches and loop bodies are not looked into.

    Raises (when run):
        InvalidArgumentError: some tensor has a NaN or an infinity.
    """
    graph = get_default_graph()
    checks: list[Operation] = []
    for operation in graph.get_operations():
        for output in operation.outputs:
            if output.dtype.is_floating and not output.dtype._is_ref_dtype:
                with graph.control_dependencies(checks[-1:]):
                    checks.append(check_numerics(output, f"{operation.name}:{output.value_index}").op)
    return group(*checks)
