"""50,000 reviews of films as lists of word numbers, good or bad, from a local file as Keras's loader gives them."""

from __future__ import annotations

import numpy as np

from .locating import PathText, locate
from .word_lists import Part, as_array, limited, marked, read_texts, short, text_source, word_index

SOURCE = text_source("imdb", "69664113be75683a8fe16e3ed0ab59fda8886cb3cd7ada244f7d9544e4676b9f")


def load_data(
    path: PathText | None = None,
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    download: bool = False,
) -> tuple[Part, Part]:
    """Returns (x_train, y_train), (x_test, y_test): arrays of lists of word numbers, and int64 labels 0 or 1.

    Args:
        path: imdb.npz or its folder; by default the folders of HEADRACE_DATA and ~/.keras/datasets are searched. The
            lists in it are read without pickle.
        num_words: numbers from here on count as unknown words.
        skip_top: so many of the most frequent words count as unknown too.
        maxlen: leave out texts of as many words or more.
        seed: of the order.
        start_char: number put before each text, None for none.
        oov_char: number of unknown words; None leaves them out.
        index_from: added to all words' numbers.
        download: fetch the file if there is none.

    Raises:
        NotFoundError: the file is not there; the message says which file to put where.
        ValueError: the file is damaged, or no text is short enough.
    """
    file = locate(SOURCE, path, download).files[0]
    random = np.random.RandomState(seed)
    pairs = [read_texts(file, f"x_{part}", f"y_{part}", random) for part in ("train", "test")]
    pairs = [short(marked(texts, start_char, index_from), labels, maxlen) for texts, labels in pairs]
    texts = limited([text for part, _ in pairs for text in part], num_words, skip_top, oov_char)
    train = len(pairs[0][0])
    return (as_array(texts[:train]), pairs[0][1]), (as_array(texts[train:]), pairs[1][1])


def get_word_index(path: PathText | None = None, download: bool = False) -> dict[str, int]:
    """The number of each word, before `index_from` is added, from imdb_word_index.json."""
    return word_index("imdb", path, download)
