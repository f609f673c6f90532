"""The base class of Keras's layers: calls, nodes, masks, names, sessions, weights, and what they refuse."""

import numpy as np
import pytest

import headrace as tf

keras = tf.keras
L, K = keras.layers, keras.backend


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph, tf.Session():
        yield graph


class Scaled(L.Layer):
    def __init__(self, factor=2.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor
        self.inner = [L.Dense(2, use_bias=False), {"last": L.Dense(1)}]

    def build(self, input_shape):
        self.shift = self.add_weight("shift", shape=(int(input_shape[-1]),), initializer="ones", regularizer="l2")
        self.count = self.add_weight(shape=(), dtype="int32", trainable=False, name="count")

    def call(self, inputs, training=None):
        self.training = training
        self.add_update(self.count.assign_add(1))
        return self.inner[1]["last"](self.inner[0](inputs * self.factor + self.shift))


def test_a_layer_of_ones_own():
    layer = Scaled()
    outputs = layer(keras.Input((3,)))
    assert outputs.shape.as_list() == [None, 1] and layer.name == "scaled" and layer.output_shape == (None, 1)
    assert [w.op.name for w in layer.weights] == [
        "scaled/shift", "scaled/count", "scaled/dense/kernel", "scaled/dense_1/kernel", "scaled/dense_1/bias",
    ]  # fmt: skip
    assert len(layer.trainable_weights) == 4 and len(layer.non_trainable_weights) == 1
    assert layer.training is K.learning_phase() and len(layer.losses) == 1 and len(layer.updates) == 1
    np.testing.assert_allclose(K.get_value(layer.losses[0]), 0.03)
    K.get_session().run(layer.updates)
    assert layer.get_weights()[1] == 1
    layer.trainable = False
    assert not layer.inner[0].trainable and not layer.trainable_weights and not layer.losses and not layer.updates


def test_configurations_of_a_layer_of_ones_own():
    layer = Scaled(factor=3.0, name="mine")
    config = L.serialize(layer)
    assert layer.get_config() == {"name": "mine", "trainable": True, "dtype": "float32", "factor": 3.0}
    with pytest.raises(ValueError, match="Unknown layer: 'Scaled'"):
        L.deserialize(config)
    assert L.deserialize(config, {"Scaled": Scaled}).factor == 3.0
    with keras.utils.custom_object_scope({"Scaled": Scaled}):
        assert L.deserialize(config).name == "mine"
    assert "Scaled" not in keras.utils.get_custom_objects()


def test_nodes_say_what_was_called_with_what():
    x, shared = keras.Input((3,)), L.Dense(3)
    first = shared(x)
    second = shared(first)
    joined = L.add([first, second])
    node = joined_node(joined)
    assert node.input_tensors == [first, second] and [p.layer for p in node.parents] == [shared, shared]
    assert node.parents[0].parents[0].is_input and len(shared.inbound_nodes) == 2
    other = keras.Input((3,))
    again = node.call_again({first: other, second: other})
    assert again is not joined and node.layer.inbound_nodes[1].input_tensors == [other, other]
    with pytest.raises(AttributeError, match="was called 2 times: use get_output_at"):
        _ = shared.output
    assert shared.get_output_at(1) is second and shared.get_input_at(0) is x


def joined_node(tensor):
    from headrace.layers.keras.graph_record import history_of

    history = history_of(tensor)
    return history.layer.inbound_nodes[history.node_index]


def test_layers_inside_a_layer_leave_no_nodes():
    layer = Scaled()
    layer(keras.Input((3,)))
    assert not layer.inner[0].inbound_nodes and len(layer.inbound_nodes) == 1


def test_training_comes_from_the_call_the_layer_around_or_the_phase():
    x = np.ones((2, 50), np.float32)
    dropout = L.Dropout(0.5)
    phased, trains, infers = dropout(x), dropout(x, training=True), dropout(x, training=False)
    session = K.get_session()
    kept = [session.run(y, {K.learning_phase(): on}) for y, on in ((phased, True), (phased, False), (infers, True))]
    assert (kept[0] == 0).any() and (kept[1] == 1).all() and (kept[2] == 1).all()
    assert (session.run(trains) == 0).any() and (session.run(phased) == 1).all()
    inside = L.TimeDistributed(L.Dropout(0.5))(np.ones((2, 3, 40), np.float32), training=True)
    assert (session.run(inside) == 0).any()
    K.set_learning_phase(1)
    assert K.learning_phase() == 1 and (session.run(L.Dropout(0.5)(x)) == 0).any()
    with pytest.raises(ValueError, match="to be 0 or 1, got 2"):
        K.set_learning_phase(2)


def test_masks_go_with_tensors():
    words = np.array([[1, 2, 0], [3, 0, 0]])
    embedded = L.Embedding(5, 2, mask_zero=True)(words)
    for layer in (L.Dense(2), L.Dropout(0.5), L.LSTM(2, return_sequences=True), L.BatchNormalization()):
        embedded = layer(embedded)
    averaged = L.GlobalAveragePooling1D()(embedded)
    values, mean = K.get_session().run([embedded, averaged])
    np.testing.assert_allclose(mean[1], values[1, 0], rtol=1e-5)
    np.testing.assert_allclose(mean[0], values[0, :2].mean(0), rtol=1e-5)
    hidden = L.Masking()(np.array([[[1.0], [0.0]], [[2.0], [3.0]]]))
    merged = L.Concatenate(1)([hidden, hidden])
    np.testing.assert_allclose(K.get_value(L.GlobalAveragePooling1D()(merged)), [[1.0], [2.5]])


def test_a_layer_without_masks_warns_and_drops_them():
    masked = L.Masking()(keras.Input((3, 2)))
    with pytest.warns(UserWarning, match="layer 'up_sampling1d' does not support masks"):
        L.UpSampling1D()(masked)


def test_attention_sees_masks():
    x = L.Masking()(np.array([[[1.0, 2.0], [0.0, 0.0]]]))
    _, scores = L.MultiHeadAttention(1, 2)(x, x, return_attention_scores=True)
    assert K.get_value(scores)[0, 0, 0].tolist() == [1.0, 0.0]
    np.testing.assert_allclose(K.get_value(L.Attention()([x, x]))[0], [[1.0, 2.0], [0.0, 0.0]], atol=1e-6)


def test_names_begin_anew_with_the_session():
    assert [L.Dense(1).name, L.Dense(1).name, L.Conv2DTranspose(1, 1).name] == ["dense", "dense_1", "conv2d_transpose"]
    with tf.Graph().as_default():
        assert L.Dense(1).name == "dense"


def test_the_session_initializes_what_has_no_value(graph):
    layer = L.Dense(2)
    layer(keras.Input((2,)))
    other = tf.Variable(5.0)
    session = K.get_session()
    assert session is tf.get_default_session() and session.run(other) == 5.0
    session.run(other.assign(7.0))
    L.Dense(2)(keras.Input((2,)))
    assert K.get_session().run(other) == 7.0
    K.set_value(layer.bias, [1.0, 2.0])
    assert K.get_value(layer.bias).tolist() == [1.0, 2.0]
    assert K.batch_get_value([layer.bias, other])[1] == 7.0
    with pytest.raises(ValueError, match="'dense/bias:0' has shape"):
        K.set_value(layer.bias, [1.0])


def test_settings():
    assert (K.floatx(), K.epsilon(), K.image_data_format()) == ("float32", 1e-7, "channels_last")
    K.set_floatx("float64")
    K.set_image_data_format("channels_first")
    try:
        assert L.Dense(1).dtype == "float64" and L.Conv2D(1, 1).data_format == "channels_first"
        assert L.Dense(2)(np.ones((1, 2), np.float32)).dtype == tf.float64
    finally:
        K.set_floatx("float32")
        K.set_image_data_format("channels_last")


def test_float_inputs_are_cast_and_others_are_not():
    assert L.Dense(2)(np.ones((1, 2))).dtype == tf.float32
    assert L.Identity()(np.ones(2, np.int64)).dtype == tf.int64
    assert L.Dense(2, dtype="float64")([[1, 2.0]]).dtype == tf.float64
    assert L.Dense(2)(np.ones((1, 2), np.uint8)).shape.as_list() == [1, 2]


def test_stateful_layers_go_on_where_they_stopped():
    layer = L.GRU(2, stateful=True)
    x = np.random.default_rng(0).normal(size=(1, 4, 2)).astype(np.float32)
    whole = L.GRU(2)
    given = tf.placeholder(tf.float32, [1, 2, 2])
    outputs, expected = layer(given), whole(x)
    whole.set_weights(layer.get_weights())
    session = K.get_session()
    for half in (x[:, :2], x[:, 2:]):
        found = session.run([outputs, layer.state_updates], {given: half})[0]
    np.testing.assert_allclose(found, session.run(expected), rtol=1e-5)
    layer.reset_states()
    assert not np.any(K.get_value(layer.states[0]))
    with pytest.raises(ValueError, match="is stateful and needs a known batch size"):
        L.LSTM(2, stateful=True)(keras.Input((3, 2)))
    with pytest.raises(ValueError, match="has no states to reset"):
        whole.reset_states()


def test_recurrent_layers_begin_with_given_states():
    x, states = np.ones((1, 3, 2), np.float32), [np.full((1, 2), v, np.float32) for v in (0.3, -0.2)]
    layer = L.LSTM(2, return_state=True)
    first = layer(x[:, :1])
    rest = layer([tf.constant(x[:, 1:]), *first[1:]])
    whole = layer(x)
    found, expected = K.get_session().run([rest[0], whole[0]])
    np.testing.assert_allclose(found, expected, rtol=1e-5)
    by_name = layer(x, initial_state=states)
    assert by_name[0].shape.as_list() == [1, 2] and layer.inbound_nodes[1].input_tensors[1:] == list(first[1:])
    with pytest.raises(ValueError, match=r"has states of sizes .2, 2., got 1 initial states"):
        layer(x, initial_state=states[:1])


def test_a_cell_of_ones_own():
    class Sum:
        state_size = 2

        def call(self, inputs, states):
            output = states[0] + inputs
            return output, [output]

    x = np.arange(12.0, dtype=np.float32).reshape(1, 6, 2)
    found = K.get_value(L.RNN(Sum(), return_sequences=True)(x))
    np.testing.assert_allclose(found, np.cumsum(x, 1))
    with pytest.raises(ValueError, match="must have `call` and `state_size`"):
        L.RNN(object())


def test_constraints_regularizers_and_initializers_by_name():
    layer = L.Dense(2, kernel_initializer="he_normal", kernel_constraint="non_neg", kernel_regularizer="l1_l2")
    layer(keras.Input((3,)))
    assert type(layer.kernel.constraint).__name__ == "NonNeg"
    w = tf.constant([[3.0, -0.5], [4.0, 0.5]])
    for name, expected in {
        "max_norm": [[1.2, -0.5], [1.6, 0.5]], "non_neg": [[3.0, 0.0], [4.0, 0.5]],
        "unit_norm": [[0.6, -(0.5**0.5)], [0.8, 0.5**0.5]], "min_max_norm": [[0.6, -0.5], [0.8, 0.5]],
    }.items():  # fmt: skip
        np.testing.assert_allclose(K.get_value(keras.constraints.get(name)(w)), expected, rtol=1e-5)
    for regularizer, expected in ((keras.regularizers.L1(0.1), 0.8), (keras.regularizers.L2(0.1), 2.55)):
        np.testing.assert_allclose(K.get_value(regularizer(w)), expected, rtol=1e-5)
        assert regularizer.from_config(regularizer.get_config()).get_config() == regularizer.get_config()
    for name in ("glorot_uniform", "lecun_normal", "Orthogonal", "truncated_normal", "identity"):
        initializer = keras.initializers.get(name)
        assert K.get_value(initializer((4, 4))).shape == (4, 4)
        assert initializer.clone().get_config() == initializer.get_config()


@pytest.mark.parametrize("make, error, match", [
    (lambda: L.Dense(0), ValueError, "`units` of Dense: expected a positive integer, got 0"),
    (lambda: L.Dense(2.5), ValueError, "`units` of Dense"),
    (lambda: L.Dense(2, "rellu"), ValueError, "Unknown activation: 'rellu'"),
    (lambda: L.Dense(2, kernel_initializer="best"), ValueError, "Unknown initializer: 'best'"),
    (lambda: L.Dense(2, kernel_regularizer="l3"), ValueError, "Unknown regularizer: 'l3'"),
    (lambda: L.Dense(2, width=3), TypeError, "Dense got unexpected arguments: width"),
    (lambda: L.Dense(2, name="a/b"), ValueError, "without '/'"),
    (lambda: L.Dense(2)(keras.Input((None,))), ValueError, "Layer 'dense' needs inputs whose last size is known"),
    (lambda: L.Dense(2)(np.ones(3)), ValueError, 'layer "dense".* expected min_ndim=2, found ndim=1'),
    (lambda: L.Dense(2)(np.ones((2, 2)), mask=None), TypeError, "Layer 'dense' .Dense.: call got an unexpected"),
    (lambda: [d := L.Dense(2), d(np.ones((2, 2))), d(np.ones((2, 3)))], ValueError, "axis -1 .* value 2, but received 3"),
    (lambda: L.Dense(2).count_params(), ValueError, "has no weights yet"),
    (lambda: L.Dense(2).output, AttributeError, "has no single output: it was never called"),
    (lambda: L.Layer()(np.ones(2)), NotImplementedError, "Layer does not define call"),
    (lambda: keras.Input(3), ValueError, "must be a tuple of sizes and None, got 3"),
    (lambda: keras.Input(), ValueError, "needs either `shape` or `batch_shape`"),
    (lambda: keras.Input((-1,)), ValueError, "must be a tuple of sizes"),
    (lambda: L.Conv2D(3, (1, 2, 3)), ValueError, "`kernel_size` argument must be"),
    (lambda: L.Conv2D(3, 2, padding="causal"), ValueError, "`padding` argument must be one of"),
    (lambda: L.Conv2D(3, 2, strides=2, dilation_rate=2), ValueError, "not supported in conjunction"),
    (lambda: L.Conv2D(3, 2, groups=2), ValueError, "multiple of its groups"),
    (lambda: L.Conv2D(3, 2)(np.ones((2, 3, 3))), ValueError, "expected min_ndim=4"),
    (lambda: L.Conv2D(3, 5)(np.ones((1, 3, 3, 1))), ValueError, "would give an output without elements"),
    (lambda: L.Conv2DTranspose(3, 3, 2, output_padding=2), ValueError, "must be above its output_padding"),
    (lambda: L.MaxPooling2D(0), ValueError, "`pool_size` argument must be positive"),
    (lambda: L.ZeroPadding2D((1, 2, 3)), ValueError, "`padding` argument of ZeroPadding2D"),
    (lambda: L.Cropping1D(3)(np.ones((1, 4, 1))), ValueError, "leaves nothing of axis 1"),
    (lambda: L.Dropout(1.5), ValueError, "`rate` of Dropout: expected a number within 0 and 1, got 1.5"),
    (lambda: L.GaussianNoise(-1), ValueError, "must be from 0 on"),
    (lambda: L.Reshape((2, 2))(np.ones((1, 3))), ValueError, "total size of the tensor must be unchanged"),
    (lambda: L.Permute((0, 1)), ValueError, "Invalid permutation"),
    (lambda: L.RepeatVector(0), ValueError, "`n` of RepeatVector"),
    (lambda: L.Add()(np.ones((2, 2))), ValueError, "should be called on a list of inputs"),
    (lambda: L.Add()([np.ones((1, 2)), np.ones((1, 3))]), ValueError, "incompatible shapes"),
    (lambda: L.Subtract()([np.ones((1, 2))] * 3), ValueError, "exactly 2 inputs"),
    (lambda: L.Concatenate().compute_output_shape([(1, 2), (1, 2, 3)]), ValueError, "must have one rank"),
    (lambda: L.Dot("a"), ValueError, "`axes` of a Dot layer"),
    (lambda: L.Dot(1)([np.ones((1, 2)), np.ones((1, 3))]), ValueError, "incompatible input shapes for axes"),
    (lambda: L.Embedding(0, 2), ValueError, "`input_dim` of Embedding"),
    (lambda: L.EinsumDense("ab,bc", 3), ValueError, "Invalid einsum equation"),
    (lambda: L.BatchNormalization(axis=5)(np.ones((2, 2))), ValueError, "known size along axis 5"),
    (lambda: L.BatchNormalization(momentum=2), ValueError, "`momentum`"),
    (lambda: L.GroupNormalization(3)(np.ones((2, 4))), ValueError, "multiple of its groups, got 4 and 3"),
    (lambda: L.LSTM(0), ValueError, "`units` of LSTMCell"),
    (lambda: L.LSTM(2)(np.ones((2, 3))), ValueError, "expected ndim=3, found ndim=2"),
    (lambda: L.LSTM(2, unroll=True)(keras.Input((None, 2))), ValueError, "cannot unroll"),
    (lambda: L.Bidirectional(L.Dense(2)), ValueError, "takes recurrent layers"),
    (lambda: L.Bidirectional(L.LSTM(2), "max"), ValueError, "`merge_mode` of Bidirectional"),
    (lambda: L.TimeDistributed(3), ValueError, "TimeDistributed takes a layer, got 3"),
    (lambda: L.TimeDistributed(L.Dense(2))(np.ones((2, 3))), ValueError, "at least 3 axes"),
    (lambda: L.MultiHeadAttention(0, 2), ValueError, "`num_heads` of MultiHeadAttention"),
    (lambda: L.GroupQueryAttention(2, 3, 2), ValueError, "must be a multiple of `num_key_value_heads`"),
    (lambda: L.Attention()(np.ones((1, 2, 3))), ValueError, r"takes a list \[query, value\]"),
    (lambda: L.Lambda(3), TypeError, "must be callable, got 3"),
    (lambda: L.Activation("nothing"), ValueError, "Unknown activation"),
    (lambda: L.ReLU(-1.0), ValueError, "max_value of a ReLU layer"),
    (lambda: L.UpSampling2D(interpolation="cubic"), ValueError, "`interpolation` of UpSampling2D"),
    (lambda: L.deserialize({"class_name": "Dence", "config": {}}), ValueError, "Unknown layer: 'Dence'"),
    (lambda: K.set_floatx("int32"), ValueError, "Unknown `floatx`"),
])  # fmt: skip
def test_what_they_refuse(make, error, match):
    with pytest.raises(error, match=match):
        make()


def test_weights_must_fit():
    layer = L.Dense(2)
    layer(np.ones((1, 3)))
    with pytest.raises(ValueError, match=r"Layer 'dense' has 2 weights .* but set_weights got 1"):
        layer.set_weights([np.ones((3, 2))])
    with pytest.raises(ValueError, match="'dense/kernel:0' has shape"):
        layer.set_weights([np.ones((2, 3)), np.ones(2)])
    with pytest.raises(ValueError, match="needs a shape that is wholly known"):
        layer.add_weight(shape=(None,), name="x")
    with pytest.raises(TypeError, match="got shape twice"):
        layer.add_weight((2,), shape=(3,))


def test_a_layer_belongs_to_one_graph():
    layer = L.Dense(2)
    layer(np.ones((1, 3)))
    with tf.Graph().as_default(), pytest.raises(ValueError, match="was built in another graph"):
        layer(np.ones((1, 3)))


def test_build_makes_weights_in_the_layers_scope_once():
    layer = L.Dense(2, name="d")
    layer.build((None, 3))
    layer.build((None, 3))
    layer(np.ones((1, 3)))
    assert [w.name for w in layer.weights] == ["d/kernel:0", "d/bias:0"]


def test_variables_in_a_dict_are_the_layers():
    class Scaled(keras.layers.Layer):
        def __init__(self):
            super().__init__()
            self.parts = {"scale": tf.Variable([2.0, 3.0]), "inner": {"shift": tf.Variable([1.0, 1.0])}}

        def call(self, inputs):
            return inputs * self.parts["scale"] + self.parts["inner"]["shift"]

    assert len(Scaled().trainable_weights) == 2


def test_a_model_takes_three_arguments_by_place():
    x = keras.Input((2,))
    for args, options in (((x, x, "m", True), {}), ((x, x), {"outputs": x})):
        with pytest.raises(TypeError, match="by place"):
            keras.Model(*args, **options)


@pytest.mark.parametrize("axes", [5, -3, (1, 5)])
def test_axes_of_dot_are_within_the_inputs(axes):
    with pytest.raises(ValueError, match="there is no axis"):
        keras.layers.Dot(axes)([keras.Input((3,)), keras.Input((3,))])


@pytest.mark.parametrize("dtype", ["mixed_float16", {"config": {"name": "mixed_bfloat16"}}, "float32"])
def test_variables_of_a_policy_are_float32(dtype):
    layer = tf.keras.layers.Dense(2, dtype=dtype)
    layer.build([None, 3])
    assert layer.kernel.dtype.base_dtype == tf.float32
