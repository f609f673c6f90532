"""One model trained by several ranks: the weights and metrics of one rank, whoever computes which part of a batch."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

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
