"""What a task is told of a step: its stages, what each takes and gives, and who gets it. Values go by number."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

Sends = tuple[tuple[int, tuple[int, ...]], ...]


@dataclass(frozen=True)
class StagePlan:
    """One stage. `number` counts the stages of the whole step.

    `takes` are the values it is fed, in order; `awaits` the stages that must have ended; `gives` its results, in order;
    `sends` says which ranks get which of them. A rank that only waits for the stage gets none.
    """

    number: int
    takes: tuple[int, ...] = ()
    awaits: tuple[int, ...] = ()
    gives: tuple[int, ...] = ()
    sends: Sends = ()


@dataclass(frozen=True)
class TaskPlan:
    """The stages of a task in the order in which it runs them, and the values that the client gets at the end."""

    stages: tuple[StagePlan, ...] = ()
    returns: tuple[int, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The plan in words and numbers."""
        return asdict(self)

    @staticmethod
    def from_dict(plan: dict[str, Any]) -> TaskPlan:
        """The plan that `as_dict` wrote."""
        stages = tuple(
            StagePlan(
                s["number"],
                tuple(s["takes"]),
                tuple(s["awaits"]),
                tuple(s["gives"]),
                tuple((rank, tuple(ids)) for rank, ids in s["sends"]),
            )
            for s in plan["stages"]
        )
        return TaskPlan(stages, tuple(plan["returns"]))
