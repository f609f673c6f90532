"""Server: a process as a task of a cluster. It keeps the task's state, and runs what other tasks' clients ask for."""

from __future__ import annotations

import itertools
import threading
import time
from collections import deque
from collections.abc import Sequence
from typing import Any

from ..engine import targets
from ..engine.compiler import Options
from ..engine.errors import AlreadyExistsError, FailedPreconditionError, NotFoundError
from ..engine.graph import Graph, Operation, Tensor
from ..engine.placement import Placement
from ..engine.resources import ResourceStore
from ..engine.runtime import Cancellation, Runtime
from ..engine.training.preemption import Preemption, ask_to_stop
from .clients import Clients, Fed
from .cluster_spec import ClusterSpec
from .cluster_step import ClusterStep
from .messages import Kind, Message
from .partition import Task, task_name
from .service import TaskService
from .steps.client import ClientRun
from .steps.plans import TaskPlan
from .transport import Hub, MpiTransport, Transport
from .world import world

# How long a client waits for the processes of tasks that it needs.
START_SECONDS = 60.0
# A server that nobody wakes looks for messages so rarely, in seconds, and so often while it is busy and must ask for them.
_IDLE, _BUSY = 0.005, 0.001
# Seconds between looks for signals in `join`.
_SIGNALS = 0.2


