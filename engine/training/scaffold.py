"""Scaffold: the operations that a training session needs beside the model, as TensorFlow 1.15's tf.train.Scaffold."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..graph import get_default_graph
from ..lookup import tables_initializer
from ..ops.control import group
from ..ops.summaries import merge_all
from ..scopes import GraphKeys
from ..variable_lists import (
    global_variables,
    global_variables_initializer,
    local_variables_initializer,
    report_uninitialized_variables,
)
from .saver import Saver


class Scaffold:
    """Initializers, ready checks, summaries and saver; what is not given is found in the graph or made by `finalize`.

    Args:
        init_op: initializes the global variables.
        init_feed_dict: its feeds.
        init_fn: called with the scaffold and the session after `init_op`.
        ready_op: a string vector, empty when all variables are initialized.
        ready_for_local_init_op: the same for global variables alone.
        local_init_op: initializes local variables and tables.
        summary_op: the merged summaries.
        saver: saves and restores.
        copy_from_scaffold: the defaults of all these.
        local_init_feed_dict: feeds of `local_init_op`.
    """

    def __init__(
        self,
        init_op: Any = None,
        init_feed_dict: dict[Any, Any] | None = None,
        init_fn: Callable[[Scaffold, Any], Any] | None = None,
        ready_op: Any = None,
        ready_for_local_init_op: Any = None,
        local_init_op: Any = None,
        summary_op: Any = None,
        saver: Saver | None = None,
        copy_from_scaffold: Scaffold | None = None,
        local_init_feed_dict: dict[Any, Any] | None = None,
    ) -> None:
        base = copy_from_scaffold
        if base is not None and not isinstance(base, Scaffold):
            raise TypeError("copy_from_scaffold is not a Scaffold instance.")

        def chosen(value: Any, name: str) -> Any:
            return getattr(base, name) if value is None and base is not None else value

        self._init_op = chosen(init_op, "_init_op")
        self._init_feed_dict = chosen(init_feed_dict, "_init_feed_dict")
        self._user_init_fn = chosen(init_fn, "_user_init_fn")
        self._ready_op = chosen(ready_op, "_ready_op")
        self._ready_for_local_init_op = chosen(ready_for_local_init_op, "_ready_for_local_init_op")
        self._local_init_op = chosen(local_init_op, "_local_init_op")
        self._local_init_feed_dict = chosen(local_init_feed_dict, "_local_init_feed_dict")
        self._summary_op = chosen(summary_op, "_summary_op")
        self._saver = chosen(saver, "_saver")

    def finalize(self) -> Scaffold:
        """Finds or makes what is missing, and makes the graph read-only."""
        get = Scaffold.get_or_default
        if self._init_op is None:
            self._init_op = get("init_op", GraphKeys.INIT_OP, global_variables_initializer)
        if self._ready_op is None:
            self._ready_op = get("ready_op", GraphKeys.READY_OP, report_uninitialized_variables)
        if self._ready_for_local_init_op is None:
            self._ready_for_local_init_op = get(
                "ready_for_local_init_op",
                GraphKeys.READY_FOR_LOCAL_INIT_OP,
                lambda: report_uninitialized_variables(global_variables()),
            )
        if self._local_init_op is None:
            self._local_init_op = get("local_init_op", GraphKeys.LOCAL_INIT_OP, Scaffold.default_local_init_op)
        if self._summary_op is None:
            self._summary_op = get("summary_op", GraphKeys.SUMMARY_OP, merge_all)
        if self._saver is None:
            self._saver = saver_or_default()
        self._saver.build()
        get_default_graph().finalize()
        return self

    @property
    def init_fn(self) -> Callable[[Any], Any] | None:
        """The caller's `init_fn` as a function of the session alone."""
        user = self._user_init_fn
        return None if user is None else lambda sess: user(self, sess)

    @property
    def init_op(self) -> Any:
        """Initializes the global variables."""
        return self._init_op

    @property
    def init_feed_dict(self) -> dict[Any, Any] | None:
        """The feeds of `init_op`."""
        return self._init_feed_dict  # type: ignore[no-any-return]

    @property
    def ready_op(self) -> Any:
        """What is not initialized."""
        return self._ready_op

    @property
    def ready_for_local_init_op(self) -> Any:
        """Which global variables are not initialized."""
        return self._ready_for_local_init_op

    @property
    def local_init_op(self) -> Any:
        """Initializes local variables and tables."""
        return self._local_init_op

    @property
    def local_init_feed_dict(self) -> dict[Any, Any] | None:
        """The feeds of `local_init_op`."""
        return self._local_init_feed_dict  # type: ignore[no-any-return]

    @property
    def summary_op(self) -> Any:
        """The merged summaries, or None."""
        return self._summary_op

    @property
    def saver(self) -> Any:
        """Saves and restores."""
        return self._saver

    @staticmethod
    def get_or_default(arg_name: str, collection_key: str, default_constructor: Callable[[], Any]) -> Any:
        """The one item of a collection, or a new one that is added to it; RuntimeError if there are several."""
        graph = get_default_graph()
        found = graph.get_collection(collection_key)
        if len(found) > 1:
            raise RuntimeError(
                f"More than one item in the collection {collection_key!r}. Please indicate which one to use by "
                f"passing it to the tf.Scaffold constructor as:  tf.Scaffold({arg_name}=item to use)"
            )
        if found:
            return found[0]
        made = default_constructor()
        if made is not None:
            graph.add_to_collection(collection_key, made)
        return made

    @staticmethod
    def default_local_init_op() -> Any:
        """Initializes local variables and tables."""
        return group(local_variables_initializer(), tables_initializer())


def saver_or_default() -> Saver:
    """The one saver of the graph's collection, or a new sharded one that is added to it."""
    graph = get_default_graph()
    savers = graph.get_collection(GraphKeys.SAVERS)
    if len(savers) > 1:
        raise RuntimeError(
            f"More than one item in the collection {GraphKeys.SAVERS!r}. Please indicate which one to use by passing "
            "it to the constructor."
        )
    if savers:
        return savers[0]  # type: ignore[no-any-return]
    saver = Saver(sharded=True, allow_empty=True)
    graph.add_to_collection(GraphKeys.SAVERS, saver)
    return saver
