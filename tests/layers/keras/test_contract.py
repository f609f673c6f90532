"""What every Keras layer keeps: shapes as inferred, configurations, a training step, weights written and read."""

import inspect
import json

import numpy as np
import pytest

import headrace as tf
from headrace.engine.nest import flatten

L = tf.keras.layers
X, SEQUENCE, IMAGE, VOLUME = (3, 4), (2, 5, 3), (2, 6, 5, 2), (1, 4, 4, 3, 2)
IMAGES3 = (2, 4, 5, 3)
WORDS, NUMBERS = "words", "numbers"

# A layer by its class's name: how it is made, and the shapes of its inputs (or what they are made of).
TABLE = {
    "Activation": (lambda: L.Activation("relu"), X),
    "ActivityRegularization": (lambda: L.ActivityRegularization(0.1), X),
    "Add": (lambda: L.Add(), [X, X]),
    "AdditiveAttention": (lambda: L.AdditiveAttention(), [SEQUENCE, SEQUENCE]),
    "AlphaDropout": (lambda: L.AlphaDropout(0.5), X),
    "Attention": (lambda: L.Attention(True, dropout=0.2), [SEQUENCE, SEQUENCE]),
    "Average": (lambda: L.Average(), [X, X]),
    "AveragePooling1D": (lambda: L.AveragePooling1D(2), SEQUENCE),
    "AveragePooling2D": (lambda: L.AveragePooling2D(2, data_format="channels_first"), IMAGE),
    "AveragePooling3D": (lambda: L.AveragePooling3D(2), VOLUME),
    "BatchNormalization": (lambda: L.BatchNormalization(), IMAGE),
    "Bidirectional": (lambda: L.Bidirectional(L.LSTM(3), name="both"), SEQUENCE),
    "CategoryEncoding": (lambda: L.CategoryEncoding(5), NUMBERS),
    "CenterCrop": (lambda: L.CenterCrop(4, 3), IMAGE),
    "Concatenate": (lambda: L.Concatenate(1), [SEQUENCE, (2, 2, 3)]),
    "Conv1D": (lambda: L.Conv1D(3, 2, kernel_regularizer="l2", activation="relu"), SEQUENCE),
    "Conv1DTranspose": (lambda: L.Conv1DTranspose(3, 2, 2), SEQUENCE),
    "Conv2D": (lambda: L.Conv2D(3, 2, data_format="channels_first"), (2, 3, 5, 4)),
    "Conv2DTranspose": (lambda: L.Conv2DTranspose(3, 2, 2, "same"), IMAGE),
    "Conv3D": (lambda: L.Conv3D(3, 2), VOLUME),
    "Conv3DTranspose": (lambda: L.Conv3DTranspose(3, 2), VOLUME),
    "Cropping1D": (lambda: L.Cropping1D(1), SEQUENCE),
    "Cropping2D": (lambda: L.Cropping2D(((1, 0), (0, 2))), IMAGE),
    "Cropping3D": (lambda: L.Cropping3D(1), VOLUME),
    "Dense": (lambda: L.Dense(3, tf.keras.activations.gelu, kernel_constraint="max_norm"), X),
    "DepthwiseConv1D": (lambda: L.DepthwiseConv1D(2), SEQUENCE),
    "DepthwiseConv2D": (lambda: L.DepthwiseConv2D(2, depth_multiplier=2), IMAGE),
    "Discretization": (lambda: L.Discretization([0.0, 1.0]), X),
    "Dot": (lambda: L.Dot((1, 2)), [SEQUENCE, (2, 4, 5)]),
    "Dropout": (lambda: L.Dropout(0.5, noise_shape=(None, 1)), X),
    "ELU": (lambda: L.ELU(0.5), X),
    "EinsumDense": (lambda: L.EinsumDense("...x,xy->...y", 4, bias_axes="y"), SEQUENCE),
    "Embedding": (lambda: L.Embedding(6, 3, mask_zero=True), NUMBERS),
    "Flatten": (lambda: L.Flatten(), IMAGE),
    "GRU": (lambda: L.GRU(3, return_sequences=True, return_state=True), SEQUENCE),
    "GRUCell": (lambda: L.RNN(L.GRUCell(3)), SEQUENCE),
    "GaussianDropout": (lambda: L.GaussianDropout(0.5), X),
    "GaussianNoise": (lambda: L.GaussianNoise(0.5), X),
    "GlobalAveragePooling1D": (lambda: L.GlobalAveragePooling1D(keepdims=True), SEQUENCE),
    "GlobalAveragePooling2D": (lambda: L.GlobalAveragePooling2D(), IMAGE),
    "GlobalAveragePooling3D": (lambda: L.GlobalAveragePooling3D("channels_first"), VOLUME),
    "GlobalMaxPooling1D": (lambda: L.GlobalMaxPooling1D(), SEQUENCE),
    "GlobalMaxPooling2D": (lambda: L.GlobalMaxPooling2D(), IMAGE),
    "GlobalMaxPooling3D": (lambda: L.GlobalMaxPooling3D(), VOLUME),
    "GroupNormalization": (lambda: L.GroupNormalization(-1), IMAGE),
    "GroupQueryAttention": (lambda: L.GroupQueryAttention(2, 4, 2), (SEQUENCE, SEQUENCE)),
    "Hashing": (lambda: L.Hashing(5, mask_value=""), WORDS),
    "Identity": (lambda: L.Identity(), X),
    "InputLayer": None,
    "IntegerLookup": (lambda: L.IntegerLookup(vocabulary=[4, 2], output_mode="count"), NUMBERS),
    "CuDNNGRU": (lambda: L.CuDNNGRU(3, return_sequences=True), SEQUENCE),
    "CuDNNLSTM": (lambda: L.CuDNNLSTM(3), SEQUENCE),
    "LSTM": (lambda: L.LSTM(3, dropout=0.1, recurrent_dropout=0.1), SEQUENCE),
    "LSTMCell": (lambda: L.RNN(L.LSTMCell(3), return_state=True), SEQUENCE),
    "Lambda": (lambda: L.Lambda(lambda x: x * 2.0, name="twice"), X),
    "Layer": None,
    "OperationLayer": None,
    "LayerNormalization": (lambda: L.LayerNormalization([1, 2]), SEQUENCE),
    "LeakyReLU": (lambda: L.LeakyReLU(), X),
    "Masking": (lambda: L.Masking(), SEQUENCE),
    "MaxPooling1D": (lambda: L.MaxPooling1D(2, padding="same"), SEQUENCE),
    "MaxPooling2D": (lambda: L.MaxPooling2D(), IMAGE),
    "MaxPooling3D": (lambda: L.MaxPooling3D(), VOLUME),
    "Maximum": (lambda: L.Maximum(), [X, X, X]),
    "Minimum": (lambda: L.Minimum(), [X, X]),
    "MultiHeadAttention": (lambda: L.MultiHeadAttention(2, 3, dropout=0.1), (SEQUENCE, (2, 4, 3))),
    "Multiply": (lambda: L.Multiply(), [X, X]),
    "Normalization": (lambda: L.Normalization(), X),
    "PReLU": (lambda: L.PReLU("ones"), X),
    "Permute": (lambda: L.Permute((2, 1)), SEQUENCE),
    "RMSNormalization": (lambda: L.RMSNormalization(), X),
    "RNN": (lambda: L.RNN([L.SimpleRNNCell(3), L.SimpleRNNCell(2)], return_state=True), SEQUENCE),
    "RandomBrightness": (lambda: L.RandomBrightness(0.2), IMAGES3),
    "RandomContrast": (lambda: L.RandomContrast(0.2), IMAGES3),
    "RandomCrop": (lambda: L.RandomCrop(2, 3), IMAGES3),
    "RandomFlip": (lambda: L.RandomFlip(), IMAGES3),
    "RandomGrayscale": (lambda: L.RandomGrayscale(), IMAGES3),
    "RandomInvert": (lambda: L.RandomInvert(), IMAGES3),
    "RandomRotation": (lambda: L.RandomRotation(0.2), IMAGES3),
    "RandomShear": (lambda: L.RandomShear(0.1, 0.1), IMAGES3),
    "RandomTranslation": (lambda: L.RandomTranslation(0.2, 0.2), IMAGES3),
    "RandomZoom": (lambda: L.RandomZoom(0.2), IMAGES3),
    "ReLU": (lambda: L.ReLU(2.0, 0.1, 0.5), X),
    "RepeatVector": (lambda: L.RepeatVector(3), X),
    "Rescaling": (lambda: L.Rescaling(1 / 255), X),
    "Reshape": (lambda: L.Reshape((-1, 2)), (2, 3, 4)),
    "Resizing": (lambda: L.Resizing(3, 4), IMAGE),
    "SeparableConv1D": (lambda: L.SeparableConv1D(3, 2), SEQUENCE),
    "SeparableConv2D": (lambda: L.SeparableConv2D(3, 2), IMAGE),
    "SimpleRNN": (lambda: L.SimpleRNN(3), SEQUENCE),
    "SimpleRNNCell": (lambda: L.RNN(L.SimpleRNNCell(3), unroll=True), SEQUENCE),
    "Softmax": (lambda: L.Softmax(), X),
    "SpatialDropout1D": (lambda: L.SpatialDropout1D(0.5), SEQUENCE),
    "SpatialDropout2D": (lambda: L.SpatialDropout2D(0.5, "channels_first"), IMAGE),
    "SpatialDropout3D": (lambda: L.SpatialDropout3D(0.5), VOLUME),
    "StackedRNNCells": (lambda: L.RNN(L.StackedRNNCells([L.LSTMCell(3), L.GRUCell(2)])), SEQUENCE),
    "StringLookup": (lambda: L.StringLookup(vocabulary=["a", "b"], mask_token=""), WORDS),
    "Subtract": (lambda: L.Subtract(), [X, X]),
    "TextVectorization": (lambda: L.TextVectorization(vocabulary=["a", "b"], output_mode="count"), WORDS),
    "ThresholdedReLU": (lambda: L.ThresholdedReLU(), X),
    "TimeDistributed": (lambda: L.TimeDistributed(L.Dense(2)), SEQUENCE),
    "UnitNormalization": (lambda: L.UnitNormalization(), X),
    "UpSampling1D": (lambda: L.UpSampling1D(), SEQUENCE),
    "UpSampling2D": (lambda: L.UpSampling2D(interpolation="bilinear"), IMAGE),
    "UpSampling3D": (lambda: L.UpSampling3D(), VOLUME),
    "Wrapper": None,
    "ZeroPadding1D": (lambda: L.ZeroPadding1D((1, 2)), SEQUENCE),
    "ZeroPadding2D": (lambda: L.ZeroPadding2D(), IMAGE),
    "ZeroPadding3D": (lambda: L.ZeroPadding3D(), VOLUME),
}
NAMES = sorted(name for name, entry in TABLE.items() if entry is not None)
# Weights that only move a softmax's inputs together have gradients of zero.
STILL = ("key/bias",)


