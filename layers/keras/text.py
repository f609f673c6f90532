"""TextVectorization: texts as places of their words in a vocabulary."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ...engine.ops.array import identity, shape as shape_of
from ...engine.ops.array_pad import pad
from ...engine.ops.array_parts import concat, zeros_like
from ...engine.ops.array_shape import squeeze
from ...engine.ops.binary import maximum
from ...engine.ops.choice import where
from ...engine.ops.comparison import equal, logical_or
from ...engine.ops.constant import constant
from ...engine.ops.sparse_functions import sparse_tensor_to_dense
from ...engine.ops.string_patterns import regex_replace
from ...engine.ops.strings import split, string_join, string_lower, string_split
from .checks import one_of
from .lookup import IndexLookup
from .serialization import registered

_PUNCTUATION = r'[!"#$%&()\*\+,-\./:;<=>?@\[\\\]^_`{|}~\']'
_STANDARDS = ("lower_and_strip_punctuation", "lower", "strip_punctuation", None)


@registered("layers")
class TextVectorization(IndexLookup):
    """Texts [batch] or [batch, 1] as the places of their words, [batch, words], padded with zeros; or as vectors.

    Args:
        max_tokens: the most places; None for as many as there are words.
        standardize: "lower_and_strip_punctuation", "lower", "strip_punctuation", None, or a function of tensors.
        split: "whitespace", "character", None, or a function of tensors that gives [batch, words], padded with "".
        ngrams: a number n, for runs of 1 to n words, or a tuple of lengths; not with output_mode "int".
        output_mode: "int", "multi_hot", "count" or "tf_idf".
        output_sequence_length: the number of places in mode "int", to which is padded and cut.
        pad_to_max_tokens: whether vectors have `max_tokens` places whatever the vocabulary's size.
        vocabulary: a list of words or the name of a file with one a line; otherwise `adapt` finds it.
        idf_weights: what words count in mode "tf_idf".
        sparse, ragged: False.
        encoding: "utf-8".

    Raises:
        ValueError: an argument is none of these.
    """

    _keys = "string"

    def __init__(
        self,
        max_tokens: int | None = None,
        standardize: Any = "lower_and_strip_punctuation",
        split: Any = "whitespace",
        ngrams: Any = None,
        output_mode: str = "int",
        output_sequence_length: int | None = None,
        pad_to_max_tokens: bool = False,
        vocabulary: Any = None,
        idf_weights: Any = None,
        sparse: bool = False,
        ragged: bool = False,
        encoding: str = "utf-8",
        name: str | None = None,
        **kwargs: Any,
    ) -> None:
        kind = "TextVectorization"
        super().__init__(name=name, **{key: value for key, value in kwargs.items() if key != "dtype"})
        self.standardize = (
            standardize if callable(standardize) else one_of(kind, "standardize", standardize, _STANDARDS)
        )
        self.split = split if callable(split) else one_of(kind, "split", split, ("whitespace", "character", None))
        if ragged or encoding != "utf-8":
            raise ValueError(f"{kind} {self.name!r} has neither ragged outputs nor encodings but utf-8 here")
        self.ngrams = ngrams
        self._lengths = tuple(range(1, ngrams + 1)) if isinstance(ngrams, int) else ngrams
        if self._lengths is not None and output_mode == "int":
            raise ValueError(
                f"{kind} {self.name!r} has ngrams with vectors only: output_mode 'int' does not go with them"
            )
        if output_sequence_length is not None and output_mode != "int":
            raise ValueError(f"{kind} {self.name!r}: `output_sequence_length` goes with output_mode 'int' only")
        self.output_sequence_length = output_sequence_length
        options = {
            "max_tokens": max_tokens, "num_oov_indices": 1, "mask_token": "", "oov_token": "[UNK]", "invert": False,
            "output_mode": output_mode, "sparse": sparse, "pad_to_max_tokens": pad_to_max_tokens, "salt": None,
        }  # fmt: skip
        self.set_up(options, vocabulary, idf_weights)

    def call(self, inputs: Any) -> Any:
        texts = inputs
        if len(texts.sizes) == 2 and texts.sizes[1] == 1 and self.split is not None:
            texts = squeeze(texts, [1])
        if self.split is not None and len(texts.sizes) > 1:
            raise ValueError(f"TextVectorization {self.name!r} takes texts [batch] or [batch, 1], got {inputs.shape}")
        words = self._words(self._standardized(texts))
        places = super().call(words if self._lengths is None else self._runs(words))
        if self.output_mode != "int" or self.output_sequence_length is None:
            return places
        length = self.output_sequence_length
        cut = places[:, :length]
        result = pad(cut, [[0, 0], [0, maximum(length - shape_of(cut)[1], 0)]])
        result.set_shape([places.sizes[0], length])
        return result

    def _standardized(self, texts: Any) -> Any:
        if callable(self.standardize):
            return self.standardize(texts)
        how = self.standardize or ""
        texts = string_lower(texts) if "lower" in how else texts
        return regex_replace(texts, _PUNCTUATION, "") if "punctuation" in how else texts

    def _words(self, texts: Any) -> Any:
        """[batch, words], padded with empty words."""
        if callable(self.split):
            return self.split(texts)
        if self.split is None:
            return texts
        if self.split == "character":
            # A zero byte, which no text has, between characters: then they are parts.
            texts = regex_replace(texts, r"(?s)(.)", "\\1\x00")
            parts = string_split(texts, "\x00")
        else:
            parts = split(texts)
        words = sparse_tensor_to_dense(parts, "")
        words.set_shape([texts.sizes[0], None])
        return words

    def _runs(self, words: Any) -> Any:
        """The runs of words of the wanted lengths, side by side; a run that is not whole is an empty word."""
        result = []
        for length in self._lengths:
            wide = pad(words, [[0, 0], [0, length - 1]], constant_values="")
            count = shape_of(words)[1]
            parts = [wide[:, start : start + count] for start in range(length)]
            lacking = equal(parts[-1], constant(""))
            for part in parts[:-1]:
                lacking = logical_or(lacking, equal(part, constant("")))
            joined = string_join(parts, " ")
            result.append(where(lacking, zeros_like(joined), joined))
        return concat(result, 1)

    def documents_of(self, batch: Any) -> list[list[Any]]:
        """The words (and runs of words) of the texts of a batch."""
        if callable(self.standardize) or callable(self.split):
            return self._by_graph(batch)
        texts = np.asarray(batch)
        rows = (
            texts.reshape(len(texts), -1).tolist()
            if self.split is None
            else [[text] for text in texts.ravel().tolist()]
        )
        return [self._with_runs([word for text in row for word in self._plain_words(text)]) for row in rows]

    def _plain_words(self, text: Any) -> list[Any]:
        how, data = self.standardize or "", text if isinstance(text, bytes) else str(text).encode()
        data = data.lower() if "lower" in how else data
        data = re.sub(_PUNCTUATION.encode(), b"", data) if "punctuation" in how else data
        if self.split == "character":
            return [char.encode() for char in data.decode("utf-8", "replace")]
        return [data] if self.split is None else data.split()

    def _with_runs(self, words: list[Any]) -> list[Any]:
        if self._lengths is None:
            return words
        return [b" ".join(words[i : i + n]) for n in self._lengths for i in range(len(words) - n + 1)]

    def _by_graph(self, batch: Any) -> list[list[Any]]:
        from . import backend

        texts = identity(constant(np.asarray(batch).ravel().astype(object)))
        found = backend.get_session().run(self._words(self._standardized(texts)))
        return [self._with_runs([word for word in row if word]) for row in found.tolist()]

    def compute_output_shape(self, input_shape: Any) -> Any:
        if self.output_mode == "int":
            return (input_shape[0], self.output_sequence_length)
        return (input_shape[0], self._depth())
