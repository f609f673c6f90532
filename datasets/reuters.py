"""11,228 news of 46 topics as lists of word numbers, from a local file as Keras's loader gives them."""

from __future__ import annotations

import numpy as np

from .locating import PathText, locate
from .word_lists import Part, as_array, limited, marked, read_texts, short, text_source, word_index

SOURCE = text_source("reuters", "d6586e694ee56d7a4e65172e12b3e987c03096cb01eab99753921ef915959916")


def load_data(
    path: PathText | None = None,
    num_words: int | None = None,
    skip_top: int = 0,
    maxlen: int | None = None,
    test_split: float = 0.2,
    seed: int = 113,
    start_char: int | None = 1,
    oov_char: int | None = 2,
    index_from: int = 3,
    download: bool = False,
) -> tuple[Part, Part]:
    """Returns (x_train, y_train), (x_test, y_test): arrays of lists of word numbers, and int64 topics 0 to 45.

    Args:
        path: reuters.npz or its folder; by default the folders of HEADRACE_DATA and ~/.keras/datasets are searched. The
            lists in it are read without pickle.
        num_words: numbers from here on count as unknown words.
        skip_top: so many of the most frequent words count as unknown too.
        maxlen: leave out texts of as many words or more.
        test_split: share of the texts in the test part.
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
    texts, labels = read_texts(file, "x", "y", np.random.RandomState(seed))
    texts, labels = short(marked(texts, start_char, index_from), labels, maxlen)
    texts = limited(texts, num_words, skip_top, oov_char)
    train = int(len(texts) * (1 - test_split))
    return (as_array(texts[:train]), labels[:train]), (as_array(texts[train:]), labels[train:])


def get_word_index(path: PathText | None = None, download: bool = False) -> dict[str, int]:
    """The number of each word, before `index_from` is added, from reuters_word_index.json."""
    return word_index("reuters", path, download)
