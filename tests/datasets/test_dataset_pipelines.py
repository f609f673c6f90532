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