class Server:
    """This process as a task of a cluster, as TensorFlow 1.15's `tf.train.Server`.

    Variables, queues and tables placed on a task live in its server. `Session(server.target)` runs a graph over all tasks:
    every operation runs on the task that its device string names, or on the session's own. Addresses are names of tasks
    and nothing more: messages go by MPI between the processes of one `mpirun`.

    Args:
        server_or_cluster_def: a ClusterSpec, ClusterDef, ServerDef or dict of tasks by job.
        job_name: this process's job. Left out with `task_index`, the tasks are given to the ranks in the order of the
            cluster.
        task_index: this process's task in its job.
        protocol: ignored: there is one.
        config: a ConfigProto for the sessions that give none.
        start: serve from now on; else `start` does.

    Raises:
        ValueError: the cluster has no such task.
        tf.errors.AlreadyExistsError: this process is another task already.

    Example:
        >>> import headrace as tf
        >>> server = tf.train.Server.create_local_server()
        >>> with tf.Graph().as_default(), tf.device("/job:local/task:0"):
        ...     total = tf.constant(2) + 3
        ...     with tf.Session(server.target) as sess:
        ...         print(sess.run(total))
        5
    """

    def __init__(
        self,
        server_or_cluster_def: Any,
        job_name: str | None = None,
        task_index: int | None = None,
        protocol: str | None = None,
        config: Any = None,
        start: bool = True,
        *,
        transports: tuple[Transport, Transport] | None = None,
    ) -> None:
        del protocol
        self.cluster, self.task = _identity(server_or_cluster_def, job_name, task_index)
        self.config = config
        self.tasks: list[Task] = [(job, i) for job in self.cluster.jobs for i in self.cluster.task_indices(job)]
        self._transports = transports or _transports()
        self._requests, self._replies = self._transports
        self.rank = self._requests.rank
        self.resources = ResourceStore()
        self.placement = Placement(job=self.task[0], task=self.task[1])
        self._ranks: dict[Task, int] = {self.task: self.rank}
        # Ranks that wait in `join`, and ranks that have ended: nothing new comes from them.
        self._quiet: set[int] = set()
        self._news = threading.Condition()
        self._service = TaskService(self.resources, self.placement, self.send)
        self._clients = Clients(self._replies)
        # Held while a step is made known: tasks hear of steps in the order of their numbers.
        self.defining = threading.Lock()
        self._forgotten: deque[tuple[tuple[int, int], Sequence[int]]] = deque()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None
        # Whether all know that training is to end.
        self._asked = False
        if start:
            self.start()

    # As TensorFlow's

    @property
    def target(self) -> str:
        """What to give a session to run on this server's cluster."""
        return "grpc://" + self.cluster.task_address(*self.task)

    @property
    def server_def(self) -> Any:
        """The server as a ServerDef message."""
        from ..engine.protos import ServerDef

        message = ServerDef(job_name=self.task[0], task_index=self.task[1], protocol="mpi")
        message.cluster.CopyFrom(self.cluster.as_cluster_def())
        return message

    def start(self) -> None:
        """Begins to serve."""
        if self._thread is not None:
            return
        _check_alone(self)
        _servers.append(self)
        if self._requests.size > 1:
            addresses = [transport.address for transport in self._transports]
            self._tell(Kind.HELLO, {"job": self.task[0], "task": self.task[1], "addresses": addresses})
            self._thread = threading.Thread(target=self._serve, name="headrace-server", daemon=True)
            self._thread.start()
            if isinstance(self._requests, MpiTransport):
                world().finalizers.append(self.stop)
                world().lines += [t.drained for t in self._transports if isinstance(t, MpiTransport)]

    def join(self) -> None:
        """Serves until no task is left that could ask for anything: all others wait here too, or have ended.

        SIGTERM and SIGUSR1 are handed on to all tasks, whose trainings save and end; then this ends too.

        Raises:
            Preempted: one of these signals came: a SystemExit with status 85.
            tf.errors.NotFoundError: this process is alone, and the cluster has more tasks.
        """
        if self._requests.size == 1 < len(self.tasks):
            raise NotFoundError(None, None, f"{task_name(self.task)} would wait for nobody. {self._without_process()}")
        self._tell(Kind.JOINED)
        with Preemption(any_rank=self.any_asked) as signals, self._news:
            while not self._news.wait_for(lambda: self._stopping.is_set() or self._all_quiet(), _SIGNALS):
                signals.agree()

    def any_asked(self, asked: bool) -> bool:
        """Whether a signal asked this process to stop, or another task that has said so; others hear of it once."""
        if asked and not self._asked:
            self._asked = True
            self._tell(Kind.STOP)
        return asked

    def stop(self) -> None:
        """Ends serving. A process that ends does it by itself."""
        if self in _servers:
            _servers.remove(self)
        if self._stopping.is_set() or self._thread is None:
            return
        self._tell(Kind.ENDED)
        self._stopping.set()
        with self._news:
            self._news.notify_all()
        if threading.current_thread() is not self._thread:
            self._thread.join()
        self._service.close()
        for transport in self._transports:
            transport.close()

    @staticmethod
    def create_local_server(config: Any = None, start: bool = True) -> Server:
        """A cluster of this process alone, `/job:local/task:0`, whose state its sessions share."""
        hub = Hub(1)
        number = next(_local_numbers)
        transports = (hub.transport(0), hub.transport(0))
        cluster = {"local": [f"localhost:{number}"]}
        return Server(cluster, "local", 0, config=config, start=start, transports=transports)

    # For sessions (engine.targets.Target)

    def compile(
        self,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        runtime: Runtime,
        options: Options,
    ) -> ClusterStep:
        """A step whose operations run where they are placed; here what is not placed."""
        return ClusterStep(self, self.task, graph, fetches, targets, feeds, runtime, options)

    def device_names(self) -> list[str]:
        """The devices of all tasks."""
        return [f"/job:{job}/replica:0/task:{index}/device:CPU:0" for job, index in self.tasks]

    def reset(self, containers: Sequence[str]) -> None:
        """Drops state by container, on this task at once and on the others when they hear of it."""
        self.resources.clear(containers)
        self._tell(Kind.RESET, {"containers": list(containers)})

    # For steps

    def next_step(self) -> int:
        """A number for a step that this process defines."""
        return next(_step_numbers)

    def rank_of(self, task: Task) -> int:
        """The rank that is a task.

        Raises:
            tf.errors.NotFoundError: no process has become that task in time.
        """
        with self._news:
            if self._news.wait_for(lambda: task in self._ranks, self._patience(task)):
                return self._ranks[task]
        text = f"{task_name(self.task)} waits for {task_name(task)}, which has no process. {self._without_process()}"
        raise NotFoundError(None, None, text)

    def _without_process(self) -> str:
        missing = ", ".join(task_name(t) for t in self.tasks if t not in self._ranks)
        return (
            f"Without one: {missing}. The job has {self._requests.size} process(es): start it with mpirun -n "
            f"{len(self.tasks)}, and make a tf.train.Server in each."
        )

    def _patience(self, task: Task) -> float:
        # With fewer processes than tasks there is nothing to wait for.
        return 0 if len(self.tasks) > self._requests.size and task not in self._ranks else START_SECONDS

    def task_of_rank(self, rank: int) -> Task:
        """The task that a rank is."""
        return next(task for task, r in self._ranks.items() if r == rank)

    def send(self, rank: int, message: Message) -> None:
        """Sends a message about a step: to the client that waits for it, or to a task."""
        answers = rank == message.client
        (self._replies if answers else self._requests).send(rank, message)

    def forget(self, step: tuple[int, int], ranks: Sequence[int]) -> None:
        """Has tasks told that a step will not run again, soon. Never waits: the garbage collector may call it anywhere."""
        self._forgotten.append((step, ranks))

    def begin_run(
        self, step: tuple[int, int], plan: TaskPlan, fed: dict[int, Fed], own: Fed, traced: int = 0
    ) -> ClientRun:
        """Starts a run of a step; FailedPreconditionError if the server was stopped."""
        if self._stopping.is_set():
            raise FailedPreconditionError(None, None, f"The server of {task_name(self.task)} has been stopped")
        return self._clients.begin(step, plan, fed, own, self.send, traced)

    def end_run(self, run: ClientRun) -> None:
        """Forgets a run."""
        self._clients.end(run)

    def wait(self, run: ClientRun, cancellation: Cancellation) -> None:
        """Waits until something has come for a run."""
        self._clients.wait(run, cancellation, lambda: self._awaited(run))

    def wake(self, run: ClientRun) -> None:
        """Ends the waiting for a run at once, where its cancellation has been set."""
        self._clients.wake(run)

    def _awaited(self, run: ClientRun) -> str:
        tasks = ", ".join(task_name(self.task_of_rank(rank)) for rank in sorted(run.waiting)) or "its own stages"
        return f"{task_name(self.task)} waits in a step for {tasks}"

    # Serving

    def _serve(self) -> None:
        last = time.monotonic()
        while not self._stopping.is_set():
            found = self._requests.receive()
            for rank, message in found:
                self._handle(rank, message)
            while self._forgotten:
                step, ranks = self._forgotten.popleft()
                for rank in ranks:
                    self.send(rank, Message(Kind.FORGET, *step))
            now = time.monotonic()
            if found:
                last = now
            else:
                self._requests.wait(_IDLE if self._requests.is_woken or now - last > 1 else _BUSY)

    def _handle(self, rank: int, message: Message) -> None:
        if message.kind is Kind.HELLO:
            task = (message.info["job"], message.info["task"])
            if task == self.task:
                raise AlreadyExistsError(None, None, f"Ranks {self.rank} and {rank} are both {task_name(task)}")
            with self._news:
                self._ranks[task] = rank
                self._quiet.discard(rank)
                self._news.notify_all()
            for transport, address in zip(self._transports, message.info["addresses"], strict=True):
                transport.know(rank, address)
            self._service.client_came(rank)
            self._clients.rank_came(rank)
        elif message.kind in (Kind.JOINED, Kind.ENDED):
            with self._news:
                self._quiet.add(rank)
                self._news.notify_all()
            if message.kind is Kind.ENDED:
                self._service.client_ended(rank)
                self._clients.rank_ended(rank)
        elif message.kind is Kind.RESET:
            self.resources.clear(message.info["containers"])
        elif message.kind is Kind.STOP:
            self._asked = True
            ask_to_stop()
        else:
            self._service.handle(message)

    def _all_quiet(self) -> bool:
        others = [t for t in self.tasks if t != self.task]
        if all(t in self._ranks and self._ranks[t] in self._quiet for t in others):
            return True
        # Tasks without a process are not waited for when there is nobody left who could be one.
        quiet = self._quiet | (world().ended() if isinstance(self._requests, MpiTransport) else set())
        return all(rank in quiet for rank in range(self._requests.size) if rank != self.rank)

    def _tell(self, kind: Kind, info: dict[str, Any] | None = None) -> None:
        for rank in range(self._requests.size):
            if rank != self.rank:
                self._requests.send(rank, Message(kind, self.rank, info=info or {}))


