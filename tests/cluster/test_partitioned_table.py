"""A table that fits no memory, on several servers: its values, what it costs, and its checkpoints on other numbers of them."""

from pathlib import Path

import numpy as np

import headrace as tf

from .mpirun import mpirun, needs_mpi

pytestmark = needs_mpi


def results(ranks: int, folder: Path, restored: str, steps: int) -> list[dict[str, object]]:
    job = mpirun(ranks, "partitioned_table.py", restored, steps, folder / "model", folder=folder)
    return job.of_ranks()


def test_a_thousand_million_rows(tmp_path: Path) -> None:
    on_three = results(4, tmp_path / "three", "", 8)
    on_two = results(3, tmp_path / "two", "", 8)
    first, second = on_three[-1], on_two[-1]
    np.testing.assert_array_equal(first["rows"], second["rows"])
    assert first["losses"][-1] < first["losses"][0]  # type: ignore[index]
    # The rows in use are 2,000 of 160 bytes; as a whole the table and its accumulator have 160 GB.
    assert max(float(r["memory"]) for r in on_three) < 500  # type: ignore[arg-type]
    shapes = dict(tf.train.list_variables(str(first["path"])))
    assert sum(shape[0] for name, shape in shapes.items() if name.endswith("/rows") and "Adagrad" not in name) == 2000
    # Eight steps, and four and four with a checkpoint between, on one server after three.
    half = results(4, tmp_path / "half", "", 4)[-1]
    rest = results(2, tmp_path / "rest", str(half["path"]), 4)[-1]
    np.testing.assert_array_equal(rest["rows"], first["rows"])
