"""The debugger's terminal: a loop that reads commands from a terminal or a pipe and writes plain lines. Nothing evals."""

from __future__ import annotations

import cmd
import sys
from collections.abc import Callable
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from .analyzer import Analyzer, expression, shown_tensor
from .arguments import parsers, words_of
from .dump_dir import DebugDumpDir, Predicate
from .tensor_text import CommandError, TensorName

if TYPE_CHECKING:
    from argparse import Namespace

_LONG_NAMES = {
    "list_tensors": "lt",
    "print_tensor": "pt",
    "node_info": "ni",
    "list_inputs": "li",
    "list_outputs": "lo",
    "list_source": "ls",
    "print_source": "ps",
    "print_feed": "pf",
    "ri": "run_info",
    "r": "run",
    "q": "exit",
    "quit": "exit",
    "h": "help",
}
_NO_EVAL = "Nothing is evaluated here. pt prints slices (pt a:0[0, :]), sums up in numbers (pt -s) and writes .npy files (pt -w)."


class Terminal(cmd.Cmd):
    """One stop of the debugger. `chosen` is what `run` was typed with, or None where the program is to end."""

    prompt = "debug> "

    def __init__(
        self,
        filters: dict[str, Predicate],
        about: list[str],
        dump: DebugDumpDir | None = None,
        feeds: dict[str, Any] | None = None,
        stdin: IO[str] | None = None,
        stdout: IO[str] | None = None,
    ) -> None:
        super().__init__(stdin=stdin, stdout=stdout)
        # input() reads from the terminal itself; a pipe is read line by line.
        self.use_rawinput = stdin is None and sys.stdin.isatty()
        self.about = about
        self.feeds = feeds or {}
        self.analyzer = None if dump is None else Analyzer(dump, filters)
        self.filters = filters
        self.chosen: Namespace | None = None
        self._parsers = parsers()
        self._handlers = self._commands()

    def _commands(self) -> dict[str, Callable[[Namespace], list[str]]]:
        found: dict[str, Callable[[Namespace], list[str]]] = {
            "pf": self._print_feed,
            "run_info": lambda args: self.about,
        }
        look = self.analyzer
        if look is not None:
            found |= {
                "lt": look.list_tensors,
                "pt": look.print_tensor,
                "ni": look.node_info,
                "li": look.list_inputs,
                "lo": look.list_outputs,
                "ls": look.list_source,
                "ps": look.print_source,
                "graph": look.overview,
            }
        return found

    def write(self, lines: list[str]) -> None:
        """Writes lines."""
        self.stdout.write("".join(f"{line}\n" for line in lines))
        self.stdout.flush()

    def onecmd(self, line: str) -> bool:
        """Carries out a line; true where the loop ends."""
        if line == "EOF":
            self.stdout.write("\n")
        elif not self.use_rawinput:
            # What comes through a pipe is not on the screen yet.
            self.stdout.write(line.strip() + "\n")
        try:
            words = ["exit"] if line == "EOF" else words_of(line)
            return bool(words) and self._carry_out(_LONG_NAMES.get(words[0], words[0]), words[1:])
        except CommandError as error:
            self.write([str(error)])
        except Exception as error:
            # A filter of the user's may raise anything; the program that is looked at goes on.
            self.write([f"{type(error).__name__}: {error}"])
        return False

    def _carry_out(self, name: str, words: list[str]) -> bool:
        if name == "exit":
            return True
        if name == "help":
            self.write(self._help(words))
        elif name == "eval":
            self.write([_NO_EVAL])
        elif name == "run":
            return self._run(words)
        elif name not in self._parsers:
            raise CommandError(f"There is no command {name!r}; help lists them")
        elif name not in self._handlers:
            raise CommandError(f"{name} looks into a dump, and nothing has run yet: type run")
        else:
            self.write(self._handlers[name](self._parsers[name].parse_args(words)))
        return False

    def _run(self, words: list[str]) -> bool:
        args = self._parsers["run"].parse_args(words)
        if args.filter and args.filter not in self.filters:
            raise CommandError(f"There is no filter {args.filter!r}; there are {', '.join(sorted(self.filters))}")
        for text in (args.exclude, args.name, args.op_type, args.dtype):
            expression(text)
        if args.times < 1:
            raise CommandError("-t takes a number of 1 or more")
        self.chosen = args
        return True

    def _print_feed(self, args: Namespace) -> list[str]:
        name = TensorName(args.tensor)
        key = f"{name.node}:{name.slot or 0}"
        if key not in self.feeds:
            raise CommandError(f"Nothing is fed for {key}; fed are: {', '.join(self.feeds) or 'none'}")
        return shown_tensor(key, np.asarray(self.feeds[key]), name, args)

    def _help(self, words: list[str]) -> list[str]:
        name = _LONG_NAMES.get(words[0], words[0]) if words else ""
        if name in self._parsers:
            return self._parsers[name].format_help().rstrip().splitlines()
        lines = [f"{name:<9} {parser.description}" for name, parser in self._parsers.items()]
        return [*lines, f"{'exit':<9} end the program", "help COMMAND shows what a command takes"]
