"""What a ConfigProto says about compiling: which rewriting passes its options switch off, and how many threads to use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from .gpu.device import Device
from .rewriting.mixed_precision import DTYPES
from .rewriting.passes import ALWAYS, PASSES


@dataclass
class Defaults:
    """What sessions are made with where their arguments say nothing."""

    check_numerics: bool = False
    # How products are computed: one of PRECISIONS.
    mixed_precision: str = "float32"
    # Makes the ConfigProto of sessions that are given none, once tf.config was told something.
    config: Callable[[], Any] | None = None


DEFAULTS = Defaults()


def softly_placed() -> Any:
    """A ConfigProto of what tf.config was told that lets operations run where they can."""
    from .protos import ConfigProto  # `import headrace` does without

    config = ConfigProto() if DEFAULTS.config is None else DEFAULTS.config()
    config.allow_soft_placement = True
    return config


# RewriterConfig's toggles and the passes they govern.
_TOGGLES = {
    "constant_folding": ("fold",),
    "arithmetic_optimization": ("simplify",),
    "remapping": ("fuse", "updates"),
}
_OFF = 2
_ON_OR_AGGRESSIVE = (1, 3)
# In float32; in float32 whose operands lose 13 bits on GPUs; in 16 bits with sums in float32.
PRECISIONS = ("float32", "tf32", *DTYPES)
# Its toggles that make products ones of 16 bits.
_MIXED = {
    "auto_mixed_precision": "float16",
    "auto_mixed_precision_cpu": "float16",
    "auto_mixed_precision_mkl": "bfloat16",
    "auto_mixed_precision_onednn_bfloat16": "bfloat16",
}
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


def device_for(backend: str | None, config: Any) -> Device | None:
    """The device of a session: of "gpu", which must be there, and of None, where it is there.

    Raises:
        FailedPreconditionError: there is no GPU, and the backend is "gpu".
    """
    if backend not in (None, "gpu"):
        return None
    from .gpu.find import find_device  # `import headrace` asks for none

    return find_device(config, required=backend == "gpu")


def mixed_precision_of(config: Any, chosen: str | None = None) -> str:
    """How products are computed: as was chosen, else as a ConfigProto (or None) switches on or off, else as by default.

    Raises:
        ValueError: what was chosen is not one of PRECISIONS.
    """
    if chosen is not None:
        if chosen not in PRECISIONS:
            raise ValueError(f"mixed_precision must be one of {', '.join(map(repr, PRECISIONS))}, got {chosen!r}")
        return chosen
    if config is not None:
        options = config.graph_options.rewrite_options
        for name, dtype in _MIXED.items():
            if getattr(options, name, 0) in _ON_OR_AGGRESSIVE:
                return dtype
        # As in TensorFlow 1.15, this counts more than what was switched on for the program.
        if options.auto_mixed_precision == _OFF and DEFAULTS.mixed_precision in DTYPES:
            return "float32"
    return DEFAULTS.mixed_precision


def precisions_of(choice: str) -> tuple[str, str]:
    """What rewriting makes of products ("" for nothing), and how devices compute those of float32 that are left."""
    return choice if choice in DTYPES else "", "float32" if choice == "float32" else "tf32"


def threads_of(config: Any) -> int:
    """How many threads a ConfigProto (or None) lets a step use; 0 where it leaves that to the machine."""
    return 0 if config is None else max(0, config.intra_op_parallelism_threads)
