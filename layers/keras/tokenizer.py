"""Tokenizer: texts as sequences or vectors of words' numbers, as tf.keras 1.15's keras.preprocessing.text."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

FILTERS = '!"#$%&()*+,-./:;<=>?@[\\]^_`{|}~\t\n'


def text_to_word_sequence(text: str, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[str]:
    """The words of a text.

    Args:
        text: the text.
        filters: characters that stand between words.
        lower: whether to make the letters small.
        split: what else stands between words.

    Example:
        >>> import headrace as tf
        >>> tf.keras.preprocessing.text.text_to_word_sequence("Time flies, doesn't it?")
        ['time', 'flies', "doesn't", 'it']
    """
    plain = (text.lower() if lower else text).translate(dict.fromkeys(map(ord, filters), split))
    return [word for word in plain.split(split) if word]


def hashing_trick(
    text: str, n: int, hash_function: Any = None, filters: str = FILTERS, lower: bool = True, split: str = " "
) -> list[int]:
    """The words of a text as numbers from 1 to n - 1, by a hash of each word, in which words may meet.

    Args:
        text, filters, lower, split: as for `text_to_word_sequence`.
        n: one more than the largest number.
        hash_function: None or "md5" for MD5, which is the same in each run, or a function of a word.
    """
    found = _md5 if hash_function in (None, "md5") else hash_function
    return [found(word) % (n - 1) + 1 for word in text_to_word_sequence(text, filters, lower, split)]


def _md5(word: str) -> int:
    return int(hashlib.md5(word.encode(), usedforsecurity=False).hexdigest(), 16)


def one_hot(text: str, n: int, filters: str = FILTERS, lower: bool = True, split: str = " ") -> list[int]:
    """The words of a text as numbers from 1 to n - 1: `hashing_trick`, by MD5."""
    return hashing_trick(text, n, None, filters, lower, split)


class Tokenizer:
    """Gives the words of texts numbers, from 1 on, the most frequent first.

    Args:
        num_words: numbers below this alone are used; None for all.
        filters: characters that stand between words.
        lower: whether to make the letters small.
        split: what else stands between words.
        char_level: each character is a word.
        oov_token: a word for the unknown ones, whose number is 1; without it they are left out.

    Example:
        >>> import headrace as tf
        >>> tokenizer = tf.keras.preprocessing.text.Tokenizer(oov_token="?")
        >>> tokenizer.fit_on_texts(["the cat sat", "the cat ran"])
        >>> tokenizer.texts_to_sequences(["the dog ran"])
        [[2, 1, 5]]
    """

    def __init__(
        self, num_words: int | None = None, filters: str = FILTERS, lower: bool = True, split: str = " ",
        char_level: bool = False, oov_token: str | None = None, document_count: int = 0,
    ) -> None:  # fmt: skip
        self.num_words, self.filters, self.lower, self.split = num_words, filters, lower, split
        self.char_level, self.oov_token, self.document_count = char_level, oov_token, document_count
        self.word_counts: dict[str, int] = {}
        self.word_docs: dict[str, int] = {}
        self.index_docs: dict[int, int] = {}
        self.word_index: dict[str, int] = {}
        self.index_word: dict[int, str] = {}

    def _words(self, text: Any) -> list[str]:
        if self.char_level or isinstance(text, list | tuple):
            return [word.lower() for word in text] if self.lower else list(text)
        return text_to_word_sequence(text, self.filters, self.lower, self.split)

    def fit_on_texts(self, texts: Iterable[Any]) -> None:
        """Counts the words of texts, or of lists of words, and gives them numbers."""
        counts, documents = Counter(self.word_counts), Counter(self.word_docs)
        for text in texts:
            words = self._words(text)
            self.document_count += 1
            counts.update(words)
            documents.update(set(words))
        self.word_counts, self.word_docs = dict(counts), dict(documents)
        ranked = sorted(counts, key=lambda word: -counts[word])
        self._number([*([] if self.oov_token is None else [self.oov_token]), *ranked])

    def _number(self, words: list[str]) -> None:
        self.word_index = {word: i for i, word in enumerate(dict.fromkeys(words), 1)}
        self.index_word = {i: word for word, i in self.word_index.items()}
        self.index_docs = {self.word_index[word]: count for word, count in self.word_docs.items()}

    def fit_on_sequences(self, sequences: Iterable[Iterable[int]]) -> None:
        """Counts in how many sequences each number is, for `sequences_to_matrix` where no texts were seen."""
        documents = Counter(self.index_docs)
        for sequence in sequences:
            self.document_count += 1
            documents.update(set(sequence))
        self.index_docs = dict(documents)

    def texts_to_sequences(self, texts: Iterable[Any]) -> list[list[int]]:
        """The numbers of the words of each text; unknown words are left out, or have the number of `oov_token`."""
        return list(self.texts_to_sequences_generator(texts))

    def texts_to_sequences_generator(self, texts: Iterable[Any]) -> Iterator[list[int]]:
        """Yields what `texts_to_sequences` gives."""
        unknown = None if self.oov_token is None else self.word_index.get(self.oov_token)
        for text in texts:
            found = (self._kept(self.word_index.get(word), unknown) for word in self._words(text))
            yield [number for number in found if number is not None]

    def _kept(self, number: int | None, unknown: int | None) -> int | None:
        return unknown if number is None or (self.num_words and number >= self.num_words) else number

    def sequences_to_texts(self, sequences: Iterable[Iterable[int]]) -> list[str]:
        """The words of sequences of numbers, with spaces between."""
        unknown = None if self.oov_token is None else self.word_index.get(self.oov_token)
        known = [[self._kept(n if n in self.index_word else None, unknown) for n in each] for each in sequences]
        return [" ".join(self.index_word[n] for n in numbers if n is not None) for numbers in known]

    def texts_to_matrix(self, texts: Iterable[Any], mode: str = "binary") -> np.ndarray[Any, Any]:
        """A row for each text; see `sequences_to_matrix`."""
        return self.sequences_to_matrix(self.texts_to_sequences(texts), mode)

    def sequences_to_matrix(self, sequences: Iterable[Any], mode: str = "binary") -> np.ndarray[Any, Any]:
        """A row for each sequence, a column for each number, float64.

        Args:
            sequences: of numbers.
            mode: "binary", "count", "freq" (shares of the sequence) or "tfidf".

        Raises:
            ValueError: another mode, or neither num_words nor texts are known.
        """
        if mode not in ("binary", "count", "freq", "tfidf"):
            raise ValueError(f"mode must be 'binary', 'count', 'freq' or 'tfidf', got {mode!r}")
        if not self.num_words and not self.word_index:
            raise ValueError("Specify num_words, or fit on some texts first")
        if mode == "tfidf" and not self.document_count:
            raise ValueError("Fit on some texts or sequences before mode 'tfidf'")
        rows = list(sequences)
        found = np.zeros((len(rows), self.num_words or len(self.word_index) + 1))
        for row, sequence in zip(found, rows, strict=True):
            for number, count in Counter(sequence).items():
                if number < len(row):
                    row[number] = self._entry(mode, number, count, len(sequence))
        return found

    def _entry(self, mode: str, number: int, count: int, length: int) -> float:
        if mode == "tfidf":
            rare = np.log(1 + self.document_count / (1 + self.index_docs.get(number, 0)))
            return float((1 + np.log(count)) * rare)
        return {"binary": 1.0, "count": float(count), "freq": count / length}[mode]

    def get_config(self) -> dict[str, Any]:
        """The constructor's arguments, and the tables as JSON."""
        names = "num_words filters lower split char_level oov_token document_count"
        tables = "word_counts word_docs index_docs index_word word_index"
        return {
            **{name: getattr(self, name) for name in names.split()},
            **{name: json.dumps(getattr(self, name)) for name in tables.split()},
        }

    def to_json(self, **options: Any) -> str:
        """The tokenizer as JSON, for `tokenizer_from_json`."""
        return json.dumps({"class_name": "Tokenizer", "config": self.get_config()}, **options)


def tokenizer_from_json(json_string: str) -> Tokenizer:
    """The tokenizer that `to_json` wrote."""
    config = json.loads(json_string)["config"]
    counts, documents, index = (json.loads(config.pop(n)) for n in ("word_counts", "word_docs", "word_index"))
    index_documents, _ = json.loads(config.pop("index_docs")), config.pop("index_word")
    made = Tokenizer(**config)
    made.word_counts, made.word_docs = counts, documents
    made._number(sorted(index, key=lambda word: index[word]))
    made.index_docs = {int(number): count for number, count in index_documents.items()}
    return made
