"""Whether a train_op counts steps: one that does not would train for ever where a number of steps is asked for."""

from __future__ import annotations

from typing import Any

from ..engine.graph import Operation, Tensor

# Operations on the global step that leave it as it is.
_READS = {"Identity", "ReadVariableOp", "IsVariableInitialized", "VarIsInitializedOp"}
# Runs after which a step that nothing raises is reported: a hook might raise it.
_RUNS = 10


def may_raise(train_op: Any, step: Any) -> bool:
    """Whether an operation that `train_op` needs takes the global step for more than reading it."""
    seen: set[Operation] = set()
    waiting = [train_op.op if isinstance(train_op, Tensor) else train_op]
    while waiting:
        op = waiting.pop()
        if op in seen or not isinstance(op, Operation):
            continue
        seen.add(op)
        if op.type not in _READS and any(tensor.op is step.op for tensor in op.inputs):
            return True
        waiting += [tensor.op for tensor in op.inputs]
        waiting += list(op.control_inputs)
    return False


class StepCheck:
    """Watches whether the global step moves, where nothing in the train_op would move it.

    Args:
        train_op: what a step runs.
        step: the global step.
    """

    def __init__(self, train_op: Any, step: Any) -> None:
        self._step = step
        self._left = 0 if may_raise(train_op, step) else _RUNS
        self._start: int | None = None

    def after(self, session: Any) -> None:
        """Called after each run.

        Raises:
            RuntimeError: the global step did not move.
        """
        if not self._left:
            return
        value = int(session.run(self._step))
        if self._start is None:
            self._start = value
        self._left = 0 if value != self._start else self._left - 1
        if value == self._start and not self._left:
            raise RuntimeError(
                f"The train_op was run {_RUNS} times and the global step is still {value}: training would never reach "
                "`steps` or `max_steps`. Give the step to the optimizer: "
                "minimize(loss, global_step=tf.train.get_global_step())"
            )
