"""HParams: values of one type each, from text, dicts and JSON; TensorFlow's forms and errors."""

import numpy as np
import pytest

import headrace as tf


def make():
    return tf.contrib.training.HParams(rate=0.1, units=8, layers=[64, 32], name="first", fast=False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rate=1,units=4", {"rate": 1.0, "units": 4}),
        ("layers=[1,2,3], name=other one", {"layers": [1, 2, 3], "name": "other one"}),
        ("layers[1]=7,layers[0]=9", {"layers": [9, 7]}),
        ("layers=5", {"layers": [5]}),
        ("fast=True", {"fast": True}),
        ("fast=0,rate=-1e-3", {"fast": False, "rate": -1e-3}),
        ("", {}),
    ],
)
def test_parse(text, expected):
    hparams = make()
    assert hparams.parse(text) is hparams
    assert hparams.values() == {**make().values(), **expected}
    assert type(hparams.rate) is float and type(hparams.units) is int


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("rate", "Malformed"),
        ("other=1", "Unknown hyperparameter type for other"),
        ("units=1.5", "Could not parse hparam 'units' of type 'int' with value '1.5'"),
        ("fast=maybe", "Could not parse hparam 'fast'"),
        ("units=1,units=2", "Multiple assignments to variable 'units'"),
        ("layers[0]=1,layers[0]=2", r"Multiple assignments to variable 'layers\[0\]'"),
        ("layers[5]=1", "the list has 2 items"),
        ("units[0]=1", r"units is no list: it has no items \[0\]"),
        ("rate=[1,2]", "does not take the list"),
    ],
)
def test_text_of_another_form(text, message):
    with pytest.raises(ValueError, match=message):
        make().parse(text)


def test_values_keep_their_types():
    hparams = make()
    hparams.set_hparam("rate", 2)
    assert type(hparams.rate) is float
    for name, value in (
        ("units", 1.5),
        ("units", True),
        ("name", 3),
        ("fast", 1),
        ("rate", "x"),
        ("layers", 3),
        ("units", [3]),
    ):
        with pytest.raises(ValueError, match=r"cast hparam|list"):
            hparams.set_hparam(name, value)
    with pytest.raises(ValueError, match="reserved: units"):
        hparams.add_hparam("units", 3)
    with pytest.raises(ValueError, match="reserved: parse"):
        hparams.add_hparam("parse", 3)
    with pytest.raises(ValueError, match="cannot be empty"):
        hparams.add_hparam("more", [])
    with pytest.raises(KeyError):
        hparams.set_hparam("more", 1)


def test_as_json_and_dict():
    hparams = make()
    assert tf.contrib.training.HParams(**hparams.values()).parse_json(hparams.to_json()).values() == hparams.values()
    assert hparams.override_from_dict({"units": 3}).units == 3
    assert "units" in hparams and "more" not in hparams
    assert hparams.get("units", 1) == 3 and hparams.get("more", 1) == 1
    with pytest.raises(ValueError, match="cast hparam"):
        hparams.get("units", "x")
    hparams.del_hparam("units")
    assert "units" not in hparams and not hasattr(hparams, "units")
    assert str(tf.contrib.training.HParams(b=1, a="x")) == "[('a', 'x'), ('b', 1)]"


def test_numbers_of_numpy():
    hparams = make().override_from_dict({"units": np.int64(3), "rate": np.float32(0.5), "layers": [np.int32(7)]})
    assert hparams.values() == {**make().values(), "units": 3, "rate": 0.5, "layers": [7]}
    assert type(hparams.units) is int and type(hparams.rate) is float
    with pytest.raises(ValueError, match="cast hparam 'units'"):
        hparams.set_hparam("units", np.float64(1.5))
    drawn = tf.contrib.training.HParams(units=np.int64(4), rate=np.float32(0.5))
    assert drawn.parse("units=5").to_json() == '{"units": 5, "rate": 0.5}'


def test_by_an_estimator():
    """Hyperparameters as `params` of a model function."""

    def model_fn(features, labels, mode, params):
        loss = tf.reduce_sum(tf.get_variable("w", [params.units]))
        train = tf.train.GradientDescentOptimizer(params.rate).minimize(loss, tf.train.get_global_step())
        return tf.estimator.EstimatorSpec(mode, loss=loss, train_op=train)

    model = tf.estimator.Estimator(model_fn, params=make())
    model.train(lambda: (tf.constant([1.0]), tf.constant([1.0])), steps=2)
    assert model.get_variable_value("w").shape == (8,)


def test_paths_that_programs_import_from():
    """Modules below `tf.contrib` under the paths of their files."""
    from headrace.contrib.framework.python.framework import checkpoint_utils
    from headrace.contrib.framework.python.ops import add_arg_scope
    from headrace.contrib.layers.python.layers.initializers import xavier_initializer
    from headrace.contrib.learn.python.learn.datasets.mnist import read_data_sets
    from headrace.contrib.training.python.training.hparam import HParams

    assert HParams is tf.contrib.training.HParams and add_arg_scope is tf.contrib.framework.add_arg_scope
    assert xavier_initializer is tf.contrib.layers.xavier_initializer
    assert read_data_sets is tf.examples.tutorials.mnist.input_data.read_data_sets
    assert checkpoint_utils.list_variables is tf.train.list_variables
