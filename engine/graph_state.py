"""What a graph remembers while it is built: names and scopes, devices, control dependencies, collections, seeds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from .device import DeviceSpec, canonical_name, merge_device

if TYPE_CHECKING:
    from .graph import Operation, Tensor

VALID_OP_NAME = re.compile(r"^[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*\Z")
VALID_SCOPE_NAME = re.compile(r"^[A-Za-z0-9_.\\/>-]*\Z")

DeviceFunction = Callable[[Any], str | None]


class GraphState:
    """The scopes and collections of a Graph, with the methods TensorFlow 1.15 gives them."""

    def __init__(self) -> None:
        self.seed: int | None = None
        self._names: dict[str, int] = {}
        self._scope = ""
        self._devices: list[DeviceFunction | None] = []
        self._controls: list[list[Operation] | None] = []
        self._colocations: list[Operation] = []
        self._attr_scopes: list[dict[str, Any]] = []
        self._gradient_overrides: list[dict[str, str]] = []
        self._containers: list[str] = []
        self.collections: dict[Any, list[Any]] = {}
        self._finalized = False
        self.building_function = False
        # Rooms above the engine keep their per-graph state here, under a key of their own.
        self.extras: dict[str, Any] = {}

    # Names

    def unique_name(self, name: str, mark_as_used: bool = True) -> str:
        """`name` inside the current name scope, made unique by a suffix `_1`, `_2`, ..."""
        full = f"{self._scope}/{name}" if self._scope else name
        key = full.lower()
        count = self._names.get(key, 0)
        if mark_as_used:
            self._names[key] = count + 1
        if count == 0:
            return full
        return self._numbered(full, count, mark_as_used)

    def _numbered(self, full: str, count: int, mark_as_used: bool) -> str:
        candidate = f"{full}_{count}"
        while candidate.lower() in self._names:
            count += 1
            candidate = f"{full}_{count}"
        if mark_as_used:
            self._names[candidate.lower()] = 1
            self._names[full.lower()] = count + 1
        return candidate

    def name_of_new(self, name: str | None, default: str) -> str:
        """The final name of a new operation; a name that ends in '/' is taken as it stands."""
        _check_text(name)
        if name and name.endswith("/"):
            return name[:-1]
        name = name or default
        if not (VALID_SCOPE_NAME if self._scope else VALID_OP_NAME).match(name):
            raise ValueError(
                f"'{name}' is not a valid scope name" if self._scope else f"'{name}' is not a valid node name"
            )
        return self.unique_name(name)

    @contextmanager
    def name_scope(self, name: str | None) -> Iterator[str]:
        """Puts new names under `name/`; a `name` that ends in '/' re-enters that scope, None or '' leaves all."""
        _check_text(name)
        if name and not (VALID_SCOPE_NAME if self._scope else VALID_OP_NAME).match(name):
            raise ValueError(f"'{name}' is not a valid scope name")
        old = self._scope
        new = "" if not name else name[:-1] if name.endswith("/") else self.unique_name(name)
        self._scope = new
        try:
            yield new + "/" if new else ""
        finally:
            self._scope = old

    def get_name_scope(self) -> str:
        """The current name scope without its trailing slash."""
        return self._scope

    # Devices

    @contextmanager
    def device(self, device_name_or_function: str | DeviceSpec | DeviceFunction | None) -> Iterator[None]:
        """Lays a device, or a function of the operation that gives one, over the operations made inside."""
        given = device_name_or_function
        if given is None or callable(given):
            self._devices.append(given)
        else:
            self._devices.append(merge_device(given))
        try:
            yield
        finally:
            self._devices.pop()

    def place(self, op: Operation) -> None:
        """Gives a new operation its device from the scopes around it, innermost first, then from colocation."""
        for function in reversed(self._devices):
            if function is None:
                break
            op.device = canonical_name(function(op))
        if self._colocations:
            groups = {g for c in self._colocations for g in c.colocation_groups()}
            op.attrs["_class"] = sorted(groups | set(op.attrs.get("_class", [])))
            op.device = self._colocations[-1].device
        for scope in self._attr_scopes:
            op.attrs.update({k: v for k, v in scope.items() if v is not None})
        for overrides in self._gradient_overrides:
            if op.type in overrides:
                op.attrs["_gradient_op_type"] = overrides[op.type]

    @contextmanager
    def colocate_with(self, op: Operation | Tensor, ignore_existing: bool = False) -> Iterator[None]:
        """Makes the operations inside share the device of `op`."""
        target: Any = getattr(op, "op", op)
        old = self._colocations
        self._colocations = [target] if ignore_existing else [*old, target]
        try:
            yield
        finally:
            self._colocations = old

    # Control dependencies

    @contextmanager
    def control_dependencies(self, control_inputs: Sequence[Any] | None) -> Iterator[None]:
        """Makes every operation inside wait for `control_inputs`; None lifts all dependencies around."""
        ops = None if control_inputs is None else [self._control_operation(c) for c in control_inputs]
        self._controls.append(ops)
        try:
            yield
        finally:
            self._controls.pop()

    def _control_operation(self, item: Any) -> Operation:
        item = getattr(item, "values", item) if hasattr(item, "dense_shape") else item
        element = self.as_graph_element(item)  # type: ignore[attr-defined]
        return getattr(element, "op", element)  # type: ignore[no-any-return]

    def active_control_inputs(self, inputs: Sequence[Tensor]) -> list[Operation]:
        """The operations that the scopes make a new operation wait for, less those it waits for anyway."""
        if not self._controls:
            return []
        found: dict[Operation, None] = {}
        for scope in reversed(self._controls):
            if scope is None:
                break
            found.update(dict.fromkeys(reversed(scope)))
        for tensor in inputs:
            found.pop(tensor.op, None)
        return list(reversed(found))

    # Collections

    def add_to_collection(self, name: Any, value: Any) -> None:
        """Appends `value` to the collection `name`."""
        self.check_not_finalized()
        self.collections.setdefault(name, []).append(value)

    def add_to_collections(self, names: Any, value: Any) -> None:
        """Appends `value` to each collection of `names` (one name or several, each taken once)."""
        for name in (names,) if isinstance(names, str) else set(names):
            self.add_to_collection(name, value)

    def get_collection_ref(self, name: Any) -> list[Any]:
        """The collection itself: changes to the list are changes to the graph."""
        return self.collections.setdefault(name, [])

    def get_collection(self, name: Any, scope: str | None = None) -> list[Any]:
        """A copy of the collection; with `scope`, its items whose name matches that regular expression."""
        items = self.collections.get(name, [])
        if scope is None:
            return list(items)
        regex = re.compile(scope)
        return [item for item in items if hasattr(item, "name") and regex.match(item.name)]

    def get_all_collection_keys(self) -> list[Any]:
        """The names of the collections that hold something."""
        return [key for key in self.collections if isinstance(key, str)]

    def clear_collection(self, name: Any) -> None:
        """Empties the collection `name`."""
        self.check_not_finalized()
        self.collections.pop(name, None)

    # The rest

    def finalize(self) -> None:
        """Makes the graph read-only: from now on every attempt to add to it raises RuntimeError."""
        self._finalized = True

    @property
    def finalized(self) -> bool:
        """Whether `finalize` was called."""
        return self._finalized

    def _unsafe_unfinalize(self) -> None:
        self._finalized = False

    def check_not_finalized(self) -> None:
        """Raises RuntimeError if the graph is read-only."""
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    @contextmanager
    def gradient_override_map(self, op_type_map: dict[str, str]) -> Iterator[None]:
        """Makes operations of the given types made inside use the gradients registered under other names."""
        if not isinstance(op_type_map, dict):
            raise TypeError("`op_type_map` must be a dictionary mapping strings to strings")
        self._gradient_overrides.append(op_type_map)
        try:
            yield
        finally:
            self._gradient_overrides.pop()

    @contextmanager
    def attr_scope(self, attrs: dict[str, Any]) -> Iterator[None]:
        """Adds attributes to every operation made inside (TensorFlow's private `_attr_scope`)."""
        self._attr_scopes.append(attrs)
        try:
            yield
        finally:
            self._attr_scopes.pop()

    @contextmanager
    def container(self, container_name: str) -> Iterator[str]:
        """Names the resource container of stateful operations made inside."""
        self._containers.append(container_name)
        try:
            yield container_name
        finally:
            self._containers.pop()

    @property
    def current_container(self) -> str:
        """The innermost container name, or ''."""
        return self._containers[-1] if self._containers else ""


def _check_text(name: object) -> None:
    if name is not None and not isinstance(name, str):
        raise TypeError(f"A name must be a string, got {name!r} of type {type(name).__name__}")
