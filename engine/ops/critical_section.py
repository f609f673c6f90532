"""CriticalSection: functions of which no two run at a time, in whatever step or thread they are called."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from .. import nest
from ..dtypes import DType
from ..function import align_captures
from ..graph import Graph, Sizes, Tensor, get_default_graph
from ..inference import InferenceContext, scalar_shape
from ..registry import op
from ..resources import variable_key
from ..scopes import name_scope
from ..shapes import TensorShape
from .cond import Branch


@op("MutexV2", outputs="resource: resource", shape=scalar_shape, stateful=True)
def mutex_v2_op(*, container: str = "", shared_name: str = "", name: str | None = None) -> Tensor:
    """A mutex of the task, by name."""


@mutex_v2_op.state
def mutex_v2_state(context: Any, *, container: str, shared_name: str) -> Any:
    key = variable_key("", shared_name, context.name)
    return context.resources.object(container, "mutex/" + key, threading.RLock)


@op("_Locked", "mutex: resource, input: Tin", "output: Tout", stateful=True, lists=("Tin",))
def locked_op(
    mutex: Any,
    input: Any,
    *,
    Tout: list[DType],
    f: Graph,
    output_shapes: list[TensorShape] | None = None,
    name: str | None = None,
) -> list[Tensor]:
    """The outputs of a function of `input`, called while the mutex is held."""


@locked_op.shape
def locked_shape(context: InferenceContext) -> list[Sizes]:
    shapes = context["output_shapes"] or []
    return [s.sizes for s in shapes] if shapes else [None] * len(context["Tout"])


@locked_op.state
def locked_state(context: Any, mutex: Any, inputs: Any, *, Tout: Any, f: Any, **_: Any) -> Any:
    while not mutex.acquire(timeout=0.1):
        context.cancellation.check(f"Waiting for the critical section {context.name!r}")
    try:
        return context.runtime.call(f, inputs, len(Tout))
    finally:
        mutex.release()


class CriticalSection:
    """Lets one of the functions given to `execute` run at a time, across steps and sessions that share their state.

    As TensorFlow 1.15's `tf.CriticalSection`.

    Args:
        name: the name of the mutex.
        shared_name: the name under which other graphs share it.

    Example:
        >>> import headrace as tf
        >>> v = tf.Variable(1.0)
        >>> section = tf.CriticalSection()
        >>> increment = section.execute(lambda: tf.assign_add(v, 1.0))
    """

    def __init__(
        self, name: str | None = None, shared_name: str | None = None, critical_section_def: Any = None,
        import_scope: str | None = None,
    ) -> None:  # fmt: skip
        if critical_section_def is not None:
            raise ValueError("critical_section_def is not supported.")
        del import_scope
        with name_scope(name, "CriticalSection"):
            self._handle = mutex_v2_op(shared_name=shared_name or "", name="mutex")

    @property
    def name(self) -> str:
        """The name of the mutex."""
        return self._handle.op.name

    def execute(self, fn: Callable[[], Any], exclusive_resource_access: bool = True, name: str | None = None) -> Any:
        """What `fn()` gives, run while no other function of this section runs.

        Args:
            fn: a function without arguments that returns a (nested structure of) tensors or operations.
            exclusive_resource_access: accepted.
            name: name scope of what is built.
        """
        del exclusive_resource_access
        with name_scope(name, "critical_section_execute"):
            branch = Branch("critical_section", fn, get_default_graph(), True, True)
            captures = align_captures([branch.graph], 0)
            with get_default_graph().control_dependencies(list(branch.graph.outer_controls)):
                outputs = locked_op(
                    self._handle,
                    captures,
                    Tout=[t.dtype.base_dtype for t in branch.flat],
                    f=branch.graph,
                    output_shapes=[TensorShape(t.sizes) for t in branch.flat],
                )
        given = iter(outputs)
        leaves = nest.flatten(branch.result, expand_composites=True)
        return nest.pack_sequence_as(branch.result, [None if t is None else next(given) for t in leaves], True)
