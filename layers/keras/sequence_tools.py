"""Sequences of words' numbers as training examples: skipgrams and the sampling of frequent words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def make_sampling_table(size: int, sampling_factor: float = 1e-5) -> np.ndarray[Any, Any]:
    """The probability to keep the word of each rank, [size], where frequencies follow Zipf's law.

    Args:
        size: number of words, the most frequent first; word 0 stands for none.
        sampling_factor: a word of this share or less is always kept.

    Example:
        >>> import headrace as tf
        >>> tf.keras.preprocessing.sequence.make_sampling_table(3).round(5).tolist()
        [0.00315, 0.00315, 0.00548]
    """
    euler = 0.577
    rank = np.arange(size).astype(np.float64)
    rank[:1] = 1
    # The harmonic number of the rank, of which a share is the reciprocal.
    inverse = rank * (np.log(rank) + euler) + 0.5 - 1.0 / (12.0 * rank)
    kept: np.ndarray[Any, Any] = np.minimum(1.0, np.sqrt(sampling_factor * inverse))
    return kept


def skipgrams(
    sequence: Sequence[int],
    vocabulary_size: int,
    window_size: int = 4,
    negative_samples: float = 1.0,
    shuffle: bool = True,
    categorical: bool = False,
    sampling_table: Any = None,
    seed: int | None = None,
) -> tuple[list[list[int]], list[Any]]:
    """Pairs of words that stand near each other, and pairs with random words, with labels 1 and 0.

    Args:
        sequence: the words' numbers; 0 stands for none.
        vocabulary_size: random words are from 1 to one less.
        window_size: the most places between two words.
        negative_samples: random pairs for each true one.
        shuffle: whether the pairs come in random order.
        categorical: labels as [0, 1] and [1, 0].
        sampling_table: the probability to keep each word.
        seed: of the random numbers.

    Returns:
        (pairs, labels).

    Example:
        >>> import headrace as tf
        >>> tf.keras.preprocessing.sequence.skipgrams([1, 2], 5, negative_samples=0, shuffle=False)
        ([[1, 2], [2, 1]], [1, 1])
    """
    rng = np.random.default_rng(seed)
    pairs = _near(sequence, window_size, sampling_table, rng)
    count = int(len(pairs) * negative_samples)
    firsts = [first for first, _ in pairs]
    rng.shuffle(firsts)
    others = rng.integers(1, max(vocabulary_size, 2), count).tolist()
    labels: list[Any] = [1] * len(pairs) + [0] * count
    pairs = pairs + [[firsts[i % len(firsts)], others[i]] for i in range(count)]
    if categorical:
        labels = [[0, 1] if label else [1, 0] for label in labels]
    if shuffle:
        order = rng.permutation(len(pairs)).tolist()
        pairs, labels = [pairs[i] for i in order], [labels[i] for i in order]
    return pairs, labels


def _near(sequence: Sequence[int], window: int, table: Any, rng: np.random.Generator) -> list[list[int]]:
    found = []
    for i, word in enumerate(sequence):
        if not word or (table is not None and table[word] < rng.random()):
            continue
        for j in range(max(0, i - window), min(len(sequence), i + window + 1)):
            if j != i and sequence[j]:
                found.append([int(word), int(sequence[j])])
    return found
