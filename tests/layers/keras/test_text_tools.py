"""keras.preprocessing.text and sequence: the numbers of tf.keras 1.15."""

import numpy as np
import pytest

import headrace as tf

text, sequence = tf.keras.preprocessing.text, tf.keras.preprocessing.sequence
TEXTS = ["The cat sat on the mat.", "The dog sat; the dog ran!"]


def fitted(**options):
    tokenizer = text.Tokenizer(**options)
    tokenizer.fit_on_texts(TEXTS)
    return tokenizer


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [[1, 3, 7], []]),
        ({"oov_token": "?"}, [[2, 4, 8, 1], [1]]),
        ({"num_words": 4, "oov_token": "?"}, [[2, 1, 1, 1], [1]]),
        ({"num_words": 4}, [[1, 3], []]),
    ],
)
def test_numbers_of_words(options, expected):
    assert fitted(**options).texts_to_sequences(["the dog ran away", "Away"]) == expected


def test_tables_and_back():
    tokenizer = fitted()
    assert tokenizer.word_counts["the"] == 4 and tokenizer.word_docs["the"] == 2 and tokenizer.document_count == 2
    assert tokenizer.word_index == {"the": 1, "sat": 2, "dog": 3, "cat": 4, "on": 5, "mat": 6, "ran": 7}
    again = text.tokenizer_from_json(tokenizer.to_json())
    assert vars(again) == vars(tokenizer)
    assert again.sequences_to_texts(again.texts_to_sequences(TEXTS))[1] == "the dog sat the dog ran"


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("binary", [0, 1, 0, 1]),
        ("count", [0, 1, 0, 2]),
        ("freq", [0, 1 / 3, 0, 2 / 3]),
        ("tfidf", [0, np.log(1 + 2 / 3), 0, (1 + np.log(2)) * np.log(2)]),
    ],
)
def test_matrices(mode, expected):
    np.testing.assert_allclose(fitted(num_words=4).texts_to_matrix(["the dog dog"], mode), [expected])


def test_hashes_and_characters():
    assert text.one_hot("a b a", 50)[0] == text.one_hot("a", 50)[0] and max(text.one_hot("a b c d", 3)) < 3
    assert text.hashing_trick("a bb", 10, len) == [2, 3]
    letters = text.Tokenizer(char_level=True)
    letters.fit_on_texts(["Aab"])
    assert letters.word_index == {"a": 1, "b": 2}
    with pytest.raises(ValueError, match="mode must be"):
        letters.texts_to_matrix(["a"], "other")


def test_skipgrams():
    pairs, labels = sequence.skipgrams([1, 0, 2, 3], 9, window_size=1, shuffle=False, seed=1)
    assert pairs[:2] == [[2, 3], [3, 2]] and labels == [1, 1, 0, 0]
    assert {first for first, _ in pairs[2:]} <= {2, 3} and all(1 <= other < 9 for _, other in pairs[2:])
    assert sequence.skipgrams([1, 2], 5, categorical=True, seed=1)[1].count([0, 1]) == 2
    assert sequence.skipgrams([1, 2], 5, sampling_table=np.zeros(5)) == ([], [])
    table = sequence.make_sampling_table(2000)
    assert table.shape == (2000,) and (np.diff(table[1:]) >= 0).all()
    np.testing.assert_allclose(table[[0, 1, 2, 1999]], [0.00315225, 0.00315225, 0.00547597, 0.40431581], rtol=1e-5)
