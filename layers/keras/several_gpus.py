"""multi_gpu_model: TensorFlow 1's copies of a model on several GPUs of one process, which here are processes of a job."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...engine.communicator import current


def multi_gpu_model(model: Any, gpus: int | Sequence[int], cpu_merge: bool = True, cpu_relocation: bool = False) -> Any:
    """The model itself, in a job of as many ranks as GPUs are asked for: each has one, and does its share of a batch.

    Args:
        model: a Keras model.
        gpus: how many, or their numbers.
        cpu_merge, cpu_relocation: accepted for TensorFlow's sake.

    Raises:
        ValueError: fewer than two GPUs are asked for, as in TensorFlow 1.15; or the job has not as many ranks.
    """
    given: Any = gpus
    if not isinstance(given, int | list | tuple):
        raise ValueError(f"gpus must be a number or a list of numbers, got {gpus!r}")
    count = gpus if isinstance(gpus, int) else len(gpus)
    if count <= 1:
        raise ValueError(
            f"For multi-gpu usage to be effective, call `multi_gpu_model` with `gpus >= 2`. Received: {gpus}"
        )
    communicator = current()
    ranks = 1 if communicator is None else communicator.size
    if ranks != count:
        raise ValueError(
            f"multi_gpu_model was asked for {count} GPUs, and a process has one: start one process a GPU, "
            f"`mpirun -n {count} python program.py` (this job has {ranks}); fit() then divides each batch among them. "
            "See docs/cluster.md."
        )
    return model
