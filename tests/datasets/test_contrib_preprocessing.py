"""VocabularyProcessor and ByteProcessor: TensorFlow's numbers of words and bytes, and files without pickle."""

import pickle

import pytest

import headrace as tf

preprocessing = tf.contrib.learn.preprocessing
TEXTS = ["It's a cat-like NASAWidget", "the cat sat", "the the HTTPServer ran"]


def rows(found):
    return [row.tolist() for row in found]


def test_documents_become_numbers():
    processor = preprocessing.VocabularyProcessor(5)
    assert rows(processor.fit_transform(TEXTS)) == [[1, 2, 3, 4, 5], [6, 7, 8, 0, 0], [6, 6, 9, 10, 11]]
    assert rows(processor.transform(["the dog sat"])) == [[6, 0, 8, 0, 0]]
    assert list(processor.reverse([[6, 4, 0]])) == ["the NASA <UNK>"]
    assert len(processor.vocabulary_) == 12


def test_rare_words_are_left_out_and_frequent_ones_come_first(tmp_path):
    processor = preprocessing.VocabularyProcessor(3, min_frequency=1).fit(["b a", "b a c", "b"])
    assert rows(processor.transform(["a b c"])) == [[2, 1, 0]]
    processor.save(tmp_path / "words")
    again = preprocessing.VocabularyProcessor.restore(tmp_path / "words")
    assert rows(again.transform(["a b c d"])) == [[2, 1, 0]] and again.vocabulary_.reverse(1) == "b"
    vocabulary = preprocessing.CategoricalVocabulary()
    for category, count in (("a", 5), ("b", 3), ("c", 1)):
        vocabulary.add(category, count)
    vocabulary.trim(1, 5)
    assert [vocabulary.get(c) for c in ("b", "c")] == [1, 2]
    with pytest.raises(ValueError, match="support_reverse"):
        preprocessing.CategoricalVocabulary(support_reverse=False).reverse(0)


@pytest.mark.parametrize("content", [pickle.dumps([1]), b"{}", b'{"length": 2}', b"[" * 5000])
def test_other_files_are_refused(tmp_path, content):
    (tmp_path / "words").write_bytes(content)
    with pytest.raises(ValueError, match=r"words is no file of VocabularyProcessor\.save"):
        preprocessing.VocabularyProcessor.restore(tmp_path / "words")


def test_bytes():
    processor = preprocessing.ByteProcessor(4)
    assert rows(processor.fit_transform(["aé", b"abcdef"])) == [[97, 195, 169, 0], [97, 98, 99, 100]]
    assert list(processor.reverse(processor.transform(["aé"]))) == ["aé"]
    with pytest.raises(ValueError, match="max_document_length must be"):
        preprocessing.VocabularyProcessor(0)
