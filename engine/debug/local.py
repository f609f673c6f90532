"""The state of a debugging session in the terminal: before which runs it stops, and what it watches. Used by wrapper and hook."""

from __future__ import annotations

import re
import shutil
import tempfile
import weakref
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..graph import Graph
from ..protos import RunOptions
from .analyzer import run_lines
from .dump_dir import DebugDumpDir, Predicate, has_inf_or_nan
from .dump_writer import clear_dump
from .watch import watch_graph
from .watching import global_step_of

if TYPE_CHECKING:
    from argparse import Namespace

_MOST_HITS = 10
# So many fetches are named where the debugger stops; run_info names all.
_FEW = 6


class LocalDebugger:
    """Stops before the first run and after watched ones; what is typed there decides about the runs that follow."""

    def __init__(
        self, dump_root: str | None = None, stdin: IO[str] | None = None, stdout: IO[str] | None = None
    ) -> None:
        root = None if dump_root is None else Path(dump_root)
        if root is not None and root.exists() and (root.is_file() or any(root.iterdir())):
            raise ValueError(f"dump_root must be a folder that does not exist or is empty: {dump_root!r}")
        self._root = root
        self._temporary: Path | None = None
        self._stdin = stdin
        self._stdout = stdout
        self.filters: dict[str, Predicate] = {"has_inf_or_nan": has_inf_or_nan}
        self.calls = 0
        self._order: Namespace | None = None
        self._about: list[str] = []
        self._feeds: dict[str, Any] = {}
        self._watched = False
        self._searched = 0

    def add_tensor_filter(self, filter_name: str, tensor_filter: Predicate) -> None:
        """Adds a filter for `lt -f` and `run -f`.

        Args:
            filter_name: a name of letters, digits and underscores.
            tensor_filter: a function of a DebugTensorDatum and an array; true where the debugger is to stop.
        """
        if not re.fullmatch(r"\w+", filter_name):
            raise ValueError(f"filter_name must be a word, but got {filter_name!r}")
        if not callable(tensor_filter):
            raise TypeError(f"tensor_filter must be a function, but got {tensor_filter!r}")
        self.filters[filter_name] = tensor_filter

    def before(self, session: Any, graph: Graph, fetches: Any, feeds: dict[Any, Any]) -> Any:
        """RunOptions with what the next run is watched by; None if it is not watched. May stop and ask first.

        Raises:
            SystemExit: `exit` was typed, or the input ended; with status 1 after a run that failed.
        """
        self.calls += 1
        self._feeds = {str(getattr(key, "name", key)): value for key, value in feeds.items()}
        names = _names(fetches)
        feeds_text = ", ".join(self._feeds) or "none"
        self._about = [f"run {self.calls} fetches {', '.join(names) or 'none'}", f"feeds: {feeds_text}"]
        if self._order is None:
            few = ", ".join(names[:_FEW]) + (f" and {len(names) - _FEW} more" if len(names) > _FEW else "")
            self._order = self._ask([f"before run {self.calls}: fetches {few or 'none'}"])
        self._watched = self._is_watched(self._order, session)
        return self._options(self._order, graph) if self._watched else None

    def _is_watched(self, order: Namespace, session: Any) -> bool:
        if order.no_debug:
            return False
        if order.times > 1:
            order.times -= 1
            return False
        step = None if order.step is None else global_step_of(session)
        return step is None or step >= order.step

    def _options(self, order: Namespace, graph: Graph) -> Any:
        options = RunOptions()
        watch_graph(
            options,
            graph,
            debug_urls=Path(self.folder).absolute().as_uri(),
            node_name_regex_whitelist=order.name or None,
            op_type_regex_whitelist=order.op_type or None,
            tensor_dtype_regex_whitelist=order.dtype or None,
            reset_disk_byte_usage=True,
        )
        return options

    @property
    def folder(self) -> str:
        """Where the dump of the last watched run is."""
        if self._root is not None:
            return str(self._root)
        if self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="debug_"))
            # Training that ends by an error does not close its hooks.
            weakref.finalize(self, shutil.rmtree, self._temporary, ignore_errors=True)
        return str(self._temporary / "dump")

    def after(self, error: Exception | None = None) -> None:
        """Looks at the run that just ended, by an error or well; stops and asks where it is told to.

        Raises:
            SystemExit: `exit` was typed, or the input ended; with status 1 after a run that failed.
        """
        order = self._order
        if not self._watched:
            if order is not None and order.no_debug:
                self._order = None
            return
        self._watched = False
        dump = DebugDumpDir(self.folder)
        head = [f"after run {self.calls}: {dump.size} tensors dumped"]
        if error is not None:
            head = [
                f"run {self.calls} ended with {type(error).__name__}: {error}",
                f"{dump.size} tensors dumped before",
            ]
        if order is not None and order.filter:
            hits = self._hits(dump, order)
            if not hits and error is None:
                self._searched += 1
                return
            head += hits
        self._searched = 0
        self._order = self._ask(head, dump, status=0 if error is None else 1)

    def _hits(self, dump: DebugDumpDir, order: Namespace) -> list[str]:
        hits = dump.find(self.filters[order.filter], exclude_node_names=order.exclude or None)
        if not hits:
            return []
        first = hits[0]
        file, line, _ = dump.made_at(first.node_name)
        lines = [
            f"{len(hits)} tensors pass {order.filter}; the first is {first.tensor_name} ({first.op_type}), made at {file}:{line}"
        ]
        lines += [f"  {hit.tensor_name} ({hit.op_type})" for hit in hits[1:_MOST_HITS]]
        return lines + (
            [f"  and {len(hits) - _MOST_HITS} more: lt -f {order.filter}"] if len(hits) > _MOST_HITS else []
        )

    def _ask(self, head: list[str], dump: DebugDumpDir | None = None, status: int = 0) -> Namespace:
        from .terminal import Terminal  # argparse and cmd are loaded by those who debug

        terminal = Terminal(self.filters, self._about, dump, self._feeds, self._stdin, self._stdout)
        terminal.write(head)
        terminal.cmdloop()
        if terminal.chosen is None:
            self.close()
            raise SystemExit(status)
        return terminal.chosen

    def close(self) -> None:
        """Removes the dumps; says so if a filter that was waited for never passed."""
        if self._searched and self._order is not None:
            from .terminal import Terminal

            text = f"No tensor passed {self._order.filter} in the last {self._searched} watched runs"
            Terminal(self.filters, [], stdin=self._stdin, stdout=self._stdout).write([text])
            self._searched = 0
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None
        elif self._root is not None and self._root.is_dir():
            # Others may have put files there in the meantime, such as checkpoints.
            clear_dump(self._root)
            with suppress(OSError):
                self._root.rmdir()


def _names(fetches: Any) -> list[str]:
    if isinstance(fetches, dict):
        fetches = list(fetches.values())
    if isinstance(fetches, list | tuple):
        return [name for part in fetches for name in _names(part)]
    return [fetches if isinstance(fetches, str) else str(getattr(fetches, "name", fetches))]


def look_into(folder: str, stdin: IO[str] | None = None, stdout: IO[str] | None = None) -> None:
    """Takes commands about a dump: what `python -m headrace debug FOLDER` does. `run` ends it as `exit` does.

    Raises:
        OSError, ValueError: the folder holds no dump, or a damaged one.
    """
    from .terminal import Terminal  # argparse and cmd are loaded by those who debug

    dump = DebugDumpDir(folder)
    filters: dict[str, Predicate] = {"has_inf_or_nan": has_inf_or_nan}
    terminal = Terminal(filters, run_lines(dump), dump, None, stdin, stdout)
    terminal.write(terminal.about)
    terminal.cmdloop()
