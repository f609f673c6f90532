"""What is measured of the machine: its name, who else uses it, and a process's memory. Linux tells more than others."""

from __future__ import annotations

import os
import platform
import resource
import sys
import time
from pathlib import Path

PROC = Path("/proc")


def cpu_name() -> str:
    """The processor's name as the system has it."""
    try:
        lines = (PROC / "cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.machine()


def instruction_set() -> str:
    """The widest vector instructions that the processor names."""
    try:
        flags = set((PROC / "cpuinfo").read_text(encoding="utf-8").split())
    except OSError:
        return platform.machine()
    return next(
        (name for flag, name in (("avx512f", "AVX-512"), ("avx2", "AVX2")) if flag in flags), platform.machine()
    )


def peak_memory() -> float:
    """The most memory this process has had, in MiB."""
    try:
        status = (PROC / "self" / "status").read_text(encoding="utf-8").splitlines()
    except OSError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (2**20 if sys.platform == "darwin" else 2**10)
    return next(int(line.split()[1]) / 2**10 for line in status if line.startswith("VmHWM"))


def ticks() -> tuple[float, float]:
    """Busy and all processor time since the start of the machine, in ticks; zeros where the system does not say."""
    try:
        with (PROC / "stat").open(encoding="utf-8") as file:
            spent = [int(word) for word in file.readline().split()[1:9]]
    except OSError:
        return 0.0, 0.0
    return sum(spent) - spent[3] - spent[4], sum(spent)


def busy_share(before: tuple[float, float], own: float = 0.0) -> float:
    """Which share of the machine was busy since `before`, less `own` seconds of processor time."""
    after = ticks()
    own *= os.sysconf("SC_CLK_TCK")
    return max(0.0, (after[0] - before[0] - own) / max(1.0, after[1] - before[1]))


def wait_until_quiet(share: float, limit: float) -> None:
    """Returns when the machine is busy by less than `share`, or after `limit` seconds."""
    end = time.monotonic() + limit
    while time.monotonic() < end:
        before = ticks()
        time.sleep(0.2)
        if busy_share(before) <= share:
            return
