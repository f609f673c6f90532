"""Datasets made from datasets: flattened, interleaved, grouped, scanned and reduced."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from ..engine.errors import InvalidArgumentError
from ..engine.graph import get_default_graph
from ..engine.nest import flatten, map_structure, pack_sequence_as
from ..engine.ops.iterators import keep_source, reduce_dataset_op
from ..engine.rewriting.lower import handle_of
from ..engine.runtime import Runtime
from ..engine.shapes import TensorShape
from .functions import Function
from .plan import Plan
from .running import Element, Elements, Rows, Run, SeedLog
from .sources import Component, component_of, components_of
from .structure import TensorSpec, flat_parts, pack_element, pack_leaves

Call = Callable[[Element], Element]
# Datasets that interleave(cycle_length=AUTOTUNE) keeps open; the order must not depend on the machine.
AUTOMATIC_CYCLE = 10


def common_spec(first: Any, second: Any) -> Any:
    """What holds for the elements of two datasets; TypeError if they do not go together."""
    try:
        return map_structure(lambda a, b: a.relaxed(b), first, second)
    except ValueError as error:
        raise TypeError(f"Two datasets to concatenate have different structures: {error}") from None


def padding_of(specs: Sequence[TensorSpec], values: Any) -> list[Component]:
    """What components are padded with: given scalars, else zeros and empty strings."""
    if values is None:
        given: list[Any] = [b"" if s.dtype.name == "string" else s.dtype.numpy.type(0) for s in specs]
    else:
        given = flatten(values)
        given = given * len(specs) if len(given) == 1 else given
    if len(given) != len(specs):
        raise ValueError(f"padding_values has {len(given)} components, an element has {len(specs)}")
    return [component_of(value) for value in given]


def flattened(source: Elements, call: Call, run: Run) -> Iterator[Element]:
    """The elements of the datasets that `call` makes of the elements."""
    for element in source:
        yield from call(element)[0].begin(run)


def interleaved(source: Elements, call: Call, run: Run, cycle: int, block: int) -> Iterator[Element]:
    """The elements of the datasets that `call` makes, taken in turns: `block` from each of `cycle` open ones."""
    cycle = AUTOMATIC_CYCLE if cycle == -1 else cycle
    if cycle <= 0 or block <= 0:
        raise InvalidArgumentError(
            None, None, f"cycle_length and block_length must be greater than zero: {cycle}, {block}"
        )
    opened: list[Elements | None] = [None] * cycle
    place, ended = 0, False
    while not ended or any(o is not None for o in opened):
        current = opened[place]
        if current is None and not ended:
            element = next(source, None)
            ended = element is None
            if element is None:
                continue
            current = opened[place] = call(element)[0].begin(run)
        for _ in range(block if current is not None else 0):
            made = next(current, None)  # type: ignore[arg-type]
            if made is None:
                opened[place] = None
                break
            yield made
        place = (place + 1) % cycle


def grouped(source: Elements, run: Run, key: Call, reduce: Call, size: Call) -> Iterator[Element]:
    """Elements grouped by key; each full group goes through `reduce`, at the end the rest in the order of the keys."""
    groups: dict[int, list[Element]] = {}
    sizes: dict[int, int] = {}
    for element in source:
        (found,) = key(element)
        number = int(found)
        if number not in groups:
            groups[number], sizes[number] = [], int(size([found])[0])
            if sizes[number] <= 0:
                raise InvalidArgumentError(None, None, f"Window size must be greater than zero, got {sizes[number]}")
        groups[number].append(element)
        if len(groups[number]) == sizes[number]:
            yield from reduce([found, Rows(groups.pop(number))])[0].begin(run)
    for number in sorted(groups):
        key_value = groups[number] and key(groups[number][0])[0]
        yield from reduce([key_value, Rows(groups[number])])[0].begin(run)


def scanned(source: Elements, state: Element, call: Call) -> Iterator[Element]:
    """What `call` makes of (state, element): the next state, and what is given."""
    count = len(state)
    for element in source:
        results = call([*state, *element])
        state = results[:count]
        yield results[count:]


def chosen(source: Elements, datasets: Sequence[Elements]) -> Iterator[Element]:
    """An element of the dataset whose number comes next, as long as that one has any."""
    for (number,) in source:
        index = int(number)
        if not 0 <= index < len(datasets):
            raise InvalidArgumentError(None, None, f"Selector index out of range: {index} >= {len(datasets)}")
        element = next(datasets[index], None)
        if element is not None:
            yield element


class _Reduction:
    """A reduction as a source of the engine's operation."""

    def __init__(self, function: Function, state_spec: Any, element_spec: Any) -> None:
        self.function, self.state_spec, self.element_spec = function, state_spec, element_spec
        self.needed = [t for t in function.captures if handle_of(t.op) is None]

    def combined(self, runtime: Runtime, dataset: Any, state: Sequence[Any], others: Sequence[Any]) -> list[Any]:
        """The last state, one array a part."""
        run = Run(runtime, dict(zip(self.needed, others, strict=True)), SeedLog([]))
        call = self.function.bound(run, self.state_spec, self.element_spec)
        current: Element = pack_leaves(self.state_spec, list(state))
        elements = dataset.dataset.begin(Run(runtime, dataset.values, SeedLog([])))
        for element in elements:
            current = call([*current, *element])
        leaves = flatten(self.state_spec)
        return [part for s, value in zip(leaves, current, strict=True) for part in s.values_of(value)]


def stable_function(
    function: Callable[..., Any], state: Any, element: Any, name: str, parts: int
) -> tuple[Function, Any]:
    """A traced function of (state, element), with a state whose shape it keeps; ValueError if dtypes change."""
    while True:
        made = Function(function, [state, element], name)
        result = made.spec if parts == 1 else made.spec[0]
        try:
            common = map_structure(lambda a, b: a.relaxed(b), state, result)
        except (TypeError, ValueError) as error:
            raise TypeError(
                f"{name}: the new state does not have the structure and dtypes of the old: {error}"
            ) from None
        if common == state:
            return made, state
        state = common


def reduction(dataset: Plan, initial_state: Any, reduce_func: Callable[..., Any]) -> Any:
    """Dataset.reduce."""
    structure, components = components_of(initial_state)
    state = pack_sequence_as(structure, [c.spec for c in components])
    function, state = stable_function(reduce_func, state, dataset.element_spec, "reduce", 1)
    source = _Reduction(function, state, dataset.element_spec)
    token = keep_source(get_default_graph(), source)
    parts = flat_parts(state)
    tensors = reduce_dataset_op(
        dataset._variant_tensor,
        [item for c in components for item in c.items],
        source.needed,
        token=token,
        output_types=[dtype for dtype, _ in parts],
        output_shapes=[TensorShape.of_sizes(sizes) for _, sizes in parts],
    )
    return pack_element(state, list(tensors))
