"""Checks and messages while a step runs: Assert, Print, PrintV2 and StringFormat."""

from __future__ import annotations

import logging
import sys
from typing import Any

import numpy as np

from ..conversion import convert_to_tensor
from ..errors import InvalidArgumentError
from ..graph import Operation, Sizes, Tensor
from ..inference import InferenceContext, no_outputs, scalar_shape
from ..registry import op
from ..scopes import name_scope

_LOG_LEVELS = {"log(info)": logging.INFO, "log(warning)": logging.WARNING, "log(error)": logging.ERROR}


def summary_of(value: Any, summarize: int) -> str:
    """The first `summarize` elements of an array as text (all for -1), `...` for the rest."""
    array = np.asarray(value)
    if array.ndim == 0:
        return _element(array[()])
    return _text(array, [array.size if summarize < 0 else summarize])


def _text(array: Any, left: list[int]) -> str:
    parts: list[str] = []
    for item in array:
        if left[0] <= 0:
            return (" " if array.ndim == 1 else "").join(parts) + "..."
        if array.ndim > 1:
            parts.append(f"[{_text(item, left)}]")
        else:
            parts.append(_element(item))
            left[0] -= 1
    return (" " if array.ndim == 1 else "").join(parts)


def _element(item: Any) -> str:
    if isinstance(item, bytes):
        return item.decode("utf-8", "replace")
    if isinstance(item, bool | np.bool_):
        return str(int(item))
    return f"{item:.6g}" if isinstance(item, float | np.floating) else str(item)


@op("Assert", "condition: bool, data: T", stateful=True, shape=no_outputs, lists=("T",))
def assert_op(condition: Any, data: Any, *, summarize: int = 3, name: str | None = None) -> Operation:
    """Raises InvalidArgumentError with `data` in its text unless the condition is true."""


@assert_op.state
def assert_state(context: Any, condition: Any, data: Any, *, summarize: int) -> Any:
    if not np.all(condition):
        raise InvalidArgumentError(None, None, "assertion failed: " + _bracketed(data, summarize))
    return []


def _bracketed(data: Any, summarize: int) -> str:
    return " ".join(f"[{summary_of(item, summarize)}]" for item in data)


def Assert(condition: Any, data: Any, summarize: int | None = None, name: str | None = None) -> Operation:
    """An operation that raises InvalidArgumentError with `data` in its text unless `condition` holds when it runs.

    Args:
        condition: a scalar bool tensor.
        data: a list of tensors to print.
        summarize: how many elements of each, 3 by default.
    """
    with name_scope(name, "Assert"):
        items = [convert_to_tensor(item) for item in data]
        return assert_op(convert_to_tensor(condition), items, summarize=3 if summarize is None else summarize)


def assert_true(condition: Any, data: Any, name: str | None = None) -> Operation:
    """`Assert` with more elements of each tensor in the text."""
    return Assert(condition, data, 100, name)


@op("Print", "input: T, data: U", "output: T", stateful=True, shape=lambda context: [context.sizes[0]], lists=("U",))
def print_op(
    input: Any, data: Any, *, message: str = "", first_n: int = -1, summarize: int = 3, name: str | None = None
) -> Tensor:
    """The input, after writing `data` to the standard error stream."""


@print_op.state
def print_state(context: Any, x: Any, data: Any, *, message: str, first_n: int, summarize: int) -> Any:
    done = context.resources.advance("Print/" + context.name, 1)
    if first_n < 0 or done < first_n:
        text = "".join(f"[{summary_of(item, summarize)}]" for item in data)
        sys.stderr.write(f"{message}{text}\n")
    return x


@print_op.gradient
def print_gradient(op: Operation, dy: Tensor) -> list[Any]:
    return [dy] + [None] * (len(op.inputs) - 1)


def Print(
    input_: Any,
    data: Any,
    message: str | None = None,
    first_n: int | None = None,
    summarize: int | None = None,
    name: str | None = None,
) -> Tensor:
    """`input_`, after writing `data` to the standard error stream when it runs.

    Args:
        input_: a tensor, passed on.
        data: a list of tensors to print.
        message: text before them.
        first_n: print only so many times.
        summarize: how many elements of each, 3 by default.
    """
    return print_op(
        input_,
        [convert_to_tensor(item) for item in data],
        message=message or "",
        first_n=-1 if first_n is None else first_n,
        summarize=3 if summarize is None else summarize,
        name=name,
    )


