"""Exporters of EvalSpec: LatestExporter, BestExporter and FinalExporter, as tf.estimator's."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..engine.summary.events import summary_iterator
from .receivers import ServingInputReceiver
from .training import Exporter

logger = logging.getLogger("headrace")

ReceiverFn = Callable[[], ServingInputReceiver]
Compare = Callable[..., bool]


class _SavedModelExporter(Exporter):
    """What the exporters have in common.

    Args:
        name: the folder below `model_dir/export`.
        serving_input_receiver_fn: see `Estimator.export_saved_model`.
        assets_extra, as_text: see there.
        exports_to_keep: newest exports that are kept, None for all.

    Raises:
        ValueError: exports_to_keep is not positive.
    """

    def __init__(
        self,
        name: str,
        serving_input_receiver_fn: ReceiverFn | None,
        assets_extra: Mapping[str, str] | None,
        as_text: bool,
        exports_to_keep: int | None,
    ) -> None:
        if exports_to_keep is not None and exports_to_keep <= 0:
            raise ValueError("`exports_to_keep`, if provided, must be positive number")
        self._name, self._receiver_fn = name, serving_input_receiver_fn
        self._assets_extra, self._as_text, self._kept = assets_extra, as_text, exports_to_keep

    @property
    def name(self) -> str:
        """The folder below `model_dir/export`."""
        return self._name

    def _export(self, estimator: Any, export_path: str, checkpoint_path: str) -> bytes:
        made: bytes = estimator.export_saved_model(
            export_path,
            self._receiver_fn,
            assets_extra=self._assets_extra,
            as_text=self._as_text,
            checkpoint_path=checkpoint_path,
        )
        if self._kept is not None:
            for folder in exports_in(export_path)[: -self._kept]:
                shutil.rmtree(folder, ignore_errors=True)
        return made


def exports_in(folder: str | Path) -> list[Path]:
    """The exports in a folder, oldest first."""
    if not Path(folder).is_dir():
        return []
    return sorted((p for p in Path(folder).iterdir() if p.name.isdigit()), key=lambda path: int(path.name))


class LatestExporter(_SavedModelExporter):
    """Exports the model after each evaluation.

    Args:
        name: the folder below `model_dir/export`.
        serving_input_receiver_fn: makes the placeholders that are fed, see `Estimator.export_saved_model`.
        assets_extra, as_text: see there.
        exports_to_keep: newest exports that are kept, None for all.
    """

    def __init__(
        self,
        name: str,
        serving_input_receiver_fn: ReceiverFn,
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text, exports_to_keep)

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Writes the model; its path."""
        return self._export(estimator, export_path, checkpoint_path)


class FinalExporter(_SavedModelExporter):
    """Exports the model once, at the end of training; arguments as for LatestExporter."""

    def __init__(
        self,
        name: str,
        serving_input_receiver_fn: ReceiverFn,
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
    ) -> None:
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text, None)

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Writes the model if this is the end; its path."""
        return self._export(estimator, export_path, checkpoint_path) if is_the_final_export else None


def _loss_smaller(best_eval_result: Mapping[str, Any], current_eval_result: Mapping[str, Any]) -> bool:
    for what, result in (("best", best_eval_result), ("current", current_eval_result)):
        if not result or "loss" not in result:
            raise ValueError(f"{what}_eval_result cannot be empty or no loss is found in it: {result}")
    return bool(best_eval_result["loss"] > current_eval_result["loss"])


class BestExporter(_SavedModelExporter):
    """Exports the model after each evaluation that is better than all before.

    After a restart the best result is that of the event files, if there are exports already.

    Args:
        name: the folder below `model_dir/export`.
        serving_input_receiver_fn: makes the placeholders that are fed, see `Estimator.export_saved_model`.
        event_file_pattern: the event files of the evaluations below the model's folder; None for none.
        compare_fn: `(best_eval_result, current_eval_result)`: whether the current metrics are better; by default
            whether "loss" is smaller.
        assets_extra, as_text: see `Estimator.export_saved_model`.
        exports_to_keep: newest exports that are kept, None for all.

    Raises:
        ValueError: compare_fn is missing or exports_to_keep is not positive.
    """

    def __init__(
        self,
        name: str = "best_exporter",
        serving_input_receiver_fn: ReceiverFn | None = None,
        event_file_pattern: str | None = "eval/*.tfevents.*",
        compare_fn: Compare = _loss_smaller,
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
        exports_to_keep: int | None = 5,
    ) -> None:
        if not callable(compare_fn):
            raise ValueError("`compare_fn` must not be None.")
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text, exports_to_keep)
        self._pattern, self._compare = event_file_pattern, compare_fn
        self._best: Any = None
        self._model_dir: str | None = None

    def export(
        self, estimator: Any, export_path: str, checkpoint_path: str, eval_result: Any, is_the_final_export: bool
    ) -> Any:
        """Writes the model if its metrics are the best; its path."""
        if self._model_dir != estimator.model_dir:
            self._model_dir = estimator.model_dir
            self._best = self._recovered(eval_result) if exports_in(export_path) else None
        if self._best is not None and not self._compare(best_eval_result=self._best, current_eval_result=eval_result):
            return None
        logger.info("Performing best model export.")
        self._best = eval_result
        return self._export(estimator, export_path, checkpoint_path)

    def _recovered(self, current: Mapping[str, Any]) -> dict[str, Any] | None:
        """The best of the evaluations in the event files, but for the current one."""
        if not self._pattern or self._model_dir is None:
            return None
        best: dict[str, Any] | None = None
        for path in sorted(Path(self._model_dir).glob(self._pattern)):
            for event in summary_iterator(str(path)):
                found = {v.tag: v.simple_value for v in event.summary.value if v.HasField("simple_value")}
                if not found or event.step == current.get("global_step"):
                    continue
                result = {**found, "global_step": event.step}
                if best is None or self._compare(best_eval_result=best, current_eval_result=result):
                    best = result
        return best
