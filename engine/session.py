"""Session: runs the steps of a graph on the state of a task. A step that ran before costs no graph walk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .backends.gpu_passes import has_kernel
from .compiler import BACKENDS, FunctionCalls, Options
from .errors import InvalidArgumentError
from .feeding import fed_value
from .fetching import FetchStructure, key_of
from .graph import DEFAULT, Graph, Tensor, get_default_graph, remove_innermost
from .nest import flatten, flatten_dict_items
from .partial import PartialRun
from .placement import Placement, check_placement
from .resources import ResourceStore
from .rewriting.lower import reachable_operations
from .runtime import Cancellation, Runtime
from .session_config import DEFAULTS, device_for, mixed_precision_of, off_passes, precisions_of, threads_of
from .staged import compile_step
from .targets import Target, find_target
from .tensor_types import IndexedSlices, SparseTensor

if TYPE_CHECKING:
    from .debug.watching import Watching
    from .device_lib import ListedDevice
    from .gpu.device import Device


class StepHost(Protocol):
    """Where steps run: a graph, its state and how steps are compiled."""

    server: Target | None
    runtime: Runtime
    options: Options

    @property
    def graph(self) -> Graph:
        """What is run."""


# Called after every step of every session that ended well: `headrace run` is told that the program moves.
after_steps: list[Callable[[], None]] = []


class _Step:
    """A fetch structure with feeds: what one key of the session's cache stands for."""

    __slots__ = ("compiled", "expand", "feeds", "keys", "structure")

    def __init__(self, session: StepHost, fetches: Any, keys: Sequence[Any]) -> None:
        graph = session.graph
        self.structure = FetchStructure(graph, fetches)
        parts = [_fed_tensors(graph, key) for key in keys]
        self.feeds = [t for tensors in parts for t in tensors]
        _check_distinct(self.feeds)
        # Most feeds are one tensor a key; only sparse and nested ones are taken apart.
        self.keys = keys
        self.expand = any(len(p) != 1 or isinstance(k, tuple) for p, k in zip(parts, keys, strict=True))
        compiler = compile_step if session.server is None else session.server.compile
        self.compiled = compiler(
            graph,
            list(self.structure.tensors),
            list(self.structure.targets),
            self.feeds,
            session.runtime,
            session.options,
        )

    def run(self, values: Iterable[Any]) -> Any:
        if self.expand:
            values = _taken_apart(self.keys, values)
        arrays = [fed_value(t, v) for t, v in zip(self.feeds, values, strict=True)]
        result = self.structure.result(self.compiled.run(arrays))
        for done in after_steps:
            done()
        return result


def _taken_apart(keys: Iterable[Any], values: Iterable[Any]) -> Iterable[Any]:
    """A value for each fed tensor: those of nested and sparse keys are several."""
    for key, value in zip(keys, values, strict=True):
        if isinstance(key, tuple):
            items = flatten_dict_items({key: value})
            yield from _taken_apart(items, items.values())
        elif isinstance(key, SparseTensor | IndexedSlices):
            yield from (v for v in value if v is not None)
        else:
            yield value


def _fed_tensors(graph: Graph, key: Any) -> list[Tensor]:
    if isinstance(key, tuple):
        return [tensor for part in flatten(key) for tensor in _fed_tensors(graph, part)]
    if isinstance(key, SparseTensor):
        return [key.indices, key.values, key.dense_shape]
    if isinstance(key, IndexedSlices):
        return [key.values, key.indices] + ([] if key.dense_shape is None else [key.dense_shape])
    try:
        element = graph.as_graph_element(key, allow_operation=False)
    except (TypeError, ValueError, KeyError) as error:
        raise TypeError(f"Cannot interpret feed_dict key as Tensor: {error}") from None
    if not isinstance(element, Tensor):
        raise TypeError(f"Cannot interpret feed_dict key {key!r} as Tensor")
    return [element]


def _check_distinct(feeds: Sequence[Tensor]) -> None:
    """Raises ValueError for a tensor that is fed under two keys, such as itself and its name."""
    for tensor, count in Counter(feeds).items():
        if count > 1:
            raise ValueError(f"Tensor {tensor.name!r} is fed {count} times in one feed_dict or feed_list")


