"""What can be chosen about collective operations, by HEADRACE_ variables of the environment."""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

PREFIX = "HEADRACE_"
# What must be the same on all ranks that exchange something.
ALIKE = ("slot_bytes", "direct_bytes", "count_limit", "ranks_per_host")
# What can be said of memory, and counted in one message of MPI.
_MOST, _MOST_COUNT = 1 << 48, (1 << 31) - 1


@dataclass(frozen=True)
class Settings:
    """Settings of the collective operations; the variable of `stall_warning` is HEADRACE_STALL_WARNING, and so on.

    Attributes:
        stall_warning: seconds after which a rank that does not come is named; 0 for never.
        stall_timeout: seconds after which the job is ended for it; 0 for never.
        shared_bytes: memory in which a process hands messages between tasks over to processes of its host.
        slot_bytes: what a rank hands over at once in shared memory.
        direct_bytes: sums of so many bytes and more are added up in the ranks' own memory, which the others read, where
            the system lets them; 0 for never.
        count_limit: elements of one message of MPI.
        ranks_per_host: take so many ranks for a host (to try out several hosts on one); 0 for those that share memory.
    """

    stall_warning: float = 60.0
    stall_timeout: float = 600.0
    shared_bytes: int = 1 << 29
    slot_bytes: int = 1 << 19
    direct_bytes: int = 1 << 18
    count_limit: int = _MOST_COUNT
    ranks_per_host: int = 0


def settings_of(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment.

    Raises:
        ValueError: a variable is no number, or too small or large.
    """
    values: dict[str, Any] = {}
    for field in fields(Settings):
        text = environment.get(name_of(field.name))
        if text is None:
            continue
        kind, what = (int, "whole number") if isinstance(field.default, int) else (float, "number")
        try:
            values[field.name] = number = kind(text)
        except ValueError:
            raise ValueError(f"{name_of(field.name)} must be a {what}, got {text!r}") from None
        least, most = (1, _MOST_COUNT) if field.name == "count_limit" else (0, _MOST if kind is int else math.inf)
        if not number >= least:
            words = "must not be negative" if least == 0 and number < 0 else f"must be {least} at the least"
            raise ValueError(f"{name_of(field.name)} {words}, got {text!r}")
        if number > most:
            raise ValueError(f"{name_of(field.name)} must be {most} at the most, got {text!r}")
    return Settings(**values)


def name_of(setting: str) -> str:
    """The variable of a setting.

    >>> name_of("slot_bytes")
    'HEADRACE_SLOT_BYTES'
    """
    return PREFIX + setting.upper()
