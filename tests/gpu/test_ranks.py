"""Sums over ranks on real GPUs: NCCL inside a capture on one, and two ranks that train together where there are two."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.gpu.cuda import driver
from headrace.engine.unsupported import UnsupportedError

from ..cluster.mpirun import mpirun, needs_mpi

pytestmark = pytest.mark.gpu


def test_nccl_in_a_capture(device: Any) -> None:
    """Of one rank: the calls and the streams are those of several."""
    ranks: Any = SimpleNamespace(
        rank=0,
        size=1,
        cards=(1,),
        broadcast=lambda name, array, root=0: array,
        all_reduce=lambda name, array, merge="Add": array,
    )
    try:
        sums = device.sums(ranks)
    except UnsupportedError as error:
        pytest.skip(str(error))
    sums.connect()
    for dtype in (np.float32, np.float16, ml_dtypes.bfloat16):
        values = np.arange(1000).astype(dtype)
        first, second = (device.allocate(values.nbytes) for _ in range(2))
        calls = [
            sums.all_reduce([(first, 900), (first + 900 * values.itemsize, 100)], dtype),
            device.fill(second, values.nbytes, 0),
            sums.join,
            device.copy(second, first, values.nbytes),
        ]
        for captured in (False, True):
            device.upload(first, values)
            for call in [device.capture(calls)] if captured else calls:
                call()
            sums.wait()
            found = np.empty_like(values)
            device.download(found, second)
            np.testing.assert_array_equal(found, values)
    sums.close()


@needs_mpi
@pytest.mark.parametrize("way", ["nccl", "hosts"])
def test_two_ranks_train_the_model_of_one(tmp_path: Path, way: str) -> None:
    if way == "nccl" and len(driver.find().cards) < 2:
        pytest.skip("two ranks that add up by NCCL need two GPUs")
    given = {"HEADRACE_GPU": "cuda", "HEADRACE_NCCL": str(int(way == "nccl"))}
    found = mpirun(2, "gpu_training.py", folder=tmp_path / way, timeout=400, environment=given).of_ranks()
    alone = mpirun(1, "gpu_training.py", folder=tmp_path / "alone", environment={"HEADRACE_GPU": "none"}).of_ranks()
    for result in found:
        assert ("added up over 2 ranks by NCCL" in result["text"]) is (way == "nccl")
        for what in ("plain", "together", "fitted"):
            np.testing.assert_allclose(result[what], alone[0][what], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(result["half"], alone[0]["half"], atol=3e-2)
        np.testing.assert_array_equal(result["plain"], found[0]["plain"])
