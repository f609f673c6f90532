"""Two hosts on one machine: network namespaces joined by a cable, each with a host name and shared memory of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from headrace.cluster.supervisor.command import Mpirun

ADDRESSES = ("10.77.0.1", "10.77.0.2")

# What a launcher runs in place of ssh: "agent [options] host command"; as with ssh, no variables go along.
AGENT = """#!/bin/sh
while [ "${1#-}" != "$1" ]; do shift; done
case "$1" in *.1) number=1;; *) number=2;; esac
shift
exec %(inside)s $number env -i PATH="$PATH" HOME=/root TMPDIR=%(temporary)s OMPI_ALLOW_RUN_AS_ROOT=1 \\
  OMPI_ALLOW_RUN_AS_ROOT_CONFIRM=1 sh -c "$*"
"""
INSIDE = """#!/bin/sh
number=$1
shift
exec ip netns exec %(name)s$number unshare --uts --ipc sh -c "hostname host$number; exec \\"\\$@\\"" inside "$@"
"""


def _ip(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["ip", *arguments], capture_output=True, text=True, check=False)


def _reason() -> str:
    """Why there can be no two hosts here; "" if there can."""
    if not hasattr(os, "geteuid") or os.geteuid() != 0:
        return "network namespaces need root"
    if shutil.which("ip") is None or shutil.which("unshare") is None:
        return "there is no ip or unshare"
    name = f"hrtry{os.getpid()}"
    made = _ip("netns", "add", name)
    _ip("netns", "del", name)
    return made.stderr.strip() if made.returncode else ""


REASON = _reason()
needs_hosts = pytest.mark.skipif(bool(REASON), reason=f"no network namespaces: {REASON}")


@dataclass(frozen=True)
class Hosts:
    """The two hosts: scripts that run something on one of them, and what launchers need."""

    name: str
    inside: Path
    agent: Path

    def on_first(self, command: list[str]) -> list[str]:
        """A command, on the first host."""
        return [str(self.inside), "1", *command]

    def options(self, mpirun: Mpirun, slots: int) -> list[str]:
        """What mpirun needs to start that many ranks on each host."""
        hosts = ",".join(f"{address}:{slots}" for address in ADDRESSES)
        if mpirun.family == "Open MPI":
            return ["--host", hosts, "--bind-to", "none"]
        return ["-launcher", "ssh", "-launcher-exec", str(self.agent), "-hosts", hosts]

    def environment(self) -> dict[str, str]:
        """What Open MPI's mpirun needs besides."""
        return {"PRTE_MCA_plm_ssh_agent": str(self.agent), "PRTE_MCA_plm_ssh_no_tree_spawn": "1"}

    def lose_second(self) -> None:
        """Everything on the second host dies at once."""
        for process in _ip("netns", "pids", f"{self.name}2").stdout.split():
            os.kill(int(process), signal.SIGKILL)

    def cable(self, state: str) -> None:
        """Cuts ("down") or mends ("up") the cable."""
        assert _ip("-n", f"{self.name}2", "link", "set", f"{self.name}v2", state).returncode == 0


@contextmanager
def two_hosts(folder: Path) -> Iterator[Hosts]:
    """Two hosts, for as long as the context lasts."""
    name = f"hr{os.getpid() % 100000}"
    inside, agent, temporary = folder / "inside.sh", folder / "agent.sh", folder / "second"
    temporary.mkdir()
    for path, text in ((inside, INSIDE), (agent, AGENT)):
        path.write_text(text % {"name": name, "inside": inside, "temporary": temporary})
        path.chmod(0o755)
    try:
        _up(name)
        yield Hosts(name, inside, agent)
    finally:
        for number in (1, 2):
            for process in _ip("netns", "pids", f"{name}{number}").stdout.split():
                os.kill(int(process), signal.SIGKILL)
            _ip("netns", "del", f"{name}{number}")


def _up(name: str) -> None:
    commands = [f"netns add {name}1", f"netns add {name}2", f"link add {name}v1 type veth peer name {name}v2"]
    for number, address in enumerate(ADDRESSES, 1):
        place, end = f"{name}{number}", f"{name}v{number}"
        commands += [f"link set {end} netns {place}", f"-n {place} addr add {address}/24 dev {end}"]
        commands += [f"-n {place} link set {end} up", f"-n {place} link set lo up"]
    for command in commands:
        done = _ip(*command.split())
        assert done.returncode == 0, f"ip {command}: {done.stderr}"
