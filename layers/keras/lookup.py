"""StringLookup and IntegerLookup: values as their places in a vocabulary, and back."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np

from ...engine.conversion import convert_to_tensor
from ...engine.dtypes import as_dtype, int64, string
from ...engine.graph import get_default_graph
from ...engine.lookup import KeyValueTensorInitializer, StaticHashTable
from ...engine.ops.array import identity
from ...engine.ops.array_parts import zeros_like
from ...engine.ops.casting import cast
from ...engine.ops.checking import Assert
from ...engine.ops.choice import where
from ...engine.ops.comparison import equal
from ...engine.ops.constant import constant
from ...engine.ops.division import floormod
from ...engine.ops.reduce import reduce_all
from ...engine.scopes import init_scope
from . import backend
from .adapting import batches
from .base import Layer
from .checks import one_of
from .encoding import MODES, check_dense, encoded, encoded_shape, output_mode_of
from .hashing import hashed, salt_of
from .serialization import registered


class IndexLookup(Layer):
    """What the lookups share. Places are: the mask token's, those of values out of the vocabulary, the vocabulary's.

    Args:
        max_tokens: the most places; None for as many as there are values.
        num_oov_indices: places of values out of the vocabulary; with several, hashes spread them.
        mask_token: the value at place 0 in mode "int", which is dropped in the others.
        oov_token: what a place out of the vocabulary means when looking back.
        vocabulary: a list of values, or the name of a file with one a line; otherwise `adapt` finds it.
        idf_weights: what values count in mode "tf_idf".
        invert: whether places are looked up.
        output_mode: "int", "one_hot", "multi_hot", "count" or "tf_idf".
        sparse: False.
        pad_to_max_tokens: whether vectors have `max_tokens` places whatever the vocabulary's size.
        salt: of the hashes.

    Raises:
        ValueError: arguments contradict each other, or the vocabulary has a value twice.
    """

    _keys: str

    def set_up(self, options: dict[str, Any], vocabulary: Any, idf_weights: Any) -> None:
        """Checks and keeps what both kinds are given."""
        kind = type(self).__name__
        self.max_tokens, self.num_oov_indices = options["max_tokens"], options["num_oov_indices"]
        self.mask_token, self.oov_token = options["mask_token"], options["oov_token"]
        self.invert, self.pad_to_max_tokens = options["invert"], options["pad_to_max_tokens"]
        self.output_mode = output_mode_of(kind, options["output_mode"], (*MODES, "tf_idf"))
        self.salt = salt_of(kind, options["salt"])
        check_dense(kind, options["sparse"])
        for wrong, text in (
            (
                self.max_tokens is not None and self.max_tokens <= 1,
                f"`max_tokens` must be above 1, got {self.max_tokens}",
            ),
            (self.pad_to_max_tokens and self.max_tokens is None, "`pad_to_max_tokens` needs `max_tokens`"),
            (self.num_oov_indices < 0, f"`num_oov_indices` must be from 0 on, got {self.num_oov_indices}"),
            (self.invert and self.output_mode != "int", "`output_mode` must be 'int' when `invert` is true"),
            (idf_weights is not None and self.output_mode != "tf_idf", "`idf_weights` are for output_mode 'tf_idf'"),
        ):
            if wrong:
                raise ValueError(f"{kind} {self.name!r}: {text}")
        self._tokens: list[Any] | None = None
        self._fixed = vocabulary is not None
        self._idf: Any = None
        self._called = False
        if vocabulary is not None:
            self.set_vocabulary(vocabulary, idf_weights)

    @property
    def input_dtype(self) -> str:
        """The dtype of what is looked up."""
        return "int64" if self.invert else self._keys

    @property
    def vocabulary(self) -> list[Any] | None:
        """The values without mask and out-of-vocabulary tokens, None if there are none yet."""
        return None if self._tokens is None else [_plain(token) for token in self._tokens]

    @property
    def idf_weights(self) -> list[float] | None:
        """What the values count in mode "tf_idf"."""
        return None if self._idf is None else [float(weight) for weight in self._idf]

    def _first_places(self) -> int:
        """The number of places before the vocabulary's."""
        return self._mask_places() + int(self.num_oov_indices)

    def _mask_places(self) -> int:
        return int(self.mask_token is not None and self.output_mode == "int")

    # The vocabulary

    def set_vocabulary(self, vocabulary: Any, idf_weights: Any = None) -> None:
        """Sets the values, with or without the special tokens in front.

        Raises:
            RuntimeError: the layer was called already.
            ValueError: a value comes twice, there are too many, or weights are missing or too many.
        """
        if self._called:
            raise RuntimeError(
                f"The vocabulary of layer {self.name!r} must be set before its first call: the graph has its table"
            )
        if isinstance(vocabulary, str | Path):
            vocabulary = Path(vocabulary).read_text(encoding="utf-8").splitlines()
        tokens = [self._token(value) for value in np.asarray(vocabulary).ravel().tolist()]
        tokens, weights = self._without_special(tokens, idf_weights)
        twice = [token for token, count in Counter(tokens).items() if count > 1]
        if twice:
            raise ValueError(f"The vocabulary of layer {self.name!r} has a repeated value: {_plain(twice[0])!r}")
        if self.max_tokens is not None and len(tokens) + self._first_places() > self.max_tokens:
            raise ValueError(
                f"The vocabulary of layer {self.name!r} has {len(tokens)} values, more than max_tokens={self.max_tokens} allow"
            )
        if (self.output_mode == "tf_idf") != (weights is not None):
            raise ValueError(f"Layer {self.name!r}: `idf_weights` must be set if and only if output_mode is 'tf_idf'")
        if weights is not None and len(weights) != len(tokens):
            raise ValueError(f"Layer {self.name!r} needs {len(tokens)} idf_weights, one a value, got {len(weights)}")
        self._tokens, self._idf = tokens, weights

    def _without_special(self, tokens: list[Any], weights: Any) -> tuple[list[Any], Any]:
        special = [] if not self._mask_places() else [self._token(self.mask_token)]
        special += [self._token(self.oov_token)] * self.num_oov_indices
        count = len(special)
        known = weights is None or len(weights) == len(tokens)
        if count and tokens[:count] == special:
            return tokens[count:], weights[count:] if weights is not None and known else weights
        return tokens, weights

    def _token(self, value: Any) -> Any:
        if self._keys == "string":
            return (
                value.encode() if isinstance(value, str) else value if isinstance(value, bytes) else str(value).encode()
            )
        return int(value)

    def get_vocabulary(self, include_special_tokens: bool = True) -> list[Any]:
        """The values in the order of their places, by default with mask and out-of-vocabulary tokens in front."""
        tokens = [_plain(token) for token in self._tokens or ()]
        if not include_special_tokens:
            return tokens
        mask = [self.mask_token] if self._mask_places() else []
        return [*mask, *[self.oov_token] * self.num_oov_indices, *tokens]

    def get_config(self) -> dict[str, Any]:
        """The arguments, with the vocabulary that there is."""
        return {**super().get_config(), "vocabulary": self.vocabulary, "idf_weights": self.idf_weights}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> Any:
        """A layer with the arguments of `config`.

        Raises:
            ValueError: the vocabulary is the name of a file: configurations come from files, and read no others.
        """
        if isinstance(config.get("vocabulary"), str | bytes | Path):
            raise ValueError(
                f"The configuration of {cls.__name__} {config.get('name')!r} must hold the vocabulary itself, not the "
                f"name of a file, got {config['vocabulary']!r}"
            )
        return super().from_config(config)

    def vocabulary_size(self) -> int:
        """The number of places."""
        return len(self._tokens or ()) + self._first_places()

    def adapt(self, data: Any, batch_size: int | None = None, steps: int | None = None) -> None:
        """Makes the values in data the vocabulary, the most frequent first.

        Args:
            data: an array, a list, an iterable of batches or a dataset.
            batch_size: accepted.
            steps: how many batches of it; all by default.

        Raises:
            ValueError: the vocabulary was given.
            RuntimeError: the layer was called already.
        """
        if self._fixed:
            raise ValueError(f"Cannot adapt layer {self.name!r} after setting its vocabulary")
        counts: Counter[Any] = Counter()
        documents: Counter[Any] = Counter()
        number = 0
        for batch in batches(data, steps):
            for row in self.documents_of(batch):
                tokens = [self._token(value) for value in row]
                counts.update(tokens)
                documents.update(set(tokens))
                number += 1
        for special in (self.mask_token, self.oov_token):
            if special is not None:
                counts.pop(self._token(special), None)
        ordered = sorted(counts, key=lambda token: (counts[token], token), reverse=True)
        if self.max_tokens is not None:
            ordered = ordered[: self.max_tokens - self._first_places()]
        weights = None
        if self.output_mode == "tf_idf":
            weights = [float(np.log(1 + number / (1 + documents[token]))) for token in ordered]
        self.set_vocabulary([_plain(token) for token in ordered], weights)

    def documents_of(self, batch: Any) -> list[list[Any]]:
        """The values of a batch, a list for each example."""
        array = np.asarray(batch)
        if array.ndim < 2:
            array = array.reshape(-1, 1)
        result: list[list[Any]] = array.reshape(len(array), -1).tolist()
        return result

    # Calls

    def call(self, inputs: Any) -> Any:
        if self._tokens is None:
            raise RuntimeError(
                f"Layer {self.name!r} has no vocabulary: call adapt(data) or set_vocabulary(values) first"
            )
        self._called = True
        wanted = as_dtype(self.input_dtype)
        if inputs.dtype.base_dtype != wanted:
            if string in (wanted, inputs.dtype.base_dtype):
                raise TypeError(f"Layer {self.name!r} looks up {wanted.name}, got {inputs.dtype.name}")
            inputs = cast(inputs, wanted)
        if self.invert:
            return self._backward(inputs)
        places = self._forward(inputs)
        mode = "count" if self.output_mode == "tf_idf" else self.output_mode
        if mode == "int":
            return places
        result = encoded(places, mode, self._depth(), backend.floatx())
        return result if self.output_mode != "tf_idf" else result * constant(self._weights(), result.dtype.base_dtype)

    def _depth(self) -> int:
        return int(self.max_tokens) if self.pad_to_max_tokens else self.vocabulary_size()

    def _weights(self) -> Any:
        """The weights of all places: those out of the vocabulary count the mean."""
        weights = np.asarray(self._idf, np.float64)
        front = np.full(self._first_places(), weights.mean() if len(weights) else 0.0)
        whole = np.concatenate([front, weights])
        return np.pad(whole, (0, self._depth() - len(whole)))

    def _table(self, keys: Any, values: Any, default: Any, dtypes: tuple[Any, Any]) -> Any:
        with init_scope():
            first, second = convert_to_tensor(keys, as_dtype(dtypes[0])), convert_to_tensor(values, as_dtype(dtypes[1]))
            return StaticHashTable(KeyValueTensorInitializer(first, second), default)

    def _forward(self, inputs: Any) -> Any:
        start = self._first_places()
        tokens = np.array(self._tokens, object if self._keys == "string" else np.int64)
        places = np.arange(start, start + len(tokens))
        lookup = self._table(tokens, places, np.int64(-1), (self._keys, int64)).lookup(inputs)
        lookup.set_shape(inputs.sizes)
        masked = (
            None if self.mask_token is None else equal(inputs, constant(self._token(self.mask_token), inputs.dtype))
        )
        out = equal(lookup, constant(-1, int64))
        if self.num_oov_indices == 0:
            lookup = self._all_known(inputs, out, masked, lookup)
        else:
            lookup = where(out, self._outside(inputs, lookup), lookup)
        if masked is None:
            return lookup
        nothing = zeros_like(lookup) if self.output_mode == "int" else zeros_like(lookup) - 1
        return where(masked, nothing, lookup)

    def _outside(self, inputs: Any, lookup: Any) -> Any:
        """The places of values out of the vocabulary."""
        first, count = self._mask_places(), self.num_oov_indices
        if count == 1:
            return zeros_like(lookup) + first
        if self._keys != "string" and self.salt is None:
            return floormod(inputs, constant(count, int64)) + first
        return hashed(inputs, count, self.salt) + first

    def _all_known(self, inputs: Any, out: Any, masked: Any, lookup: Any) -> Any:
        fine = equal(out, constant(False)) if masked is None else (~out) | masked
        text = f"Layer {self.name!r} has num_oov_indices=0, so all inputs should be in its vocabulary; found"
        with get_default_graph().control_dependencies([Assert(reduce_all(fine), [text, inputs])]):
            return identity(lookup)

    def _backward(self, inputs: Any) -> Any:
        start, kind = self._first_places(), as_dtype(self._keys)
        tokens = list(self._tokens or ())
        places = list(range(start, start + len(tokens)))
        if self._mask_places():
            tokens, places = [self._token(self.mask_token), *tokens], [0, *places]
        table = self._table(
            np.array(places, np.int64),
            np.array(tokens, object if kind == string else np.int64),
            self._token(self.oov_token),
            (int64, kind),
        )
        result = table.lookup(inputs)
        result.set_shape(inputs.sizes)
        return result

    def compute_output_shape(self, input_shape: Any) -> Any:
        return encoded_shape(input_shape, self.output_mode, None if self.output_mode == "int" else self._depth())


