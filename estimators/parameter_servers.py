"""Training an estimator on parameter servers: what chief, workers and servers do, and how they begin and end together."""

from __future__ import annotations

import itertools
import json
import logging
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import Any, NoReturn

import numpy as np

from ..cluster.launcher import launch
from ..cluster.roles import PS
from ..cluster.server import Server
from ..engine.data_flow import FIFOQueue
from ..engine.device_setter import replica_device_setter
from ..engine.dtypes import string
from ..engine.errors import OutOfRangeError
from ..engine.graph import Graph, get_default_graph
from ..engine.ops.random import set_random_seed
from ..engine.session import Session
from ..engine.targets import finders
from ..engine.training.basic_session_run_hooks import StopAtStepHook
from ..engine.training.data_parallel import alone, is_sharded_input
from ..engine.training.global_step import get_or_create_global_step
from ..engine.training.monitored_session import (
    ChiefSessionCreator,
    MonitoredSession,
    SessionCreator,
    WorkerSessionCreator,
)
from ..engine.training.preemption import Preempted
from ..layers.fitting.loop import Plan
from .array_input import ArrayInput
from .bad_rows import noting_bad_rows
from .callbacks import FittedOptimizer
from .fitting import Stream
from .kept import GraphInput, KeptModel, Kind, Values
from .model_fn import EstimatorSpec, ModeKeys
from .run_config import RunConfig

logger = logging.getLogger("headrace")

_numbers = itertools.count()


def on_servers(config: RunConfig) -> bool:
    """Whether the variables of a training are on parameter servers."""
    return config.num_ps_replicas > 0


def has_evaluator(config: RunConfig) -> bool:
    """Whether a process of the job is the evaluator: the only one that is no task of the cluster."""
    cluster = config.cluster_spec
    return launch().size > sum(map(cluster.num_tasks, cluster.jobs))


def server_of(config: RunConfig) -> Server:
    """This process's server, made where the program has made none."""
    address = config.cluster_spec.task_address(config.task_type, config.task_id)
    for find in finders:
        if isinstance(found := find(address), Server):
            return found
    return Server(config.cluster_spec, config.task_type, config.task_id, config=config.session_config)


def serve(config: RunConfig) -> NoReturn:
    """Keeps variables until the programs of all workers have ended, and ends this one."""
    server_of(config).join()
    sys.exit(0)


def device_of(config: RunConfig) -> Any:
    """Where operations of a training are put: `device_fn`, or variables on parameter servers and the rest here."""
    if config.device_fn is not None:
        return config.device_fn
    worker = f"/job:{config.task_type}/task:{config.task_id}"
    return replica_device_setter(cluster=config.cluster_spec, worker_device=worker)


