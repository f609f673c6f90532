"""What can be chosen about collective operations, by HEADRACE_ variables of the environment."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

PREFIX = "HEADRACE_"


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
    count_limit: int = (1 << 31) - 1
    ranks_per_host: int = 0


def settings_of(environment: Mapping[str, str] = os.environ) -> Settings:
    """The settings of an environment.

    Raises:
        ValueError: a variable is no number, or negative.
    """
    values: dict[str, Any] = {}
    for field in fields(Settings):
        text = environment.get(PREFIX + field.name.upper())
        if text is None:
            continue
        kind = int if isinstance(field.default, int) else float
        try:
            values[field.name] = kind(text)
        except ValueError:
            raise ValueError(f"{PREFIX}{field.name.upper()} must be a number, got {text!r}") from None
        if values[field.name] < 0:
            raise ValueError(f"{PREFIX}{field.name.upper()} must not be negative, got {text!r}")
    return Settings(**values)
