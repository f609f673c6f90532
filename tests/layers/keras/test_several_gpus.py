"""multi_gpu_model says how several GPUs are used."""

from types import SimpleNamespace

import pytest

import headrace as tf
from headrace.engine import communicator

multi_gpu_model = tf.keras.utils.multi_gpu_model


@pytest.mark.parametrize("gpus", [0, 1, [3]])
def test_less_than_two(gpus):
    with pytest.raises(ValueError, match="gpus >= 2"):
        multi_gpu_model(object(), gpus)


@pytest.mark.parametrize("gpus", ["2", None, 2.5])
def test_no_number(gpus):
    with pytest.raises(ValueError, match="a number or a list of numbers"):
        multi_gpu_model(object(), gpus)


def test_one_process_has_one_gpu():
    with communicator.using(None), pytest.raises(ValueError, match="mpirun -n 2 python"):
        multi_gpu_model(object(), gpus=2)


def test_as_many_ranks_as_gpus():
    model = object()
    with communicator.using(SimpleNamespace(size=3, rank=0)):
        assert multi_gpu_model(model, gpus=[0, 1, 2], cpu_merge=False) is model
        with pytest.raises(ValueError, match="this job has 3"):
            multi_gpu_model(model, gpus=4)
