"""What this process is in a cluster: the chief, a worker, a parameter server or the evaluator.

TF_CONFIG says so, as for tf.estimator (`headrace run --ps K` sets it); or, in a job without parameter servers, the rank.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from .cluster_spec import ClusterSpec, whole_number
from .launcher import Launch, launch

TF_CONFIG = "TF_CONFIG"
CHIEF, MASTER, WORKER, PS, EVALUATOR = "chief", "master", "worker", "ps", "evaluator"
_FROM = "Note that these values may be coming from the TF_CONFIG environment variable."


@dataclass(frozen=True)
class Role:
    """The task of this process, as the fields of tf.estimator's RunConfig.

    Attributes:
        cluster: the cluster's tasks; empty where there is no cluster, and for the evaluator.
        task_type, task_id: the task's job and index.
        is_chief: whether the task saves and logs for all.
        num_worker_replicas: workers with the chief among them.
        num_ps_replicas: parameter servers.
        global_id_in_cluster: 0 for the chief, then workers, then parameter servers; None for the evaluator.
        master, evaluation_master: the target of sessions.
    """

    cluster: ClusterSpec = field(default_factory=lambda: ClusterSpec({}))
    task_type: str = WORKER
    task_id: int = 0
    is_chief: bool = True
    num_worker_replicas: int = 1
    num_ps_replicas: int = 0
    global_id_in_cluster: int | None = 0
    master: str = ""
    evaluation_master: str = ""


def role() -> Role:
    """The task of this process now, from its environment."""
    return role_of(os.environ, launch())


def role_with_servers(servers: int = 1) -> Role:
    """The task of this process now, where a job that says nothing else has some parameter servers: its last ranks."""
    found, started = role(), launch()
    if found.cluster or found.task_type == EVALUATOR or started.size == 1:
        return found
    return _of_cluster(cluster_with_servers(started.size, servers), {}, started)


def role_of(environment: Mapping[str, str], started: Launch) -> Role:
    """The task of a process, from its environment and its place in its job.

    Raises:
        ValueError: TF_CONFIG is no JSON object, or its cluster and task do not fit.
    """
    config = tf_config_of(environment)
    if cluster := cluster_of(config):
        return _of_cluster(cluster, config, started)
    return _without_cluster(config, started)


def tf_config_of(environment: Mapping[str, str]) -> dict[str, Any]:
    """What TF_CONFIG says; empty where it is not set.

    Raises:
        ValueError: it is no JSON object.
    """
    text = environment.get(TF_CONFIG) or "{}"
    try:
        config = json.loads(text)
    except json.JSONDecodeError as error:
        raise ValueError(f"{TF_CONFIG} must be JSON, got {text!r}: {error}") from error
    if not isinstance(config, dict):
        raise ValueError(f"{TF_CONFIG} must be a JSON object, got {text!r}")
    return config


def cluster_of(config: Mapping[str, Any]) -> ClusterSpec:
    """The cluster that TF_CONFIG says; an empty one where it says none.

    Raises:
        ValueError: it is no cluster.
    """
    given = config.get("cluster")
    try:
        return ClusterSpec({} if given is None else given)
    except (TypeError, ValueError) as error:
        raise ValueError(f'"cluster" in {TF_CONFIG}, {json.dumps(given)}: {error}') from error


def task_of(config: Mapping[str, Any]) -> tuple[Any, int | None]:
    """The type and index of the task that TF_CONFIG says; None for what it leaves out.

    Raises:
        ValueError: the task is no JSON object, or its index no whole number.
    """
    task = config.get("task")
    if task is None:
        return None, None
    if not isinstance(task, Mapping):
        raise ValueError(f'"task" in {TF_CONFIG} must be a JSON object, got {json.dumps(task)}')
    given = task.get("index")
    if given is not None and whole_number(given) is None:
        raise ValueError(f'"task" in {TF_CONFIG} must have a whole number as its index, got {json.dumps(task)}')
    return task.get("type"), whole_number(given)


def cluster_with_servers(size: int, servers: int) -> ClusterSpec:
    """The cluster of a job some of whose processes are parameter servers: rank 0 is the chief, servers come last.

    >>> cluster_with_servers(4, 1)
    ClusterSpec({'chief': ['rank0'], 'ps': ['rank3'], 'worker': ['rank1', 'rank2']})

    Raises:
        ValueError: no process is left for the chief.
    """
    if not 0 < servers < size:
        raise ValueError(f"{servers} of {size} processes cannot be parameter servers: at least one must train")
    names = [f"rank{rank}" for rank in range(size)]
    jobs = {CHIEF: names[:1], WORKER: names[1 : size - servers], PS: names[size - servers :]}
    return ClusterSpec({job: tasks for job, tasks in jobs.items() if tasks})


def _of_cluster(cluster: ClusterSpec, config: Mapping[str, Any], started: Launch) -> Role:
    chief = MASTER if MASTER in cluster.jobs else CHIEF
    _check_chief(cluster, chief)
    task_type, task_id = _task(cluster, config, started, chief)
    evaluation = config.get("eval_session_master", "")
    if task_type == EVALUATOR:
        return Role(ClusterSpec({}), task_type, task_id, False, 0, 0, None, "", evaluation)
    counts = {job: cluster.num_tasks(job) for job in cluster.jobs}
    workers, servers = counts[chief] + counts.get(WORKER, 0), counts.get(PS, 0)
    before = {chief: 0, WORKER: counts[chief], PS: workers}
    return Role(
        cluster,
        task_type,
        task_id,
        task_type == chief,
        workers,
        servers,
        before.get(task_type, workers + servers) + task_id,
        _master(cluster, config, task_type, task_id),
        evaluation,
    )


def _check_chief(cluster: ClusterSpec, chief: str) -> None:
    if chief not in cluster.jobs:
        raise ValueError(f'If "cluster" is set in TF_CONFIG, it must have one "{chief}" node.')
    if cluster.num_tasks(chief) > 1:
        raise ValueError(f'The "cluster" in TF_CONFIG must have only one "{chief}" node.')


def _task(cluster: ClusterSpec, config: Mapping[str, Any], started: Launch, chief: str) -> tuple[str, int]:
    tasks = [(job, index) for job in cluster.jobs for index in cluster.task_indices(job)]
    task_type, task_id = task_of(config)
    if not config.get("task") and started.size > 1:
        if started.rank >= len(tasks):
            raise ValueError(f"Rank {started.rank} has no task in the cluster of {len(tasks)} tasks:\n{cluster}")
        return tasks[started.rank]
    if not task_type:
        raise ValueError('If "cluster" is set in TF_CONFIG, task type must be set.')
    if task_id is None:
        raise ValueError('If "cluster" is set in TF_CONFIG, task index must be set.')
    if task_id < 0:
        raise ValueError("Task index must be non-negative number.")
    if task_type == EVALUATOR and chief == CHIEF:
        return task_type, task_id
    if task_type not in cluster.jobs:
        raise ValueError(f"{task_type} is not a valid task_type in the cluster_spec:\n{cluster}\n\n{_FROM}")
    if (task_type, task_id) not in tasks:
        raise ValueError(
            f"{task_id} is not a valid task_id for task_type {task_type} in the cluster_spec:\n{cluster}\n\n{_FROM}"
        )
    return task_type, task_id


def _master(cluster: ClusterSpec, config: Mapping[str, Any], task_type: str, task_id: int) -> str:
    if "session_master" in config:
        return str(config["session_master"])
    # One task alone needs no server.
    if sum(map(cluster.num_tasks, cluster.jobs)) == 1:
        return ""
    return f"{config.get('rpc_layer') or 'grpc'}://{cluster.task_address(task_type, task_id)}"


def _without_cluster(config: Mapping[str, Any], started: Launch) -> Role:
    task_type, task_id = task_of(config)
    if task_type not in (None, WORKER):
        raise ValueError('If "cluster" is not set in TF_CONFIG, task type must be WORKER.')
    if task_id not in (None, 0):
        raise ValueError('If "cluster" is not set in TF_CONFIG, task index must be 0.')
    return Role(
        task_id=started.rank,
        is_chief=started.rank == 0,
        num_worker_replicas=started.size,
        global_id_in_cluster=started.rank,
        master=config.get("session_master", ""),
        evaluation_master=config.get("eval_session_master", ""),
    )
