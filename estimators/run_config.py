"""RunConfig: how an estimator runs, as tf.estimator 2.15's."""

from __future__ import annotations

import copy
import os
from dataclasses import dataclass, field
from numbers import Integral, Real
from typing import Any

from ..cluster.cluster_spec import ClusterSpec
from ..cluster.roles import Role, role, role_with_servers
from ..cluster.strategies import Strategy, settings_of
from ..engine.training.preemption import PREEMPTED_STATUS

_INTERVALS = ("save_checkpoints_steps", "save_checkpoints_secs")
_DISTRIBUTE = ("train_distribute", "eval_distribute", "experimental_distribute")
_NOT_NEGATIVE = ("save_summary_steps", *_INTERVALS, "keep_checkpoint_max")
_POSITIVE = ("keep_checkpoint_every_n_hours", "log_step_count_steps", "session_creation_timeout_secs", "trace_every_n")


@dataclass(frozen=True)
class RunConfig:
    """Where an estimator keeps its state, how often it saves and logs, and its seed.

    Args:
        model_dir: folder of checkpoints and event files.
        tf_random_seed: graph-level seed; None for another one each time.
        save_summary_steps: steps between summaries, None for none.
        save_checkpoints_steps, save_checkpoints_secs: between checkpoints; only one may be given (600 s by default).
        session_config: a ConfigProto; None for one with `allow_soft_placement`.
        keep_checkpoint_max: newest checkpoints kept; 0 or None keeps all.
        keep_checkpoint_every_n_hours: besides, one is kept every so often.
        log_step_count_steps: steps between measurements of global_step/sec, and lines of the log with loss and step.
        train_distribute, eval_distribute, experimental_distribute: strategies of `tf.distribute`, which say what `strategy`
            says. With one each process takes batches of its own of the input function's Dataset in turn, as TensorFlow's
            replicas; without, the processes share out each batch.
        protocol: must be None.
        device_fn: gives the device of each operation. With parameter servers it is used in training, and by default
            `tf.train.replica_device_setter`.
        experimental_max_worker_delay_secs: accepted: workers begin when the chief has.
        session_creation_timeout_secs: how long workers wait for variables that the chief brings up.
        checkpoint_save_graph_def: write the graph with the checkpoints.
        asynchronous_checkpoints: write them while training goes on, which waits for the copy of the values only. Saving
            listeners are told once a checkpoint is on the disk.
        preemption_exit_status: SIGTERM and SIGUSR1 end the training after the step; where checkpoints are saved, one is,
            and SystemExit with this status is raised. None leaves the signals alone.
        strategy: how processes of a job that a launcher started train one model: "allreduce", the usual way, averages
            the gradients of all; "parameter_server" keeps variables on the parameter servers of the cluster, where each worker
            applies its gradients as it has them. Without a cluster the last rank is the parameter server. A cluster with
            parameter servers needs no strategy.
        trace_every_n: steps between traces: `timeline-STEP.json` and the times and bytes of all nodes for TensorBoard's graph,
            in the model's folder. None for none.

    The environment variable TF_CONFIG says the cluster and this process's task in it, as for TensorFlow's; without one the
    processes of a job are workers by rank.

    Raises:
        ValueError: a number is out of its range, both kinds of intervals are given, or what must be None is not; the seed is
            no integer, or the session_config no ConfigProto; TF_CONFIG is wrong.
        TypeError: another number is none, or model_dir is no path.
    """

    model_dir: str | None = None
    tf_random_seed: int | None = None
    save_summary_steps: int | None = 100
    save_checkpoints_steps: int | None = None
    save_checkpoints_secs: float | None = None
    session_config: Any = None
    keep_checkpoint_max: int | None = 5
    keep_checkpoint_every_n_hours: float = 10000
    log_step_count_steps: int | None = 100
    train_distribute: Any = None
    device_fn: Any = None
    protocol: str | None = None
    eval_distribute: Any = None
    experimental_distribute: Any = None
    experimental_max_worker_delay_secs: float | None = None
    session_creation_timeout_secs: float = 7200
    checkpoint_save_graph_def: bool = True
    asynchronous_checkpoints: bool = False
    preemption_exit_status: int | None = PREEMPTED_STATUS
    strategy: str | None = None
    trace_every_n: int | None = None
    _role: Role = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.strategy not in (None, "allreduce", "parameter_server"):
            raise ValueError(f"strategy must be None, 'allreduce' or 'parameter_server', got {self.strategy!r}")
        if self.strategies[0] is not None and self.strategy is None:
            object.__setattr__(self, "strategy", self.strategies[0].kind)
        # Read once, as TensorFlow's: what TF_CONFIG and the launcher say now.
        object.__setattr__(self, "_role", role_with_servers() if self.strategy == "parameter_server" else role())
        self._check()
        if self.save_checkpoints_steps is None and self.save_checkpoints_secs is None:
            object.__setattr__(self, "save_checkpoints_secs", 600)

    def _check(self) -> None:
        self._check_distribution()
        if self.save_checkpoints_steps is not None and self.save_checkpoints_secs is not None:
            raise ValueError("`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.")
        for name in _NOT_NEGATIVE + _POSITIVE:
            _check_number(name, getattr(self, name), name in _POSITIVE)
        if self.tf_random_seed is not None and not isinstance(self.tf_random_seed, Integral):
            raise ValueError(f"tf_random_seed must be integer, got {self.tf_random_seed!r}")
        if self.model_dir is not None and not isinstance(self.model_dir, str | os.PathLike):
            raise TypeError(f"model_dir should be a path, got {self.model_dir!r}")
        if self.model_dir == "":
            raise ValueError("model_dir should be non-empty")
        if self.session_config is not None:
            _check_session_config(self.session_config)

    def _check_distribution(self) -> None:
        if self.protocol is not None:
            raise ValueError(f"Processes talk by MPI: protocol must be None, got {self.protocol!r}")
        training = self.strategies[0]
        if training is not None and training.kind != self.strategy:
            raise ValueError(f"strategy={self.strategy!r} and train_distribute={training!r} say different things")
        if self.device_fn is not None and not callable(self.device_fn):
            raise ValueError(f"device_fn must be callable with one argument `op`, got {self.device_fn!r}")
        if self.strategy == "allreduce" and self.num_ps_replicas:
            raise ValueError(f"strategy='allreduce' leaves {self.num_ps_replicas} parameter server(s) without work")

    @property
    def strategies(self) -> tuple[Strategy | None, Strategy | None]:
        """The strategies of training and of evaluation, if there are any."""
        return settings_of({name: getattr(self, name) for name in _DISTRIBUTE})

    @property
    def session_options(self) -> Any:
        """The session_config; if it is None one that lets operations run where they can, as TensorFlow's Estimator."""
        if self.session_config is not None:
            return self.session_config
        from ..engine.protos import ConfigProto

        return ConfigProto(allow_soft_placement=True)

    @property
    def is_chief(self) -> bool:
        """Whether this process saves and logs for all: the chief of TF_CONFIG's cluster, or rank 0."""
        return self._role.is_chief

    @property
    def cluster_spec(self) -> ClusterSpec:
        """The tasks of the cluster; empty without one, and for the evaluator."""
        return self._role.cluster

    @property
    def task_type(self) -> str:
        """This process's job: "chief", "worker", "ps" or "evaluator"; "worker" without a cluster."""
        return self._role.task_type

    @property
    def task_id(self) -> int:
        """This process's task in its job; its rank without a cluster."""
        return self._role.task_id

    @property
    def global_id_in_cluster(self) -> int | None:
        """0 for the chief, then workers, then parameter servers; None for the evaluator."""
        return self._role.global_id_in_cluster

    @property
    def num_worker_replicas(self) -> int:
        """The number of workers, the chief among them."""
        return self._role.num_worker_replicas

    @property
    def num_ps_replicas(self) -> int:
        """The number of parameter servers."""
        return self._role.num_ps_replicas

    @property
    def master(self) -> str:
        """The target of sessions that train: "" for this process alone."""
        return self._role.master

    @property
    def evaluation_master(self) -> str:
        """The target of sessions that evaluate: "" for this process alone."""
        return self._role.evaluation_master

    def replace(self, **kwargs: Any) -> RunConfig:
        """A copy with some fields changed; one kind of interval between checkpoints takes the place of the other."""
        config = copy.copy(self)
        for name, value in kwargs.items():
            if name not in self.__dataclass_fields__:
                raise ValueError(f"RunConfig has no field {name!r}")
            object.__setattr__(config, name, value)
        for name, other in (_INTERVALS, _INTERVALS[::-1]):
            if kwargs.get(name) is not None and other not in kwargs:
                object.__setattr__(config, other, None)
        config._check()
        return config


def _check_number(name: str, value: Any, positive: bool) -> None:
    if value is None:
        return
    if not isinstance(value, Real):
        raise TypeError(f"{name} should be a number, got {value!r}")
    if not (float(value) > 0 if positive else float(value) >= 0):
        raise ValueError(f"{name} should be {'>' if positive else '>='} 0, got {value!r}")


def _check_session_config(config: Any) -> None:
    from ..engine.protos import ConfigProto

    if not isinstance(config, ConfigProto):
        raise ValueError(f"session_config must be instance of ConfigProto, got {config!r}")
