"""`tf.app.run`: parses the flags and calls the program's main function."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any


def _parse_known(argv: list[str]) -> list[str]:
    from absl import flags

    # Old programs pass on arguments that they did not define.
    return list(flags.FLAGS(argv, known_only=True))


def run(main: Callable[[list[str]], Any] | None = None, argv: list[str] | None = None) -> None:
    """Runs `main(argv)` after parsing the flags, then exits with what it returned; `main` defaults to `__main__.main`."""
    from absl import app

    app.run(main=main or sys.modules["__main__"].main, argv=argv, flags_parser=_parse_known)
