"""Outputs, gradients and moving averages of layers against tests/fixtures/layers/layers.npz."""

import json
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

with np.load(Path(__file__).parent.parent / "fixtures" / "layers" / "layers.npz") as archive:
    FIXTURES = dict(archive)
CASES = json.loads(str(FIXTURES["cases"]))


def numbers(shape, seed):
    return np.random.default_rng(seed).uniform(0.5, 1.5, shape).astype(np.float32)


@pytest.mark.parametrize("index", range(len(CASES)), ids=[f"{i}-{case[0]}" for i, case in enumerate(CASES)])
def test_values_are_tensorflows(index):
    function, options, shape = CASES[index]
    wanted = {name.split("/")[1]: value for name, value in FIXTURES.items() if name.startswith(f"{index}/")}
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.constant(numbers(shape, 0))
        y = getattr(tf.layers, function)(x, **options)
        variables = tf.global_variables()
        assert [v.name for v in variables] == wanted["names"].tolist()
        for i, variable in enumerate(variables):
            variable.load(numbers(variable.shape.as_list(), i + 1), session)
        weighted = tf.reduce_sum(y * tf.constant(numbers(y.shape.as_list(), 99)) ** 2)
        found = {f"gradient{i}": g for i, g in enumerate(tf.gradients(weighted, [x, *tf.trainable_variables()]))}
        values = session.run({"y": y, **found})
        session.run(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
        trained = tf.trainable_variables()
        values |= {f"variable{i}": session.run(v) for i, v in enumerate(variables) if v not in trained}
    assert sorted(values) == sorted(name for name in wanted if name != "names")
    for name, value in values.items():
        np.testing.assert_allclose(value, wanted[name], rtol=2e-5, atol=2e-4, err_msg=name)