_servers: list[Server] = []
_local_numbers = itertools.count(1)
# Never begin anew: tasks take a number that they know for late.
_step_numbers = itertools.count(1)


def _transports() -> tuple[Transport, Transport]:
    found = world()
    if found.size == 1:
        hub = Hub(1)
        return hub.transport(0), hub.transport(0)
    return MpiTransport(found.requests), MpiTransport(found.replies)


def _identity(definition: Any, job: str | None, index: int | None) -> tuple[ClusterSpec, Task]:
    if hasattr(definition, "cluster") and hasattr(definition, "job_name"):
        job = definition.job_name if job is None else job
        index = definition.task_index if index is None else index
        definition = definition.cluster
    cluster = ClusterSpec(definition)
    tasks = [(j, i) for j in cluster.jobs for i in cluster.task_indices(j)]
    if job is None and index is None and len(tasks) > 1:
        if world().rank >= len(tasks):
            raise ValueError(f"Rank {world().rank} has no task: the cluster has {len(tasks)}: {cluster.as_dict()}")
        return cluster, tasks[world().rank]
    job = cluster.jobs[0] if job is None and len(cluster.jobs) == 1 else job
    task = (job, index or 0)
    if job is None or task not in tasks:
        known = ", ".join(map(task_name, tasks))
        raise ValueError(f"job_name={job!r} and task_index={index!r} name no task of the cluster, which has {known}")
    return cluster, (job, task[1])


