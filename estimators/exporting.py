"""Exporting: how an estimator writes a trained model to be served, as a SavedModel."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..engine.graph import Graph
from ..engine.lookup import tables_initializer
from ..engine.ops.control import group
from ..engine.ops.random import set_random_seed
from ..engine.saved_model import constants
from ..engine.saved_model.builder import SavedModelBuilder
from ..engine.scopes import GraphKeys
from ..engine.session import Session
from ..engine.training.global_step import get_or_create_global_step
from ..engine.training.saver import Saver
from ..engine.variable_lists import global_variables, local_variables_initializer
from .export_outputs import ClassificationOutput, ExportOutput, PredictOutput, RegressionOutput, checked_export_outputs
from .model_fn import EstimatorSpec, ModeKeys
from .receivers import ServingInputReceiver
from .supervised_export import SupervisedInputReceiver, supervised_signature

# Tries for a folder's name, which is a number of seconds, before giving up.
_TRIES = 10


class Exporting:
    """The part of an estimator that exports."""

    config: Any

    def _checkpoint(self, path: str | None) -> str:
        raise NotImplementedError

    def _spec(self, features: Any, labels: Any, mode: str) -> EstimatorSpec:
        raise NotImplementedError

    def export_saved_model(
        self,
        export_dir_base: str | os.PathLike[str],
        serving_input_receiver_fn: Callable[[], ServingInputReceiver],
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
        checkpoint_path: str | None = None,
        experimental_mode: str = ModeKeys.PREDICT,
    ) -> bytes:
        """Writes the model as a SavedModel into a new folder, whose name is the time in seconds.

        Args:
            export_dir_base: the folder around it.
            serving_input_receiver_fn: makes the placeholders that are fed and the features of them.
            assets_extra: files to copy into `assets.extra`: paths by their names there.
            as_text: write `saved_model.pbtxt`.
            checkpoint_path: the checkpoint to take, the newest by default.
            experimental_mode: what the exported graph is for; one of training or evaluation needs a function that
                makes a SupervisedInputReceiver.

        Returns:
            The path of the folder.

        Raises:
            ValueError: nothing was trained yet, or the receiver or the outputs are wrong.
        """
        if serving_input_receiver_fn is None:
            raise ValueError("An input_receiver_fn must be defined.")
        given = {experimental_mode: serving_input_receiver_fn}
        return self.experimental_export_all_saved_models(export_dir_base, given, assets_extra, as_text, checkpoint_path)

    def experimental_export_all_saved_models(
        self,
        export_dir_base: str | os.PathLike[str],
        input_receiver_fn_map: Mapping[str, Callable[[], Any]],
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
        checkpoint_path: str | None = None,
    ) -> bytes:
        """Writes the graphs of several modes as one SavedModel: the tags are "train", "eval" and "serve".

        Args:
            export_dir_base: the folder around it.
            input_receiver_fn_map: functions by mode; for ModeKeys.PREDICT one makes a ServingInputReceiver, for the others
                a SupervisedInputReceiver.
            assets_extra, as_text, checkpoint_path: as for `export_saved_model`.

        Returns:
            The path of the folder.

        Raises:
            ValueError: nothing was trained yet, no or an unknown mode is given, or a receiver or the outputs are wrong.
        """
        modes = [mode for mode in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT) if mode in input_receiver_fn_map]
        unknown = sorted(set(input_receiver_fn_map) - set(modes))
        if unknown or not modes:
            raise ValueError(f"input_receiver_fn_map must have functions for modes of ModeKeys, got {unknown}")
        prefix = self._checkpoint(checkpoint_path)
        extra = _checked_extra(assets_extra)
        base = Path(export_dir_base)
        target = _new_folder(base)
        temporary = base / f"temp-{target.name}"
        shutil.rmtree(temporary, ignore_errors=True)
        try:
            builder = SavedModelBuilder(temporary)
            for mode in modes:
                self._write_graph(builder, mode, input_receiver_fn_map[mode], prefix, mode == modes[0])
            builder.save(as_text)
            for name, source in extra.items():
                place = temporary / constants.ASSETS_EXTRA_DIRECTORY / name
                place.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(source, place)
            temporary.rename(target)
        except BaseException:
            shutil.rmtree(temporary, ignore_errors=True)
            raise
        return os.fsencode(target)

    def export_savedmodel(
        self,
        export_dir_base: str | os.PathLike[str],
        serving_input_receiver_fn: Callable[[], ServingInputReceiver],
        assets_extra: Mapping[str, str] | None = None,
        as_text: bool = False,
        checkpoint_path: str | None = None,
        strip_default_attrs: bool = False,
    ) -> bytes:
        """TensorFlow 1's older name of `export_saved_model`; `strip_default_attrs` is accepted."""
        del strip_default_attrs
        return self.export_saved_model(
            export_dir_base, serving_input_receiver_fn, assets_extra, as_text, checkpoint_path
        )

    def _write_graph(
        self, builder: SavedModelBuilder, mode: str, receiver_fn: Callable[[], Any], prefix: str, with_variables: bool
    ) -> None:
        with Graph().as_default() as graph:
            set_random_seed(self.config.tf_random_seed)
            get_or_create_global_step()
            receiver: Any = receiver_fn()
            wanted: Any = ServingInputReceiver if mode == ModeKeys.PREDICT else SupervisedInputReceiver
            if not isinstance(receiver, wanted):
                name = "serving_input_receiver_fn" if mode == ModeKeys.PREDICT else f"The input_receiver_fn of {mode!r}"
                raise ValueError(f"{name} must return a {wanted.__name__}, got {receiver!r}")
            spec = self._spec(receiver.features, getattr(receiver, "labels", None), mode)
            scaffold = spec.scaffold
            init = None if scaffold is None else scaffold.local_init_op
            main_op = group(local_variables_initializer(), tables_initializer()) if init is None else init
            saver = (None if scaffold is None else scaffold.saver) or Saver(global_variables(), sharded=True)
            options: dict[str, Any] = {
                "assets_collection": graph.get_collection(GraphKeys.ASSET_FILEPATHS), "main_op": main_op, "saver": saver,
            }  # fmt: skip
            if mode == ModeKeys.PREDICT:
                tags, signatures = [constants.SERVING], signatures_of(receiver, spec)
            else:
                tags, signatures = [mode], supervised_signature(mode, receiver, spec)
            if mode == ModeKeys.TRAIN:
                graph.add_to_collection(constants.TRAIN_OP_KEY, spec.train_op)
            if not with_variables:
                builder.add_meta_graph(tags, signatures, **options)
                return
            with Session(config=self.config.session_options) as session:
                saver.restore(session, prefix)
                session.run(main_op)
                builder.add_meta_graph_and_variables(session, tags, signatures, **options)


