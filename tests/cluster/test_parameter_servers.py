"""Estimators whose variables are on parameter servers: by `fit` and by `train_and_evaluate`, every role under mpirun."""

import json
import time

import pytest

import headrace as tf

from .mpirun import mpirun, needs_mpi


def trained(way, count, servers, folder, model="model"):
    """The results by role, of a job that has ended well."""
    where = folder / model if model else ""
    job = mpirun(count, "served_digits.py", where, way, servers, folder=folder / "job", timeout=400)
    # All processes end soon after the last step: the workers' last one is in their results.
    ended = time.time()
    results = job.of_ranks()
    last = max(result.get("last", 0.0) for result in results)
    return {tuple(result["role"]): result for result in results}, ended - last if last else None


def check_folder(folder, step):
    """One process has written checkpoints and events, of which the last one is of the last step."""
    assert len(list(folder.glob("events.out.tfevents.*"))) == 1
    steps = [int(path.name.split("-")[1].split(".")[0]) for path in folder.glob("model.ckpt-*.index")]
    assert max(steps) == step and len(steps) == 5
    assert tf.train.latest_checkpoint(str(folder)) == str(folder / f"model.ckpt-{step}")


@needs_mpi
def test_train_and_evaluate(tmp_path):
    results, _ = trained("train_and_evaluate", 3, 1, tmp_path)
    assert set(results) == {("chief", 0), ("worker", 0), ("ps", 0)}
    chief, worker = results["chief", 0], results["worker", 0]
    assert chief["accuracy"] > 0.9 and worker["accuracy"] == chief["accuracy"]
    # Both have trained, and the shared global step has ended it: a worker that sees it late makes one or two more.
    assert chief["steps"] > 20 and worker["steps"] > 20
    assert 600 <= chief["step"] == chief["steps"] + worker["steps"] <= 604
    assert set(chief["devices"].values()) == {"/job:ps/task:0"}
    check_folder(tmp_path / "model", chief["step"])


@needs_mpi
def test_evaluator_and_two_servers(tmp_path):
    results, _ = trained("with evaluator", 5, 2, tmp_path)
    assert set(results) == {("chief", 0), ("worker", 0), ("ps", 0), ("ps", 1), ("evaluator", 0)}
    chief, evaluator = results["chief", 0], results["evaluator", 0]
    assert evaluator["accuracy"] > 0.9 and evaluator["step"] == chief["step"]
    assert evaluator["steps"] == 0
    assert set(chief["devices"].values()) == {"/job:ps/task:0", "/job:ps/task:1"}
    check_folder(tmp_path / "model", chief["step"])
    events = [
        e for f in sorted((tmp_path / "model" / "eval").glob("events*")) for e in tf.train.summary_iterator(str(f))
    ]
    assert chief["step"] in {event.step for event in events}


@needs_mpi
@pytest.mark.parametrize("way, model", [("fit", "model"), ("strategy", "")])
def test_fit(way, model, tmp_path):
    """In a folder of the model, and in temporary ones, where each worker keeps a checkpoint of its own."""
    results, _ = trained(way, 3, 1, tmp_path, model)
    chief, worker = results["chief", 0], results["worker", 0]
    assert chief["accuracy"] > 0.9
    # 1,437 examples: 23 batches an epoch and worker, 15 epochs, two workers.
    assert chief["step"] == worker["step"] == 2 * 15 * 23
    assert worker["accuracy"] == chief["accuracy"]
    assert (worker["newest"] == chief["newest"]) == bool(model)


@needs_mpi
@pytest.mark.long
def test_all_processes_end_well_each_time(tmp_path):
    """Fifty times: the status is 0, and no process is left two seconds after the last step (on a machine at rest)."""
    waits = []
    for number in range(50):
        results, seconds = trained("train_and_evaluate", 3, 1, tmp_path / str(number))
        assert results["chief", 0]["accuracy"] > 0.9
        waits.append(seconds)
    assert sorted(waits)[25] < 2, waits


@needs_mpi
def test_trainings_follow_each_other(tmp_path):
    results = mpirun(3, "served_trainings.py", tmp_path / "models", folder=tmp_path / "job", timeout=400).of_ranks()
    assert [result["role"] for result in results] == ["chief", "worker", "ps"]
    chief, worker = results[:2]
    for result in (chief, worker):
        # The steps of both workers count, which see the last one late.
        assert 200 <= result["after_queue"] <= 204
        assert result["after_end"] == result["last"] == result["after_queue"] + 25
        # From 14 at the start; a gradient that comes late is one of old weights.
        assert result["error"] < 0.5
        assert 10 <= result["second"] <= 14
        assert result["shape"] == [3, 2]
        assert "/job:ps/task:0" in result["devices"]
    assert chief["own"] + worker["own"] == chief["after_queue"]


@needs_mpi
@pytest.mark.parametrize("rank", [2, pytest.param(0, marks=pytest.mark.long), pytest.param(1, marks=pytest.mark.long)])
def test_a_signal_to_any_process_ends_all_with_their_state_saved(rank, tmp_path):
    """Rank 2 is the server."""
    job = mpirun(3, "served_digits.py", tmp_path / "model", "train_and_evaluate", 1, rank, folder=tmp_path / "job")
    assert job.status == 85, job.output
    steps = sorted(
        int(path.name.split("-")[1].split(".")[0]) for path in (tmp_path / "model").glob("model.ckpt-*.index")
    )
    assert tf.train.latest_checkpoint(str(tmp_path / "model")).endswith(f"-{steps[-1]}")
    # It holds all steps that were made.
    made = [int(path.read_text()) for path in tmp_path.glob("steps*")]
    assert len(made) == 2 and steps[-1] == sum(made)


def test_strategies(monkeypatch):
    cluster = {"chief": ["c:1"], "worker": ["w:1"], "ps": ["p:1"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    for strategy in (None, "parameter_server"):
        assert tf.estimator.RunConfig(strategy=strategy).num_ps_replicas == 1
    with pytest.raises(ValueError, match=r"'allreduce' leaves 1 parameter server\(s\) without work"):
        tf.estimator.RunConfig(strategy="allreduce")
    monkeypatch.delenv("TF_CONFIG")
    # A process of its own trains by itself.
    assert tf.estimator.RunConfig(strategy="parameter_server").num_ps_replicas == 0


def test_device_function_must_be_callable():
    with pytest.raises(ValueError, match="device_fn must be callable"):
        tf.estimator.RunConfig(device_fn="/cpu:0")
