"""The commands that look into a dump: lt, pt, ni, li, lo, ls, ps, graph, run_info. Each gives its text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .dump_dir import DebugDumpDir, DebugTensorDatum, Predicate
from .dump_graph import node_of
from .tensor_text import CommandError, TensorName, array_text, parse_ranges, ranges_text, summary_lines

if TYPE_CHECKING:
    from argparse import Namespace

_SORT: dict[str, Callable[[DebugTensorDatum], Any]] = {
    "timestamp": lambda datum: datum.timestamp,
    "dump_size": lambda datum: datum.dump_size_bytes or 0,
    "op_type": lambda datum: datum.op_type,
    "tensor_name": lambda datum: datum.tensor_name,
}


class Analyzer:
    """A dump with the filters that lists of its tensors may name."""

    def __init__(self, dump: DebugDumpDir, filters: dict[str, Predicate]) -> None:
        self.dump = dump
        self.filters = filters
        totals = Counter(datum.watch_key for datum in dump.dumped_tensor_data)
        seen: Counter[str] = Counter()
        # Which value of its tensor each is, where there are several.
        self.numbers: dict[int, str] = {}
        for datum in dump.dumped_tensor_data:
            if totals[datum.watch_key] > 1:
                self.numbers[id(datum)] = f" ({seen[datum.watch_key]})"
            seen[datum.watch_key] += 1
        self._data = dump.dumped_tensor_data

    # Tensors

    def list_tensors(self, args: Namespace) -> list[str]:
        """lt: the tensors in a table."""
        data = self._data
        if args.filter:
            data = self.hits(args.filter, args.exclude)
        if args.name:
            data = [d for d in data if expression(args.name).match(d.node_name)]
        if args.op_type:
            data = [d for d in data if expression(args.op_type).match(d.op_type)]
        if args.sort not in _SORT:
            raise CommandError(f"lt sorts by {', '.join(_SORT)}, not by {args.sort!r}")
        data = sorted(data, key=_SORT[args.sort], reverse=args.reverse)
        what = f"pass {args.filter}" if args.filter else "dumped" if len(data) == len(self._data) else "listed"
        head = f"{len(data)} tensors" if len(data) == len(self._data) else f"{len(data)} of {len(self._data)} tensors"
        return [f"{head} {what}", *self._table(data)]

    def hits(self, name: str, exclude: str | None = None) -> list[DebugTensorDatum]:
        """The values that pass a filter."""
        if name not in self.filters:
            raise CommandError(f"There is no filter {name!r}; there are {', '.join(sorted(self.filters))}")
        names = {id(d) for d in self._data if exclude and expression(exclude).match(d.node_name)}
        return [d for d in self._data if id(d) not in names and self.filters[name](d, d.get_tensor())]

    def _table(self, data: list[DebugTensorDatum]) -> list[str]:
        if not data:
            return []
        start = self.dump.t0 or 0
        rows = [
            (
                f"[{(d.timestamp - start) / 1000:.3f}]",
                _size(d),
                d.op_type,
                f"{self._label(d)}{self.numbers.get(id(d), '')}",
            )
            for d in data
        ]
        return table([("t (ms)", "size", "op type", "tensor"), *rows], right=(0, 1))

    def _label(self, datum: DebugTensorDatum) -> str:
        return datum.tensor_name if datum.debug_op == "DebugIdentity" else datum.watch_key

    def print_tensor(self, args: Namespace) -> list[str]:
        """pt: the value of a tensor."""
        name = TensorName(args.tensor)
        datum = self._chosen(name, args.number)
        array = datum.get_tensor()
        if array is None:
            return [f"{datum.tensor_name}: the variable had no value yet"]
        return shown_tensor(f"{self._label(datum)}{self.numbers.get(id(datum), '')}", array, name, args)

    def _chosen(self, name: TensorName, number: int | None) -> DebugTensorDatum:
        found = [
            d
            for d in self._data
            if d.node_name == name.node
            and name.slot in (None, d.output_slot)
            and d.debug_op == (name.debug_op or d.debug_op)
        ]
        if not found:
            raise CommandError(self._absent(name.node))
        if len({d.watch_key for d in found}) > 1:
            raise CommandError(f"Which of {', '.join(sorted({self._label(d) for d in found}))}?")
        if len(found) > 1 and number is None:
            raise CommandError(
                f"{self._label(found[0])} was dumped {len(found)} times: choose one with -n 0 to -n {len(found) - 1}"
            )
        if not 0 <= (number or 0) < len(found):
            raise CommandError(f"{self._label(found[0])} was dumped {len(found)} times, there is no dump {number}")
        return found[number or 0]

    def _absent(self, node: str) -> str:
        if self.dump.node_exists(node):
            return f"{node} was not dumped: it gives no values, was not watched, or did not run"
        near = [n for n in self.dump.nodes() if node.lower() in n.lower()][:5]
        return f"There is no operation {node!r}" + (f"; similar: {', '.join(near)}" if near else "")

    # Nodes

    def _node(self, element: str) -> str:
        name = node_of(element)
        if not self.dump.node_exists(name):
            raise CommandError(self._absent(name))
        return name

    def node_info(self, args: Namespace) -> list[str]:
        """ni: a node with its neighbours."""
        name, dump = self._node(args.node), self.dump
        file, line, function = dump.made_at(name)
        inside = dump.inside(name)
        lines = [
            f"{name}",
            f"  op type: {dump.node_op_type(name)}",
            f"  device: {dump.node_device(name)}",
            f"  made at: {file}:{line} in {function}",
            *([f"  inside: {inside}"] if inside else []),
            *self._neighbours("inputs", dump.node_inputs(name), dump.node_inputs(name, is_control=True)),
            *self._neighbours("recipients", dump.node_recipients(name), dump.node_recipients(name, is_control=True)),
        ]
        if args.attributes:
            lines += ["  attributes:", *(f"    {key}: {text}" for key, text in dump.node_attributes(name).items())]
        if args.dumps:
            data = [d for d in self._data if d.node_name == name]
            lines += [f"  dumps: {len(data)}", *("    " + row for row in self._table(data))]
        if args.traceback:
            lines += [
                "  traceback:",
                *(f"    {f}:{n} in {where}: {text}" for f, n, where, text in dump.node_traceback(name)),
            ]
        return lines

    def _neighbours(self, what: str, data: list[str], control: list[str]) -> list[str]:
        lines = [f"  {what}: {len(data)}" + (f", and {len(control)} by control" if control else "")]
        lines += [f"    {self._typed(n)}" for n in data]
        return lines + [f"    {self._typed(n)} (control)" for n in control]

    def _typed(self, element: str) -> str:
        kind = self.dump.node_op_type(element) if self.dump.node_exists(element) else "not in this run"
        return f"{element} [{kind}]"

    def list_inputs(self, args: Namespace) -> list[str]:
        """li: what a node takes."""
        return self._tree("inputs of", self.dump.node_inputs, args)

    def list_outputs(self, args: Namespace) -> list[str]:
        """lo: who takes what a node gives."""
        return self._tree("recipients of", self.dump.node_recipients, args)

    def _tree(self, what: str, neighbours: Callable[..., list[str]], args: Namespace) -> list[str]:
        name = self._node(args.node)
        depth = args.depth if args.recursive else 1
        lines = [f"{what} {name}" + (f", to a depth of {depth}" if args.recursive else "")]
        shown: set[str] = set()

        def add(node: str, level: int) -> None:
            found = [(n, "") for n in neighbours(node)]
            if args.control:
                found += [(n, " (control)") for n in neighbours(node, is_control=True)]
            for element, mark in found:
                text = self._typed(element) if args.op_type else element
                inner = node_of(element)
                again = inner in shown and args.recursive
                lines.append(f"{'|  ' * level}|- {text}{mark}{' (see above)' if again else ''}")
                if level + 1 < depth and not again and self.dump.node_exists(inner):
                    shown.add(inner)
                    add(inner, level + 1)

        add(name, 0)
        return lines if len(lines) > 1 else [*lines, "none"]

    def overview(self, args: Namespace) -> list[str]:
        """graph: how many operations of which types, and in which scopes."""
        names = [n for n in self.dump.nodes() if self.dump.inside(n) is None]
        inner = len(self.dump.nodes()) - len(names)
        kinds = Counter(self.dump.node_op_type(n) for n in self.dump.nodes())
        scopes = Counter(n.split("/")[0] + ("/" if "/" in n else "") for n in names)
        within = f" and {inner} in branches and bodies" if inner else ""
        return [
            f"{len(names)} operations{within}, {self.dump.size} tensors dumped",
            "by type: " + ", ".join(f"{kind} {count}" for kind, count in kinds.most_common(args.most)),
            "by scope: " + ", ".join(f"{scope} {count}" for scope, count in scopes.most_common(args.most)),
        ]

    # Source

    def list_source(self, args: Namespace) -> list[str]:
        """ls: the files whose lines made the operations of the run."""
        found: dict[str, list[str]] = {}
        for name in self.dump.nodes():
            if not args.name or expression(args.name).match(name):
                found.setdefault(self.dump.made_at(name)[0], []).append(name)
        dumped = Counter(d.node_name for d in self._data)
        rows = []
        for file, names in sorted(found.items()):
            if args.path and not expression(args.path).search(file):
                continue
            lines = [self.dump.made_at(n)[1] for n in names]
            rows.append((str(len(names)), str(sum(dumped[n] for n in names)), f"{min(lines)}-{max(lines)}", file))
        return table([("nodes", "dumps", "lines", "file"), *rows], right=(0, 1)) if rows else ["no file fits"]

    def print_source(self, args: Namespace) -> list[str]:
        """ps: the lines of a file with the operations, or dumped tensors, that they made."""
        names = [n for n in self.dump.nodes() if self._is_file(self.dump.made_at(n)[0], args.file)]
        if not names:
            raise CommandError(f"No operation of this run was made in {args.file!r}; ls lists the files")
        files = {self.dump.made_at(n)[0] for n in names}
        if len(files) > 1:
            raise CommandError(f"Which of {', '.join(sorted(files))}?")
        at: dict[int, list[str]] = {}
        for name in names:
            at.setdefault(self.dump.made_at(name)[1], []).extend(self._labels(name, args.tensors))
        path = Path(files.pop())
        if not path.is_file():
            return [f"{path} cannot be read here", *(f"L{n}: {', '.join(at[n])}" for n in sorted(at) if at[n])]
        lines = []
        for number, text in enumerate(path.read_text(encoding="utf-8", errors="replace").splitlines(), 1):
            if number >= args.line:
                lines.append(f"L{number:<4} {text}".rstrip())
                labels = at.get(number, [])
                lines += [f"        {label}" for label in labels[: args.most]]
                if len(labels) > args.most:
                    lines.append(f"        and {len(labels) - args.most} more")
        return lines

    @staticmethod
    def _is_file(file: str, wanted: str) -> bool:
        return file == wanted or file.endswith("/" + wanted)

    def _labels(self, name: str, tensors: bool) -> list[str]:
        if not tensors:
            return [self._typed(name)]
        return list(dict.fromkeys(self._label(d) for d in self._data if d.node_name == name))


def run_lines(dump: DebugDumpDir) -> list[str]:
    """What was run, by a dump."""
    data = dump.core_metadata
    lines = [
        f"fetches: {', '.join([*data.output_names, *data.target_nodes]) or 'none'}",
        f"feeds: {', '.join(data.input_names) or 'none'}",
        f"watched run {data.session_run_index}"
        + (f", global step {data.global_step}" if data.global_step >= 0 else ""),
        f"{dump.size} tensors dumped on {dump.devices()[0]}",
    ]
    return lines + ([f"the run ended with {dump.error}"] if dump.error else [])


def shown_tensor(label: str, array: Any, name: TensorName, args: Namespace) -> list[str]:
    """A tensor's value, or a part of it, as pt and pf print it."""
    array = np.asarray(array)
    if name.index is not None:
        try:
            array = np.asarray(array[name.index])
        except IndexError as error:
            raise CommandError(f"{label}{name.index_text}: {error}") from None
    ranges = parse_ranges(args.ranges) if args.ranges else None
    kind = "string" if array.dtype.hasobject else str(array.dtype)
    lines = [f"{label}{name.index_text}: {kind} {array.shape}"]
    if args.numeric_summary:
        lines += summary_lines(array)
    if ranges:
        lines.append(ranges_text(array, ranges))
    if args.write:
        if array.dtype.hasobject or array.dtype.isbuiltin != 1:
            raise CommandError(f"{kind} cannot be written as .npy")
        with Path(args.write).open("wb") as file:
            np.save(file, array, allow_pickle=False)
        return [*lines, f"written to {args.write}"]
    return [*lines, array_text(array, args.all, ranges)]


def expression(text: str) -> re.Pattern[str]:
    """A regular expression.

    Raises:
        CommandError: it is none.
    """
    try:
        return re.compile(text)
    except re.error as error:
        raise CommandError(f"{text!r} is not a regular expression: {error}") from None


def table(rows: list[tuple[str, ...]], right: tuple[int, ...]) -> list[str]:
    """Rows in columns; those numbered in `right` end at the same place."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    return [
        "  ".join(
            c.rjust(w) if i in right else c.ljust(w) for i, (c, w) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _size(datum: DebugTensorDatum) -> str:
    size = datum.dump_size_bytes
    if size is None:
        return "-"
    return f"{size} B" if size < 10_000 else f"{size / 1024:.1f} kB" if size < 10_000_000 else f"{size / 2**20:.1f} MB"
