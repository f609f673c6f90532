"""`tf.logging`: the logger "headrace", with TensorFlow 1's functions and levels."""

from __future__ import annotations

import logging
import sys
import threading
from collections import Counter
from typing import Any

DEBUG = logging.DEBUG
INFO = logging.INFO
WARN = logging.WARNING
ERROR = logging.ERROR
FATAL = logging.CRITICAL

_counts: Counter[tuple[str, int]] = Counter()
_lock = threading.Lock()


def get_logger() -> logging.Logger:
    """The logger, with a handler to standard error where the program has set up none."""
    logger = logging.getLogger("headrace")
    if not logger.handlers and not logging.getLogger().handlers:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
        logger.addHandler(handler)
        logger.setLevel(logger.level or WARN)
    return logger


_get_logger = get_logger


def log(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs `msg % args` at a level."""
    get_logger().log(level, msg, *args, **{"stacklevel": 2, **kwargs})


def debug(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs for debugging."""
    get_logger().debug(msg, *args, **{"stacklevel": 2, **kwargs})


def info(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs for information."""
    get_logger().info(msg, *args, **{"stacklevel": 2, **kwargs})


def warning(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs a warning."""
    get_logger().warning(msg, *args, **{"stacklevel": 2, **kwargs})


warn = warning


def error(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs an error."""
    get_logger().error(msg, *args, **{"stacklevel": 2, **kwargs})


def fatal(msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at the highest level; the program goes on."""
    get_logger().critical(msg, *args, **{"stacklevel": 2, **kwargs})


def vlog(level: int, msg: Any, *args: Any, **kwargs: Any) -> None:
    """Logs at a numeric level."""
    get_logger().log(level, msg, *args, **{"stacklevel": 2, **kwargs})


def log_every_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first of every `n` calls from the calling line."""
    if (_count() - 1) % n == 0:
        log(level, msg, *args, stacklevel=3)


def log_first_n(level: int, msg: Any, n: int, *args: Any) -> None:
    """Logs the first `n` calls from the calling line."""
    if _count() <= n:
        log(level, msg, *args, stacklevel=3)


def log_if(level: int, msg: Any, condition: Any, *args: Any) -> None:
    """Logs if the condition holds."""
    if condition:
        log(level, msg, *args, stacklevel=3)


def _count() -> int:
    frame = sys._getframe(2)
    with _lock:
        key = (frame.f_code.co_filename, frame.f_lineno)
        _counts[key] += 1
        return _counts[key]


def flush() -> None:
    """Writes out what is buffered."""
    for handler in get_logger().handlers:
        handler.flush()


def set_verbosity(v: int | str) -> None:
    """Sets the lowest level that is logged, by the hooks and sessions too."""
    logger, training = get_logger(), logging.getLogger("absl")
    logger.setLevel(v)
    training.setLevel(v)
    if not training.handlers:
        for handler in logger.handlers:
            training.addHandler(handler)


def get_verbosity() -> int:
    """The lowest level that is logged."""
    return get_logger().getEffectiveLevel()


def TaskLevelStatusMessage(msg: Any) -> None:
    """Logs an error, as TensorFlow 1 does."""
    error(msg)
