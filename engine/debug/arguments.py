"""What the debugger's commands take, as TensorFlow 1.15's tfdbg spells it."""

from __future__ import annotations

import argparse
import shlex
from typing import NoReturn

from .tensor_text import CommandError


class _Parser(argparse.ArgumentParser):
    """A parser that raises where others end the program."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(f"{message}\n{self.format_usage().strip()}")


def parsers() -> dict[str, argparse.ArgumentParser]:
    """The parser of each command, by its short name."""
    made = [
        _run(),
        _list_tensors(),
        _print_tensor("pt", "print a tensor: its value, or the part in slices behind its name"),
        _print_tensor("pf", "print what was fed for a tensor"),
        _node_info(),
        _neighbours("li", "list what a node takes"),
        _neighbours("lo", "list the nodes that take what a node gives"),
        _list_source(),
        _print_source(),
        _new("run_info", "show what this run fetches and is fed"),
        _graph(),
    ]
    return {parser.prog: parser for parser in made}


def _new(name: str, what: str) -> _Parser:
    return _Parser(prog=name, description=what, add_help=False)


def _run() -> _Parser:
    parser = _new("run", "go on with this run, and those after it as the options say")
    parser.add_argument("-t", "--times", type=int, default=1, help="only the last of so many runs is watched")
    parser.add_argument("-n", "--no_debug", action="store_true", help="do not watch; stop before the next run")
    parser.add_argument("-f", "--till_filter_pass", dest="filter", default="", help="until a tensor passes this filter")
    parser.add_argument("-s", "--till_step", dest="step", type=int, help="until the global step has this value")
    parser.add_argument(
        "-fenn", "--filter_exclude_node_names", dest="exclude", default="", help="nodes that -f passes over"
    )
    parser.add_argument("--node_name_filter", dest="name", default="", help="watch nodes whose names fit")
    parser.add_argument("--op_type_filter", dest="op_type", default="", help="watch nodes whose types fit")
    parser.add_argument("--tensor_dtype_filter", dest="dtype", default="", help="watch tensors whose dtypes fit")
    return parser


def _list_tensors() -> _Parser:
    parser = _new("lt", "list the dumped tensors")
    parser.add_argument("-f", "--tensor_filter", dest="filter", default="", help="those that pass this filter")
    parser.add_argument(
        "-fenn", "--filter_exclude_node_names", dest="exclude", default="", help="nodes that -f passes over"
    )
    parser.add_argument("-n", "--node_name_filter", dest="name", default="", help="those of nodes whose names fit")
    parser.add_argument("-t", "--op_type_filter", dest="op_type", default="", help="those of nodes whose types fit")
    parser.add_argument(
        "-s", "--sort_by", dest="sort", default="timestamp", help="timestamp, dump_size, op_type or tensor_name"
    )
    parser.add_argument("-r", "--reverse", action="store_true", help="the last ones first")
    return parser


def _print_tensor(name: str, what: str) -> _Parser:
    parser = _new(name, what)
    parser.add_argument("tensor", help="such as hidden/Relu:0 or hidden/Relu:0[0, :]")
    parser.add_argument("-n", "--number", type=int, help="which dump, from 0, of a tensor that has several")
    parser.add_argument("-r", "--ranges", default="", help="mark elements in a range: [0, 1] or [[-inf, 0], [1, inf]]")
    parser.add_argument("-a", "--all", action="store_true", help="all elements, however many")
    parser.add_argument("-s", "--numeric_summary", action="store_true", help="counts, extremes, mean and deviation too")
    parser.add_argument("-w", "--write_path", dest="write", default="", help="write the value to an .npy file")
    return parser


def _node_info() -> _Parser:
    parser = _new("ni", "show a node: its type, line, inputs and recipients")
    parser.add_argument("node")
    parser.add_argument("-a", "--attributes", action="store_true", help="with attributes")
    parser.add_argument("-d", "--dumps", action="store_true", help="with dumped tensors")
    parser.add_argument("-t", "--traceback", action="store_true", help="with the text of the line that made it")
    return parser


def _neighbours(name: str, what: str) -> _Parser:
    parser = _new(name, what)
    parser.add_argument("node")
    parser.add_argument("-c", "--control", action="store_true", help="control edges too")
    parser.add_argument("-d", "--depth", type=int, default=20, help="how far -r goes")
    parser.add_argument("-r", "--recursive", action="store_true", help="as a tree")
    parser.add_argument("-t", "--op_type", action="store_true", help="with op types")
    return parser


def _list_source() -> _Parser:
    parser = _new("ls", "list the files that made the nodes")
    parser.add_argument("-p", "--path_filter", dest="path", default="", help="files whose paths fit")
    parser.add_argument("-n", "--node_name_filter", dest="name", default="", help="nodes whose names fit")
    return parser


def _print_source() -> _Parser:
    parser = _new("ps", "print a file with the nodes that its lines made")
    parser.add_argument("file")
    parser.add_argument("-t", "--tensors", action="store_true", help="with dumped tensors in the place of nodes")
    parser.add_argument("-m", "--max_elements_per_line", dest="most", type=int, default=10, help="so many a line")
    parser.add_argument("-b", "--line_begin", dest="line", type=int, default=1, help="begin at this line")
    return parser


def _graph() -> _Parser:
    parser = _new("graph", "count the nodes by type and by scope")
    parser.add_argument("-m", "--most", type=int, default=12, help="so many types and scopes")
    return parser


def words_of(line: str) -> list[str]:
    """The words of a line; what is in brackets or quotes is one.

    Raises:
        CommandError: a quote is not closed.

    Example:
        >>> from headrace.engine.debug.arguments import words_of
        >>> words_of("pt a:0[0, :] -r [0, 1]")
        ['pt', 'a:0[0, :]', '-r', '[0, 1]']
    """
    try:
        pieces = shlex.split(line)
    except ValueError as error:
        raise CommandError(f"{line!r}: {error}") from None
    words: list[str] = []
    depth = 0
    for piece in pieces:
        if depth > 0:
            words[-1] += f" {piece}"
        else:
            words.append(piece)
        depth += piece.count("[") - piece.count("]")
    return words