def _check_alone(server: Server) -> None:
    """One process is one task of an MPI job."""
    for other in _servers:
        if other.target == server.target:
            raise AlreadyExistsError(None, None, f"This process has a server for {server.target} already")
        if isinstance(other._requests, MpiTransport) and isinstance(server._requests, MpiTransport):
            raise AlreadyExistsError(
                None, None, f"This process is {task_name(other.task)} already, and cannot be {task_name(server.task)}"
            )


class OtherTask:
    """Another task of a server's cluster as the target of a session: what nothing places runs there."""

    def __init__(self, server: Server, task: Task) -> None:
        self.server, self.task = server, task
        self.resources, self.placement = server.resources, server.placement

    def compile(
        self,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        runtime: Runtime,
        options: Options,
    ) -> ClusterStep:
        """A step whose operations run where they are placed, and on the task where they are not."""
        return ClusterStep(self.server, self.task, graph, fetches, targets, feeds, runtime, options)

    def device_names(self) -> list[str]:
        """The devices of all tasks."""
        return self.server.device_names()

    def reset(self, containers: Sequence[str]) -> None:
        """Drops state by container, on all tasks."""
        self.server.reset(containers)


def _find(target: str) -> Server | OtherTask | None:
    """The server of this process, or the task of its cluster, that has an address, whatever stands before ://."""
    address = target.rpartition("://")[2]
    for server in _servers:
        if server.cluster.task_address(*server.task) == address:
            return server
    for server in _servers:
        for task in server.tasks:
            if server.cluster.task_address(*task) == address:
                return OtherTask(server, task)
    return None


targets.finders.append(_find)
