"""SyncReplicasOptimizer: gradients of several workers are averaged on the parameter servers before they are applied."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import AbstractContextManager
from typing import Any

from ..data_flow import FIFOQueue
from ..dtypes import int32
from ..graph import Operation, Tensor, get_default_graph
from ..ops.accumulators import ConditionalAccumulator, SparseConditionalAccumulator
from ..ops.array import fill
from ..ops.control import group, no_op
from ..scopes import GraphKeys
from ..tensor_types import IndexedSlices
from ..variable_lists import global_variables, report_uninitialized_variables
from ..variables import Variable
from .optimizer import GradientsAndVariables, Optimizer
from .queue_runner import QueueRunner
from .session_run_hook import SessionRunHook

_NAME = "sync_replicas"


class SyncReplicasOptimizer(Optimizer):
    """Averages the gradients of several replicas and applies the average once, as TensorFlow 1.15's.

    Every replica adds its gradients to accumulators that stand with the variables, and then waits for a token. The
    chief, in a thread of its own, takes the average as soon as `replicas_to_aggregate` gradients have come, applies it,
    raises the global step and puts `total_num_replicas` tokens into a queue. Gradients that were computed from variables
    older than the newest are dropped: with more replicas than are aggregated, the slow ones are backups (Chen et al.
    2016, "Revisiting distributed synchronous SGD").

    Args:
        opt: applies the averages.
        replicas_to_aggregate: how many gradients make a step.
        total_num_replicas: how many replicas there are; `replicas_to_aggregate` if None.
        variable_averages: an ExponentialMovingAverage that is updated after each step.
        variables_to_average: of these variables.
        use_locking: of the operations that apply.
        name: prefix of names. Optimizers with other names share no accumulators and tokens: groups of replicas, each of
            which is synchronous, then go their own ways (docs/cluster.md, "Hybrid").

    Example:
        >>> import headrace as tf
        >>> opt = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(0.1), replicas_to_aggregate=2)
        >>> opt.get_name()
        'sync_replicas'
    """

    def __init__(
        self,
        opt: Optimizer,
        replicas_to_aggregate: int,
        total_num_replicas: int | None = None,
        variable_averages: Any = None,
        variables_to_average: Any = None,
        use_locking: bool = False,
        name: str = _NAME,
    ) -> None:
        super().__init__(use_locking, name)
        if replicas_to_aggregate < 1:
            raise ValueError(f"replicas_to_aggregate must be positive, got {replicas_to_aggregate}")
        self._opt = opt
        self._replicas_to_aggregate = replicas_to_aggregate
        self._total_num_replicas = total_num_replicas or replicas_to_aggregate
        # Fewer tokens than gradients a step would leave the accumulators waiting.
        self._tokens_per_step = max(self._total_num_replicas, replicas_to_aggregate)
        self._averages = variable_averages
        self._averaged = variables_to_average
        if variable_averages is not None and variables_to_average is None:
            raise ValueError("Need to specify variables_to_average.")
        self._global_step: Any = None
        self._token_queue: FIFOQueue | None = None
        self._chief_queue_runner: QueueRunner | None = None
        self.chief_init_op: Operation | None = None
        self.local_step_init_op: Any = None
        self.ready_for_local_init_op: Tensor | None = None

    def compute_gradients(self, *args: Any, **kwargs: Any) -> GradientsAndVariables:
        """As the inner optimizer's."""
        return self._opt.compute_gradients(*args, **kwargs)

    def apply_gradients(
        self, grads_and_vars: Iterable[tuple[Any, Any]], global_step: Any = None, name: str | None = None
    ) -> Any:
        """The operation with which a replica hands its gradients over and waits for the next step.

        Raises:
            ValueError: there are no gradients, or no global step to check their age with.
        """
        grads_and_vars = list(grads_and_vars)
        if not grads_and_vars:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._global_step = global_step
        graph = get_default_graph()
        local_step = self._make_local_step(graph)
        handed_over, averages, accumulators = [], [], []
        with graph.name_scope(None), graph.name_scope(self._name):
            for gradient, variable in grads_and_vars:
                if gradient is None:
                    averages.append((None, variable))
                    continue
                with graph.device(variable.device):
                    accumulator, add, average = self._accumulated(gradient, variable, local_step)
                handed_over.append(add)
                averages.append((average, variable))
                accumulators.append((accumulator, variable.device))
        with self._on_step(graph):
            update = self._opt.apply_gradients(averages, global_step)
        train_op = self._wait_for_token(graph, handed_over, local_step, name)
        self._make_chief_queue_runner(graph, update)
        self._make_chief_init(graph, accumulators)
        return train_op

    def _shared(self, name: str) -> str:
        # As TensorFlow's where the optimizer has no name of its own.
        return name if self._name == _NAME else f"{self._name}/{name}"

    def _on_step(self, graph: Any) -> AbstractContextManager[Any]:
        """Operations that stand with the global step."""
        scopes: AbstractContextManager[Any] = graph.device(self._global_step.device)
        return scopes

    def _make_local_step(self, graph: Any) -> Any:
        # With an operation of the worker, or it would be put on a parameter server as other variables are.
        anchor = no_op(name=f"{self._name}_anchor")
        with graph.device(anchor.device):
            local_step = Variable(
                0,
                trainable=False,
                collections=[GraphKeys.LOCAL_VARIABLES],
                dtype=self._global_step.dtype.base_dtype,
                name="sync_rep_local_step",
            )
        self.local_step_init_op = local_step.assign(self._global_step.read_value())
        self.ready_for_local_init_op = report_uninitialized_variables(global_variables())
        return local_step

    def _accumulated(self, gradient: Any, variable: Any, local_step: Any) -> tuple[Any, Operation, Any]:
        shared = self._shared(f"{variable.name}/grad_accum")
        shape, dtype = variable.get_shape(), gradient.dtype.base_dtype
        if isinstance(gradient, IndexedSlices):
            sparse = SparseConditionalAccumulator(dtype, (), shared_name=shared)
            add = sparse.apply_indexed_slices_grad(gradient, local_step=local_step)
            return sparse, add, sparse.take_indexed_slices_grad(self._replicas_to_aggregate)
        dense = ConditionalAccumulator(dtype, shape, shared_name=shared)
        return (
            dense,
            dense.apply_grad(gradient, local_step=local_step),
            dense.take_grad(self._replicas_to_aggregate),
        )

    def _wait_for_token(self, graph: Any, handed_over: list[Operation], local_step: Any, name: str | None) -> Any:
        with self._on_step(graph):
            self._token_queue = FIFOQueue(
                -1,
                self._global_step.dtype.base_dtype,
                shapes=(),
                name="sync_token_q",
                shared_name=self._shared("sync_token_q"),
            )
            with graph.control_dependencies(handed_over):
                token = self._token_queue.dequeue()
        return local_step.assign(token, name=name) if name else local_step.assign(token)

    def _make_chief_queue_runner(self, graph: Any, update: Any) -> None:
        if self._token_queue is None:
            raise RuntimeError("there is no queue of tokens yet")
        with self._on_step(graph):
            # Nothing enters it: a queue runner needs a queue to close.
            unused = FIFOQueue(1, int32, shapes=(), name="dummy_queue", shared_name=self._shared("dummy_queue"))
            with graph.control_dependencies([update]):
                tokens = fill([self._tokens_per_step], self._global_step.read_value())
                sync = self._token_queue.enqueue_many((tokens,))
            if self._averages is not None:
                with graph.control_dependencies([sync]):
                    sync = self._averages.apply(self._averaged)
        self._chief_queue_runner = QueueRunner(unused, [sync])

    def _make_chief_init(self, graph: Any, accumulators: list[tuple[Any, str]]) -> None:
        inits: list[Any] = [self.local_step_init_op]
        for accumulator, device in accumulators:
            with graph.device(device):
                inits.append(accumulator.set_global_step(self._global_step, name="SetGlobalStep"))
        self.chief_init_op = group(*inits)

    def _made(self, what: str) -> None:
        if self._token_queue is None:
            raise ValueError(f"{what} should be called after apply_gradients().")

    def get_chief_queue_runner(self) -> QueueRunner:
        """The thread that takes averages and applies them; the chief runs it.

        Raises:
            ValueError: `apply_gradients` was not called.
        """
        self._made("get_chief_queue_runner()")
        return self._chief_queue_runner  # type: ignore[return-value]

    def get_init_tokens_op(self, num_tokens: int = -1) -> Operation:
        """The operation with which the chief puts tokens into the queue before the first step.

        With fewer replicas than gradients a step, some replicas must go ahead: the difference is the default.

        Raises:
            ValueError: `apply_gradients` was not called, or there are fewer tokens than needed.
        """
        self._made("get_init_tokens_op()")
        needed = self._replicas_to_aggregate - self._total_num_replicas
        number = needed if num_tokens == -1 else num_tokens
        if number < needed:
            raise ValueError(f"Too few tokens to finish the first step: {number} (given) vs {needed} (needed)")
        graph, queue = get_default_graph(), self._token_queue
        if number <= 0 or queue is None:
            return no_op(name="no_init_tokens")
        with self._on_step(graph):
            return queue.enqueue_many((fill([number], self._global_step.read_value()),))

    def get_slot(self, var: Any, name: str) -> Any:
        """A slot of the inner optimizer."""
        return self._opt.get_slot(var, name)

    def get_slot_names(self) -> list[str]:
        """The names of the inner optimizer's slots."""
        return self._opt.get_slot_names()

    def variables(self) -> list[Any]:
        """The inner optimizer's variables."""
        return self._opt.variables()

    def make_session_run_hook(self, is_chief: bool, num_tokens: int = -1) -> SessionRunHook:
        """The hook that every replica's MonitoredSession needs."""
        return _SyncReplicasHook(self, is_chief, num_tokens)


