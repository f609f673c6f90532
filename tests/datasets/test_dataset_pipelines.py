"""Pipelines give TensorFlow's elements in TensorFlow's order, with its dtypes and static shapes, in every pass."""

import importlib.util
import json
from pathlib import Path

import pytest

import headrace as tf

SCRIPT = Path(__file__).resolve().parent.parent / "fixtures" / "datasets" / "make_pipelines.py"
SPEC = importlib.util.spec_from_file_location("make_pipelines", SCRIPT)
made = importlib.util.module_from_spec(SPEC)
SPEC.loader.exec_module(made)
EXPECTED = json.loads(made.FILE.read_text(encoding="utf-8"))


def test_each_pipeline_has_its_expected_elements():
    assert set(EXPECTED) == set(made.PIPELINES)


@pytest.mark.parametrize("name", made.PIPELINES)
def test_elements_dtypes_and_shapes(name):
    found, expected = made.run(tf, made.PIPELINES[name]), EXPECTED[name]
    assert found["types"] == expected["types"]
    assert found["shapes"] == expected["shapes"]
    assert found["passes"] == expected["passes"]


@pytest.mark.parametrize("name", [n for n in made.PIPELINES if n not in ("empty", "cache")])
def test_a_saved_position_gives_the_same_rest(name):
    expected = EXPECTED[name]["passes"][0]
    for place in {0, 1, len(expected) // 2, len(expected)}:
        if place > len(expected):
            continue
        with tf.Graph().as_default():
            iterator = made.PIPELINES[name](tf, tf.data.Dataset).make_one_shot_iterator()
            element = iterator.get_next()
            with tf.Session() as session:
                for _ in range(place):
                    session.run(element)
                state = json.loads(json.dumps(iterator.get_state(session)))
            with tf.Session() as session:
                iterator.set_state(session, state)
                rest = []
                while True:
                    try:
                        rest.append(made.plain(session.run(element)))
                    except tf.errors.OutOfRangeError:
                        break
        assert rest == expected[place:]


@pytest.mark.parametrize("method", ["filter", "take_while"])
def test_predicates_that_compare_tensors_by_identity_are_named(method):
    numbers = tf.data.Dataset.range(6)
    with pytest.raises(ValueError, match=rf"Dataset\.{method}\(\) gave Python's False .* tf\.equal"):
        getattr(numbers, method)(lambda v: v % 2 == 0)
    with pytest.warns(UserWarning, match=r"gave Python's True"):
        getattr(numbers, method)(lambda v: v % 2 != 0)


def test_cardinality_is_told_without_elements():
    numbers, least = tf.data.Dataset.range, tf.placeholder(tf.int64, [])
    counting = tf.data.experimental.Counter()
    expected = {
        numbers(10): 10, numbers(10).batch(3): 4, numbers(10).batch(3, drop_remainder=True): 3, numbers(10).repeat(): -1,
        numbers(10).repeat(3): 30, numbers(0).repeat(): 0, numbers(4).repeat(0): 0, numbers(10).filter(lambda x: x > 1): -2,
        numbers(10).take(3): 3, numbers(10).repeat().take(7): 7, numbers(10).take(-1): 10, numbers(10).skip(4): 6,
        numbers(10).skip(-1): 0, numbers(10).shard(3, 0): 4, numbers(10).shard(3, 1): 3,
        tf.data.Dataset.zip((numbers(3), numbers(5).repeat())): 3, tf.data.Dataset.zip((numbers(3), numbers(9))): 3,
        tf.data.Dataset.zip((numbers(3), counting.filter(lambda x: x > 0))): -2, numbers(3).concatenate(numbers(4)): 7,
        numbers(3).enumerate(): 3, numbers(10).window(3, 1): 10, numbers(10).window(3, 1, 1, True): 8,
        numbers(10).window(2, 2, 3, True): 4, numbers(least): 6, numbers(5).map(lambda x: x).prefetch(1).shuffle(3): 5,
        tf.data.Dataset.from_tensors(1): 1, tf.data.Dataset.from_tensor_slices([1, 2]): 2, counting: -1,
        numbers(3).flat_map(numbers): -2, numbers(10).apply(tf.data.experimental.shuffle_and_repeat(3, 2)): 20,
    }  # fmt: skip
    with tf.Session() as session:
        found = session.run([tf.data.experimental.cardinality(data) for data in expected], {least: 6})
    assert found == list(expected.values())
    assert tf.data.experimental.UNKNOWN_CARDINALITY == -2