def test_the_table_has_every_layer():
    classes = {cls.__name__ for name in L.__all__ if inspect.isclass(cls := getattr(L, name))}
    # DenseFeatures has feature columns and no configuration: tests/estimators/test_dense_features.py.
    assert {name for name in classes if issubclass(getattr(L, name), L.Layer)} - {"DenseFeatures"} == set(TABLE)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph, tf.Session():
        yield graph


def fed(name, rng):
    """Placeholders of a layer's inputs, arranged as its call takes them, and a feed for them."""
    spec = TABLE[name][1]
    shapes = spec if isinstance(spec, list) or isinstance(spec[0], tuple) else [spec]
    tensors, feed = [], {}
    for shape in shapes:
        if isinstance(shape, str):
            value = rng.integers(0, 5, (3, 2)) if shape == NUMBERS else rng.choice([b"a", b"b", b"c"], (3, 1))
            tensor = tf.placeholder(tf.int64 if shape == NUMBERS else tf.string, [None, value.shape[1]])
        else:
            value, tensor = rng.normal(size=shape), tf.placeholder(tf.float32, [None, *shape[1:]])
        tensors.append(tensor)
        feed[tensor] = value
    return [tensors] if isinstance(spec, list) else tensors, feed


def built(name, seed=0):
    """A layer, its outputs as a flat list, and a feed for its inputs."""
    tf.set_random_seed(seed)
    arguments, feed = fed(name, np.random.default_rng(3))
    layer = TABLE[name][0]()
    outputs = layer(*arguments)
    return layer, arguments, outputs, feed


