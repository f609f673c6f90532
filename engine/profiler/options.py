"""Options of the profiler: the builder of TensorFlow 1.15, and the same checked."""

from __future__ import annotations

import copy
import difflib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError

# The type that trainable variables have beside their op type and device.
TRAINABLE_VARIABLES = "_trainable_variables"

COLUMNS = (
    "bytes", "peak_bytes", "residual_bytes", "output_bytes", "micros", "accelerator_micros", "cpu_micros", "params",
    "float_ops", "tensor_value", "device", "op_types", "occurrence", "input_shapes",
)  # fmt: skip
ORDERS = (
    "name", "bytes", "peak_bytes", "residual_bytes", "output_bytes", "micros", "accelerator_micros", "cpu_micros",
    "params", "float_ops", "occurrence",
)  # fmt: skip
# Where reports go, and whether the name of a file follows.
OUTPUTS = {"stdout": False, "none": False, "file": True, "timeline": True, "pprof": True}


def _base(**changes: Any) -> dict[str, Any]:
    options: dict[str, Any] = {
        "max_depth": 10000,
        "min_bytes": 0,
        "min_micros": 0,
        "min_params": 0,
        "min_float_ops": 0,
        "min_occurrence": 0,
        "order_by": "name",
        "account_type_regexes": [".*"],
        "start_name_regexes": [".*"],
        "trim_name_regexes": [],
        "show_name_regexes": [".*"],
        "hide_name_regexes": [],
        "account_displayed_op_only": True,
        "select": ["micros"],
        "step": -1,
        "output": "stdout",
    }
    return {**options, **changes}


# Options that not every dict has.
_OTHERS = (
    "min_peak_bytes", "min_residual_bytes", "min_output_bytes", "min_accelerator_micros", "min_cpu_micros",
    "dump_to_file",
)  # fmt: skip
_NUMBERS = ("max_depth", "step")


