"""The one ordered list of passes, each of which can be switched off, printed and checked."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from .counters import keep_counters
from .dataflow import Dataflow
from .fuse import fuse
from .fuse_attention import fuse_attention
from .fuse_casts import fuse_casts
from .fuse_conv import fuse_conv
from .fuse_gelu import fuse_gelu
from .fuse_layer_norm import fuse_layer_norm
from .fuse_matmul import fuse_matmul
from .fuse_matmul_updates import fuse_matmul_updates
from .fuse_norm import fuse_norm
from .fuse_product_gradients import fuse_product_gradients
from .group_lists import group_lists
from .infer import fold, infer
from .library_lstm import library_lstm
from .merge import merge
from .mixed_precision import mixed_precision
from .repeat import repeat
from .side_by_side import side_by_side
from .simplify import simplify
from .sparse_updates import merge_sparse_updates
from .summed_rows import sum_rows_in_place
from .unique_lookups import look_up_directly
from .updates import merge_updates
from .verify import verify

Pass = Callable[[Dataflow], None]

PASSES: dict[str, Pass] = {
    "infer": infer,
    "fold": fold,
    "merge": merge,
    "simplify": simplify,
    "prune": Dataflow.prune,
    "fuse_attention": fuse_attention,
    "fuse_gelu": fuse_gelu,
    "fuse_layer_norm": fuse_layer_norm,
    "library_lstm": library_lstm,
    "fuse_conv": fuse_conv,
    "fuse_matmul": fuse_matmul,
    "unique_lookups": look_up_directly,
    "sparse_updates": merge_sparse_updates,
    "fuse_norm": fuse_norm,
    "summed_rows": sum_rows_in_place,
    "fuse_matmul_updates": fuse_matmul_updates,
    "updates": merge_updates,
    "repeat": repeat,
    "fuse": fuse,
    "fuse_casts": fuse_casts,
    "fuse_product_gradients": fuse_product_gradients,
    "keep_counters": keep_counters,
    "side_by_side": side_by_side,
    "group_lists": group_lists,
}
# Where expressions of several dtypes are kernels of their own, a library has more to follow its products, and what the host
# does cuts other work in two.
ONLY_ON_DEVICES = frozenset(
    {
        "keep_counters",
        "fuse_casts",
        "fuse_gelu",
        "fuse_product_gradients",
        "group_lists",
        "library_lstm",
        "side_by_side",
    }
)
# What goes on where another pass ended, and is off with it.
_AFTER = {"fuse_casts": "fuse", "fuse_product_gradients": "fuse_matmul"}
# After which pass products become ones of 16 bits, where that is asked for. What is recognised as a whole by then stays one:
# layer normalisation in float32, attention with matrices of 16 bits and memory that does not grow with the square of its rows.
BEFORE_MIXED_PRECISION = "fuse_layer_norm"
# Without known shapes there is no plan.
ALWAYS = frozenset({"infer"})


@dataclass
class Rewrites:
    """Which passes run, and what each changed (nodes before and after) in the last rewriting.

    `mixed_precision`: the dtype of products, "bfloat16" or "float16"; "" for their own.
    """

    off: frozenset[str] = frozenset()
    mixed_precision: str = ""
    check: bool = field(default_factory=lambda: os.environ.get("HEADRACE_CHECK") == "1")
    log: list[tuple[str, int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        unknown = self.off - PASSES.keys()
        if unknown:
            raise ValueError(f"There are no passes {sorted(unknown)}; there are {list(PASSES)}")

    def apply(self, flow: Dataflow, only: Iterable[str] = PASSES) -> Dataflow:
        """Runs the passes on `flow` in order."""
        self.log = []
        for name in only:
            if not {name, _AFTER.get(name)} & self.off or name in ALWAYS:
                self._run(flow, name, PASSES[name])
            if name == BEFORE_MIXED_PRECISION and self.mixed_precision:
                self._run(flow, "mixed_precision", lambda flow: mixed_precision(flow, self.mixed_precision))
        return flow

    def _run(self, flow: Dataflow, name: str, run: Pass) -> None:
        before = len(flow.nodes)
        run(flow)
        self.log.append((name, before, len(flow.nodes)))
        if self.check:
            verify(flow, name)
