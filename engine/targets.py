"""What `Session(target)` runs on where the target names a server: the cluster gives an answer for names it knows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from .errors import InvalidArgumentError
from .graph import Graph, Operation, Tensor
from .placement import Placement
from .resources import ResourceStore
from .runtime import Runtime

if TYPE_CHECKING:
    from .compiler import Options

# Targets that mean this process, with state of the session's own.
IN_PROCESS = ("", "local")


class TargetStep(Protocol):
    """A step as a session runs it: a CompiledStep, or its parts on several tasks."""

    graph: Graph
    fetches: list[Tensor]
    targets: list[Operation]
    feeds: list[Tensor]
    runtime: Runtime
    options: Options

    def run(self, values: Sequence[Any]) -> list[Any]:
        """The fetched values, given one value a fed tensor."""

    def explain(self, signature: tuple[tuple[int, ...], ...]) -> str | tuple[Any, dict[int, str] | None]:
        """What `session.explain` prints, for the shapes of what is fed: text, or a plan as CompiledStep gives it."""

    def device_of(self, op: Operation) -> str:
        """The full name of the device on which an operation of the step runs."""


class Target(Protocol):
    """A server of this process as a session sees it."""

    resources: ResourceStore
    placement: Placement

    def compile(
        self,
        graph: Graph,
        fetches: Sequence[Tensor],
        targets: Sequence[Operation],
        feeds: Sequence[Tensor],
        runtime: Runtime,
        options: Options,
    ) -> TargetStep:
        """A step on the cluster's tasks."""

    def device_names(self) -> list[str]:
        """The devices of all tasks."""

    def reset(self, containers: Sequence[str]) -> None:
        """Drops the state of these containers, or all of it, on all tasks."""


# Functions that know a target by its name, or do not: the cluster adds its own when a server is made.
finders: list[Callable[[str], Target | None]] = []


def find_target(name: str) -> Target | None:
    """The server called `name`; None for a target that means this process alone.

    Raises:
        InvalidArgumentError: no server of this process has that name.
    """
    if name in IN_PROCESS:
        return None
    for find in finders:
        target = find(name)
        if target is not None:
            return target
    raise InvalidArgumentError(
        None, None, f"No server is running at {name!r}: make a tf.train.Server in this process and pass its target"
    )
