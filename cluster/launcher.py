"""Who started this process: rank and size from the launcher's environment alone, before any MPI library is loaded.

Open MPI, MPICH and its relatives (PMI: hydra, Intel MPI, Cray's PALS) and Slurm's srun are known.
"""

from __future__ import annotations

import functools
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass

# Names the process that is a rank: what this process starts inherits the launcher's variables, but is no rank.
RANK_PROCESS = "HEADRACE_RANK_PROCESS"

_OPEN_MPI = ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE")
_PMI = ("PMI_RANK", "PMI_SIZE")
_PALS = ("PALS_RANKID", "PALS_SIZE")
# SLURM_PROCID alone says nothing: a batch script that srun did not start has it as well.
_SLURM = ("SLURM_PROCID", "SLURM_STEP_NUM_TASKS")
_LOCAL_RANK = ("MPI_LOCALRANKID", "PMI_LOCAL_RANK", "PALS_LOCAL_RANKID", "SLURM_LOCALID")
_LOCAL_SIZE = ("MPI_LOCALNRANKS", "PMI_LOCAL_SIZE", "PALS_LOCAL_SIZE")


@dataclass(frozen=True)
class Launch:
    """The place of a process among those that were started with it.

    Attributes:
        rank, size: the process's number and how many there are.
        local_rank, local_size: the same among the processes of this host; None where the launcher does not say.
        launcher: "Open MPI", "MPICH" (or another that speaks PMI), "PALS", "Slurm", or "" for a process of its own.
    """

    rank: int = 0
    size: int = 1
    local_rank: int | None = 0
    local_size: int | None = 1
    launcher: str = ""


@functools.cache
def launch() -> Launch:
    """How this process was started; read once."""
    return launch_of(os.environ, os.getpid())


def launch_of(environment: Mapping[str, str], process: int) -> Launch:
    """How the process with an environment was started; what a rank started itself is a process of its own.

    >>> launch_of({"PMI_RANK": "1", "PMI_SIZE": "4", "MPI_LOCALRANKID": "1", "MPI_LOCALNRANKS": "2"}, 7)
    Launch(rank=1, size=4, local_rank=1, local_size=2, launcher='MPICH')

    Raises:
        ValueError: a variable of the launcher is no number, or the rank is not less than the size.
    """
    if environment.get(RANK_PROCESS, str(process)) != str(process):
        return Launch()
    if _has(environment, _OPEN_MPI):
        local = ("OMPI_COMM_WORLD_LOCAL_RANK",), ("OMPI_COMM_WORLD_LOCAL_SIZE",)
        return _launch(environment, "Open MPI", _OPEN_MPI, *local)
    for launcher, names in (("MPICH", _PMI), ("PALS", _PALS), ("Slurm", _SLURM)):
        if _has(environment, names):
            return _launch(environment, launcher, names, _LOCAL_RANK, _LOCAL_SIZE)
    return Launch()


def _has(environment: Mapping[str, str], names: tuple[str, str]) -> bool:
    return all(name in environment for name in names)


def _launch(
    environment: Mapping[str, str],
    launcher: str,
    names: tuple[str, str],
    local_rank: tuple[str, ...],
    local_size: tuple[str, ...],
) -> Launch:
    rank, size = (_number(environment, name) for name in names)
    if rank >= size:
        raise ValueError(
            f"{names[0]}={rank} is not less than {names[1]}={size}: the environment of {launcher} is wrong"
        )
    sizes = _first(environment, local_size)
    if sizes is None:
        sizes = _tasks_of_node(environment)
    return Launch(rank, size, _first(environment, local_rank), sizes, launcher)


def _first(environment: Mapping[str, str], names: tuple[str, ...]) -> int | None:
    return next((_number(environment, name) for name in names if name in environment), None)


def _number(environment: Mapping[str, str], name: str) -> int:
    text = environment[name]
    if not re.fullmatch("[0-9]+", text):
        raise ValueError(f"{name} must be a number, got {text!r}")
    return int(text)


def _tasks_of_node(environment: Mapping[str, str]) -> int | None:
    """The number of tasks on this node of a Slurm step, whose SLURM_STEP_TASKS_PER_NODE looks like "2(x3),1"."""
    text, node = environment.get("SLURM_STEP_TASKS_PER_NODE"), environment.get("SLURM_NODEID")
    if text is None or node is None:
        return None
    return tasks_per_node(text)[int(node)]


def tasks_per_node(text: str) -> list[int]:
    """The number of tasks of each node, from Slurm's short form.

    >>> tasks_per_node("2(x3),1")
    [2, 2, 2, 1]

    Raises:
        ValueError: the text has another form.
    """
    counts: list[int] = []
    for item in text.split(","):
        match = re.fullmatch(r"(\d+)(?:\(x(\d+)\))?", item)
        if match is None:
            raise ValueError(f"expected tasks per node such as 2(x3),1 got {text!r}")
        counts += [int(match[1])] * int(match[2] or 1)
    return counts
