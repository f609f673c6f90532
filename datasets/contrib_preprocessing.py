"""`tf.contrib.learn.preprocessing`: documents as rows of numbers of words or bytes, and the vocabulary of words."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, Self

import numpy as np

# Words in capitals, capitalized words in front of others, and other words with "'", "_" and "-".
TOKENIZER_RE = re.compile(r"[A-Z]{2,}(?![a-z])|[A-Z][a-z]+(?=[A-Z])|[\'\w\-]+", re.UNICODE)

Array = np.ndarray[Any, Any]


def tokenizer(iterator: Iterable[str]) -> Iterator[list[str]]:
    """Yields the words of each text."""
    for text in iterator:
        yield TOKENIZER_RE.findall(text)


class CategoricalVocabulary:
    """Numbers of categories, from 1 on in the order in which they came; 0 is the unknown.

    Args:
        unknown_token: the name of the unknown.
        support_reverse: whether numbers are turned into names again.
    """

    def __init__(self, unknown_token: str = "<UNK>", support_reverse: bool = True) -> None:
        self._unknown, self._supports_reverse = unknown_token, support_reverse
        self._numbers: dict[Any, int] = {unknown_token: 0}
        self._names: list[Any] = [unknown_token]
        self._counts: dict[Any, int] = {}
        self._is_frozen = False

    def __len__(self) -> int:
        """How many categories there are, with the unknown."""
        return len(self._numbers)

    def freeze(self, freeze: bool = True) -> None:
        """Whether categories that are not known stay so."""
        self._is_frozen = freeze

    def get(self, category: Any) -> int:
        """The number of a category: a new one, or 0 once the vocabulary is frozen, if it is not known."""
        if category not in self._numbers:
            if self._is_frozen:
                return 0
            self._numbers[category] = len(self._numbers)
            self._names.append(category)
        return self._numbers[category]

    def add(self, category: Any, count: int = 1) -> None:
        """Counts a category."""
        if self.get(category) > 0:
            self._counts[category] = self._counts.get(category, 0) + count

    def trim(self, min_frequency: int, max_frequency: int = -1) -> None:
        """Leaves out what came at most `min_frequency` times, or `max_frequency` times and more; the most frequent come first."""
        ordered = sorted(self._counts.items(), key=lambda pair: (isinstance(pair[0], str), pair[0]))
        ordered.sort(key=lambda pair: pair[1], reverse=True)
        kept = [(c, n) for c, n in ordered if n > min_frequency and not 0 < max_frequency <= n]
        self._names = [self._unknown, *(category for category, _ in kept)]
        self._numbers = {category: number for number, category in enumerate(self._names)}
        self._counts = dict(kept)

    def reverse(self, class_id: int) -> Any:
        """The category of a number.

        Raises:
            ValueError: the vocabulary was made without `support_reverse`.
        """
        if not self._supports_reverse:
            raise ValueError("This vocabulary wasn't initialized with support_reverse to support reverse() function.")
        return self._names[class_id]

    def to_config(self) -> dict[str, Any]:
        """What the vocabulary is, of plain values."""
        return {"names": self._names, "counts": list(self._counts.items()), "frozen": self._is_frozen,
                "reverse": self._supports_reverse}  # fmt: skip

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> CategoricalVocabulary:
        """The vocabulary of what `to_config` gave."""
        made = cls(config["names"][0], bool(config["reverse"]))
        made._names = list(config["names"])
        made._numbers = {name: number for number, name in enumerate(made._names)}
        made._counts, made._is_frozen = {name: int(count) for name, count in config["counts"]}, bool(config["frozen"])
        return made


class VocabularyProcessor:
    """Documents as numbers of their words, cut or filled with 0 to one length.

    Args:
        max_document_length: of the rows.
        min_frequency: words that came at most so often are left out.
        vocabulary: of words, a new one by default.
        tokenizer_fn: yields the words of each of some texts.

    Example:
        >>> import headrace as tf
        >>> processor = tf.contrib.learn.preprocessing.VocabularyProcessor(4)
        >>> [row.tolist() for row in processor.fit_transform(["a cat", "a dog and a cat"])]
        [[1, 2, 0, 0], [1, 3, 4, 1]]
    """

    def __init__(
        self,
        max_document_length: int,
        min_frequency: int = 0,
        vocabulary: CategoricalVocabulary | None = None,
        tokenizer_fn: Callable[[Iterable[str]], Iterator[list[str]]] | None = None,
    ) -> None:
        if (
            isinstance(max_document_length, bool)
            or not hasattr(max_document_length, "__index__")
            or max_document_length < 1
        ):
            raise ValueError(f"max_document_length must be a positive whole number, got {max_document_length!r}")
        self.max_document_length, self.min_frequency = int(max_document_length), min_frequency
        self.vocabulary_ = CategoricalVocabulary() if vocabulary is None else vocabulary
        self._tokenizer = tokenizer_fn or tokenizer

    def fit(self, raw_documents: Iterable[str], unused_y: Any = None) -> Self:
        """Learns the words of documents; the vocabulary is frozen then."""
        del unused_y
        for tokens in self._tokenizer(raw_documents):
            for token in tokens:
                self.vocabulary_.add(token)
        if self.min_frequency > 0:
            self.vocabulary_.trim(self.min_frequency)
        self.vocabulary_.freeze()
        return self

    def fit_transform(self, raw_documents: Iterable[str], unused_y: Any = None) -> Iterator[Array]:
        """`fit`, then `transform`."""
        documents = list(raw_documents)
        self.fit(documents)
        return self.transform(documents)

    def transform(self, raw_documents: Iterable[str]) -> Iterator[Array]:
        """Yields int64 [max_document_length] for each document."""
        for tokens in self._tokenizer(raw_documents):
            numbers = np.zeros(self.max_document_length, np.int64)
            for i, token in enumerate(tokens[: self.max_document_length]):
                numbers[i] = self.vocabulary_.get(token)
            yield numbers

    def reverse(self, documents: Iterable[Iterable[int]]) -> Iterator[str]:
        """Yields the words of each row of numbers."""
        for numbers in documents:
            yield " ".join(str(self.vocabulary_.reverse(int(number))) for number in numbers)

    def save(self, filename: str | os.PathLike[str]) -> None:
        """Writes a JSON file; a tokenizer of one's own is not part of it."""
        content = {"length": self.max_document_length, "min_frequency": self.min_frequency}
        Path(filename).write_text(json.dumps({**content, "vocabulary": self.vocabulary_.to_config()}), encoding="utf-8")

    @classmethod
    def restore(cls, filename: str | os.PathLike[str]) -> VocabularyProcessor:
        """The processor of a file that `save` wrote; TensorFlow's files are pickles, which are not read.

        Raises:
            ValueError: the file is another one.
        """
        try:
            content = json.loads(Path(filename).read_text(encoding="utf-8"))
            vocabulary = CategoricalVocabulary.from_config(content["vocabulary"])
            return cls(content["length"], content["min_frequency"], vocabulary)
        except (KeyError, IndexError, TypeError, ValueError, RecursionError) as error:
            raise ValueError(f"{filename} is no file of VocabularyProcessor.save: {error!r}") from error


class ByteProcessor:
    """Documents as rows of bytes, cut or filled with 0 to one length."""

    def __init__(self, max_document_length: int) -> None:
        self.max_document_length = max_document_length

    def fit(self, x: Any) -> Self:
        """Nothing is learnt."""
        return self

    def fit_transform(self, x: Iterable[Any]) -> Iterator[Array]:
        """As `transform`."""
        return self.transform(x)

    def transform(self, x: Iterable[Any]) -> Iterator[Array]:
        """Yields uint8 [max_document_length] for each document of text or bytes."""
        for document in x:
            text = document.encode() if isinstance(document, str) else bytes(document)
            found = np.frombuffer(text[: self.max_document_length], np.uint8)
            yield np.pad(found, (0, self.max_document_length - len(found)))

    def reverse(self, x: Iterable[Any]) -> Iterator[str]:
        """Yields the texts of rows of bytes."""
        for row in x:
            yield np.trim_zeros(np.asarray(row, np.uint8), "b").tobytes().decode()
