"""What a ConfigProto says about compiling: which rewriting passes its options switch off, and how many threads to use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from .rewriting.passes import ALWAYS, PASSES


@dataclass
class Defaults:
    """What sessions are made with where their arguments say nothing."""

    check_numerics: bool = False


DEFAULTS = Defaults()

# RewriterConfig's toggles (2 is OFF) and the passes they govern.
_TOGGLES = {
    "constant_folding": ("fold",),
    "arithmetic_optimization": ("simplify",),
    "remapping": ("fuse", "updates"),
}
_OFF = 2
_NO_OPTIMIZATION = -1


def off_passes(config: Any) -> frozenset[str]:
    """The passes that a ConfigProto (or None) switches off."""
    if config is None:
        return frozenset()
    options = config.graph_options
    if options.optimizer_options.opt_level == _NO_OPTIMIZATION or options.rewrite_options.disable_meta_optimizer:
        return frozenset(PASSES) - ALWAYS
    off: set[str] = set()
    for name, passes in _TOGGLES.items():
        if getattr(options.rewrite_options, name, 0) == _OFF:
            off.update(passes)
    return frozenset(off)


def threads_of(config: Any) -> int:
    """How many threads a ConfigProto (or None) lets a step use; 0 where it leaves that to the machine."""
    return 0 if config is None else max(0, config.intra_op_parallelism_threads)
