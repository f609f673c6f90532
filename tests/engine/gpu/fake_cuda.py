"""A double of CuPy's runtime and driver: streams that do their work as late as they may, on memory of the process.

What the device forgets to order goes wrong here: a copy runs when somebody waits for it, or (eager) as soon as it can.
"""

from __future__ import annotations

import ctypes
import threading
from collections import deque
from types import SimpleNamespace
from typing import Any

# Functions with their numbers of arguments, as CuPy 14 has them.
RUNTIME = {
    "setDevice": 1, "free": 1, "malloc": 1, "memGetInfo": 0, "hostAlloc": 2, "freeHost": 1, "streamCreateWithFlags": 1,
    "streamSynchronize": 1, "streamWaitEvent": 2, "eventCreateWithFlags": 1, "eventRecord": 2, "eventSynchronize": 1,
    "memcpyAsync": 5, "memsetAsync": 4, "streamBeginCapture": 2, "streamEndCapture": 1, "graphInstantiate": 1,
    "graphLaunch": 2, "graphDestroy": 1, "graphExecDestroy": 1, "streamQuery": 1,
}  # fmt: skip
DRIVER = {
    "moduleLoadData": 1, "moduleGetFunction": 2, "launchKernel": 11, "funcGetAttribute": 2, "funcSetAttribute": 3,
}  # fmt: skip


# Which argument is the stream, where CUDA wants it to be one of the thread's device.
STREAM = {
    "memcpyAsync": 4,
    "memsetAsync": 3,
    "eventRecord": 1,
    "streamBeginCapture": 0,
    "graphLaunch": 1,
    "launchKernel": 8,
}


class FakeCudaError(RuntimeError):
    """As CUDARuntimeError: a text and a status."""

    def __init__(self, status: int) -> None:
        super().__init__(f"cudaError {status}")
        self.status = status


