"""`tf.contrib.learn.RunConfig`: the fields of the old class, as a RunConfig."""

from __future__ import annotations

from typing import Any

from ..engine.protos import ConfigProto, GPUOptions
from . import run_config


class RunConfig(run_config.RunConfig):
    """How an estimator runs, with the arguments of `tf.contrib.learn.RunConfig`; one process.

    Args:
        master, evaluation_master: must be empty.
        num_cores: threads of a step; 0 for as many as there are cores.
        log_device_placement: log where each operation is placed.
        gpu_memory_fraction: share of a GPU's memory.
        tf_random_seed, save_summary_steps, save_checkpoints_secs, save_checkpoints_steps, keep_checkpoint_max,
            keep_checkpoint_every_n_hours, log_step_count_steps, model_dir: as for `tf.estimator.RunConfig`.
        session_config: a ConfigProto, in place of what the arguments above say.

    Raises:
        ValueError: a master is given; or what `tf.estimator.RunConfig` raises.
    """

    def __init__(
        self, master: str | None = None, num_cores: int = 0, log_device_placement: bool = False,
        gpu_memory_fraction: float = 1, tf_random_seed: int | None = None, save_summary_steps: int | None = 100,
        save_checkpoints_secs: float | None = None, save_checkpoints_steps: int | None = None,
        keep_checkpoint_max: int | None = 5, keep_checkpoint_every_n_hours: float = 10000,
        log_step_count_steps: int | None = 100, evaluation_master: str = "", model_dir: str | None = None,
        session_config: Any = None,
    ) -> None:  # fmt: skip
        if master or evaluation_master:
            raise ValueError(f"RunConfig is for one process: master must be empty, got {master or evaluation_master!r}")
        if session_config is None:
            session_config = _session_config(num_cores, log_device_placement, gpu_memory_fraction)
        super().__init__(
            model_dir, tf_random_seed, save_summary_steps, save_checkpoints_steps, save_checkpoints_secs,
            session_config, keep_checkpoint_max, keep_checkpoint_every_n_hours, log_step_count_steps,
        )  # fmt: skip


def _session_config(cores: int, log_placement: bool, gpu_fraction: float) -> Any:
    return ConfigProto(
        log_device_placement=log_placement,
        inter_op_parallelism_threads=cores,
        intra_op_parallelism_threads=cores,
        gpu_options=GPUOptions(per_process_gpu_memory_fraction=gpu_fraction),
    )
