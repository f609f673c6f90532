"""The command line of `headrace run`."""

from __future__ import annotations

import argparse
import math
import os
import shlex
from pathlib import Path

from ..roles import TF_CONFIG
from .attempt import Settings

STATUSES = """\
exit status:
  0    the programs of all ranks have ended well, as the chief has said
  2    wrong usage, or no mpirun
  85   asked to stop: all ranks have saved their state and left; start again to go on
  124  nothing moved for --stall-timeout seconds
  137  a process was killed, or a host was lost
  143, 130  stopped by SIGTERM or SIGINT before the ranks had saved their state
  else what the failing rank ended with: 1 for an exception, n for sys.exit(n)
Failures are those of the last start, when --max-restarts is reached. A program that fails before the first step of the
job is not started again.
"""


def add_run(commands: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Adds the command `run`."""
    parser = commands.add_parser(
        "run",
        help="train on several processes, again from the newest checkpoint when something fails",
        description="Starts a training script with mpirun, and again from its newest checkpoint when a process dies, a "
        "host is lost or nothing moves. Lines that ranks print begin with the rank.",
        epilog=STATUSES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("-n", type=_count, default=1, metavar="K", help="number of processes (default: 1)")
    parser.add_argument("--ps", type=_number, default=0, metavar="P", help="how many of them are parameter servers")
    parser.add_argument("--max-restarts", type=_number, default=3, metavar="R", help="default: 3")
    parser.add_argument(
        "--stall-timeout",
        type=_seconds,
        default=600.0,
        metavar="S",
        help="seconds without a step after which the job is started again, a minute or more at first; 0 for never "
        "(default: 600)",
    )
    parser.add_argument(
        "--backoff", type=_seconds, default=1.0, metavar="S", help="before the first restart, then twice as long"
    )
    parser.add_argument("--grace", type=_seconds, default=30.0, metavar="S", help="time to save when asked to stop")
    parser.add_argument("--mpirun-options", default="", metavar="TEXT", help='more options of mpirun: "--host a:2,b:2"')
    parser.add_argument(
        "--state", type=Path, metavar="FOLDER", help="shared with rank 0, where that is on another host"
    )
    parser.add_argument("-m", dest="module", metavar="MODULE", help="run a module in place of a script")
    parser.add_argument("program", nargs=argparse.REMAINDER, help="train.py and its arguments")


def settings_of(options: argparse.Namespace) -> Settings:
    """What was asked for.

    Raises:
        ValueError: there is no program, parameter servers leave no process to train, or TF_CONFIG names others.
    """
    program = options.program[1:] if options.program[:1] == ["--"] else options.program
    if options.module:
        program = ["-m", options.module, *program]
    if not program:
        raise ValueError("headrace run needs a program: headrace run -n 4 train.py")
    if options.ps and options.ps >= options.n:
        raise ValueError(f"{options.ps} of {options.n} processes cannot be parameter servers: at least one must train")
    if options.ps and TF_CONFIG in os.environ:
        raise ValueError("--ps says the cluster, and so does TF_CONFIG: leave one of them out")
    # Options of mpirun may name other hosts and folders.
    if not (options.module or options.mpirun_options or Path(program[0]).exists()):
        raise ValueError(f"there is no program {program[0]} in {Path.cwd()}")
    return Settings(
        program,
        options.n,
        options.ps,
        options.max_restarts,
        options.stall_timeout,
        options.backoff,
        options.grace,
        shlex.split(options.mpirun_options),
        options.state,
    )


def _number(text: str, least: int = 0) -> int:
    try:
        value = int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"must be a whole number, at least {least}, got {text!r}") from None
    if value < least:
        raise argparse.ArgumentTypeError(f"must be at least {least}, got {value}")
    return value


def _count(text: str) -> int:
    return _number(text, 1)


def _seconds(text: str) -> float:
    wrong = argparse.ArgumentTypeError(f"must be a number of seconds, got {text!r}")
    try:
        value = float(text)
    except ValueError:
        raise wrong from None
    if not 0 <= value < math.inf:
        raise wrong
    return value
