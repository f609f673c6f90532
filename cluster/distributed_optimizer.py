"""Data parallelism for programs with a loop of their own: an optimizer whose gradients are those of all ranks, and a hook."""

from __future__ import annotations

from collections.abc import Iterable
from numbers import Integral
from typing import Any

import numpy as np

from ..engine.communicator import check_root, current
from ..engine.conversion import convert_to_tensor
from ..engine.graph import Operation, get_default_graph
from ..engine.ops.array import identity
from ..engine.ops.array_parts import zeros_like
from ..engine.ops.cond import cond
from ..engine.ops.control import group
from ..engine.tensor_types import IndexedSlices
from ..engine.training.data_parallel import Replication, are_of_all_ranks, averaged, wire_of
from ..engine.training.optimizer import GradientsAndVariables, Optimizer
from ..engine.training.session_run_hook import SessionRunHook
from ..engine.training.state_of_ranks import broadcast_state
from ..engine.variable_lists import global_variables
from ..engine.variables import Variable


class DistributedOptimizer(Optimizer):
    """An optimizer that steps by the mean of the gradients of all ranks, as Horovod's of this name.

    Every rank gives a batch of its own. In a process of its own it does what the optimizer does.

    Args:
        optimizer: a tf.train.Optimizer.
        name: by default "Distributed" and the optimizer's.
        use_locking: accepted.
        compression: "float16" or "bfloat16" for what float32 gradients are sent as.
        backward_passes_per_step: the gradients of so many runs are added up before a step is made; the variables and
            `global_step` change in every run of that number only.
        average_aggregated_gradients: divide their sum by that number.
        bucket_bytes: gradients leave together in pieces of about so many bytes.

    Raises:
        TypeError: the optimizer is none, or a number no integer.
        ValueError: compression is unknown, or a number is not positive.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        name: str | None = None,
        use_locking: bool = False,
        compression: Any = None,
        backward_passes_per_step: int = 1,
        average_aggregated_gradients: bool = False,
        bucket_bytes: int = 4 << 20,
    ) -> None:
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"optimizer must be a tf.train.Optimizer, got {optimizer!r}")
        super().__init__(use_locking, name or f"Distributed{optimizer.get_name()}")
        _check_count("backward_passes_per_step", backward_passes_per_step)
        _check_count("bucket_bytes", bucket_bytes)
        self._optimizer = optimizer
        self._passes = backward_passes_per_step
        self._averages = average_aggregated_gradients
        self._replication = Replication(wire_of(compression) or None, bucket_bytes)

    def compute_gradients(self, *args: Any, **kwargs: Any) -> GradientsAndVariables:
        """Pairs (gradient, variable); the gradients are means over ranks, unless several passes make a step."""
        pairs = self._optimizer.compute_gradients(*args, **kwargs)
        if self._passes > 1:
            return pairs
        return self._mean(pairs)

    def _mean(self, pairs: GradientsAndVariables) -> GradientsAndVariables:
        ranks, grads = current(), [g for g, _ in pairs]
        if ranks is None or are_of_all_ranks(grads):
            return pairs
        variables = [v for _, v in pairs]
        share = convert_to_tensor(np.float64(1 / ranks.size))
        return list(zip(averaged(grads, variables, self._replication, share), variables, strict=True))

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None, name: str | None = None
    ) -> Operation:
        """The optimizer's step with gradients; with several passes, in the last of them.

        Raises:
            ValueError: there is no gradient.
        """
        pairs = list(grads_and_vars)
        # Without gradients the optimizer says what is wrong.
        if self._passes == 1 or all(g is None for g, _ in pairs):
            return self._optimizer.apply_gradients(pairs, global_step, name)
        return self._in_passes([(g, v) for g, v in pairs if g is not None], global_step, name)

    def _in_passes(self, pairs: GradientsAndVariables, global_step: Any, name: str | None) -> Operation:
        graph, variables = get_default_graph(), [v for _, v in pairs]
        dense = [convert_to_tensor(g) if isinstance(g, IndexedSlices) else g for g, _ in pairs]
        with graph.name_scope(name or self._name):
            sums = [self._zeros_slot(v, "passes", self._name) for v in variables]
            number = self._create_non_slot_variable(np.int32(0), "pass", variables[0])
            self._optimizer._create_slots(variables)
            totals = [identity(s.value() + g) for s, g in zip(sums, dense, strict=True)]
            before = convert_to_tensor(number.value())

            def step() -> Any:
                given = [t / float(self._passes) for t in totals] if self._averages else totals
                reduced = self._mean(list(zip(given, variables, strict=True)))
                update = self._optimizer.apply_gradients(reduced, global_step)
                with get_default_graph().control_dependencies([update]):
                    empty = [_assigned(s, zeros_like(t)) for s, t in zip(sums, totals, strict=True)]
                    return _done(group(*empty, _assigned(number, zeros_like(before))))

            def collect() -> Any:
                kept = [_assigned(s, t) for s, t in zip(sums, totals, strict=True)]
                return _done(group(*kept, _assigned(number, before + 1)))

            done: Operation = cond(before + 1 >= self._passes, step, collect).op
        return done

    def get_slot(self, var: Any, name: str) -> Any:
        """The slot `name` of a variable, or None."""
        found = self._optimizer.get_slot(var, name)
        return super().get_slot(var, name) if found is None else found

    def get_slot_names(self) -> list[str]:
        """The names of the slots that the optimizer made."""
        return sorted({*self._optimizer.get_slot_names(), *super().get_slot_names()})

    def variables(self) -> list[Any]:
        """The optimizer's own variables in the current graph."""
        return [*self._optimizer.variables(), *super().variables()]


def _check_count(name: str, value: Any) -> None:
    if not isinstance(value, Integral) or isinstance(value, bool):
        raise TypeError(f"{name} must be an integer, got {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, got {value}")


def _assigned(variable: Variable, value: Any) -> Any:
    return getattr(variable.assign(value), "op", None)


def _done(op: Operation) -> Any:
    """A tensor for a branch of cond that is there once `op` has run."""
    with get_default_graph().control_dependencies([op]):
        return convert_to_tensor(np.int32(0)) + 0


class BroadcastGlobalVariablesHook(SessionRunHook):
    """Gives all ranks the values that the global variables have on one, once a session was made or restored.

    Args:
        root_rank: the rank.
        device: accepted.
    """

    def __init__(self, root_rank: int = 0, device: str = "") -> None:
        del device
        self._root = root_rank

    def after_create_session(self, session: Any, coord: Any) -> None:
        """Broadcasts."""
        broadcast_variables(session, None, self._root)


def broadcast_variables(session: Any, variables: Iterable[Any] | None = None, root_rank: int = 0) -> None:
    """Gives variables, the global ones by default, the values on all ranks that they have on one; at once.

    Raises:
        FailedPreconditionError: a variable has no value yet.
        ValueError: there is no rank `root_rank`.
    """
    ranks = current()
    check_root(root_rank, 1 if ranks is None else ranks.size)
    if ranks is None:
        return
    with session.graph.as_default():
        broadcast_state(ranks, session, global_variables() if variables is None else variables, root_rank)