class ProfileOptionBuilder:
    """Builds the options of the profiler step by step; as TensorFlow 1.15's `tf.profiler.ProfileOptionBuilder`.

    Args:
        options: what to begin with; by default all nodes to a depth of 100, with their times.

    Example:
        >>> builder = ProfileOptionBuilder(ProfileOptionBuilder.time_and_memory())
        >>> builder.with_node_names(show_name_regexes=["dense.*"]).with_empty_output().build()["output"]
        'none'
    """

    def __init__(self, options: dict[str, Any] | None = None) -> None:
        default = _base(max_depth=100, account_displayed_op_only=False)
        self._options = copy.deepcopy(options) if options is not None else default

    @staticmethod
    def trainable_variables_parameter() -> dict[str, Any]:
        """Options for the number of trainable parameters; for the view "scope"."""
        return _base(account_type_regexes=[TRAINABLE_VARIABLES], select=["params"])

    @staticmethod
    def float_operation() -> dict[str, Any]:
        """Options for the number of floating-point operations."""
        return _base(min_float_ops=1, order_by="float_ops", select=["float_ops"])

    @staticmethod
    def time_and_memory(
        min_micros: int = 1,
        min_bytes: int = 1,
        min_accelerator_micros: int = 0,
        min_cpu_micros: int = 0,
        min_peak_bytes: int = 0,
        min_residual_bytes: int = 0,
        min_output_bytes: int = 0,
    ) -> dict[str, Any]:
        """Options for time and memory: nodes that take at least so many microseconds and so many bytes."""
        return _base(
            min_bytes=min_bytes,
            min_peak_bytes=min_peak_bytes,
            min_residual_bytes=min_residual_bytes,
            min_output_bytes=min_output_bytes,
            min_micros=min_micros,
            min_accelerator_micros=min_accelerator_micros,
            min_cpu_micros=min_cpu_micros,
            order_by="micros",
            select=["micros", "bytes"],
        )

    def build(self) -> dict[str, Any]:
        """The options as a dict."""
        return copy.deepcopy(self._options)

    def _with(self, **changes: Any) -> ProfileOptionBuilder:
        self._options.update(changes)
        return self

    def with_max_depth(self, max_depth: int) -> ProfileOptionBuilder:
        """How deep to show: the root has depth 1."""
        return self._with(max_depth=max_depth)

    def with_min_memory(
        self, min_bytes: int = 0, min_peak_bytes: int = 0, min_residual_bytes: int = 0, min_output_bytes: int = 0
    ) -> ProfileOptionBuilder:
        """Shows what asked for so many bytes, held so many at its peak, left so many, and gave so many."""
        return self._with(
            min_bytes=min_bytes,
            min_peak_bytes=min_peak_bytes,
            min_residual_bytes=min_residual_bytes,
            min_output_bytes=min_output_bytes,
        )

    def with_min_execution_time(
        self, min_micros: int = 0, min_accelerator_micros: int = 0, min_cpu_micros: int = 0
    ) -> ProfileOptionBuilder:
        """Shows what took so many microseconds."""
        return self._with(
            min_micros=min_micros, min_accelerator_micros=min_accelerator_micros, min_cpu_micros=min_cpu_micros
        )

    def with_min_parameters(self, min_params: int) -> ProfileOptionBuilder:
        """Shows what has so many parameters of its own."""
        return self._with(min_params=min_params)

    def with_min_occurrence(self, min_occurrence: int) -> ProfileOptionBuilder:
        """Shows what ran so often, or op types with so many nodes."""
        return self._with(min_occurrence=min_occurrence)

    def with_min_float_operations(self, min_float_ops: int) -> ProfileOptionBuilder:
        """Shows what takes so many floating-point operations itself."""
        return self._with(min_float_ops=min_float_ops)

    def with_accounted_types(self, account_type_regexes: Sequence[str]) -> ProfileOptionBuilder:
        """Counts and shows nodes of which an op type, device or type of the OpLogProto matches."""
        return self._with(account_type_regexes=_texts("account_type_regexes", account_type_regexes))

    def with_node_names(
        self,
        start_name_regexes: Sequence[str] | None = None,
        show_name_regexes: Sequence[str] | None = None,
        hide_name_regexes: Sequence[str] | None = None,
        trim_name_regexes: Sequence[str] | None = None,
    ) -> ProfileOptionBuilder:
        """Begins at names that match, shows and hides those that match, and looks no further below others."""
        given = {
            "start_name_regexes": start_name_regexes,
            "show_name_regexes": show_name_regexes,
            "hide_name_regexes": hide_name_regexes,
            "trim_name_regexes": trim_name_regexes,
        }
        return self._with(**{name: _texts(name, value) for name, value in given.items() if value is not None})

    def account_displayed_op_only(self, is_true: bool) -> ProfileOptionBuilder:
        """Whether sums are over what is shown alone."""
        return self._with(account_displayed_op_only=is_true)

    def with_empty_output(self) -> ProfileOptionBuilder:
        """Writes nothing."""
        return self._with(output="none")

    def with_stdout_output(self) -> ProfileOptionBuilder:
        """Writes the report to the standard output."""
        return self._with(output="stdout")

    def with_file_output(self, outfile: str) -> ProfileOptionBuilder:
        """Writes the report to a file."""
        return self._with(output=f"file:outfile={outfile}")

    def with_timeline_output(self, timeline_file: str) -> ProfileOptionBuilder:
        """Writes the step as a Chrome trace."""
        return self._with(output=f"timeline:outfile={timeline_file}")

    def with_pprof_output(self, pprof_file: str) -> ProfileOptionBuilder:
        """Accepted, as TensorFlow's; the profiler raises UnimplementedError for it."""
        return self._with(output=f"pprof:outfile={pprof_file}")

    def order_by(self, attribute: str) -> ProfileOptionBuilder:
        """The column by which to sort; "name" or a number, most first."""
        return self._with(order_by=attribute)

    def select(self, attributes: Sequence[str]) -> ProfileOptionBuilder:
        """The columns to show."""
        return self._with(select=_texts("select", attributes))

    def with_step(self, step: int) -> ProfileOptionBuilder:
        """The step of `Profiler.add_step` to show; -1 for the mean of all. The run of `tf.profiler.profile` is step 0."""
        return self._with(step=step)