class BaseSession:
    """What Session and InteractiveSession share."""

    def __init__(
        self,
        target: str | bytes = "",
        graph: Graph | None = None,
        config: Any = None,
        *,
        backend: str | None = None,
        passes_off: Iterable[str] = (),
        resources: ResourceStore | None = None,
        check_numerics: bool | None = None,
        mixed_precision: str | None = None,
    ) -> None:
        if isinstance(target, bytes):
            target = target.decode()
        if not isinstance(target, str):
            raise TypeError(f"target must be a string, but got {target!r}")
        if config is None and DEFAULTS.config is not None:
            config = DEFAULTS.config()
        if config is not None and not hasattr(config, "graph_options"):
            raise TypeError(f"config must be a tf.ConfigProto, but got {config!r}")
        if graph is not None and not isinstance(graph, Graph):
            raise TypeError(f"graph must be a tf.Graph, but got {type(graph)}")
        if backend is not None and backend not in BACKENDS:
            raise ValueError(f"There is no backend {backend!r}; there are {', '.join(map(repr, BACKENDS))}")
        self._graph = graph if graph is not None else get_default_graph()
        self._target: str = target
        self._config = config
        self.server = find_target(self._target)
        mixed, precision = precisions_of(mixed_precision_of(config, mixed_precision))
        device = device_for(backend, config)
        self.options = Options(
            backend or ("cpu" if device is None else "gpu"),
            frozenset(passes_off) | off_passes(config),
            threads_of(config),
            _placement(config, self.server, device),
            device=device,
            precision=precision,
            mixed_precision=mixed,
        )
        self._timeout: int = 0 if config is None else config.operation_timeout_in_ms
        self._check_numerics = DEFAULTS.check_numerics if check_numerics is None else check_numerics
        # Whether a run without options has any all the same.
        self._by_options = self._timeout > 0 or self._check_numerics
        self._watching: Watching | None = None
        # On a cluster it is settled where operations run before they do.
        calls = FunctionCalls(self.options if self.server is None else self.options.placed())
        self._owns_state = resources is None and self.server is None
        if resources is None:
            resources = ResourceStore() if self.server is None else self.server.resources
        self.runtime = Runtime(resources, calls, Cancellation(), device=device)
        calls.runtime = self.runtime
        self._steps: dict[Any, _Step] = {}
        self._closed = False
        self._waits: list[Callable[[], None]] = []

    @property
    def graph(self) -> Graph:
        """The graph this session runs."""
        return self._graph

    @property
    def graph_def(self) -> Any:
        """The graph as a GraphDef message."""
        return self._graph.as_graph_def()

    @property
    def sess_str(self) -> str:
        """The target."""
        return self._target

    def run(
        self, fetches: Any, feed_dict: dict[Any, Any] | None = None, options: Any = None, run_metadata: Any = None
    ) -> Any:
        """Runs the operations that `fetches` need and returns their values in the same structure.

        Args:
            fetches: a tensor, operation, name, variable, or a nested list, tuple or dict of these.
            feed_dict: values by tensor (any tensor of the graph), in place of computing it. A key may be a nested tuple
                of tensors, such as the state of a cell, and its value is then nested alike.
            options: a RunOptions message. With `timeout_in_ms`, or a session whose ConfigProto has
                `operation_timeout_in_ms`, a step does not wait longer than that (for a queue, say). With
                `debug_options`, which headrace.debug fills in, what the step computes is dumped.
            run_metadata: a RunMetadata message that is filled in if `options` asks for a trace.

        Raises:
            RuntimeError: the session is closed.
            TypeError, ValueError: a fetch or feed does not fit the graph; nothing has run.
            tf.errors.DeadlineExceededError: the step would wait longer than it may.
            tf.errors.OpError: a subclass says what failed while running, with the operation and its line.
        """
        step = self._step(fetches, () if feed_dict is None else tuple(feed_dict))
        if options is not None or run_metadata is not None or self._by_options:
            if self._check_numerics or (options is not None and options.HasField("debug_options")):
                step = self._watched_step(fetches, feed_dict or {}, options)
            return self._run_with_options(step, feed_dict or {}, options, run_metadata)
        return step.run(feed_dict.values() if feed_dict else ())

    def _watched_step(self, fetches: Any, feed_dict: dict[Any, Any], options: Any) -> Any:
        if self._watching is None:
            from .debug.watching import Watching  # only those who look inside pay for it

            self._watching = Watching(self, _Step)
        return self._watching.step(fetches, feed_dict, options, self._check_numerics)

    def _run_with_options(self, step: _Step, feed_dict: dict[Any, Any], options: Any, run_metadata: Any) -> Any:
        timeout = (options.timeout_in_ms if options is not None else 0) or self._timeout
        if timeout > 0:
            with self.runtime.deadline(timeout):
                return self._run_traced(step, feed_dict, options, run_metadata)
        return self._run_traced(step, feed_dict, options, run_metadata)

    def _run_traced(self, step: _Step, feed_dict: dict[Any, Any], options: Any, run_metadata: Any) -> Any:
        if options is None and run_metadata is None:
            return step.run(feed_dict.values())
        from .tracing import run_traced  # messages are imported only where a trace is asked for

        return run_traced(step.compiled, lambda: step.run(feed_dict.values()), options, run_metadata)

    def _step(self, fetches: Any, keys: tuple[Any, ...]) -> _Step:
        try:
            key = (fetches if isinstance(fetches, Tensor) else key_of(fetches), keys)
            step = self._steps.get(key)
        except RecursionError:
            raise ValueError("The fetches are nested too deeply, or contain themselves") from None
        except TypeError as error:
            raise TypeError(f"Fetches and feed_dict keys must be hashable: {error}") from None
        if step is None or self._closed:
            self._check_open()
            step = self._steps[key] = _Step(self, fetches, keys)
        return step

    def _check_open(self) -> None:
        if self._closed:
            raise RuntimeError("Attempted to use a closed Session.")
        if not self._graph.version:
            raise RuntimeError("The Session graph is empty. Add operations to the graph before calling run().")

    def make_callable(
        self, fetches: Any, feed_list: Sequence[Any] | None = None, accept_options: bool = False
    ) -> Callable[..., Any]:
        """A function of the fed values, in the order of `feed_list`, that runs `fetches`: `run` without its lookups."""
        self._check_open()
        step = _Step(self, fetches, tuple(feed_list or ()))
        count = len(feed_list or ())

        def call(*values: Any, **keywords: Any) -> Any:
            if self._closed:
                raise RuntimeError("Attempted to use a closed Session.")
            if len(values) != count:
                raise TypeError(f"Expected {count} fed values, got {len(values)}")
            if accept_options and keywords:
                return self.run(fetches, dict(zip(feed_list or (), values, strict=True)), **keywords)
            if self._by_options:
                return self.run(fetches, dict(zip(feed_list or (), values, strict=True)))
            return step.run(values)

        return call

    def partial_run_setup(self, fetches: Any, feeds: Sequence[Any] | None = None) -> Any:
        """A handle for running a step in parts: every operation runs once over all calls of `partial_run`."""
        self._check_open()
        structure = FetchStructure(self._graph, fetches)
        tensors = [t for key in feeds or () for t in _fed_tensors(self._graph, key)]
        if self.server is not None:
            # All of it runs on this task.
            needed = reachable_operations(structure.tensors, structure.targets, set(tensors))
            check_placement(list(needed), self.options.placement)
        return PartialRun(self._graph, list(structure.tensors), list(structure.targets), tensors, self.runtime)

    def partial_run(self, handle: Any, fetches: Any, feed_dict: dict[Any, Any] | None = None) -> Any:
        """Continues the step of `handle` with more feeds, as far as `fetches` need."""
        self._check_open()
        if not isinstance(handle, PartialRun):
            raise InvalidArgumentError(None, None, "partial_run needs a handle of partial_run_setup")
        structure = FetchStructure(self._graph, fetches)
        fed = {_fed_tensors(self._graph, key)[0]: value for key, value in (feed_dict or {}).items()}
        arrays = {t: fed_value(t, v) for t, v in fed.items()}
        return structure.result(handle.run(list(structure.tensors), list(structure.targets), arrays))

    def explain(self, fetches: Any, feed_dict: dict[Any, Any] | None = None) -> str:
        """The program of a step as text: what each pass changed, the steps in order, and the memory they use."""
        from .show import show_plan  # printing is not needed to run

        self._check_open()
        step = self._step(fetches, tuple(feed_dict or ()))
        values = [fed_value(t, v) for t, v in zip(step.feeds, (feed_dict or {}).values(), strict=True)]
        explained = step.compiled.explain(tuple(np.shape(v) for v in values))
        return explained if isinstance(explained, str) else show_plan(*explained)

    def list_devices(self) -> list[ListedDevice]:
        """The devices this session runs on: their full names, with `name`, `device_type` and `memory_limit_bytes`."""
        from .device_lib import devices_of_session  # few programs ask

        here = self.server is None
        own = self.options.placement.device_names()
        names = own if self.server is None else list(dict.fromkeys([*self.server.device_names(), *own]))
        return devices_of_session(names, self.options.device, here)

    def as_default(self) -> Any:
        """A context manager that makes this the session of `Tensor.eval` and `Operation.run`, and leaves it open."""
        return _Default(self)

    def close(self) -> None:
        """Ends the session: waiting operations are cancelled, later runs raise RuntimeError.

        Asynchronous saves of its variables are waited for; the error of one that failed is raised.
        """
        self._closed = True
        self._steps.clear()
        self._watching = None
        if self.options.device is not None:
            self._leave_device()
        self.runtime.cancellation.cancel()
        waits, self._waits = self._waits, []
        _wait_for_all(waits)

    def wait_at_close(self, wait: Callable[[], None]) -> None:
        """Makes `close` call `wait`, whose error it raises: nothing that goes on beside a session may fail unseen."""
        if wait not in self._waits:
            self._waits.append(wait)

    def _leave_device(self) -> None:
        """Lets go of the memory on the device; the variables' values stay."""
        if isinstance(self.runtime.call, FunctionCalls):
            self.runtime.call.forget()
        if self._owns_state:
            self.runtime.resources.leave_devices()

    def __del__(self) -> None:
        if getattr(self, "_steps", None) is not None:
            self._steps.clear()
            # Threads that make a dataset's elements ahead must not outlive the session.
            self.runtime.cancellation.cancel()


