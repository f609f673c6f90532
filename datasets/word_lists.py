"""Texts as lists of word numbers, and how Keras's loaders mark their start and leave out rare words."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from .archives import read_limited
from .locating import Download, Layout, PathText, Source, locate
from .npz import read_npz

Part = tuple[npt.NDArray[Any], npt.NDArray[Any]]
Texts = list[list[int]]

_FOLDER = "https://storage.googleapis.com/tensorflow/tf-keras-datasets/"


def text_source(name: str, sha256: str) -> Source:
    """A set of texts in one npz file."""
    return Source(name, (Layout("npz", (f"{name}.npz",)),), (Download(f"{_FOLDER}{name}.npz", sha256),))


def index_source(name: str) -> Source:
    """The JSON file of the words' numbers."""
    file = f"{name}_word_index.json"
    return Source(f"{name}_word_index", (Layout("json", (file,)),), (Download(_FOLDER + file, ""),))


def read_texts(path: Path, texts: str, labels: str, random: np.random.RandomState) -> tuple[Texts, npt.NDArray[Any]]:
    """Texts and labels of an npz file in random order; ValueError if they are no lists of whole numbers."""
    found, classes = read_npz(path, (texts, labels))
    rows = [list(row) for row in found] if isinstance(found, list | np.ndarray) else []
    if not rows or len(rows) != len(classes) or not all(type(w) is int for row in rows for w in row):
        raise ValueError(f"{path}: expected lists of whole numbers in {texts!r}, with a label each in {labels!r}")
    order = np.arange(len(rows))
    random.shuffle(order)
    return [rows[i] for i in order], np.asarray(classes)[order]


def marked(texts: Texts, start_char: int | None, index_from: int) -> Texts:
    """The texts with room for special numbers, and with the number that marks a start."""
    first = [] if start_char is None else [start_char]
    move = 0 if start_char is None and not index_from else index_from
    return [[*first, *(word + move for word in text)] for text in texts]


def short(texts: Texts, labels: npt.NDArray[Any], maxlen: int | None) -> tuple[Texts, npt.NDArray[Any]]:
    """The texts of fewer than `maxlen` words; ValueError if there are none."""
    if not maxlen:
        return texts, labels
    kept = [i for i, text in enumerate(texts) if len(text) < maxlen]
    if not kept:
        raise ValueError(f"maxlen: expected more than {maxlen}: no text is shorter than that")
    return [texts[i] for i in kept], labels[kept]


def limited(texts: Texts, num_words: int | None, skip_top: int, oov_char: int | None) -> Texts:
    """The texts with words that are too frequent or too rare left out, or replaced by `oov_char`."""
    top = num_words or max(max(text, default=0) for text in texts)
    if oov_char is None:
        return [[w for w in text if skip_top <= w < top] for text in texts]
    return [[w if skip_top <= w < top else oov_char for w in text] for text in texts]


def as_array(texts: Sequence[list[int]]) -> npt.NDArray[Any]:
    """The texts as an array of lists."""
    array = np.empty(len(texts), object)
    for i, text in enumerate(texts):
        array[i] = text
    return array


def word_index(name: str, path: PathText | None, download: bool) -> dict[str, int]:
    """The words' numbers, the most frequent first; ValueError if the file holds anything else."""
    file = locate(index_source(name), path, download).files[0]
    try:
        found = json.loads(read_limited(file))
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{file}: no JSON file: {error}") from None
    if not isinstance(found, dict) or not all(type(number) is int for number in found.values()):
        raise ValueError(f"{file}: expected a number for each word")
    return found
