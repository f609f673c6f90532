"""Bidirectional: a recurrent layer from both ends of sequences."""

from __future__ import annotations

from typing import Any

from ...engine.ops.array_order import reverse
from ...engine.ops.array_parts import concat
from .base import Layer, accepts
from .checks import one_of
from .serialization import registered
from .wrappers import Wrapper

_MODES = ("sum", "mul", "ave", "concat", None)


@registered("layers")
class Bidirectional(Wrapper):
    """A recurrent layer and its mirror image, whose outputs are merged.

    Args:
        layer: a recurrent layer: it is made anew, as `forward_{name}`.
        merge_mode: "concat", "sum", "mul", "ave", or None for both outputs apart.
        weights: first values of the weights, as `get_weights` gives them.
        backward_layer: the layer from the end; by default one as `layer` that goes backwards.

    Raises:
        ValueError: a layer is none, both go in one direction or return different things, or the mode is unknown.
    """

    supports_masking = True

    def __init__(
        self, layer: Any, merge_mode: Any = "concat", weights: Any = None, backward_layer: Any = None, **kwargs: Any
    ) -> None:
        if backward_layer is not None and not isinstance(backward_layer, Layer):
            raise ValueError(f"The `backward_layer` of Bidirectional must be a layer, got {backward_layer!r}")
        super().__init__(layer, **kwargs)
        self.merge_mode = one_of("Bidirectional", "merge_mode", merge_mode, _MODES)
        self._first_weights = weights
        self.forward_layer = _again(layer, "forward_", {})
        if backward_layer is None:
            turned = {"go_backwards": not layer.get_config()["go_backwards"]}
            self.backward_layer = _again(layer, "backward_", turned)
        else:
            self.backward_layer = _again(backward_layer, "backward_", {})
        # The given layer is a pattern: its weights are not used.
        self.__dict__["layer"] = _Pattern(layer)
        self._check_directions()
        self.return_sequences = bool(layer.return_sequences)
        self.return_state = bool(layer.return_state)
        self.stateful = bool(layer.stateful)
        for one in (self.forward_layer, self.backward_layer):
            # Hidden steps add nothing to what is merged.
            if self.return_sequences:
                one.zero_output_for_mask = True
        self.input_spec = layer.input_spec

    def _check_directions(self) -> None:
        first, second = self.forward_layer, self.backward_layer
        if first.go_backwards == second.go_backwards:
            raise ValueError(f"The layers of Bidirectional {self.name!r} must go in different directions")
        for name in ("stateful", "return_sequences", "return_state"):
            if getattr(first, name) != getattr(second, name):
                raise ValueError(f"The layers of Bidirectional {self.name!r} must have the same `{name}`")

    def build(self, sequences_shape: Any, initial_state_shape: Any = None) -> None:
        self.forward_layer.build(sequences_shape)
        self.backward_layer.build(sequences_shape)
        if self._first_weights is not None:
            self.set_weights(self._first_weights)

    def reset_states(self) -> None:
        """Sets the states of stateful layers to zeros."""
        self.forward_layer.reset_states()
        self.backward_layer.reset_states()

    reset_state = reset_states

    def __call__(self, sequences: Any, initial_state: Any = None, **kwargs: Any) -> Any:
        """The merged outputs for sequences, which may come in a list with the states to begin with."""
        if isinstance(sequences, list | tuple) and initial_state is None and len(sequences) > 1:
            sequences, initial_state = sequences[0], list(sequences[1:])
        if initial_state is not None:
            kwargs["initial_state"] = initial_state
        return super().__call__(sequences, **kwargs)

    def call(self, sequences: Any, initial_state: Any = None, mask: Any = None, training: Any = None) -> Any:
        """The outputs, and the states of both if they are wanted."""
        given = {"training": training, "mask": mask}
        options = {name: value for name, value in given.items() if accepts(self.forward_layer, name)}
        first: Any = None
        second: Any = None
        if initial_state is not None:
            if len(initial_state) % 2:
                raise ValueError(
                    f"Bidirectional {self.name!r} takes states for both layers, got {len(initial_state)} initial states"
                )
            half = len(initial_state) // 2
            first, second = list(initial_state[:half]), list(initial_state[half:])
        ahead = self.forward_layer(sequences, initial_state=first, **options)
        back = self.backward_layer(sequences, initial_state=second, **options)
        states: tuple[Any, ...] = ()
        if self.return_state:
            states, ahead, back = (*ahead[1:], *back[1:]), ahead[0], back[0]
        if self.return_sequences:
            back = reverse(back, [1])
        merged = self._merged(ahead, back)
        if not self.return_state:
            return merged
        return (*merged, *states) if self.merge_mode is None else (merged, *states)

    def _merged(self, ahead: Any, back: Any) -> Any:
        match self.merge_mode:
            case "concat":
                return concat([ahead, back], -1)
            case "sum":
                return ahead + back
            case "ave":
                return (ahead + back) / 2.0
            case "mul":
                return ahead * back
        return ahead, back

    def compute_mask(self, inputs: Any, previous_mask: Any = None) -> Any:
        """The mask of the steps, where they are all kept."""
        mask = previous_mask[0] if isinstance(previous_mask, list | tuple) else previous_mask
        if not self.return_sequences:
            mask = None
        masks = [mask, mask] if self.merge_mode is None else [mask]
        count = 2 * len(self.forward_layer.state_size) if self.return_state else 0
        masks += [None] * count
        return masks if len(masks) > 1 else mask

    def compute_output_shape(self, sequences_shape: Any, initial_state_shape: Any = None) -> Any:
        first = self.forward_layer.compute_output_shape(sequences_shape)
        output, states = (first[0], tuple(first[1:])) if self.return_state else (first, ())
        if self.merge_mode is None:
            return (output, output, *states, *states)
        if self.merge_mode == "concat":
            output = (*output[:-1], 2 * output[-1])
        return (output, *states, *states) if self.return_state else output

    def get_config(self) -> dict[str, Any]:
        """The arguments; the layer's configuration as `layer`."""
        config = super().get_config()
        given: Any = vars(self)["layer"]
        return {**config, "layer": _configuration(given.layer), "weights": None}


class _Pattern:
    """A layer that is kept, and not looked into."""

    def __init__(self, layer: Any) -> None:
        self.layer = layer

    def __getattr__(self, name: str) -> Any:
        return getattr(self.layer, name)

    def get_config(self) -> dict[str, Any]:
        """The layer's configuration."""
        config: dict[str, Any] = self.layer.get_config()
        return config


def _configuration(layer: Any) -> Any:
    from .serialization import configuration_of

    return configuration_of(layer)


def _again(layer: Any, prefix: str, options: dict[str, Any]) -> Any:
    """A layer alike under another name."""
    needed = [
        name for name in ("go_backwards", "return_sequences", "return_state", "stateful") if not hasattr(layer, name)
    ]
    if needed:
        raise ValueError(f"Bidirectional takes recurrent layers; {layer!r} has no {', '.join(needed)}")
    config = layer.get_config()
    return type(layer).from_config({**config, "name": prefix + layer.name.removeprefix(prefix), **options})
