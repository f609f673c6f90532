"""WarmStartSettings: what of another model an estimator's first training starts from, as tf.estimator's."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from ..engine.training.warm_starting import VocabInfo, warm_start


class WarmStartSettings(NamedTuple):
    """Where the variables of a first training start; arguments as for `tf.train.warm_start`.

    Args:
        ckpt_to_initialize_from: a checkpoint's prefix, a folder, of which the newest is taken, or a SavedModel's folder.
        vars_to_warm_start: a regular expression for trainable variables, a list of those for all, or None.
        var_name_to_vocab_info: vocabularies that changed, by names of variables.
        var_name_to_prev_var_name: names in the checkpoint that differ, by names of variables.
    """

    ckpt_to_initialize_from: str
    vars_to_warm_start: Any = ".*"
    var_name_to_vocab_info: Mapping[str, VocabInfo] | None = None
    var_name_to_prev_var_name: Mapping[str, str] | None = None

    def apply(self) -> None:
        """Replaces the initializers of variables of the default graph."""
        warm_start(*self)


def settings_of(given: Any) -> WarmStartSettings | None:
    """Settings from what estimators take: a path, settings, or None.

    Raises:
        ValueError: it is something else, or empty.
    """
    if given is None:
        return None
    if isinstance(given, str | os.PathLike) and os.fspath(given):
        return WarmStartSettings(_variables_of(os.fspath(given)))
    if isinstance(given, WarmStartSettings):
        if not given.ckpt_to_initialize_from:
            raise ValueError("`ckpt_to_initialize_from` MUST be set in WarmStartSettings")
        return given._replace(ckpt_to_initialize_from=_variables_of(os.fspath(given.ckpt_to_initialize_from)))
    raise ValueError(f"warm_start_from must be a string or a WarmStartSettings, instead got {type(given)}")


def _variables_of(path: str) -> str:
    """The checkpoint inside a SavedModel's folder; the path itself if it is none."""
    inside = Path(path) / "variables"
    return str(inside / "variables") if inside.is_dir() and (Path(path) / "saved_model.pb").exists() else path