@dataclass(frozen=True)
class Options:
    """Options that were checked. Limits are by column."""

    values: dict[str, Any]
    max_depth: int = 10000
    order_by: str = "name"
    account: list[re.Pattern[str]] = field(default_factory=list)
    start: list[re.Pattern[str]] = field(default_factory=list)
    trim: list[re.Pattern[str]] = field(default_factory=list)
    show: list[re.Pattern[str]] = field(default_factory=list)
    hide: list[re.Pattern[str]] = field(default_factory=list)
    displayed_only: bool = False
    select: tuple[str, ...] = ()
    step: int = -1
    output: str = "stdout"
    path: str = ""

    def limit(self, column: str) -> int:
        """The least that a node must have to be shown."""
        return int(self.values.get(f"min_{column}", 0))


def checked_options(values: dict[str, Any]) -> Options:
    """Options as the profiler uses them.

    Raises:
        InvalidArgumentError: an option, a column, an order or an output is not known, a number or a list of texts is
            none, or a regular expression is none.
    """
    known_names = {**_base(), **dict.fromkeys(_OTHERS)}
    for name, value in values.items():
        _check(name, value, list(known_names))
    values = {**_base(), **values}
    if values.get("dump_to_file"):
        values["output"] = f"file:outfile={values['dump_to_file']}"
    kind, path = _output(str(values["output"]))
    unknown = [c for c in values["select"] if c not in COLUMNS]
    if unknown or values["order_by"] not in ORDERS:
        known, what = (COLUMNS, f"columns {unknown}") if unknown else (ORDERS, f"order {values['order_by']!r}")
        raise InvalidArgumentError(None, None, f"The profiler does not know the {what}; it knows {', '.join(known)}")
    patterns = {
        name: _compiled(values[f"{key}_regexes"])
        for name, key in (
            ("account", "account_type"),
            ("start", "start_name"),
            ("trim", "trim_name"),
            ("show", "show_name"),
            ("hide", "hide_name"),
        )
    }
    return Options(
        values,
        max_depth=int(values["max_depth"]),
        order_by=values["order_by"],
        displayed_only=bool(values["account_displayed_op_only"]),
        select=tuple(c for c in COLUMNS if c in values["select"]),
        step=int(values["step"]),
        output=kind,
        path=path,
        **patterns,
    )


def _check(name: str, value: Any, known: Sequence[str]) -> None:
    text = ""
    if name not in known:
        near = difflib.get_close_matches(str(name), known, 1)
        text = f"did you mean {near[0]!r}?" if near else f"there are {', '.join(sorted(known))}"
        text = f"The profiler has no option {name!r}; {text}"
    elif name.startswith("min_") or name in _NUMBERS:
        is_whole = isinstance(value, int | np.integer) and not isinstance(value, bool)
        text = "" if is_whole else f"The profiler's option {name} must be a whole number, got {value!r}"
    elif name == "select" or name.endswith("_regexes"):
        text = "" if _are_texts(value) else f"The profiler's option {name} must be a list of texts, got {value!r}"
    if text:
        raise InvalidArgumentError(None, None, text)


def _output(text: str) -> tuple[str, str]:
    """Where to write, and the name of the file."""
    kind, _, rest = text.partition(":")
    path = rest.removeprefix("outfile=")
    has_path = OUTPUTS.get(kind)
    if has_path is None or (has_path and (path == rest or not path)) or (not has_path and text != kind):
        forms = ", ".join(f"'{name}:outfile=PATH'" if path else repr(name) for name, path in OUTPUTS.items())
        raise InvalidArgumentError(None, None, f"The profiler writes to one of {forms}, not {text!r}")
    return kind, path


def _are_texts(values: Any) -> bool:
    return (
        isinstance(values, Iterable) and not isinstance(values, str | bytes) and all(isinstance(v, str) for v in values)
    )


def _texts(name: str, values: Any) -> list[str]:
    if not _are_texts(values):
        raise TypeError(f"{name} must be a list of texts, got {values!r}")
    return list(values)


def _compiled(texts: Sequence[str]) -> list[re.Pattern[str]]:
    try:
        return [re.compile(text) for text in texts]
    except re.error as error:
        raise InvalidArgumentError(None, None, f"{error.pattern!r} is no regular expression: {error}") from None


def matches(text: str, patterns: Sequence[re.Pattern[str]]) -> bool:
    """Whether a pattern matches the whole text."""
    return any(p.fullmatch(text) for p in patterns)
