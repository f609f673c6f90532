"""`headrace run` on two hosts: ranks of both meet; a host is lost; the cable is cut."""

import shlex
import subprocess
import threading
import time

import numpy as np
import pytest

from headrace.cluster.supervisor import leftovers

from .hosts import needs_hosts, two_hosts
from .mpirun import PYTHON, SCRIPTS, Mpirun, job_environment, launcher, needs_mpi, run_job

pytestmark = [needs_mpi, needs_hosts, pytest.mark.long]
STEPS = 120


@pytest.fixture
def hosts(tmp_path):
    with two_hosts(tmp_path) as both:
        yield both


def command(hosts, folder, script, *arguments, options=()):
    found = launcher()
    assert isinstance(found, Mpirun)
    folder.mkdir(exist_ok=True)
    mpirun_options = shlex.join(hosts.options(found, 2))
    run = [str(PYTHON), "-m", "headrace", "run", "-n", "4", "--backoff", "0.2", f"--mpirun-options={mpirun_options}"]
    return hosts.on_first([*run, *options, str(SCRIPTS / script), *map(str, arguments)])


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("alone")
    program = [str(SCRIPTS / "toy.py"), str(folder), str(STEPS), ""]
    job = run_job([str(PYTHON), "-m", "headrace", "run", "-n", "4", *program], 4, folder, 120)
    return job.of_ranks()[0]["values"]


def test_ranks_of_two_hosts_meet(hosts, tmp_path):
    results = run_job(command(hosts, tmp_path / "job", "where.py"), 4, tmp_path, 60, hosts.environment()).of_ranks()
    assert [result["host"] for result in results] == ["host1", "host1", "host2", "host2"]
    assert [(result["local_rank"], result["local_size"]) for result in results] == [(0, 2), (1, 2)] * 2
    assert {result["node_size"] for result in results} == {2}
    assert {result["sum"] for result in results} == {6}


def lost_and_found(hosts, folder, lose, mend, options=()):
    """A training in which something goes wrong once there is a checkpoint, and what becomes of it."""
    process = subprocess.Popen(
        command(hosts, folder / "model", "toy.py", folder / "model", STEPS, "", options=options),
        env=job_environment(folder, "hosts", hosts.environment()),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    lines = []
    reader = threading.Thread(target=lambda: lines.extend(process.stdout), daemon=True)
    reader.start()
    try:
        wait_for(lambda: (folder / "model" / "checkpoint").exists(), lines)
        lose()
        wait_for(lambda: any("starting again" in line for line in lines), lines)
        mend()
        return process.wait(120), lines
    finally:
        process.kill()
        process.wait()
        reader.join(10)
        process.stdout.close()
        leftovers.kill_processes(str(folder), name="HEADRACE_TEST_RESULTS")


def wait_for(condition, lines):
    until = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < until, "".join(lines)
        time.sleep(0.05)


def check(status, lines, folder, undisturbed):
    assert status == 0, "".join(lines)
    for rank in range(4):
        with np.load(folder / f"rank{rank}.npz") as file:
            np.testing.assert_array_equal(file["values"], undisturbed)


def test_a_host_is_lost(hosts, tmp_path, undisturbed):
    status, lines = lost_and_found(hosts, tmp_path, hosts.lose_second, lambda: None)
    check(status, lines, tmp_path, undisturbed)
    assert any("a process was killed or a host was lost" in line for line in lines)


def test_a_link_is_cut(hosts, tmp_path, undisturbed):
    options = ["--stall-timeout", "6"]
    status, lines = lost_and_found(hosts, tmp_path, lambda: hosts.cable("down"), lambda: hosts.cable("up"), options)
    check(status, lines, tmp_path, undisturbed)
    assert any("no rank has done a step for 6 s" in line for line in lines)
