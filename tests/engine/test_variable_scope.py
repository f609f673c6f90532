"""get_variable and variable_scope: names, reuse, defaults, getters, templates."""

import numpy as np
import pytest

from headrace.engine.graph import Graph
from headrace.engine.ops.constant import constant
from headrace.engine.ops.reduce import reduce_sum
from headrace.engine.scopes import GraphKeys, get_collection, name_scope
from headrace.engine.session import Session
from headrace.engine.template import make_template
from headrace.engine.variable_lists import global_variables_initializer, local_variables, trainable_variables
from headrace.engine.variable_scope import (
    AUTO_REUSE,
    get_local_variable,
    get_variable,
    get_variable_scope,
    no_regularizer,
    variable_op_scope,
    variable_scope,
)
from headrace.engine.variables import ResourceVariable


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def test_names_of_variables_and_operations():
    with variable_scope("a") as a:
        v = get_variable("v", [1])
        with variable_scope("b"), name_scope("n"):
            w, c = get_variable("w", [1]), constant(1.0, name="c")
    with variable_scope(a, reuse=True):
        assert get_variable("v", [1]) is v
        d = constant(1.0, name="d")
    with variable_scope("a"):
        e = constant(1.0, name="e")
    with variable_scope(a, auxiliary_name_scope=False), name_scope(a.original_name_scope):
        f = constant(1.0, name="f")
    names = [t.name for t in (v, w, c, d, e, f)]
    assert names == ["a/v:0", "a/b/w:0", "a/b/n/c:0", "a_1/d:0", "a_2/e:0", "a/f:0"]


def test_default_names_are_made_unique():
    found = []
    for _ in range(2):
        with variable_scope(None, "layer"):
            found.append(get_variable("v", [1]).name)
    with variable_op_scope([], None, "layer"):
        found.append(get_variable("v", [1]).name)
    assert found == ["layer/v:0", "layer_1/v:0", "layer_2/v:0"]


def test_reuse():
    with variable_scope("s"):
        v = get_variable("v", [2])
    with variable_scope("s", reuse=True):
        with variable_scope("t"), pytest.raises(ValueError, match="s/t/x does not exist, or was not created with"):
            get_variable("x", [2])
        assert get_variable("v", [2]) is v
    with variable_scope("s", reuse=AUTO_REUSE):
        assert get_variable("v", [2]) is v and get_variable("new", [2]) is get_variable("new", [2])
    with variable_scope("s") as scope:
        scope.reuse_variables()
        assert get_variable("v") is v and get_variable_scope().reuse is True
    assert get_variable_scope().reuse is False


def test_reuse_errors():
    get_variable("w", [2])
    with pytest.raises(ValueError, match=r"Variable w already exists, disallowed\. Did you mean .*test_variable_scope"):
        get_variable("w", [2])
    with variable_scope("", reuse=True):
        with pytest.raises(ValueError, match=r"specified shape \(3,\) and found shape \(2,\)"):
            get_variable("w", [3])
        with pytest.raises(ValueError, match="specified dtype int32 and found dtype float32"):
            get_variable("w", [2], "int32")


@pytest.mark.parametrize(
    "options, match",
    [
        ({"initializer": 1.0, "shape": []}, "do not specify shape"),
        ({"initializer": np.float32(1), "dtype": "float64"}, "explicit dtype"),
        ({"shape": [None, 2]}, "must be fully defined"),
        ({"shape": [1], "dtype": "string"}, "An initializer for variable x of .* is required"),
        ({"shape": [1], "custom_getter": 3}, "not callable"),
        ({"shape": [1], "partitioner": 3}, "Partitioner must be callable"),
    ],
)
def test_bad_requests(options, match):
    with pytest.raises(ValueError, match=match):
        get_variable("x", **options)


@pytest.mark.parametrize(
    "arguments, error, match",
    [
        ({"name_or_scope": None}, TypeError, "name_or_scope is required"),
        ({"name_or_scope": 3}, TypeError, "must be a string or VariableScope"),
        ({"name_or_scope": "s", "reuse": "yes"}, ValueError, "reuse parameter"),
        ({"name_or_scope": None, "default_name": "d", "reuse": True}, ValueError, "cannot be used without"),
    ],
)
def test_bad_scopes(arguments, error, match):
    with pytest.raises(error, match=match):
        variable_scope(**arguments)


def test_defaults_of_scopes_are_handed_down():
    def ones(shape, dtype=None):
        return np.ones(shape, dtype.numpy)

    with variable_scope("s", initializer=ones, dtype="float64", use_resource=True, regularizer=reduce_sum):
        with variable_scope("t"):
            v = get_variable("v", [2])
            w = get_variable("w", [2], regularizer=no_regularizer)
    u = get_variable("u", [30, 20])
    i = get_variable("i", [2], "int32")
    with Session() as session:
        session.run(global_variables_initializer())
        np.testing.assert_array_equal(session.run(v), np.ones(2))
        np.testing.assert_array_equal(session.run(i), [0, 0])
        value = session.run(u)
        losses = session.run(get_collection(GraphKeys.REGULARIZATION_LOSSES))
    assert isinstance(v, ResourceVariable) and isinstance(w, ResourceVariable) and v.dtype.name == "float64"
    assert losses == [2.0]
    # Glorot's limit of a 30 x 20 matrix.
    assert 0.3 < np.abs(value).max() <= np.sqrt(6 / 50)


def test_constants_and_functions_as_initializers():
    a = get_variable("a", initializer=[1, 2])
    b = get_variable("b", initializer=lambda: constant([3.0]))
    with Session() as session:
        session.run(global_variables_initializer())
        assert session.run(a).tolist() == [1, 2] and session.run(b).tolist() == [3]
    assert a.dtype.base_dtype.name == "int32"


def test_custom_getters_nest():
    seen = []

    def labelled(label):
        def getter(getter, name, *args, **options):
            seen.append((label, name))
            return getter(name, *args, **options)

        return getter

    with variable_scope("s", custom_getter=labelled("outer")):
        with variable_scope("t", custom_getter=labelled("inner")):
            v = get_variable("v", [1])
    assert seen == [("inner", "s/t/v"), ("outer", "s/t/v")] and v.name == "s/t/v:0"


def test_local_variables():
    v = get_local_variable("v", [2])
    assert local_variables() == [v] and trainable_variables() == []


def test_scopes_list_their_variables():
    with variable_scope("s") as scope:
        v = get_variable("v", [1])
    get_variable("w", [1])
    assert scope.global_variables() == scope.trainable_variables() == [v] and scope.local_variables() == []


def test_templates():
    def dense(x, size):
        return x * get_variable("w", [size])

    template = make_template("dense", dense, size=2)
    other = make_template("dense", dense, size=2)
    template(constant(1.0))
    template(constant(2.0))
    other(constant(1.0))
    assert [v.name for v in template.variables] == ["dense/w:0"]
    assert [v.name for v in other.trainable_variables] == ["dense_1/w:0"]
    calls = []

    def growing():
        calls.append(1)
        return get_variable(f"v{len(calls)}", [1], trainable=True)

    bad = make_template("bad", growing)
    bad()
    with pytest.raises(ValueError, match=r"does not exist|Trainable variable created"):
        bad()
