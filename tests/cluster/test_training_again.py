"""Training on several ranks under `headrace run`: after every failure the weights are those of a run left alone."""

import numpy as np
import pytest

from .mpirun import PYTHON, SCRIPTS, needs_mpi, run_job

pytestmark = needs_mpi
ENVIRONMENT = {"HEADRACE_DETERMINISTIC": "1"}
SCRIPTS_OF_TRAINING = ["keras_fit.py", "estimator_train.py"]
LONG = pytest.mark.long
SHORT = ["keras_fit.py", pytest.param("estimator_train.py", marks=LONG)]


def run(folder, count, script, trouble, *options, timeout=120):
    place = folder / "place"
    place.mkdir(parents=True, exist_ok=True)
    command = [str(PYTHON), "-m", "headrace", "run", "-n", str(count), "--backoff", "0.1", *options]
    return run_job([*command, str(SCRIPTS / script), str(place), trouble], count, folder, timeout, ENVIRONMENT)


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory):
    """Weights after training that nothing happened to, by script."""
    found = {}

    def weights(script, *options):
        if script not in found:
            found[script] = run(tmp_path_factory.mktemp("alone"), 2, script, "", *options).of_ranks()[0]
        return found[script]

    return weights


def check(job, expected, attempt):
    for result in job.of_ranks():
        assert result["attempt"] == attempt
        for name in expected.keys() - {"attempt"}:
            np.testing.assert_array_equal(result[name], expected[name], name)


def check_recovery(script, trouble, folder, undisturbed, *options):
    check(run(folder, 2, script, trouble, *options), undisturbed(script), 1)


def check_stop(script, rank, folder, undisturbed):
    job = run(folder, 2, script, f"{rank}:17:term")
    assert job.status == 85, job.output
    check(run(folder, 2, script, ""), undisturbed(script), 0)


@pytest.mark.parametrize("script", SHORT)
def test_training_goes_on(script, tmp_path, undisturbed):
    check_recovery(script, "1:17:kill", tmp_path, undisturbed)


@pytest.mark.long
@pytest.mark.parametrize("trouble", ["0:17:kill", "1:17:stop", "0:17:stop"])
@pytest.mark.parametrize("script", SCRIPTS_OF_TRAINING)
def test_training_goes_on_after_everything(script, trouble, tmp_path, undisturbed):
    check_recovery(script, trouble, tmp_path, undisturbed, "--stall-timeout", "8")


@pytest.mark.long
def test_a_fit_goes_on_after_an_exception(tmp_path, undisturbed):
    check_recovery("keras_fit.py", "1:22:raise", tmp_path, undisturbed)


@pytest.mark.parametrize("script, rank", [pytest.param("keras_fit.py", 1, marks=LONG), ("estimator_train.py", 0)])
def test_training_that_is_asked_to_stop(script, rank, tmp_path, undisturbed):
    check_stop(script, rank, tmp_path, undisturbed)


@pytest.mark.long
def test_the_number_of_ranks_does_not_matter(tmp_path, undisturbed):
    # Started on two, and gone on with on one.
    assert run(tmp_path, 2, "keras_fit.py", "0:11:term").status == 85
    check(run(tmp_path, 1, "keras_fit.py", ""), undisturbed("keras_fit.py"), 0)


def check_with_server(folder, undisturbed, trouble, *options):
    job = run(folder, 2, "server_train.py", trouble, "--ps", "1", *options)
    trained, served = job.of_ranks()
    assert trained["attempt"] == served["attempt"] == 1
    np.testing.assert_array_equal(trained["weights"], undisturbed("server_train.py", "--ps", "1")["weights"])


def test_training_with_a_server_goes_on(tmp_path, undisturbed):
    check_with_server(tmp_path, undisturbed, "ps:17:kill")


@pytest.mark.long
@pytest.mark.parametrize("trouble", ["chief:17:kill", "ps:17:stop", "chief:17:stop"])
def test_training_with_a_server_goes_on_after_everything(trouble, tmp_path, undisturbed):
    check_with_server(tmp_path, undisturbed, trouble, "--stall-timeout", "8")


@pytest.mark.long
@pytest.mark.parametrize("who", ["ps", "all"])
def test_training_with_a_server_that_is_asked_to_stop(who, tmp_path, undisturbed):
    job = run(tmp_path, 2, "server_train.py", f"{who}:17:term", "--ps", "1")
    assert job.status == 85, job.output
    trained, _ = run(tmp_path, 2, "server_train.py", "", "--ps", "1").of_ranks()
    np.testing.assert_array_equal(trained["weights"], undisturbed("server_train.py", "--ps", "1")["weights"])
