"""What a task does for the clients of other tasks: their programs, and threads for what may block."""

from __future__ import annotations

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Iterable

from ..engine.compiler import FunctionCalls, Options
from ..engine.placement import Placement
from ..engine.resources import ResourceStore
from ..engine.runtime import Cancellation, Runtime
from .failures import words_of
from .messages import Kind, Message
from .stages import SentProgram, placed_on
from .steps.task import Action, Cancel, Define, Send, Start, TaskMachine


class TaskService:
    """The stages that other tasks' clients run here: programs, threads for what may block, and the state machine.

    Stages that cannot block run one after the other in the thread that receives messages, so each sees what the one
    before left. Those that may wait for another, such as for an element of a queue, have threads of their own.
    """

    def __init__(self, resources: ResourceStore, placement: Placement, send: Callable[[int, Message], None]) -> None:
        self.machine = TaskMachine()
        self._resources = resources
        self._placement = placement
        self._send = send
        self._lock = threading.RLock()
        # Held while a program runs that cannot block: it sees what the one before left.
        self._state = threading.Lock()
        self._programs: dict[tuple[int, int], dict[int, SentProgram] | Exception] = {}
        self._cancellations: dict[tuple[int, int], Cancellation] = {}
        from concurrent.futures import ThreadPoolExecutor  # not needed to import the package

        self._threads = ThreadPoolExecutor(max_workers=1024, thread_name_prefix="headrace-stage")

    def handle(self, message: Message) -> None:
        """Does what a message asks for."""
        with self._lock:
            actions = self.machine.handle(message)
        self._do(actions)

    def client_ended(self, rank: int) -> None:
        """Gives up what the client of a rank that is gone has asked for."""
        with self._lock:
            actions = self.machine.client_ended(rank)
        self._do(actions)

    def client_came(self, rank: int) -> None:
        """Takes in that a rank has a server, perhaps once more."""
        with self._lock:
            self.machine.client_came(rank)

    def close(self) -> None:
        """Ends the waiting of all runs."""
        with self._lock:
            cancellations = list(self._cancellations.values())
        for cancellation in cancellations:
            cancellation.cancel()
        self._threads.shutdown(wait=False)

    def _do(self, actions: Iterable[Action]) -> None:
        todo = deque(actions)
        while todo:
            todo.extend(self._one(todo.popleft()))

    def _one(self, action: Action) -> Iterable[Action]:
        if isinstance(action, Send):
            return self._sent(action)
        if isinstance(action, Start):
            return self._start(action)
        if isinstance(action, Define):
            self._define(action)
        elif isinstance(action, Cancel):
            found = self._cancellations.pop(action.run, None)
            if found is not None:
                found.cancel()
        else:
            self._programs.pop(action.step, None)
        return ()

    def _sent(self, action: Send) -> Iterable[Action]:
        message = action.message
        try:
            self._send(action.rank, message)
        except Exception as error:
            if message.kind is Kind.FAILED:
                raise
            # A value that cannot be sent: the client hears of it in the place of the value.
            with self._lock:
                failed = self.machine.stage_failed((message.client, message.run), words_of(error))
            words = Message(Kind.FAILED, message.client, message.step, message.run, info=words_of(error))
            return failed or [Send(message.client, words)]
        return ()

    def _define(self, action: Define) -> None:
        info = action.message.info
        base = Options(info["backend"], frozenset(info["off"]), placement=Placement(soft=info["soft"]))
        options = placed_on(base, self._placement)
        calls = FunctionCalls(options)
        runtime = calls.runtime = Runtime(self._resources, calls)
        try:
            graphs = [value.tobytes() for value in action.message.values]
            self._programs[action.step] = {
                stage.number: SentProgram(words, graph, runtime, options)
                for stage, words, graph in zip(action.plan.stages, info["stages"], graphs, strict=True)
            }
        except Exception as error:
            # The client asks for no answer to a definition: it is told at the first run.
            self._programs[action.step] = error

    def _start(self, action: Start) -> Iterable[Action]:
        programs = self._programs.get(action.step)
        if programs is None:
            # The client has forgotten the step in the meantime.
            return ()
        if isinstance(programs, Exception):
            return self._failed(action, programs)
        program = programs[action.stage.number]
        if not program.blocks:
            return self._run(action, program)
        with self._lock:
            if action.run not in self.machine.runs:
                return ()
            cancellation = self._cancellations[action.run] = Cancellation()
        self._threads.submit(self._run_apart, action, program, cancellation)
        return ()

    def _run(self, action: Start, program: SentProgram) -> Iterable[Action]:
        try:
            with contextlib.nullcontext() if program.blocks else self._state:
                results, trace = program.run(action.inputs, action.traced)
        except Exception as error:
            return self._failed(action, error)
        with self._lock:
            return self.machine.stage_ended(action.run, action.stage, results, trace)

    def _run_apart(self, action: Start, program: SentProgram, cancellation: Cancellation) -> None:
        with program.runtime.cancelled_by(cancellation):
            actions = self._run(action, program)
        with self._lock:
            if self._cancellations.get(action.run) is cancellation:
                del self._cancellations[action.run]
        self._do(actions)

    def _failed(self, action: Start, error: Exception) -> Iterable[Action]:
        with self._lock:
            return self.machine.stage_failed(action.run, words_of(error))
