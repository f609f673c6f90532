"""Questions to a device that wait: whether a kernel has refused its values is asked when the host looks at what it computed."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Question(Protocol):
    """Something that knows whether a kernel has refused its values; `unsure` if a run ended before that was asked."""

    unsure: bool

    def refused(self) -> bool:
        """Waits for the answer, and forgets it."""


class Refused(BaseException):
    """Values were refused by a kernel that ran some time ago."""


class Late:
    """What was not asked yet."""

    def __init__(self) -> None:
        self._pending: dict[Question, None] = {}

    def add(self, question: Question) -> None:
        """Puts a question off."""
        self._pending[question] = None

    def ask(self) -> None:
        """Asks all; Refused if something was."""
        if not self._pending:
            return
        pending, self._pending = list(self._pending), {}
        if any([question.refused() for question in pending]):
            raise Refused

    def forget(self) -> None:
        """Has those who were not asked know it."""
        for question in self._pending:
            question.unsure = True


class _Thread(threading.local):
    late: Late | None = None


_thread = _Thread()


@contextmanager
def asking_late() -> Iterator[None]:
    """While this thread asks late; at the end it asks. Refused if something was, then or before the host looked."""
    late = _thread.late = Late()
    try:
        try:
            yield
        except Exception:
            # What was refused before comes first.
            late.ask()
            raise
        late.ask()
    finally:
        _thread.late = None
        late.forget()


def asks_late() -> bool:
    """Whether this thread does."""
    return _thread.late is not None


def put_off(question: Question) -> bool:
    """Notes a question for later, if this thread asks late."""
    if _thread.late is None:
        return False
    _thread.late.add(question)
    return True


def ask() -> None:
    """What comes before the host looks at what a device has computed."""
    if _thread.late is not None:
        _thread.late.ask()
