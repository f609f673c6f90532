"""RunConfig: how an estimator runs, as tf.estimator 2.15's."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class RunConfig:
    """Where an estimator keeps its state, how often it saves and logs, and its seed.

    Args:
        model_dir: folder of checkpoints and event files.
        tf_random_seed: graph-level seed; None for another one each time.
        save_summary_steps: steps between summaries, None for none.
        save_checkpoints_steps, save_checkpoints_secs: between checkpoints; only one may be given (600 s by default).
        session_config: a ConfigProto.
        keep_checkpoint_max: newest checkpoints kept; 0 or None keeps all.
        keep_checkpoint_every_n_hours: besides, one is kept every so often.
        log_step_count_steps: steps between measurements of global_step/sec.
    """

    model_dir: str | None = None
    tf_random_seed: int | None = None
    save_summary_steps: int | None = 100
    save_checkpoints_steps: int | None = None
    save_checkpoints_secs: float | None = None
    session_config: Any = None
    keep_checkpoint_max: int | None = 5
    keep_checkpoint_every_n_hours: float = 10000
    log_step_count_steps: int | None = 100

    def __post_init__(self) -> None:
        if self.save_checkpoints_steps is not None and self.save_checkpoints_secs is not None:
            raise ValueError("`save_checkpoints_steps` and `save_checkpoints_secs` cannot be both set.")
        if self.keep_checkpoint_max is not None and self.keep_checkpoint_max < 0:
            raise ValueError(f"keep_checkpoint_max should be >= 0, got {self.keep_checkpoint_max}")
        if self.save_checkpoints_steps is None and self.save_checkpoints_secs is None:
            object.__setattr__(self, "save_checkpoints_secs", 600)

    def replace(self, **kwargs: Any) -> RunConfig:
        """A copy with some fields changed."""
        config = copy.copy(self)
        for name, value in kwargs.items():
            if name not in self.__dataclass_fields__:
                raise ValueError(f"RunConfig has no field {name!r}")
            object.__setattr__(config, name, value)
        return config
