"""The names of `tensorflow.python.ops.init_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.initializers import (
        Initializer,
        constant_initializer,
        constant_initializer as Constant,
        glorot_normal_initializer,
        glorot_normal_initializer as GlorotNormal,
        glorot_uniform_initializer,
        glorot_uniform_initializer as GlorotUniform,
        he_normal,
        he_uniform,
        identity_initializer,
        identity_initializer as Identity,
        lecun_normal,
        lecun_uniform,
        ones_initializer,
        ones_initializer as Ones,
        orthogonal_initializer,
        orthogonal_initializer as Orthogonal,
        random_normal_initializer,
        random_normal_initializer as RandomNormal,
        random_uniform_initializer,
        random_uniform_initializer as RandomUniform,
        truncated_normal_initializer,
        truncated_normal_initializer as TruncatedNormal,
        uniform_unit_scaling_initializer,
        uniform_unit_scaling_initializer as UniformUnitScaling,
        variance_scaling_initializer,
        variance_scaling_initializer as VarianceScaling,
        zeros_initializer,
        zeros_initializer as Zeros,
    )

__all__ = [
    "Constant", "GlorotNormal", "GlorotUniform", "Identity", "Initializer", "Ones", "Orthogonal", "RandomNormal",
    "RandomUniform", "TruncatedNormal", "UniformUnitScaling", "VarianceScaling", "Zeros", "constant_initializer",
    "glorot_normal_initializer", "glorot_uniform_initializer", "he_normal", "he_uniform", "identity_initializer",
    "lecun_normal", "lecun_uniform", "ones_initializer", "orthogonal_initializer", "random_normal_initializer",
    "random_uniform_initializer", "truncated_normal_initializer", "uniform_unit_scaling_initializer",
    "variance_scaling_initializer", "zeros_initializer",
]  # fmt: skip

_PLACES: Places = {
    "Constant": ("...engine.initializers", "constant_initializer"),
    "GlorotNormal": ("...engine.initializers", "glorot_normal_initializer"),
    "GlorotUniform": ("...engine.initializers", "glorot_uniform_initializer"),
    "Identity": ("...engine.initializers", "identity_initializer"),
    "Initializer": ("...engine.initializers", "Initializer"),
    "Ones": ("...engine.initializers", "ones_initializer"),
    "Orthogonal": ("...engine.initializers", "orthogonal_initializer"),
    "RandomNormal": ("...engine.initializers", "random_normal_initializer"),
    "RandomUniform": ("...engine.initializers", "random_uniform_initializer"),
    "TruncatedNormal": ("...engine.initializers", "truncated_normal_initializer"),
    "UniformUnitScaling": ("...engine.initializers", "uniform_unit_scaling_initializer"),
    "VarianceScaling": ("...engine.initializers", "variance_scaling_initializer"),
    "Zeros": ("...engine.initializers", "zeros_initializer"),
    "constant_initializer": ("...engine.initializers", "constant_initializer"),
    "glorot_normal_initializer": ("...engine.initializers", "glorot_normal_initializer"),
    "glorot_uniform_initializer": ("...engine.initializers", "glorot_uniform_initializer"),
    "he_normal": ("...engine.initializers", "he_normal"),
    "he_uniform": ("...engine.initializers", "he_uniform"),
    "identity_initializer": ("...engine.initializers", "identity_initializer"),
    "lecun_normal": ("...engine.initializers", "lecun_normal"),
    "lecun_uniform": ("...engine.initializers", "lecun_uniform"),
    "ones_initializer": ("...engine.initializers", "ones_initializer"),
    "orthogonal_initializer": ("...engine.initializers", "orthogonal_initializer"),
    "random_normal_initializer": ("...engine.initializers", "random_normal_initializer"),
    "random_uniform_initializer": ("...engine.initializers", "random_uniform_initializer"),
    "truncated_normal_initializer": ("...engine.initializers", "truncated_normal_initializer"),
    "uniform_unit_scaling_initializer": ("...engine.initializers", "uniform_unit_scaling_initializer"),
    "variance_scaling_initializer": ("...engine.initializers", "variance_scaling_initializer"),
    "zeros_initializer": ("...engine.initializers", "zeros_initializer"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
