"""Outputs, gradients, order and names of weights of Keras's layers against keras_layers.npz."""

import runpy
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

FIXTURES = Path(__file__).parents[2] / "fixtures" / "layers"
TABLE = runpy.run_path(str(FIXTURES / "keras_layer_cases.py"))
with np.load(FIXTURES / "keras_layers.npz") as archive:
    EXPECTED = dict(archive)
NUMBERED = list(enumerate(TABLE["CASES"]))


@pytest.mark.parametrize("number, case", NUMBERED, ids=[case.name for _, case in NUMBERED])
def test_numbers_are_keras(number, case):
    with tf.Graph().as_default(), tf.Session() as session:
        found = [np.ravel(value) for value in run(number, case, session)]
    np.testing.assert_allclose(np.concatenate(found), EXPECTED[case.name], rtol=3e-5, atol=3e-5)


def run(number, case, session):
    layer = case.make(tf.keras.layers)
    arrays = TABLE["arrays_of"](case, number)
    # Sequences of unknown length run in a loop.
    sizes = [[None, None if "long" in case.name else x.shape[1], *x.shape[2:]] for x in arrays]
    inputs = [tf.placeholder(tf.float32, size) for size in sizes]
    outputs = layer(inputs, **case.options) if case.listed else layer(*inputs, **case.options)
    outputs = list(outputs) if isinstance(outputs, tuple | list) else [outputs]
    outputs = [y for part in outputs for y in (part if isinstance(part, list) else [part])]
    rng = np.random.default_rng(1000 + number)
    layer.set_weights([TABLE["weight_of"](w.op.name, tuple(w.shape.as_list()), rng) for w in layer.weights])
    feed = dict(zip(inputs, arrays, strict=True))
    factors = [TABLE["factor_for"](value.shape, rng) for value in session.run(outputs, feed)]
    loss = tf.add_n([tf.reduce_sum(y * factor) for y, factor in zip(outputs, factors, strict=True)])
    wanted = [*([] if case.name in ("embedding", "masking") else inputs), *layer.trainable_weights]
    grads = tf.gradients(loss, wanted)
    zeros = [tf.zeros_like(x) for x in wanted]
    dense = [z if g is None else tf.convert_to_tensor(g) for g, z in zip(grads, zeros, strict=True)]
    values = session.run([*outputs, *dense, *layer.losses[-1:]], feed)
    session.run(layer.updates, feed)
    cut = len(outputs) + len(dense)
    return [*values[:cut], *(layer.get_weights() if case.options.get("training") else []), *values[cut:]]
