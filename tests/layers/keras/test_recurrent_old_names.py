"""CuDNNLSTM and CuDNNGRU have TensorFlow's weights and numbers, and exchange weights with LSTM and GRU in files."""

from pathlib import Path

import numpy as np
import pytest

import headrace as tf
from headrace.layers.keras.recurrent_old_names import converted

L = tf.keras.layers
with np.load(Path(__file__).parent.parent.parent / "fixtures" / "layers" / "keras_cudnn.npz") as archive:
    EXPECTED = dict(archive)
PAIRS = {"LSTM": L.CuDNNLSTM, "GRU": L.CuDNNGRU}
UNITS = 2


def arrays(kind, what):
    return [EXPECTED[f"{kind}-{what}{k}"] for k in range(3)]


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default(), tf.Session():
        yield


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("time_major", [False, True])
def test_tensorflows_numbers(kind, time_major):
    layer = PAIRS[kind](UNITS, return_sequences=True, return_state=True, time_major=time_major)
    x = EXPECTED[f"{kind}-x"]
    outputs, *states = layer(tf.constant(x.transpose(1, 0, 2) if time_major else x))
    layer.set_weights(arrays(kind, "cudnn"))
    found, states = tf.get_default_session().run([outputs, states])
    found = found.transpose(1, 0, 2) if time_major else found
    np.testing.assert_allclose(found, EXPECTED[f"{kind}-outputs"], rtol=1e-5, atol=1e-6)
    for state, name in zip(states, "hc", strict=False):
        np.testing.assert_allclose(state, EXPECTED[f"{kind}-{name}"], rtol=1e-5, atol=1e-6)
    shapes = layer.compute_output_shape((4, 2, 3) if time_major else (2, 4, 3))
    assert shapes[0] == tuple(outputs.shape.as_list()) and len(shapes) == 1 + len(states)


def test_weights_and_configuration():
    lstm, gru = L.CuDNNLSTM(3), L.CuDNNGRU(3, return_sequences=True)
    lstm(gru(tf.zeros([2, 4, 5])))
    names = [(weight.name, weight.shape.as_list()) for weight in gru.weights + lstm.weights]
    assert names == [
        *(("cu_dnngru/kernel:0", [5, 9]), ("cu_dnngru/recurrent_kernel:0", [3, 9]), ("cu_dnngru/bias:0", [18])),
        *(("cu_dnnlstm/kernel:0", [3, 12]), ("cu_dnnlstm/recurrent_kernel:0", [3, 12]), ("cu_dnnlstm/bias:0", [24])),
    ]
    tf.get_default_session().run(tf.global_variables_initializer())
    np.testing.assert_array_equal(lstm.get_weights()[2], [0] * 15 + [1] * 3 + [0] * 6)
    config = lstm.get_config()
    assert config["time_major"] is False and config["units"] == 3 and "dropout" not in config
    assert L.CuDNNLSTM.from_config(config).get_config() == config


@pytest.mark.parametrize("kind", PAIRS)
def test_conversion_is_tensorflows(kind):
    plain, cudnn = arrays(kind, "plain"), arrays(kind, "cudnn")
    for got, wanted in zip(converted(getattr(L, kind)(UNITS), cudnn), plain, strict=True):
        np.testing.assert_allclose(got, wanted, rtol=1e-6)
    back = converted(PAIRS[kind](UNITS), plain)
    for got, wanted in zip(back[:2], cudnn[:2], strict=True):
        np.testing.assert_array_equal(got, wanted)
    assert back[2].shape == cudnn[2].shape
    assert converted(PAIRS[kind](UNITS), cudnn) is cudnn


@pytest.mark.parametrize("kind", PAIRS)
@pytest.mark.parametrize("both", [False, True])
def test_files_of_one_in_the_other(kind, both, tmp_path):
    def model(layer, name):
        made = layer(UNITS, return_sequences=True)
        top = L.Bidirectional(made, name=name) if both else made
        return tf.keras.Sequential([L.Input((4, 3)), top, L.Dense(1)])

    x = EXPECTED[f"{kind}-x"]
    one, other = model(PAIRS[kind], "a"), model(getattr(L, kind), "b")
    third = model(PAIRS[kind], "c")
    one.save_weights(str(tmp_path / "one.h5"))
    other.load_weights(str(tmp_path / "one.h5"))
    np.testing.assert_allclose(other.predict(x), one.predict(x), rtol=1e-5, atol=1e-6)
    other.save_weights(str(tmp_path / "other.h5"))
    third.load_weights(str(tmp_path / "other.h5"))
    np.testing.assert_allclose(third.predict(x), one.predict(x), rtol=1e-5, atol=1e-6)


def test_weights_that_do_not_fit():
    with pytest.raises(ValueError, match=r"CuDNNGRU are not compatible with GRU\(reset_after=False\)"):
        converted(L.GRU(UNITS, reset_after=False), arrays("GRU", "cudnn"))
    kernel, recurrent, bias = arrays("GRU", "plain")
    with pytest.raises(ValueError, match=r"GRU\(reset_after=False\) are not compatible with CuDNNGRU"):
        converted(L.CuDNNGRU(UNITS), [kernel, recurrent, bias[0]])


def test_training():
    model = tf.keras.Sequential([L.CuDNNGRU(4, return_sequences=True), L.CuDNNLSTM(3, go_backwards=True), L.Dense(1)])
    model.compile("adam", "mse")
    x = np.random.RandomState(0).normal(size=(16, 5, 2)).astype(np.float32)
    history = model.fit(x, x.sum((1, 2))[:, None], epochs=6, batch_size=8, verbose=0, shuffle=False).history["loss"]
    assert history[-1] < history[0]


@pytest.mark.parametrize(
    "layer", [L.GRU(3), L.CuDNNGRU(3), L.GRU(3, use_bias=False)], ids=["GRU", "CuDNNGRU", "no bias"]
)
def test_a_layer_is_one_operation(layer):
    layer(tf.zeros([2, 4, 5]))
    types = {operation.type for operation in tf.get_default_graph().get_operations()}
    assert "GRUResetAfterSequence" in types and "While" not in types