class _SyncReplicasHook(SessionRunHook):
    """Brings the local step up, and on the chief tokens and the thread that applies averages."""

    def __init__(self, optimizer: SyncReplicasOptimizer, is_chief: bool, num_tokens: int) -> None:
        self._optimizer = optimizer
        self._is_chief = is_chief
        self._num_tokens = num_tokens
        self._init: Any = None
        self._tokens: Operation | None = None
        self._runner: QueueRunner | None = None

    def begin(self) -> None:
        optimizer = self._optimizer
        optimizer._made("The session run hook of SyncReplicasOptimizer")
        self._init = optimizer.chief_init_op if self._is_chief else optimizer.local_step_init_op
        if self._is_chief:
            self._runner = optimizer.get_chief_queue_runner()
            self._tokens = optimizer.get_init_tokens_op(self._num_tokens)

    def after_create_session(self, session: Any, coord: Any) -> None:
        missing = session.run(self._optimizer.ready_for_local_init_op)
        if len(missing):
            raise RuntimeError(
                f"Variables are not initialized, so that the step of SyncReplicasOptimizer is not known: {missing}"
            )
        session.run(self._init)
        if self._tokens is not None:
            session.run(self._tokens)
        if self._runner is not None:
            self._runner.create_threads(session, coord=coord, daemon=True, start=True)
