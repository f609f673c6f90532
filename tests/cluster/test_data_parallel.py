"""One model trained by several ranks: the weights and metrics of one rank, whoever computes which part of a batch."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.training.data_parallel import data_parallel

from .mpirun import mpirun, needs_mpi

pytestmark = needs_mpi

MODELS = ("keras", "classifier", "fn")


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[dict[str, Any]]]:
    """The results of one, two and four ranks."""
    folders = {count: tmp_path_factory.mktemp(f"ranks{count}") for count in (1, 2, 4)}
    return {
        count: mpirun(count, "one_model.py", folder / "models", folder=folder, timeout=120).of_ranks()
        for count, folder in folders.items()
    }


@pytest.mark.parametrize("model", MODELS)
def test_ranks_train_the_model_of_one(trained: dict[int, list[dict[str, Any]]], model: str) -> None:
    alone = trained[1][0]
    for result in trained[2] + trained[4]:
        for kind in ("", "_metrics"):
            found, expected = result[f"usual_{model}{kind}"], alone[f"usual_{model}{kind}"]
            np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("model", MODELS)
def test_deterministic_training_gives_the_same_bits(trained: dict[int, list[dict[str, Any]]], model: str) -> None:
    alone = trained[1][0][f"deterministic_{model}"]
    assert all(r[f"deterministic_{model}"].tobytes() == alone.tobytes() for r in trained[2] + trained[4])
    # It is the same model up to rounding.
    np.testing.assert_allclose(alone, trained[1][0][f"usual_{model}"], atol=1e-4)


def test_one_rank_writes(trained: dict[int, list[dict[str, Any]]]) -> None:
    for model in ("usual", "usual_fn"):
        names = [path.name for path in (Path(trained[4][0]["folder"]) / model).iterdir()]
        assert sum(name.startswith("events") for name in names) == 1
        assert sum(name.endswith(".index") for name in names) == 2


@pytest.fixture(scope="module")
def together(tmp_path_factory: pytest.TempPathFactory) -> dict[int, list[dict[str, Any]]]:
    """The results of one, two and four ranks."""
    folders = {count: tmp_path_factory.mktemp(f"along{count}") for count in (1, 2, 4)}
    return {n: mpirun(n, "going_along.py", folder=folder, timeout=120).of_ranks() for n, folder in folders.items()}


@pytest.mark.parametrize(
    ("what", "counts"), [("uneven", (2,)), ("normalized", (2, 4)), ("plain", (2, 4)), ("passes", (2, 4))]
)
def test_ranks_go_along(together: dict[int, list[dict[str, Any]]], what: str, counts: tuple[int, ...]) -> None:
    alone = together[1][0][what]
    for result in [r for count in counts for r in together[count]]:
        np.testing.assert_allclose(result[what], alone, rtol=1e-5, atol=2e-6)


def test_small_gradients_leave_together(together: dict[int, list[dict[str, Any]]]) -> None:
    for result in together[2] + together[4]:
        # One bucket, and for the rows of a table their number, values and indices, each with its count.
        assert result["exchanges"] == 5
        assert result["small_exchanges"] > 6
        np.testing.assert_array_equal(result["small"], result["plain"])


def test_halves_are_sent_as_such(together: dict[int, list[dict[str, Any]]]) -> None:
    for result in together[2] + together[4]:
        assert result["half_bytes"] < 0.6 * result["nbytes"]
        np.testing.assert_allclose(result["half"], result["plain"], atol=2e-2)


def test_all_stop_where_one_wants_to(together: dict[int, list[dict[str, Any]]]) -> None:
    assert {r["batches"] for count in (1, 2, 4) for r in together[count]} == {1}


def test_a_model_function_with_hooks(tmp_path: Path) -> None:
    jobs = [mpirun(n, "model_function.py", tmp_path / str(n), "hooks", folder=tmp_path / str(n)) for n in (2, 3)]
    results = [result for job in jobs for result in job.of_ranks()]
    assert results[0]["metrics"][2] == 9
    for result in results:
        for what in ("weights", "metrics"):
            np.testing.assert_allclose(result[what], results[0][what], rtol=1e-5, atol=1e-6)


def test_inputs_are_shared_out(tmp_path: Path) -> None:
    jobs = [mpirun(n, "given_inputs.py", folder=tmp_path / str(n), timeout=120) for n in (1, 2)]
    (alone,), ranks = (job.of_ranks() for job in jobs)
    for result in ranks:
        for what in ("plain_sparse", "hooks_sparse", "plain_last", "hooks_last", "biggest", "table"):
            np.testing.assert_allclose(result[what], alone[what], rtol=1e-5, atol=1e-6, err_msg=what)
        assert all("HEADRACE_SHARDED_INPUT=1" in text for text in result["said"].values())


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("DETERMINISTIC", "maybe", "must be 1, true, yes, 0, false or no"),
        ("SHARDED_INPUT", "2", "must be 1, true, yes, 0, false or no"),
        ("PARTS", "6", "must be a power of two"),
        ("PARTS", "0", "must be a positive whole number"),
        ("BUCKET_BYTES", "-1", "must be a positive whole number"),
        ("COMPRESSION", "float8", "must be float16, bfloat16 or none"),
    ],
)
def test_variables_are_read_strictly(name: str, value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_DETERMINISTIC", "yes")
    monkeypatch.setenv(f"HEADRACE_{name}", value)
    with pytest.raises(ValueError, match=f"HEADRACE_{name} {message}"):
        data_parallel()


def test_the_chief_evaluates_while_others_wait(tmp_path: Path) -> None:
    jobs = [mpirun(n, "model_function.py", tmp_path / str(n), "evaluations", folder=tmp_path / str(n)) for n in (1, 2)]
    (alone,), ranks = (job.of_ranks() for job in jobs)
    assert (tmp_path / "2" / "evaluations" / "eval").is_dir()
    for result in ranks:
        np.testing.assert_allclose(result["weights"], alone["weights"], rtol=1e-5, atol=1e-6)
        np.testing.assert_allclose(result["metrics"], alone["metrics"], rtol=1e-6)


def test_all_save_the_same_step_on_a_signal_to_one(tmp_path: Path) -> None:
    job = mpirun(3, "model_function.py", tmp_path, "signal", folder=tmp_path)
    assert job.status == 85, job.output
    steps = [path.name for path in (tmp_path / "signal").glob("*.index")]
    assert "model.ckpt-3.index" in steps
    assert len(steps) == 2


def test_metrics_of_ones_own_in_keras(tmp_path: Path) -> None:
    for result in mpirun(2, "keras_metrics.py", folder=tmp_path).of_ranks():
        refused, *found = result["found"]
        assert "metric 'largest' (Largest) assigns its variable" in refused
        # The largest of the first rank is 7, of the second 15.
        assert found == [22, 11, 7]
        assert (result["rows"], result["alone"]) == (16, 15)


def test_keras_does_not_train_on_servers(monkeypatch: pytest.MonkeyPatch) -> None:
    model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
    model.compile("sgd", "mse")
    x, y = np.ones((4, 2)), np.ones((4, 1))
    cluster = {"chief": ["c:1"], "worker": ["w:1"], "ps": ["p:1"]}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": cluster, "task": {"type": "worker", "index": 0}}))
    with pytest.raises(tf.errors.FailedPreconditionError, match=r"on each of the 3 tasks .*model_to_estimator"):
        model.fit(x, y, verbose=0)
    with tf.cluster.alone():
        assert len(model.fit(x, y, verbose=0).history["loss"]) == 1
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": {"chief": ["c:1"]}, "task": {"type": "chief", "index": 0}}))
    assert len(model.fit(x, y, verbose=0).history["loss"]) == 1