def _plain(token: Any) -> Any:
    return token.decode("utf-8", "replace") if isinstance(token, bytes) else token


@registered("layers")
class StringLookup(IndexLookup):
    """Words as their places in a vocabulary; see IndexLookup for the arguments.

    Example:
        >>> import headrace as tf
        >>> layer = tf.keras.layers.StringLookup(vocabulary=["a", "b"])
        >>> tf.keras.backend.get_value(layer(["b", "z", "a"])).tolist()
        [2, 0, 1]
    """

    _keys = "string"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: Any = None,
        oov_token: Any = "[UNK]",
        vocabulary: Any = None,
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        pad_to_max_tokens: bool = False,
        sparse: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        salt: Any = None,
        **kwargs: Any,
    ) -> None:
        one_of("StringLookup", "encoding", encoding, ("utf-8",))
        super().__init__(name=name, **_floating(kwargs))
        self.set_up(dict(locals()), vocabulary, idf_weights)


@registered("layers")
class IntegerLookup(IndexLookup):
    """Whole numbers as their places in a vocabulary; see IndexLookup for the arguments."""

    _keys = "int64"

    def __init__(
        self,
        max_tokens: int | None = None,
        num_oov_indices: int = 1,
        mask_token: Any = None,
        oov_token: Any = -1,
        vocabulary: Any = None,
        vocabulary_dtype: str = "int64",
        idf_weights: Any = None,
        invert: bool = False,
        output_mode: str = "int",
        sparse: bool = False,
        pad_to_max_tokens: bool = False,
        oov_method: str = "floormod",
        salt: Any = None,
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        one_of("IntegerLookup", "vocabulary_dtype", vocabulary_dtype, ("int32", "int64"))
        one_of("IntegerLookup", "oov_method", oov_method, ("floormod", "farmhash"))
        super().__init__(name=name, **_floating(kwargs))
        if salt is not None and oov_method != "farmhash":
            raise ValueError(f"IntegerLookup {self.name!r}: `salt` can only be used when oov_method='farmhash'")
        self.oov_method = oov_method
        self.set_up(dict(locals()), vocabulary, idf_weights)

    def _outside(self, inputs: Any, lookup: Any) -> Any:
        """The places of values out of the vocabulary."""
        if self.num_oov_indices > 1 and self.oov_method == "farmhash":
            return hashed(inputs, self.num_oov_indices, self.salt) + self._mask_places()
        return super()._outside(inputs, lookup)


def _floating(kwargs: dict[str, Any]) -> dict[str, Any]:
    """Further arguments of a layer; the dtype says nothing here."""
    return {name: value for name, value in kwargs.items() if name not in ("dtype", "vocabulary_size")}
