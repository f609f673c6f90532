"""Steps of several tasks as text: what `session.explain` prints of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from ..engine.compiler import CompiledStep
from ..engine.graph import Tensor
from ..engine.plan.plan import static_sizes
from ..engine.shapes import sizes_text
from ..engine.show import show_plan
from .partition import Stage, Task, task_name

Shape = tuple[int, ...]


def show_stages(
    stages: Sequence[Stage], programs: Mapping[int, CompiledStep], fed: Mapping[Tensor, Shape], here: Task
) -> str:
    """The stages of a step, a paragraph each.

    Args:
        stages: in the order in which they can run.
        programs: those of the client's own task, by number.
        fed: the shapes of what the client feeds.
        here: the client's task.
    """
    tasks = dict.fromkeys(stage.task for stage in stages)
    lines = [f"{len(stages)} stages on {len(tasks)} tasks, run from {task_name(here)}"]
    for number, stage in enumerate(stages):
        lines += [f"stage {number} on {task_name(stage.task)}, level {stage.level}: {_operations(stage)}"]
        lines += [f"  {line}" for line in (*_comes(stage, stages, fed), *_goes(stage, stages))]
        if number in programs:
            lines += [f"  | {line}" for line in _program(stage, programs[number], fed).splitlines()]
    return "\n".join(lines)


def _operations(stage: Stage) -> str:
    operations = dict.fromkeys(stage.operations)
    types = Counter(op.type for op in operations)
    count = f"{len(operations)} operation{'s' if len(operations) > 1 else ''}"
    return f"{count}: " + ", ".join(f"{n} {kind}" if n > 1 else kind for kind, n in types.items())


def _comes(stage: Stage, stages: Sequence[Stage], fed: Mapping[Tensor, Shape]) -> list[str]:
    lines = []
    for tensor, source in stage.feeds.items():
        origin = "the client" if source is None else f"stage {stages.index(source)}"
        note = f", in the place of {stage.lent[tensor].name}" if tensor in stage.lent else ""
        lines.append(f"takes {_described(tensor, fed)} from {origin}{note}")
    numbers = sorted(stages.index(s) for s in stage.awaits if s.task != stage.task)
    return lines + ([f"waits for stages {', '.join(map(str, numbers))}"] if numbers else [])


def _goes(stage: Stage, stages: Sequence[Stage]) -> list[str]:
    receivers: dict[Tensor, dict[Task, None]] = {}
    for other in stages:
        for tensor, source in other.feeds.items():
            if source is stage and other.task != stage.task:
                receivers.setdefault(tensor, {})[other.task] = None
    return [f"sends {_described(t, {})} to {', '.join(map(task_name, tasks))}" for t, tasks in receivers.items()]


def _described(tensor: Tensor, fed: Mapping[Tensor, Shape]) -> str:
    return f"{tensor.name} {tensor.dtype.base_dtype.name}{sizes_text(fed.get(tensor, tensor.sizes))}"


def _program(stage: Stage, program: CompiledStep, fed: Mapping[Tensor, Shape]) -> str:
    shapes = {t: fed[t] if t in fed else static_sizes(t.sizes) for t in stage.feeds}
    unknown = [t.name for t, shape in shapes.items() if shape is None]
    if unknown:
        return f"its program is made when the shapes are known of {', '.join(unknown)}"
    return show_plan(*program.explain(tuple(shape for shape in shapes.values() if shape is not None)))
