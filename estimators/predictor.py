"""Predictors: functions from arrays to arrays over a SavedModel or an estimator, as tf.contrib.predictor."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from ..engine.graph import Graph
from ..engine.ops.random import set_random_seed
from ..engine.saved_model import constants
from ..engine.saved_model.loader import load, meta_graph_of, read_saved_model
from ..engine.saved_model.signature_defs import get_signature_def_by_key, get_tensor_from_tensor_info
from ..engine.session import Session
from ..engine.training.global_step import get_or_create_global_step
from .exporting import signatures_of
from .model_fn import ModeKeys
from .receivers import ServingInputReceiver


class Predictor:
    """A loaded model: call it with a dictionary of arrays. Closes its session in `close` or at the end of `with`.

    Args:
        session: holds the graph and the variables' values.
        feeds, fetches: tensors by name.
    """

    def __init__(self, session: Session, feeds: Mapping[str, Any], fetches: Mapping[str, Any]) -> None:
        self._session, self._feeds, self._fetches = session, dict(feeds), dict(fetches)

    @property
    def graph(self) -> Graph:
        """The model's graph."""
        return self._session.graph

    @property
    def session(self) -> Session:
        """The model's session."""
        return self._session

    @property
    def feed_tensors(self) -> dict[str, Any]:
        """The tensors that are fed, by name."""
        return self._feeds

    @property
    def fetch_tensors(self) -> dict[str, Any]:
        """The tensors that are fetched, by name."""
        return self._fetches

    def __call__(self, input_dict: Mapping[str, Any]) -> dict[str, Any]:
        """The outputs by name.

        Raises:
            ValueError: a name is unknown.
        """
        unknown = sorted(set(input_dict) - set(self._feeds))
        if unknown:
            raise ValueError(f"Got unexpected keys in input_dict: {unknown}; expected {sorted(self._feeds)}")
        found: dict[str, Any] = self._session.run(self._fetches, {self._feeds[k]: v for k, v in input_dict.items()})
        return found

    def close(self) -> None:
        """Closes the session."""
        self._session.close()

    def __enter__(self) -> Predictor:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()


def from_saved_model(
    export_dir: str | os.PathLike[str],
    signature_def_key: str | None = None,
    signature_def: Any = None,
    input_names: Mapping[str, str] | None = None,
    output_names: Mapping[str, str] | None = None,
    tags: str | None = None,
    graph: Graph | None = None,
    config: Any = None,
) -> Predictor:
    """A predictor of a SavedModel, as `tf.contrib.predictor.from_saved_model`.

    Args:
        export_dir: the model's folder.
        signature_def_key: which signature; "serving_default" by default.
        signature_def: a SignatureDef in its place.
        input_names, output_names: names of tensors by names of one's own, in place of a signature.
        tags: of the graph, "serve" by default; several are separated by commas.
        graph: where the model is loaded; a new one by default.
        config: a ConfigProto.

    Raises:
        ValueError: there is no such signature, or more than one way to name the tensors is used.
        OSError, RuntimeError, PermissionDeniedError: see `tf.saved_model.loader.load`.

    Example:
        >>> import headrace as tf, tempfile
        >>> folder = tempfile.mkdtemp() + "/model"
        >>> with tf.Graph().as_default(), tf.Session() as session:
        ...     x = tf.placeholder(tf.float32, [None])
        ...     w = tf.get_variable("w", initializer=3.0)
        ...     session.run(w.initializer)
        ...     tf.saved_model.simple_save(session, folder, {"x": x}, {"y": w * x})
        >>> tf.contrib.predictor.from_saved_model(folder)({"x": [1.0, 2.0]})["y"].tolist()
        [3.0, 6.0]
    """
    if sum(value is not None for value in (signature_def_key, signature_def, input_names)) > 1:
        raise ValueError("You must specify at most one of signature_def_key, signature_def and input_names.")
    if (input_names is None) != (output_names is None):
        raise ValueError("input_names and output_names must both be specified or both be unspecified.")
    wanted = (tags or constants.SERVING).split(",")
    if signature_def is None and input_names is None:
        key = signature_def_key or constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        signature_def = get_signature_def_by_key(meta_graph_of(read_saved_model(export_dir), wanted), key)
    session = Session(graph=graph or Graph(), config=config)
    load(session, wanted, export_dir)
    if signature_def is None:
        find = session.graph.get_tensor_by_name
        return Predictor(session, _each(find, input_names), _each(find, output_names))

    def tensor(info: Any) -> Any:
        return get_tensor_from_tensor_info(info, session.graph)

    return Predictor(session, _each(tensor, signature_def.inputs), _each(tensor, signature_def.outputs))


def _each(find: Callable[[Any], Any], names: Mapping[str, Any] | None) -> dict[str, Any]:
    return {key: find(value) for key, value in (names or {}).items()}


def from_estimator(
    estimator: Any,
    serving_input_receiver_fn: Callable[[], ServingInputReceiver],
    output_key: str | None = None,
    graph: Graph | None = None,
    config: Any = None,
) -> Predictor:
    """A predictor of a trained estimator, as `tf.contrib.predictor.from_estimator`.

    Args:
        estimator: an estimator with a checkpoint.
        serving_input_receiver_fn: makes the placeholders that are fed, see `Estimator.export_saved_model`.
        output_key: which of the outputs; "serving_default" by default.
        graph: where the model is made; a new one by default.
        config: a ConfigProto.

    Raises:
        ValueError: nothing was trained yet, or there is no such output.
    """
    prefix = estimator._checkpoint(None)
    with (graph or Graph()).as_default() as used:
        set_random_seed(estimator.config.tf_random_seed)
        get_or_create_global_step()
        receiver = serving_input_receiver_fn()
        spec = estimator._spec(receiver.features, None, ModeKeys.PREDICT)
        key = output_key or constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
        signatures = signatures_of(receiver, spec)
        if key not in signatures:
            raise ValueError(f"There is no output {key!r}; there are {sorted(signatures)}")
        session = Session(graph=used, config=config or estimator.config.session_options)
        estimator._restore(session, prefix)
        outputs = signatures[key].outputs
        return Predictor(
            session,
            receiver.receiver_tensors,
            {name: get_tensor_from_tensor_info(info, used) for name, info in outputs.items()},
        )