class FakeCuda:
    """`runtime` and `driver` are modules to put into `cupy.cuda`; `calls` are the names of what was called."""

    def __init__(self, total: int = 1 << 28, eager: bool = False) -> None:
        self.total = total
        self.eager = eager
        self.calls: list[str] = []
        self.memory: dict[int, Any] = {}
        self.queues: dict[int, deque[Any]] = {}
        # By event: how often it was recorded, how often that was reached, and the stream.
        self.events: dict[int, list[int]] = {}
        self.graphs: dict[int, list[Any]] = {}
        self.capturing: list[Any] | None = None
        # Whether a call has broken the capture: all that follow fail, and its end too.
        self.broken = False
        self.fails: dict[str, int] = {}
        self.kernels: dict[str, Any] = {}
        # The device of each thread's calls, those of streams, and the most shared memory that launches of a function ask for.
        self._chosen = threading.local()
        self._devices: dict[int, int] = {}
        self.shared: dict[int, int] = {}
        self.own_shared = 0
        self._names: dict[int, str] = {}
        self._next = 1
        constants = {
            "streamNonBlocking": 1, "eventDisableTiming": 2, "memcpyHostToDevice": 1, "memcpyDeviceToHost": 2,
            "memcpyDeviceToDevice": 3, "streamCaptureModeRelaxed": 2,
        }  # fmt: skip
        self.runtime = SimpleNamespace(**constants, **{name: self._function(name, n) for name, n in RUNTIME.items()})
        self.driver = SimpleNamespace(
            CU_FUNC_ATTRIBUTE_MAX_DYNAMIC_SHARED_SIZE_BYTES=8,
            CU_FUNC_ATTRIBUTE_SHARED_SIZE_BYTES=1,
            **{name: self._function(name, n) for name, n in DRIVER.items()},
        )

    def _function(self, name: str, count: int) -> Any:
        def call(*arguments: Any) -> Any:
            assert len(arguments) == count, f"{name} takes {count} arguments, not {len(arguments)}"
            assert all(type(a) in (int, bytes, str) for a in arguments), f"{name}{arguments}"
            self.calls.append(name)
            if name in self.fails:
                raise FakeCudaError(self.fails[name])
            self._check_thread(name, arguments)
            return getattr(self, f"_{name}")(*arguments)

        return call

    @property
    def device(self) -> int:
        """The device of this thread's calls: the first if it chose none."""
        return getattr(self._chosen, "device", 0)

    def _check_thread(self, name: str, arguments: tuple[Any, ...]) -> None:
        # The runtime makes a context where it is missing, the driver does not.
        if name in DRIVER and not hasattr(self._chosen, "device"):
            raise FakeCudaError(201)
        if name in STREAM and self._devices[arguments[STREAM[name]]] != self.device:
            raise FakeCudaError(400)

    def _new(self) -> int:
        self._next += 1
        return self._next

    def _refuse_capture(self) -> None:
        if self.capturing is not None:
            # Nothing comes of a capture in which this was tried.
            self.broken = True
            raise FakeCudaError(900)

    # Memory

    def _allocate(self, nbytes: int) -> int:
        self._refuse_capture()
        if sum(map(len, self.memory.values())) + nbytes > self.total:
            raise FakeCudaError(2)
        buffer = (ctypes.c_ubyte * (nbytes + 256))()
        address = -(-ctypes.addressof(buffer) // 256) * 256
        self.memory[address] = buffer
        return address

    _malloc = _allocate

    def _hostAlloc(self, nbytes: int, flags: int) -> int:
        return self._allocate(nbytes)

    def _free(self, address: int) -> None:
        if address:
            for stream in self.queues:
                self.run(stream)
            del self.memory[address]

    _freeHost = _free

    def _memGetInfo(self) -> tuple[int, int]:
        return self.total - sum(map(len, self.memory.values())), self.total

    def _setDevice(self, index: int) -> None:
        self._chosen.device = index

    # Streams and events

    def _streamCreateWithFlags(self, flags: int) -> int:
        assert flags == 1
        stream = self._new()
        self.queues[stream] = deque()
        self._devices[stream] = self.device
        return stream

    def _eventCreateWithFlags(self, flags: int) -> int:
        event = self._new()
        self.events[event] = [0, 0, 0]
        return event

    def _push(self, stream: int, work: Any) -> None:
        if self.capturing is not None:
            if self.broken:
                raise FakeCudaError(901)
            self.capturing.append(work)
            return
        self.queues[stream].append(work)
        if self.eager:
            self._run_free()

    def _memcpyAsync(self, to: int, source: int, nbytes: int, kind: int, stream: int) -> None:
        assert kind in (1, 2, 3)
        self._push(stream, lambda: ctypes.memmove(to, source, nbytes))

    def _memsetAsync(self, address: int, value: int, nbytes: int, stream: int) -> None:
        self._push(stream, lambda: ctypes.memset(address, value, nbytes))

    def _eventRecord(self, event: int, stream: int) -> None:
        self.events[event][0] += 1
        self.events[event][2] = stream
        self._push(stream, ("record", event, self.events[event][0]))

    def _streamWaitEvent(self, stream: int, event: int) -> None:
        self._push(stream, ("wait", event, self.events[event][0]))

    def _eventSynchronize(self, event: int) -> None:
        self._refuse_capture()
        self._reach(event, self.events[event][0])

    def _streamSynchronize(self, stream: int) -> None:
        self._refuse_capture()
        self.run(stream)

    def _streamQuery(self, stream: int) -> int:
        self._refuse_capture()
        if not self.queues[stream]:
            return 0
        self._step(stream)
        return 600

    def _reach(self, event: int, number: int) -> None:
        while self.events[event][1] < number:
            self._step(self.events[event][2])

    def _step(self, stream: int) -> None:
        work = self.queues[stream].popleft()
        if callable(work):
            work()
        elif work[0] == "record":
            self.events[work[1]][1] = work[2]
        else:
            self._reach(work[1], work[2])

    def run(self, stream: int) -> None:
        """Does all the work of a stream."""
        while self.queues[stream]:
            self._step(stream)

    def _run_free(self) -> None:
        """Does what waits for nothing on all streams but the first, which kernels run on."""
        for stream in list(self.queues)[1:]:
            queue = self.queues[stream]
            while queue and (callable(queue[0]) or queue[0][0] == "record" or self._reached(queue[0])):
                self._step(stream)

    def _reached(self, work: Any) -> bool:
        return self.events[work[1]][1] >= work[2]

    # Graphs

    def _streamBeginCapture(self, stream: int, mode: int) -> None:
        assert mode == 2 and self.capturing is None
        self.capturing, self.broken = [], False

    def _streamEndCapture(self, stream: int) -> int:
        work, self.capturing = self.capturing or [], None
        if self.broken:
            raise FakeCudaError(901)
        graph = self._new()
        self.graphs[graph] = work
        return graph

    def _graphInstantiate(self, graph: int) -> int:
        ready = self._new()
        self.graphs[ready] = self.graphs[graph]
        return ready

    def _graphLaunch(self, ready: int, stream: int) -> None:
        for work in self.graphs[ready]:
            self._push(stream, work)

    def _graphDestroy(self, graph: int) -> None:
        del self.graphs[graph]

    _graphExecDestroy = _graphDestroy

    # Kernels

    def _moduleLoadData(self, image: bytes) -> int:
        assert type(image) is bytes
        return self._new()

    def _moduleGetFunction(self, module: int, name: str) -> int:
        handle = self._new()
        self._names[handle] = name
        return handle

    def _funcSetAttribute(self, function: int, attribute: int, value: int) -> None:
        assert attribute == 8 and value + self.own_shared <= 227 << 10
        self.shared[function] = value

    def _funcGetAttribute(self, attribute: int, function: int) -> int:
        assert attribute == 1 and function in self._names
        return self.own_shared

    def _launchKernel(self, function: int, *rest: Any) -> None:
        # Three and three numbers, shared memory, stream, addresses of the arguments, nothing.
        shared, stream, parameters, extra = rest[6:]
        assert not extra and shared <= self.shared.get(function, (48 << 10) - self.own_shared)
        run, types = self.kernels[self._names[function]]
        addresses = (ctypes.c_void_p * len(types)).from_address(parameters)
        # The driver reads arguments at the launch.
        values = [kind.from_address(address).value for kind, address in zip(types, addresses, strict=True)]
        self._push(stream, lambda: run(rest[:3], rest[3:6], *values))