@op("StringFormat", "inputs: T", "output: string", shape=scalar_shape, foldable=False, lists=("T",))
def string_format_op(
    inputs: Any, *, template: str = "%s", placeholder: str = "%s", summarize: int = 3, name: str | None = None
) -> Tensor:
    """The template with each placeholder replaced by a summary of the next input."""


@string_format_op.kernel
def string_format_kernel(xp: Any, inputs: Any, *, template: str, placeholder: str, summarize: int) -> Any:
    parts = template.split(placeholder)
    if len(parts) != len(inputs) + 1:
        raise InvalidArgumentError(
            None, None, f"num placeholders in template and num inputs must match: {len(parts) - 1} vs. {len(inputs)}"
        )
    texts = [_formatted(item, summarize) for item in inputs] + [""]
    return np.array("".join(a + b for a, b in zip(parts, texts, strict=True)).encode(), object)


def _formatted(value: Any, summarize: int) -> str:
    array = np.asarray(value)
    if array.ndim == 0:
        return _element(array[()])
    edge = array.shape[0] if summarize < 0 else summarize
    if array.shape[0] > 2 * edge:
        shown = [_formatted(v, summarize) for v in [*array[:edge]]]
        shown += ["...", *(_formatted(v, summarize) for v in array[array.shape[0] - edge :])]
    else:
        shown = [_formatted(v, summarize) for v in array]
    quoted = [f'"{s}"' for s in shown] if array.ndim == 1 and array.dtype == object else shown
    return "[" + (" " if array.ndim == 1 else "\n ").join(quoted) + "]"


@op("PrintV2", "input: string", stateful=True, shape=no_outputs)
def print_v2_op(input: Any, *, output_stream: str = "stderr", end: str = "\n", name: str | None = None) -> Operation:
    """Writes a string to stderr, stdout, a log or a file (`file://path`)."""


@print_v2_op.shape
def print_v2_shape(context: InferenceContext) -> list[Sizes]:
    context.with_rank(0, 0)
    return []


@print_v2_op.state
def print_v2_state(context: Any, text: Any, *, output_stream: str, end: str) -> Any:
    line = bytes(np.asarray(text, object)[()]).decode("utf-8", "replace")
    if output_stream in _LOG_LEVELS:
        logging.getLogger("headrace").log(_LOG_LEVELS[output_stream], line)
    else:
        (sys.stdout if output_stream == "stdout" else sys.stderr).write(line + end)
    return []


def print_v2(*inputs: Any, **kwargs: Any) -> Operation:
    """An operation that writes its inputs to a stream when it runs; TensorFlow 1.15's `tf.print`.

    Args:
        *inputs: tensors and Python values.
        **kwargs: `output_stream` (sys.stderr by default, sys.stdout, or a logging function's name such as
            "log(info)"), `summarize` (how many elements at either end of each dimension, 3; -1 for all), `sep`, `end`,
            `name`.

    Raises:
        ValueError: an unknown keyword or stream.
    """
    options = {"output_stream": sys.stderr, "summarize": 3, "sep": " ", "end": "\n", "name": None}
    unknown = set(kwargs) - set(options)
    if unknown:
        raise ValueError(f"Unrecognized keyword arguments for tf.print: {sorted(unknown)}")
    options.update({k: v for k, v in kwargs.items() if v is not None})
    placeholder = "\N{REPLACEMENT CHARACTER}"
    tensors = [item for item in inputs if _is_tensor(item)]
    template = str(options["sep"]).join(placeholder if _is_tensor(item) else str(item) for item in inputs)
    with name_scope(options["name"], "print"):  # type: ignore[arg-type]
        text = string_format_op(
            [convert_to_tensor(t) for t in tensors],
            template=template,
            placeholder=placeholder,
            summarize=options["summarize"],  # type: ignore[arg-type]
        )
        return print_v2_op(text, output_stream=_stream_name(options["output_stream"]), end=str(options["end"]))


def _is_tensor(item: Any) -> bool:
    return isinstance(item, Tensor | np.ndarray) or hasattr(item, "_as_graph_element")


def _stream_name(stream: Any) -> str:
    if stream is sys.stdout or stream is sys.stderr:
        return "stdout" if stream is sys.stdout else "stderr"
    if stream in ("stdout", "stderr", *_LOG_LEVELS):
        return str(stream)
    raise ValueError(f"Unsupported output stream, logging level, or file: {stream}; expected one of stdout, stderr")
