"""DebugDumpDir: what a watched run left in a folder, with the API of TensorFlow 1.15's tfdbg. Reading runs no code."""

from __future__ import annotations

import base64
import json
import linecache
import math
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..dtypes import as_dtype
from .debug_ops import IDENTITY
from .dump_graph import DumpGraph, node_of
from .dump_writer import FILE, FORMAT, GRAPH, RUN, TENSORS, VALUES, VERSION, carrier_of, npy_header

Predicate = Callable[["DebugTensorDatum", Any], bool]

_MOST_BYTES = 2**30


class WatchKeyDoesNotExistInDebugDumpDirError(ValueError):
    """Says that a dump has no value of a tensor."""


class CoreMetadata(NamedTuple):
    """Which run it was, as TensorFlow's tuple of this name; -1 where that is not known."""

    global_step: int
    session_run_index: int
    executor_step_index: int
    input_names: list[str]
    output_names: list[str]
    target_nodes: list[str]


def has_inf_or_nan(datum: Any, tensor: Any) -> bool:
    """Whether a tensor of floating or complex numbers has a NaN or an infinity: a filter for `find` and `run -f`.

    Example:
        >>> import numpy as np
        >>> from headrace.engine.debug.dump_dir import has_inf_or_nan
        >>> has_inf_or_nan(None, np.array([1.0, np.inf]))
        True
    """
    if not isinstance(tensor, np.ndarray | np.generic) or tensor.dtype.kind not in "fcV":
        return False
    return not bool(np.isfinite(tensor).all())


