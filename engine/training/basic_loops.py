"""basic_train_loop, wait_for_new_checkpoint and checkpoints_iterator: loops around sessions and checkpoints, as in TF 1.15."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from ..checkpoint.state import latest_checkpoint
from ..errors import AbortedError
from .supervisor import Supervisor

_log = logging.getLogger("absl")


def basic_train_loop(
    supervisor: Supervisor,
    train_step_fn: Callable[..., Any],
    args: Sequence[Any] | None = None,
    kwargs: Mapping[str, Any] | None = None,
    master: str = "",
) -> None:
    """Calls `train_step_fn(session, *args, **kwargs)` until the supervisor should stop; begins anew after AbortedError.

    TF 1.15's tf.train.basic_train_loop.
    """
    while True:
        try:
            with supervisor.managed_session(master) as session:
                while not supervisor.should_stop():
                    train_step_fn(session, *(args or ()), **(kwargs or {}))
            return
        except AbortedError as error:
            _log.info("The session was lost: %s. A new one is made.", error)
            if supervisor.summary_writer is not None:
                # The end of a session closes it.
                supervisor.summary_writer.reopen()


def wait_for_new_checkpoint(
    checkpoint_dir: str | os.PathLike[str],
    last_checkpoint: str | None = None,
    seconds_to_sleep: float = 1,
    timeout: float | None = None,
) -> str | None:
    """The newest checkpoint of a folder once it is another one than `last_checkpoint`; None after `timeout` seconds."""
    end = None if timeout is None else time.monotonic() + timeout
    while True:
        newest = latest_checkpoint(checkpoint_dir)
        if newest is not None and newest != last_checkpoint:
            return newest
        if end is not None and time.monotonic() + seconds_to_sleep > end:
            return None
        time.sleep(seconds_to_sleep)


def checkpoints_iterator(
    checkpoint_dir: str | os.PathLike[str],
    min_interval_secs: float = 0,
    timeout: float | None = None,
    timeout_fn: Callable[[], bool] | None = None,
) -> Iterator[str]:
    """Yields the checkpoints of a folder as they appear; where several do at once, the newest alone.

    TF 1.15's tf.train.checkpoints_iterator.

    Args:
        checkpoint_dir: the folder.
        min_interval_secs: seconds from one to the next, at least.
        timeout: seconds to wait for a new one; None for as long as it takes.
        timeout_fn: called after a timeout: whether that is the end. Without it, it is.
    """
    newest: str | None = None
    while True:
        found = wait_for_new_checkpoint(checkpoint_dir, newest, timeout=timeout)
        if found is None:
            if timeout_fn is None or timeout_fn():
                return
            continue
        start, newest = time.monotonic(), found
        yield found
        time.sleep(max(0.0, start + min_interval_secs - time.monotonic()))