@pytest.mark.parametrize("name", NAMES)
def test_shapes_are_as_inferred(name):
    layer, arguments, outputs, feed = built(name)
    shapes = [[tuple(x.sizes) for x in a] if isinstance(a, list) else tuple(a.sizes) for a in arguments]
    inferred = layer.compute_output_shape(*shapes)
    tensors = flatten(outputs)
    assert [tuple(t.shape.as_list()) for t in tensors] == flat_shapes(inferred)
    for tensor, value in zip(tensors, tf.keras.backend.get_session().run(tensors, feed), strict=True):
        assert tensor.shape.is_compatible_with(value.shape)
        assert value.dtype == tensor.dtype.as_numpy_dtype
    assert layer.built and layer.output is outputs and layer.inbound_nodes[0].output_tensors == tensors
    assert layer.count_params() == sum(value.size for value in layer.get_weights())


def flat_shapes(shapes):
    if all(size is None or isinstance(size, int) for size in shapes):
        return [tuple(shapes)]
    return [one for shape in shapes for one in flat_shapes(shape)]


@pytest.mark.parametrize("name", NAMES)
def test_configurations_make_equal_layers(name):
    layer = TABLE[name][0]()
    config = layer.get_config()
    assert config["name"] == layer.name and config["trainable"] is True
    again = type(layer).from_config(config)
    assert again.get_config() == config
    if name != "Lambda":
        written = json.loads(json.dumps(L.serialize(layer)))
        assert json.dumps(L.serialize(L.deserialize(written))) == json.dumps(written)