class DebugTensorDatum:
    """One value of one tensor in a dump: which it is, when it was there, and where it lies.

    Unlike TensorFlow's it is made from its line in tensors.jsonl, and not from the name of a file.
    """

    def __init__(self, dump_root: str, entry: dict[str, Any], device_name: str = "") -> None:
        self._root = Path(dump_root)
        self._node: str = _typed(entry, "node", str)
        self._slot: int = _typed(entry, "slot", int)
        self._debug_op: str = _typed(entry, "debug_op", str)
        self._timestamp: int = _typed(entry, "timestamp", int)
        self._file = entry.get("file")
        if self._file is not None and not (isinstance(self._file, str) and FILE.match(self._file)):
            raise ValueError(f"A dump names the file {self._file!r}, which is none of its own")
        shape = entry.get("shape")
        self._shape = None if shape is None else tuple(_size(n) for n in shape)
        self._dtype = as_dtype(_typed(entry, "dtype", str))
        if self._file is not None and self._dtype.numpy.hasobject != self._file.endswith(".json"):
            raise ValueError(f"A dump has {self._dtype.name} in the file {self._file!r}")
        self._device = device_name
        self.op_type: str = _typed(entry, "op", str)
        self.initialized = bool(entry.get("initialized", True))

    def get_tensor(self) -> Any:
        """The value as an array (of `bytes` for strings); None for a variable that had no value.

        Raises:
            ValueError: the file is not what the dump's list says.
        """
        if self._file is None:
            return None
        if not Path(self.file_path).is_file():
            raise ValueError(f"{self.file_path} is missing")
        return self._strings() if self._file.endswith(".json") else self._numbers()

    def _numbers(self) -> np.ndarray[Any, Any]:
        dtype, shape = self._dtype.numpy, self._shape or ()
        stored = carrier_of(dtype)
        # What the list says decides, and the header must say the same: it is compared, not read.
        header = npy_header(shape, stored)
        size = len(header) + math.prod(shape) * stored.itemsize
        if self.dump_size_bytes != size:
            raise ValueError(
                f"{self.file_path} has {self.dump_size_bytes} bytes, {self._dtype.name} {shape} has {size}"
            )
        data = Path(self.file_path).read_bytes()
        if not data.startswith(header):
            raise ValueError(f"{self.file_path} does not hold {self._dtype.name} {shape}, as the list of the dump says")
        return np.frombuffer(data, stored, offset=len(header)).reshape(shape).copy().view(dtype)

    def _strings(self) -> np.ndarray[Any, Any]:
        shape = self._shape or ()
        try:
            items = json.loads(Path(self.file_path).read_text(encoding="ascii"))
            array = np.empty(len(items), object)
            array[:] = [base64.b64decode(item, validate=True) for item in items]
        except (TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{self.file_path} is damaged: {error}") from None
        return array.reshape(shape)

    @property
    def timestamp(self) -> int:
        """When the value was there, in microseconds; no two values of a dump share one."""
        return self._timestamp

    @property
    def extended_timestamp(self) -> str:
        """The timestamp as text."""
        return str(self._timestamp)

    @property
    def debug_op(self) -> str:
        """What was kept, such as `DebugIdentity`."""
        return self._debug_op

    @property
    def device_name(self) -> str:
        """The device that computed it."""
        return self._device

    @property
    def node_name(self) -> str:
        """The operation."""
        return self._node

    @property
    def output_slot(self) -> int:
        """Which of its outputs."""
        return self._slot

    @property
    def tensor_name(self) -> str:
        """`node_name:output_slot`."""
        return f"{self._node}:{self._slot}"

    @property
    def watch_key(self) -> str:
        """`tensor_name:debug_op`."""
        return f"{self.tensor_name}:{self._debug_op}"

    @property
    def dtype(self) -> Any:
        """The dtype of what was kept."""
        return self._dtype

    @property
    def shape(self) -> tuple[int, ...] | None:
        """The shape of what was kept; None where there is no value."""
        return self._shape

    @property
    def file_path(self) -> str:
        """The file with the value; empty where there is none."""
        return "" if self._file is None else str(self._root / VALUES / self._file)

    @property
    def dump_size_bytes(self) -> int | None:
        """The size of the file; None where there is none."""
        path = Path(self.file_path) if self._file is not None else None
        return path.stat().st_size if path is not None and path.is_file() else None

    def __str__(self) -> str:
        return f"{{DebugTensorDatum ({self._device}) {self.tensor_name} @ {self._debug_op} @ {self._timestamp}}}"

    def __repr__(self) -> str:
        return str(self)


def _size(number: Any) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or number < 0:
        raise ValueError(f"A line of {TENSORS} has the size {number!r}")
    return number


def _typed(entry: dict[str, Any], key: str, kind: type) -> Any:
    value = entry.get(key)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise ValueError(f"A line of {TENSORS} has {value!r} for {key!r}, not a {kind.__name__}")
    return value


class DebugDumpDir(DumpGraph):
    """A dump: the values in time order, and the graph of the step, as TensorFlow 1.15's class of this name.

    `partition_graphs` and `validate` are accepted; the graph is in the dump. Names of operations may be given as names
    of tensors too. `device_name` is accepted everywhere: a dump is of one device.

    Args:
        dump_root: the folder.
        partition_graphs: not needed.
        validate: not needed.

    Raises:
        OSError: there is no such folder.
        ValueError: it holds no dump, or a damaged one.

    Example:
        >>> import tempfile
        >>> import headrace as tf
        >>> from headrace.engine.debug.dump_dir import DebugDumpDir
        >>> from headrace.engine.debug.watch import watch_graph
        >>> with tempfile.TemporaryDirectory() as folder, tf.Graph().as_default() as graph, tf.Session() as sess:
        ...     y = tf.square(tf.constant(3.0), name="y")
        ...     options = tf.RunOptions()
        ...     watch_graph(options, graph, debug_urls=f"file://{folder}/dump")
        ...     value = sess.run(y, options=options)
        ...     print(DebugDumpDir(f"{folder}/dump").get_tensors("y", 0, "DebugIdentity"))
        [array(9., dtype=float32)]
    """

    def __init__(self, dump_root: str, partition_graphs: Any = None, validate: bool = True) -> None:
        del partition_graphs, validate
        root = Path(dump_root)
        if not root.is_dir():
            raise OSError(f"There is no folder {dump_root!r} with a dump")
        self._run = _read_run(root)
        device = str(self._run.get("device", ""))
        self._root = root
        try:
            lines = (root / TENSORS).read_text(encoding="utf-8").splitlines() if (root / TENSORS).is_file() else []
            super().__init__(_read_json(root / GRAPH)["nodes"], device)
            self._data = [DebugTensorDatum(str(root), json.loads(line), device) for line in _whole(lines, self._run)]
        except (KeyError, TypeError, AttributeError, RecursionError, ValueError) as error:
            raise ValueError(f"{root} holds a damaged dump: {type(error).__name__}: {error}") from None
        self._by_key: dict[str, list[DebugTensorDatum]] = {}
        for datum in self._data:
            self._by_key.setdefault(datum.watch_key, []).append(datum)
        self._python_graph: Any = None

    # The run

    @property
    def core_metadata(self) -> CoreMetadata:
        """Which run it was; `global_step` is what the watch said, or else the graph's own before the run."""
        fetches = _flat(self._run.get("fetches"))
        names = [n for n in fetches if ":" in n]
        targets = [n for n in fetches if ":" not in n]
        run = int(self._run.get("run", -1))
        return CoreMetadata(
            int(self._run.get("global_step", -1)), run, run, _flat(self._run.get("feeds")), names, targets
        )

    @property
    def run_fetches_info(self) -> Any:
        """The fetches, by name in their structure."""
        return self._run.get("fetches")

    @property
    def run_feed_keys_info(self) -> Any:
        """The names of what was fed."""
        return self._run.get("feeds")

    @property
    def error(self) -> str | None:
        """What ended the run before its end: the class and text of the error. The dump has what came before."""
        if not self._run.get("ended", False):
            return "The process ended while the run was dumped"
        found = self._run.get("error")
        return None if found is None else str(found)

    # Values

    @property
    def dumped_tensor_data(self) -> list[DebugTensorDatum]:
        """All values in time order."""
        return list(self._data)

    @property
    def size(self) -> int:
        """How many values there are."""
        return len(self._data)

    @property
    def t0(self) -> int | None:
        """The time of the first value; None where there is none."""
        return self._data[0].timestamp if self._data else None

    def find(
        self,
        predicate: Predicate,
        first_n: int = 0,
        device_name: str | None = None,
        exclude_node_names: str | None = None,
    ) -> list[DebugTensorDatum]:
        """The values, in time order, for which `predicate(datum, array)` is true.

        Args:
            predicate: such as has_inf_or_nan.
            first_n: end after so many; 0 for all.
            device_name: accepted.
            exclude_node_names: a regular expression; operations whose names match from the start are passed over.
        """
        exclude = re.compile(exclude_node_names) if exclude_node_names else None
        found = []
        for datum in self._data:
            if exclude is not None and exclude.match(datum.node_name):
                continue
            if predicate(datum, datum.get_tensor()):
                found.append(datum)
                if len(found) == first_n:
                    break
        return found

    def debug_watch_keys(self, node_name: str, device_name: str | None = None) -> list[str]:
        """The keys, `node:slot:debug_op`, under which there are values of an operation."""
        name = node_of(node_name)
        return [key for key, data in self._by_key.items() if data[0].node_name == name]

    def watch_key_to_data(self, debug_watch_key: str, device_name: str | None = None) -> list[DebugTensorDatum]:
        """The values under a key, in time order; an empty list if there are none."""
        return list(self._by_key.get(debug_watch_key, ()))

    def _of(self, node_name: str, output_slot: int, debug_op: str) -> list[DebugTensorDatum]:
        key = f"{node_name}:{output_slot}:{debug_op}"
        if key not in self._by_key:
            raise WatchKeyDoesNotExistInDebugDumpDirError(f"The dump in {self._root} has no value of {key!r}")
        return self._by_key[key]

    def get_tensors(
        self, node_name: str, output_slot: int, debug_op: str = IDENTITY, device_name: str | None = None
    ) -> list[Any]:
        """The values of a tensor: several where a loop computed it several times.

        Raises:
            WatchKeyDoesNotExistInDebugDumpDirError: there is none.
        """
        return [datum.get_tensor() for datum in self._of(node_name, output_slot, debug_op)]

    def get_tensor_file_paths(
        self, node_name: str, output_slot: int, debug_op: str = IDENTITY, device_name: str | None = None
    ) -> list[str]:
        """The files with the values of a tensor; raises as get_tensors."""
        return [datum.file_path for datum in self._of(node_name, output_slot, debug_op)]

    def get_rel_timestamps(
        self, node_name: str, output_slot: int, debug_op: str = IDENTITY, device_name: str | None = None
    ) -> list[int]:
        """When the values of a tensor were there, in microseconds after the dump's first; raises as get_tensors."""
        return [datum.timestamp - (self.t0 or 0) for datum in self._of(node_name, output_slot, debug_op)]

    def get_dump_sizes_bytes(
        self, node_name: str, output_slot: int, debug_op: str = IDENTITY, device_name: str | None = None
    ) -> list[int | None]:
        """The sizes of the files with the values of a tensor; raises as get_tensors."""
        return [datum.dump_size_bytes for datum in self._of(node_name, output_slot, debug_op)]

    # The Python graph

    def set_python_graph(self, python_graph: Any) -> None:
        """Accepted; the lines of operations are in the dump."""
        self._python_graph = python_graph

    @property
    def python_graph(self) -> Any:
        """What set_python_graph was given."""
        return self._python_graph

    def node_traceback(self, element_name: str) -> list[tuple[str, int, str, str]]:
        """The user's line that made an operation: a list of one tuple of file, line number, function and text.

        Raises:
            KeyError: there is no such operation.
        """
        name = node_of(element_name)
        if not self.node_exists(name):
            raise KeyError(f"Cannot find node {name!r} in the dump's graph")
        file, line, function = self.made_at(name)
        return [(file, line, function, linecache.getline(file, line).strip())]


def dumps_in(root: Path) -> list[Path]:
    """The folders of a session's dumps, oldest first."""
    return sorted(root.glob("run_*_*")) if root.is_dir() else []


def _read_run(root: Path) -> dict[str, Any]:
    run = _read_json(root / RUN)
    if run.get("format") != FORMAT or run.get("version") != VERSION:
        raise ValueError(f"{root / RUN} does not describe a dump of version {VERSION} of headrace")
    if not all(isinstance(run.get(key, -1), int) for key in ("global_step", "run")):
        raise ValueError(f"{root / RUN} is damaged: a number of a step is none")
    return run


def _read_json(path: Path) -> dict[str, Any]:
    if not path.is_file():
        inside = dumps_in(path.parent)
        where = f"; the newest dump in it is {inside[-1]}" if inside else ""
        raise ValueError(f"{path.parent} holds no dump: it has no {path.name}{where}")
    if path.stat().st_size > _MOST_BYTES:
        raise ValueError(f"{path} is too large for a dump's")
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path} is damaged: {error}") from None
    if not isinstance(found, dict):
        raise ValueError(f"{path} is damaged: it holds no object")
    return found


def _whole(lines: Sequence[str], run: dict[str, Any]) -> Sequence[str]:
    """The lines, without a last one that a killed process left unfinished."""
    return lines if run.get("ended") or not lines or lines[-1].endswith("}") else lines[:-1]


def _flat(item: Any) -> list[str]:
    if isinstance(item, dict):
        item = list(item.values())
    if isinstance(item, list):
        return [name for part in item for name in _flat(part)]
    return [] if item is None else [str(item)]
