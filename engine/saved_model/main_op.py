"""main_op: what a SavedModel runs when it is loaded, as TensorFlow 1.15's tf.saved_model.main_op."""

from __future__ import annotations

from typing import Any

from ..graph import Operation, get_default_graph
from ..lookup import tables_initializer
from ..ops.control import group
from ..variable_lists import global_variables_initializer, local_variables_initializer


def main_op() -> Operation:
    """An operation that initializes all variables and tables."""
    made: Operation = group(global_variables_initializer(), local_variables_initializer(), tables_initializer())
    return made


def main_op_with_restore(restore_op_name: Any) -> Operation:
    """An operation that initializes all variables and tables, and then runs a restore operation."""
    with get_default_graph().control_dependencies([main_op()]):
        restored = restore_op_name if isinstance(restore_op_name, Operation) else None
        if restored is None:
            restored = get_default_graph().get_operation_by_name(restore_op_name)
        made: Operation = group(restored)
        return made
