"""Functions that stand between a program and its variables."""

import pytest

import headrace as tf
from headrace.engine.variable_creators import variable_creator_scope


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_creators_see_and_change_what_is_asked_for():
    seen = []

    def outer(next_creator, **kwargs):
        seen.append(("outer", kwargs["name"], kwargs["trainable"]))
        return next_creator(**kwargs)

    def inner(next_creator, **kwargs):
        seen.append(("inner", kwargs["name"], kwargs["trainable"]))
        kwargs["trainable"] = False
        return next_creator(**kwargs)

    with variable_creator_scope(outer), variable_creator_scope(inner):
        first = tf.Variable(1.0, True, name="first")
        second = tf.get_variable("second", [2])
    third = tf.Variable(2.0, name="third")
    assert [v.trainable for v in (first, second, third)] == [False, False, True]
    assert seen[:2] == [("inner", "first", True), ("outer", "first", False)] and len(seen) == 4
    assert second.shape.as_list() == [2] and tf.trainable_variables() == [third]


def test_a_creator_may_make_something_else():
    kept = tf.Variable(1.0)
    with variable_creator_scope(lambda next_creator, **kwargs: kept):
        assert tf.Variable(5.0) is kept
    with variable_creator_scope(lambda next_creator, **kwargs: next_creator(**{**kwargs, "use_resource": True})):
        assert tf.Variable(5.0).handle.dtype == tf.resource
    assert tf.Variable(5.0) is not kept


def test_a_creator_that_fails_leaves_no_trace():
    def bad(next_creator, **kwargs):
        raise KeyError("no")

    with pytest.raises(KeyError), variable_creator_scope(bad):
        tf.Variable(1.0)
    assert tf.Variable(1.0).trainable