@pytest.mark.parametrize("name", NAMES)
def test_a_step_lowers_the_loss(name):
    layer, _, outputs, feed = built(name)
    if not layer.trainable_weights:
        pytest.skip("nothing to train")
    session = tf.keras.backend.get_session()
    feed[tf.keras.backend.learning_phase()] = False
    targets = [value + 1.0 for value in session.run(flatten(outputs), feed)]
    loss = tf.add_n([tf.reduce_mean(tf.square(y - t)) for y, t in zip(flatten(outputs), targets, strict=True)])
    grads = tf.gradients(loss, layer.trainable_weights)
    assert all(grad is not None for grad in grads)
    step = tf.train.GradientDescentOptimizer(0.02).minimize(loss)
    before, *values = session.run([loss, *map(tf.convert_to_tensor, grads)], feed)
    for weight, value in zip(layer.trainable_weights, values, strict=True):
        assert np.isfinite(value).all()
        assert weight.op.name.endswith(STILL) or np.abs(value).max() > 0, weight.name
    session.run(step, feed)
    assert session.run(loss, feed) < before
    # Training runs too, with the losses and updates of the layer.
    feed[tf.keras.backend.learning_phase()] = True
    session.run([loss, *layer.losses, *layer.updates], feed)


@pytest.mark.parametrize("name", NAMES)
def test_written_weights_give_the_outputs_again(name):
    layer, _, outputs, feed = built(name)
    expected = tf.keras.backend.get_session().run(flatten(outputs), feed)
    weights = layer.get_weights()
    assert [w.shape for w in weights] == [tuple(v.shape.as_list()) for v in layer.weights]
    with tf.Graph().as_default(), tf.Session():
        other, _, again, feed = built(name, 1)
        other.set_weights(weights)
        for x, y in zip(tf.keras.backend.get_session().run(flatten(again), feed), expected, strict=True):
            np.testing.assert_array_equal(x, y)


@pytest.mark.parametrize("name", NAMES)
def test_a_second_call_shares_the_weights_and_a_frozen_layer_trains_nothing(name):
    layer, arguments, _, _ = built(name)
    count = len(layer.weights)
    layer(*arguments)
    assert len(layer.weights) == count and len(layer.inbound_nodes) == 2
    layer.trainable = False
    assert not layer.trainable_weights and len(layer.non_trainable_weights) == count