def signatures_of(receiver: ServingInputReceiver, spec: EstimatorSpec) -> dict[str, Any]:
    """The signatures of a model: its outputs over the receiver's tensors, and over their alternatives.

    Outputs for serialized examples are left out where other tensors are fed, but the default becomes a prediction.
    """
    outputs = checked_export_outputs(spec.export_outputs, spec.predictions)
    found = {}
    inputs = [("", receiver.receiver_tensors), *receiver.receiver_tensors_alternatives.items()]
    for prefix, tensors in inputs:
        for key, output in outputs.items():
            name = f"{prefix}:{key}" if prefix else key
            try:
                found[name] = output.as_signature_def(tensors)
            except ValueError:
                if key == constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY and not prefix:
                    found[name] = _as_prediction(output).as_signature_def(tensors)
    return found


def _as_prediction(output: ExportOutput) -> PredictOutput:
    if isinstance(output, RegressionOutput):
        return PredictOutput({constants.REGRESS_OUTPUTS: output.value})
    if isinstance(output, ClassificationOutput):
        parts = {
            constants.CLASSIFY_OUTPUT_CLASSES: output.classes,
            constants.CLASSIFY_OUTPUT_SCORES: output.scores,
        }
        return PredictOutput({key: value for key, value in parts.items() if value is not None})
    raise ValueError(f"The default output cannot be served: {output!r}")


def _checked_extra(given: Mapping[str, str] | None) -> dict[str, Path]:
    found = {}
    for name, source in (given or {}).items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise ValueError(f"assets_extra: {name!r} must be a path inside of {constants.ASSETS_EXTRA_DIRECTORY}")
        if not Path(source).is_file():
            raise ValueError(f"assets_extra: {source} is no file")
        found[name] = Path(source)
    return found


def _new_folder(base: Path) -> Path:
    """A folder that is not there yet, named after the time."""
    now = int(time.time())
    for number in range(now, now + _TRIES):
        if not (base / str(number)).exists():
            return base / str(number)
    raise RuntimeError(f"Failed to obtain a unique export directory name after {_TRIES} attempts in {base}")
