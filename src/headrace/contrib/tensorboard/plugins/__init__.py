"""Plugins of TensorBoard, by the paths of its own modules."""

from . import custom_scalar, hparams, pr_curve, projector

__all__ = [
    "custom_scalar", "hparams", "pr_curve", "projector",
]  # fmt: skip