class Training:
    """One training of all workers: how they begin it together, and end it together.

    Every worker must begin as many trainings, in the same order. What they tell each other goes through queues on the
    first parameter server.

    Attributes:
        start: the global step at which the training begins.
        seed: of the input, the same for all.
        index, count: which of how many workers this is; the chief is the first.
    """

    def __init__(self, estimator: Any) -> None:
        config: RunConfig = estimator.config
        if config.task_type == PS:
            serve(config)
        self.config, self._estimator = config, estimator
        self.index, self.count = int(config.global_id_in_cluster or 0), config.num_worker_replicas
        self.target = server_of(config).target
        self._number = next(_numbers)
        # State of its own: another model's variables may have the same names.
        self.container = f"training_{self._number}"
        self._told: set[str] = set()
        begins = self._begin() if config.is_chief else json.loads(self._hear("begin"))
        self.start, self.seed = begins["start"], begins["seed"]
        estimator._shared_seed = self.seed

    def _begin(self) -> dict[str, Any]:
        # All have left the training before the last one.
        Session.reset(self.target, [f"training_{self._number - 2}"])
        seed = self._estimator._seed()
        begins = {
            "start": self._estimator._trained_steps(),
            "seed": int.from_bytes(os.urandom(4)) >> 1 if seed is None else int(seed),
        }
        self._tell("begin", json.dumps(begins))
        return begins

    # What the workers tell each other

    def _tell(self, what: str, text: str = "") -> None:
        """The chief tells all workers, a worker the chief; once."""
        if what not in self._told:
            self._told.add(what)
            others = range(1, self.count) if self.config.is_chief else [self.index]
            self._with_queues(what, others, lambda queue: queue.enqueue(text))

    def _hear(self, what: str) -> str:
        """Waits for what another tells this worker; the chief waits for all."""
        others = range(1, self.count) if self.config.is_chief else [self.index]
        found = self._with_queues(what, others, lambda queue: queue.dequeue())
        return found[0].decode() if found and isinstance(found[0], bytes) else ""

    def _with_queues(self, what: str, workers: Sequence[int], use: Callable[[FIFOQueue], Any]) -> list[Any]:
        if not workers:
            return []
        with Graph().as_default() as graph, graph.device("/job:ps/task:0"), graph.container(self.container):
            names = [f"{what}_{worker}" for worker in workers]
            done = [use(FIFOQueue(-1, string, shapes=(), name=name, shared_name=name)) for name in names]
            with Session(self.target, graph) as session:
                found: list[Any] = session.run(done)
        return found

    @contextmanager
    def together(self) -> Iterator[None]:
        """The training; behind it all workers have ended it, and the chief has saved.

        A training that a signal ends waits for nobody.
        """
        try:
            yield
        except Preempted:
            for what in ("all_finished", "saved") if self.config.is_chief else ("finished",):
                self._tell(what)
            raise
        if self.config.is_chief:
            self._tell("saved")
        elif not self._estimator._temporary:
            self._hear("saved")

    def finish(self) -> None:
        """Waits until all workers have made their last step, so that what is saved then has the steps of all."""
        if self.config.is_chief:
            self._hear("finished")
            self._tell("all_finished")
        else:
            self._tell("finished")
            self._hear("all_finished")

    # The model

    def model(self, kind: Kind) -> ServedModel:
        """The model for fed batches, with its variables on parameter servers."""
        estimator, graphs = self._estimator, list[Any]()

        def build(features: Any, labels: Any) -> EstimatorSpec:
            with self.placed():
                # Initial values are the chief's; each worker draws its own dropout.
                set_random_seed(self.seed + 1000003 * self.index)
                get_or_create_global_step()
                spec: EstimatorSpec = estimator._spec(features, labels, ModeKeys.TRAIN)
                graphs.append(estimator._finished(spec, self.start))
            return spec

        model = ServedModel(build, kind, ModeKeys.TRAIN, self.config.session_options, lambda spec: graphs[0])
        model.scaffold = graphs[0]
        return model

    @contextmanager
    def placed(self) -> Iterator[None]:
        """Where operations of the default graph are put, and whose state they use."""
        graph = get_default_graph()
        with graph.device(device_of(self.config)), graph.container(self.container):
            yield

    def creator(self, model: Any) -> SessionCreator:
        """What makes the sessions of a model."""
        return _Creator(self, model)

    def model_dir(self) -> str:
        """The folder of checkpoints."""
        return str(self._estimator.model_dir)

    # The input

    def own_batches(self, batches: Iterator[Values]) -> Iterator[Values]:
        """This worker's of all batches: every so many, unless the input functions share them out by themselves."""
        return batches if is_sharded_input() else itertools.islice(batches, self.index, None, self.count)

    def own_rows(self, data: ArrayInput, plan: Plan) -> tuple[ArrayInput, Plan]:
        """This worker's of the examples of `fit`, and its part of the steps of an epoch."""
        if len(data.table) < self.count or is_sharded_input():
            return data, plan
        part = data.part(data.mode, slice(self.index, None, self.count))
        steps = None if plan.steps_per_epoch is None else -(-plan.steps_per_epoch // self.count)
        return part, replace(plan, steps_per_epoch=steps)

    def generator(self) -> np.random.Generator:
        """What draws the order of this worker's examples."""
        return np.random.default_rng([self.seed, self.start, self.index])


class ServedModel(KeptModel):
    """A model whose session is the training's, and whose scaffold may be the model function's own."""

    scaffold: Any


class GraphModel:
    """A model on the tensors of an input function that cannot be fed.

    Args:
        given: the input, placed.
        training: the training.
        estimator: whose model it is.
    """

    def __init__(self, given: GraphInput | ArrayInput, training: Training, estimator: Any) -> None:
        self.graph, self.session, self.feeds = given.graph, None, list[Any]()
        with self.graph.as_default(), training.placed():
            self.spec = estimator._spec(given.features, given.labels, ModeKeys.TRAIN)
            self.scaffold = estimator._finished(self.spec, training.start)


class _Creator(SessionCreator):
    """Makes the sessions of a training: the chief's bring the variables up, which the others wait for."""

    def __init__(self, training: Training, model: Any) -> None:
        self._training, self._model = training, model
        self._ready = False

    def create_session(self) -> Any:
        """A session that is ready."""
        training, model, config = self._training, self._model, self._training.config
        if config.is_chief:
            creator: SessionCreator = ChiefSessionCreator(
                model.scaffold, training.target, config.session_options, training.model_dir()
            )
        else:
            creator = WorkerSessionCreator(
                model.scaffold, training.target, config.session_options, config.session_creation_timeout_secs
            )
            if not self._ready:
                training._hear("ready")
        model.session = creator.create_session()
        if config.is_chief:
            training._tell("ready")
        self._ready = True
        return model.session


def train_on_servers(
    estimator: Any,
    input_fn: Any,
    hooks: Sequence[Any],
    steps: int | None,
    max_steps: int | None,
    listeners: Sequence[Any],
) -> None:
    """`Estimator.train` where variables are on parameter servers: up to a global step that all workers count together."""
    training = Training(estimator)
    last = max_steps if steps is None else training.start + steps
    if last is not None and training.start >= last:
        logger.info("Skipping training since max_steps has already been saved.")
        return
    given = estimator._input(input_fn, ModeKeys.TRAIN)
    kind = given.kind()
    if kind is None:
        given = estimator._input(input_fn, ModeKeys.TRAIN, training.placed)
        model: Any = GraphModel(given, training, estimator)
        batches: Iterator[Values] = itertools.repeat([])
    else:
        model, batches = training.model(kind), training.own_batches(given.batches())
    fetches = [model.spec.train_op, model.spec.loss]
    with alone(), noting_bad_rows(given), training.together(), model.graph.as_default():
        made = [hook(model.spec) if callable(hook) else hook for hook in hooks]
        made += [] if last is None else [StopAtStepHook(None, last)]
        creator = training.creator(model)
        with estimator._training(model.spec, model.scaffold, creator, made, listeners) as session:
            with suppress(OutOfRangeError):
                while not session.should_stop() and (values := next(batches, None)) is not None:
                    session.run(fetches, dict(zip(model.feeds, values, strict=True)))
            training.finish()


def fit_on_servers(
    estimator: Any, data: ArrayInput, plan: Plan, shuffle: bool, verbose: int, validation: ArrayInput | None,
    validation_steps: int | None, callbacks: Sequence[Any] | None,
) -> None:  # fmt: skip
    """`ArrayEstimator.fit` where variables are on parameter servers; each worker trains on rows of its own."""
    training = Training(estimator)
    own, plan = training.own_rows(data, plan)
    model = training.model(data.kind())
    optimizer = FittedOptimizer(model)
    stream = Stream(own, shuffle, training.generator())
    fetches = [model.spec.train_op, model.spec.loss]
    creator = training.creator(model)
    with alone(), training.together(), model.graph.as_default():
        monitored = (
            MonitoredSession(creator, estimator._with_preemption([], True))
            if estimator._temporary
            else estimator._training(model.spec, model.scaffold, creator, [], ())
        )
        with monitored as session:
            if training.config.is_chief and not estimator._temporary:
                estimator._remember()

            def run(values: Values) -> Any:
                fed = {**dict(zip(model.feeds, values, strict=True)), **optimizer.fed}
                return session.run(fetches, fed)[1]

            shown = verbose if training.config.is_chief else 0
            called = [c for c in callbacks or () if training.config.is_chief or not getattr(c, "chief_only", False)]
            estimator._looped(model, optimizer, plan, stream, run, shown, validation, validation_steps, called)
            training.finish()
            if estimator._temporary:
                prefix = f"{estimator.model_dir}/model.ckpt-{optimizer.iterations}"
                estimator._save(model, prefix, write_state=True)