def _wait_for_all(waits: Sequence[Callable[[], None]]) -> None:
    """Waits for all; raises the first error, at which the others are noted."""
    first: Exception | None = None
    for wait in waits:
        try:
            with added_to(first):
                wait()
        except Exception as error:
            first = error
    if first is not None:
        raise first


@contextmanager
def added_to(error: BaseException | None) -> Iterator[None]:
    """Raises what the block raises, or only notes it at an error that there is already: that one comes first."""
    try:
        yield
    except Exception as later:
        if error is None:
            raise
        error.add_note(f"Afterwards: {type(later).__name__}: {later}")


class _Default:
    def __init__(self, session: BaseSession) -> None:
        self.session = session

    def __enter__(self) -> BaseSession:
        DEFAULT.sessions.append(self.session)
        return self.session

    def __exit__(self, *exc: object) -> None:
        remove_innermost(DEFAULT.sessions, self.session)


class Session(BaseSession):
    """Runs a graph, as TensorFlow 1.15's `tf.Session`.

    Keyword arguments beyond TensorFlow's: `backend` ("gpu", "cpu", "numpy" without native kernels, or "reference"; "gpu"
    where there is one if None, else "cpu"),
    `passes_off` (names of rewriting passes to leave out), `resources` (the state of a task, to share it between
    sessions), `check_numerics` (end steps where a NaN or an infinity is made; see tf.debugging.enable_check_numerics),
    `mixed_precision` ("bfloat16" or "float16": products and convolutions in 16 bits, variables and updates in float32;
    "tf32": products of float32 as GPUs do them fastest; "float32").

    Example:
        >>> import headrace as tf
        >>> with tf.Graph().as_default(), tf.Session() as sess:
        ...     print(sess.run(tf.constant(2) + 3))
        5
    """

    def __enter__(self) -> Session:
        self._contexts: list[Any] = getattr(self, "_contexts", [])
        graph = self.graph.as_default()
        graph.__enter__()
        self._contexts.append(graph)
        DEFAULT.sessions.append(self)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        remove_innermost(DEFAULT.sessions, self)
        self._contexts.pop().__exit__(kind, error, trace)
        with added_to(error):
            self.close()

    @staticmethod
    def reset(target: str, containers: Sequence[str] | None = None, config: Any = None) -> None:
        """Drops variables, queues and tables of a server's tasks, in these containers or all.

        Without a target each session owns its state, and nothing is done.

        Raises:
            tf.errors.InvalidArgumentError: no server of this process is called `target`.
        """
        del config
        server = find_target(target)
        if server is not None:
            server.reset(list(containers or ()))


class InteractiveSession(BaseSession):
    """A session that makes itself and its graph the default ones when made, until it is closed."""

    def __init__(self, target: str = "", graph: Graph | None = None, config: Any = None) -> None:
        super().__init__(target, graph, config)
        self._explicit_graph = graph
        if graph is not None:
            DEFAULT.graphs.append(graph)
        DEFAULT.sessions.append(self)

    def close(self) -> None:
        """Ends the session and takes it off the default stack."""
        if self in DEFAULT.sessions:
            remove_innermost(DEFAULT.sessions, self)
        if self._explicit_graph is not None and self._explicit_graph in DEFAULT.graphs:
            remove_innermost(DEFAULT.graphs, self._explicit_graph)
        super().close()


def _placement(config: Any, server: Target | None, device: Device | None) -> Placement:
    base = Placement() if server is None else server.placement
    if device is not None:
        base = replace(base, device_types=("CPU", "GPU"), on_gpu=has_kernel)
    if config is None:
        return base
    return replace(base, soft=bool(config.allow_soft_placement), log=bool(config.log_device_placement))
