"""`python -m headrace`: what this headrace stands on; `gpu` tries a GPU, `run` trains on many processes, others read files."""

import argparse
import platform
import sys
from collections.abc import Sequence

import numpy

import headrace
from headrace.cluster.supervisor.arguments import add_run, settings_of


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs a command, or prints the versions of headrace, Python and NumPy without one, and returns the exit status."""
    parser = argparse.ArgumentParser(prog="headrace", description=__doc__)
    commands = parser.add_subparsers(dest="command")
    _add_checkpoint(commands)
    commands.add_parser("debug", help="look into a dump of the debugger").add_argument("path", help="the dump's folder")
    commands.add_parser("gpu", help="look a GPU over: its libraries, and one of each thing that steps rest on")
    add_run(commands)
    options = parser.parse_args(arguments)
    if options.command == "run":
        return _run(options, parser)
    if options.command == "checkpoint":
        return _checkpoint(options)
    if options.command == "debug":
        return _debug(options.path)
    if options.command == "gpu":
        return _gpu()
    print(f"headrace {headrace.__version__}")
    print(f"Python {platform.python_version()}, NumPy {numpy.__version__}, {platform.platform()}")
    return 0


def _add_checkpoint(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    text = "exit status: 0 good or equal, 1 damaged or different, 2 no checkpoint there, or wrong usage"
    parser = commands.add_parser("checkpoint", help="look into checkpoints", epilog=text)
    actions = parser.add_subparsers(dest="action", required=True)
    path = "a folder, or the prefix of a checkpoint"
    for name, what in (("list", "the checkpoints of a folder"), ("verify", "read everything and name what is damaged")):
        actions.add_parser(name, help=what, epilog=text).add_argument("path", help=path)
    show = actions.add_parser("show", help="the tensors of a checkpoint", epilog=text)
    show.add_argument("path", help=path)
    show.add_argument("names", nargs="*", help="tensors whose values are shown")
    diff = actions.add_parser("diff", help="the tensors that differ", epilog=text)
    diff.add_argument("path", help=path)
    diff.add_argument("other", help=path)


def _run(options: argparse.Namespace, parser: argparse.ArgumentParser) -> int:
    from headrace.cluster.supervisor.supervise import run

    try:
        settings = settings_of(options)
    except ValueError as error:
        parser.error(str(error))
    return run(settings)


def _checkpoint(options: argparse.Namespace) -> int:
    from headrace.engine.checkpoint import inspection

    match options.action:
        case "list":
            report = inspection.listed(options.path)
        case "show":
            report = inspection.shown(options.path, options.names)
        case "verify":
            report = inspection.verified(options.path)
        case _:
            report = inspection.compared(options.path, options.other)
    for line in report.lines:
        print(line)
    return report.status


def _debug(path: str) -> int:
    from headrace.engine.debug.local import look_into

    try:
        look_into(path)
    except (OSError, ValueError) as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 2
    return 0


def _gpu() -> int:
    from headrace.engine.gpu_check import look

    good = True
    for line in look():
        print(f"{line.name:<14}{'' if line.good else 'WRONG: '}{line.text}", flush=True)
        good = good and line.good
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
