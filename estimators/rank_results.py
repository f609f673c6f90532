"""What the chief's evaluations found, told to the ranks that trained with it and waited meanwhile."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from ..engine.training.data_parallel import data_parallel

# Kinds of NumPy's dtypes that JSON's numbers and truth values hold without loss.
_KINDS = "biuf"


def told_to_all(result: tuple[dict[str, Any], list[Any]] | None) -> tuple[dict[str, Any], list[Any]] | None:
    """The chief's metrics and results of exporters, on all ranks of a training.

    The others get the metrics that are numbers and, of what exporters gave, texts; None in place of anything else.

    >>> told_to_all(({"loss": 0.5}, [b"export/1"]))
    ({'loss': 0.5}, [b'export/1'])
    """
    parallel = data_parallel()
    if parallel is None or parallel.ranks.size == 1:
        return result
    text = json.dumps(_written(result)).encode() if parallel.is_chief else b""
    texts = parallel.ranks.all_gather("metrics of the last evaluation", np.frombuffer(text, np.uint8))
    return result if parallel.is_chief else _read(json.loads(texts[0].tobytes()))


def _written(result: tuple[dict[str, Any], list[Any]] | None) -> Any:
    if result is None:
        return None
    metrics, exports = result
    arrays = {name: np.asarray(value) for name, value in metrics.items()}
    numbers = {n: [a.dtype.name, a.tolist()] for n, a in arrays.items() if a.dtype.kind in _KINDS}
    plain = [name for name, value in metrics.items() if isinstance(value, int | float) and name in numbers]
    return numbers, plain, [_text(e) for e in exports]


def _text(value: Any) -> list[Any] | None:
    if isinstance(value, bytes):
        return ["bytes", value.decode("latin-1")]
    return ["text", value] if isinstance(value, str) else None


def _read(found: Any) -> tuple[dict[str, Any], list[Any]] | None:
    if found is None:
        return None
    numbers, plain, texts = found
    metrics = {name: value if name in plain else np.array(value, dtype)[()] for name, (dtype, value) in numbers.items()}
    return metrics, [t and (t[1].encode("latin-1") if t[0] == "bytes" else t[1]) for t in texts]
