"""`keras.initializers`: initial values by name, with Keras 3's names and defaults, over the engine's initializers."""

from __future__ import annotations

from typing import Any

from ...engine import initializers as engine
from .serialization import REGISTER, registered, resolve, serialize_keras_object

_KIND = "initializers"


class Initializer(engine.Initializer):
    """What initializers share: a call with a shape (and a dtype) gives a tensor, `get_config` the arguments."""

    _names: tuple[str, ...] = ()

    def get_config(self) -> dict[str, Any]:
        """The arguments."""
        return {name: getattr(self, name) for name in self._names}

    def clone(self) -> Any:
        """An initializer alike."""
        return type(self).from_config(self.get_config())


@registered(_KIND, "zeros", "zero")
class Zeros(Initializer, engine.Zeros):
    """Zeros."""

    def __init__(self) -> None:
        super().__init__()


@registered(_KIND, "ones", "one")
class Ones(Initializer, engine.Ones):
    """Ones."""

    def __init__(self) -> None:
        super().__init__()


@registered(_KIND, "constant")
class Constant(Initializer, engine.Constant):
    """A value."""

    _names = ("value",)

    def __init__(self, value: Any = 0.0) -> None:
        super().__init__(value)


@registered(_KIND, "random_normal", "normal")
class RandomNormal(Initializer, engine.RandomNormal):
    """Normal numbers of the given mean and deviation."""

    _names = ("mean", "stddev", "seed")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(mean, stddev, seed)


@registered(_KIND, "truncated_normal")
class TruncatedNormal(Initializer, engine.TruncatedNormal):
    """Normal numbers, drawn again where they lie more than two deviations from the mean."""

    _names = ("mean", "stddev", "seed")

    def __init__(self, mean: float = 0.0, stddev: float = 0.05, seed: int | None = None) -> None:
        super().__init__(mean, stddev, seed)


@registered(_KIND, "random_uniform", "uniform")
class RandomUniform(Initializer, engine.RandomUniform):
    """Numbers uniform in [minval, maxval)."""

    _names = ("minval", "maxval", "seed")

    def __init__(self, minval: float = -0.05, maxval: float = 0.05, seed: int | None = None) -> None:
        super().__init__(minval, maxval, seed)


@registered(_KIND, "variance_scaling")
class VarianceScaling(Initializer, engine.VarianceScaling):
    """Numbers whose variance is `scale` over the number of inputs, outputs, or the mean of both.

    Raises:
        ValueError: an argument is out of range or unknown.
    """

    _names = ("scale", "mode", "distribution", "seed")

    def __init__(
        self,
        scale: float = 1.0,
        mode: str = "fan_in",
        distribution: str = "truncated_normal",
        seed: int | None = None,
    ) -> None:
        super().__init__(scale, mode, distribution, seed)


class _Seeded(Initializer, engine.VarianceScaling):
    _names = ("seed",)
    _arguments: tuple[float, str, str]

    def __init__(self, seed: int | None = None) -> None:
        super().__init__(*self._arguments, seed)


@registered(_KIND, "glorot_uniform")
class GlorotUniform(_Seeded):
    """Uniform within `sqrt(6 / (inputs + outputs))`, also called Xavier initialization."""

    _arguments = (1.0, "fan_avg", "uniform")


@registered(_KIND, "glorot_normal")
class GlorotNormal(_Seeded):
    """Truncated normal of the variance `2 / (inputs + outputs)`."""

    _arguments = (1.0, "fan_avg", "truncated_normal")


@registered(_KIND, "lecun_uniform")
class LecunUniform(_Seeded):
    """Uniform within `sqrt(3 / inputs)`."""

    _arguments = (1.0, "fan_in", "uniform")


@registered(_KIND, "lecun_normal")
class LecunNormal(_Seeded):
    """Truncated normal of the variance `1 / inputs`."""

    _arguments = (1.0, "fan_in", "truncated_normal")


@registered(_KIND, "he_uniform")
class HeUniform(_Seeded):
    """Uniform within `sqrt(6 / inputs)`, for layers with relu."""

    _arguments = (2.0, "fan_in", "uniform")


@registered(_KIND, "he_normal")
class HeNormal(_Seeded):
    """Truncated normal of the variance `2 / inputs`, for layers with relu."""

    _arguments = (2.0, "fan_in", "truncated_normal")


@registered(_KIND, "orthogonal", "OrthogonalInitializer")
class Orthogonal(Initializer, engine.Orthogonal):
    """A random matrix with orthonormal columns (or rows, where there are fewer)."""

    _names = ("gain", "seed")

    def __init__(self, gain: float = 1.0, seed: int | None = None) -> None:
        super().__init__(gain, seed)


@registered(_KIND, "identity", "IdentityInitializer")
class Identity(Initializer, engine.Identity):
    """`gain` times the identity matrix; for matrices only."""

    _names = ("gain",)

    def __init__(self, gain: float = 1.0) -> None:
        super().__init__(gain)


zeros = Zeros
ones = Ones
constant = Constant
random_normal = normal = RandomNormal
random_uniform = uniform = RandomUniform
truncated_normal = TruncatedNormal
glorot_uniform = GlorotUniform
glorot_normal = GlorotNormal
lecun_uniform = LecunUniform
lecun_normal = LecunNormal
he_uniform = HeUniform
he_normal = HeNormal
variance_scaling = VarianceScaling
orthogonal = Orthogonal
identity = Identity


def get(identifier: Any) -> Any:
    """The initializer of a name, configuration, class, array or number; None for None.

    Raises:
        ValueError: the name is unknown.
    """
    if hasattr(identifier, "shape") or isinstance(identifier, int | float):
        return Constant(identifier)
    return resolve(_KIND, identifier)


def serialize(initializer: Any) -> Any:
    """An initializer's configuration."""
    return serialize_keras_object(initializer)


def deserialize(config: Any, custom_objects: dict[str, Any] | None = None) -> Any:
    """The initializer of a configuration or name."""
    return resolve(_KIND, config, custom_objects)


KNOWN = REGISTER[_KIND]
