"""One contract over all layers of tf.layers: shapes, configurations, a step of training, sharing, errors."""

import numpy as np
import pytest

import headrace as tf

LINES, IMAGES, VOLUMES = (2, 8, 3), (2, 7, 8, 3), (2, 5, 6, 7, 3)
LINES_FIRST, IMAGES_FIRST, VOLUMES_FIRST = (2, 3, 8), (2, 3, 7, 8), (2, 3, 5, 6, 7)
FIRST = {"data_format": "channels_first"}
L2 = {"kernel_regularizer": lambda w: tf.nn.l2_loss(w)}

# Class, arguments, shape of the input.
CASES = [
    ("Dense", {"units": 4, "activation": tf.nn.relu}, (2, 3)),
    ("Dense", {"units": 4, "use_bias": False}, (2, 5, 3)),
    ("Dropout", {"rate": 0.3}, (2, 3)),
    ("Flatten", {}, IMAGES),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "strides": 2}, LINES),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", "dilation_rate": 2}, LINES),
    ("Conv1D", {"filters": 4, "kernel_size": 3, "padding": "causal", **FIRST}, LINES_FIRST),
    ("Conv2D", {"filters": 4, "kernel_size": (3, 2), "strides": 2, "padding": "same", "activation": tf.tanh}, IMAGES),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "dilation_rate": (2, 1)}, IMAGES),
    ("Conv2D", {"filters": 4, "kernel_size": 3, "padding": "SAME", **FIRST}, IMAGES_FIRST),
    ("Conv3D", {"filters": 2, "kernel_size": 3, "strides": (1, 2, 2)}, VOLUMES),
    ("Conv3D", {"filters": 2, "kernel_size": 3, **FIRST}, VOLUMES_FIRST),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": 2}, IMAGES),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 3, "strides": (2, 3), "padding": "same"}, IMAGES),
    ("Conv2DTranspose", {"filters": 4, "kernel_size": 2, "strides": 3, **FIRST}, IMAGES_FIRST),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2, "padding": "same"}, VOLUMES),
    ("Conv3DTranspose", {"filters": 2, "kernel_size": 2, "strides": 2, **FIRST}, VOLUMES_FIRST),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "strides": 2, "depth_multiplier": 2}, LINES),
    ("SeparableConv1D", {"filters": 4, "kernel_size": 3, "padding": "same", **FIRST}, LINES_FIRST),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 3, "depth_multiplier": 2}, IMAGES),
    ("SeparableConv2D", {"filters": 4, "kernel_size": 3, "padding": "same", **FIRST}, IMAGES_FIRST),
    *[
        (f"{kind}Pooling{rank}D", {"pool_size": 2, "strides": 2, "padding": padding, **data_format}, shape)
        for kind in ("Max", "Average")
        for padding in ("valid", "same")
        for rank, shape, data_format in (
            (1, LINES, {}),
            (2, IMAGES, {}),
            (3, VOLUMES, {}),
            (1, LINES_FIRST, FIRST),
            (2, IMAGES_FIRST, FIRST),
            (3, VOLUMES_FIRST, FIRST),
        )
    ],
    ("BatchNormalization", {}, IMAGES),
    ("BatchNormalization", {"axis": 1, "scale": False}, IMAGES_FIRST),
    ("BatchNormalization", {"fused": False, "center": False}, IMAGES),
    ("BatchNormalization", {"axis": 1}, LINES_FIRST),
    ("BatchNormalization", {"axis": [1, 2]}, IMAGES),
]
NAMES = [f"{kind}-{'-'.join(map(str, options.values()))}"[:60] for kind, options, _ in CASES]


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def numbers(shape):
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def started():
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


@pytest.mark.parametrize("unknown", [False, True], ids=["known", "unknown"])
@pytest.mark.parametrize(("kind", "options", "shape"), CASES, ids=NAMES)
def test_shapes_training_and_configuration(kind, options, shape, unknown):
    fixed = [len(shape) - 1] if kind == "Flatten" else [1 if "data_format" in options else -1, options.get("axis", -1)]
    fixed = [a % len(shape) for a in np.hstack(fixed)]
    open_axes = {0, *(set(range(1, len(shape))) - set(fixed) if unknown and kind != "Flatten" else ())}
    x = tf.placeholder(tf.float32, [None if a in open_axes else n for a, n in enumerate(shape)])
    layer = getattr(tf.layers, kind)(**options)
    calling = {"training": True} if kind in ("Dropout", "BatchNormalization") else {}
    y = layer(x, **calling)
    assert layer.compute_output_shape(x.shape).is_compatible_with(y.shape)
    if kind != "Flatten":
        assert [n is None for n in y.shape.as_list()] == [n is None for n in x.shape.as_list()]
    loss = tf.reduce_mean(tf.square(y - 1.0))
    steps = [*layer.updates]
    if layer.trainable_weights:
        steps.append(tf.train.GradientDescentOptimizer(0.05).minimize(loss))
    with started() as session:
        feeds = {x: numbers(shape)}
        before, value = session.run([loss, y], feeds)
        assert layer.compute_output_shape(shape).as_list() == list(value.shape)
        old = session.run(layer.weights)
        for _ in range(3):
            session.run(steps, feeds)
        after, new = session.run([loss, layer.weights], feeds)
    if layer.trainable_weights:
        assert after < before
    assert all(np.any(a != b) for a, b in zip(old, new, strict=True))
    config = layer.get_config()
    again = type(layer).from_config(config)
    assert again.get_config() == config
    again(x, **calling)
    assert [v.shape for v in again.weights] == [v.shape for v in layer.weights]
    assert again.name == layer.name + "_1"


@pytest.mark.parametrize(("kind", "options", "shape"), CASES, ids=NAMES)
def test_inputs_of_another_rank_are_refused(kind, options, shape):
    layer = getattr(tf.layers, kind)(**options, name="mine")
    if kind not in ("Dropout", "Dense", "Flatten", "BatchNormalization"):
        with pytest.raises(ValueError, match=rf"layer 'mine' is incompatible.*expected ndim={len(shape)}"):
            layer(tf.zeros([2, 3]))
    elif kind != "Dropout":
        with pytest.raises(ValueError, match=r"min_ndim|Invalid axis|fused=True"):
            layer(tf.zeros([]) if kind == "BatchNormalization" else tf.zeros([2]))
    layer(tf.zeros(shape))
    if layer.trainable_weights and kind != "BatchNormalization":
        other = [n + 1 for n in shape]
        with pytest.raises(ValueError, match=r"expected axis .* to have size 3"):
            layer(tf.zeros(other))


FUNCTIONS = [
    ("dense", {"units": 4}, (2, 3), ["kernel", "bias"]),
    ("conv1d", {"filters": 4, "kernel_size": 3}, LINES, ["kernel", "bias"]),
    ("conv2d", {"filters": 4, "kernel_size": 3}, IMAGES, ["kernel", "bias"]),
    ("conv3d", {"filters": 4, "kernel_size": 3}, VOLUMES, ["kernel", "bias"]),
    ("conv2d_transpose", {"filters": 4, "kernel_size": 3}, IMAGES, ["kernel", "bias"]),
    ("conv3d_transpose", {"filters": 4, "kernel_size": 3}, VOLUMES, ["kernel", "bias"]),
    ("separable_conv1d", {"filters": 4, "kernel_size": 3}, LINES, ["depthwise_kernel", "pointwise_kernel", "bias"]),
    ("separable_conv2d", {"filters": 4, "kernel_size": 3}, IMAGES, ["depthwise_kernel", "pointwise_kernel", "bias"]),
    ("batch_normalization", {}, IMAGES, ["gamma", "beta", "moving_mean", "moving_variance"]),
]


@pytest.mark.parametrize(("name", "options", "shape", "variables"), FUNCTIONS, ids=[f[0] for f in FUNCTIONS])
def test_functions_name_and_share_variables(name, options, shape, variables):
    function, x = getattr(tf.layers, name), tf.zeros(shape)
    function(x, **options)
    function(x, **options)
    function(x, **options, name="own")
    function(x, **options, name="own", reuse=True)
    function(x, **options, name="own", reuse=tf.AUTO_REUSE)
    with tf.variable_scope("outer"):
        function(x, **options)
    with tf.variable_scope("outer", reuse=True):
        function(x, **options, name=name)
    scopes = (name, f"{name}_1", "own", f"outer/{name}")
    assert [v.op.name for v in tf.global_variables()] == [f"{s}/{v}" for s in scopes for v in variables]
    with tf.variable_scope("given") as scope:
        function(x, **options, name=scope)
    assert tf.global_variables()[-1].op.name == f"given/{variables[-1]}"
    with pytest.raises(ValueError, match="already exists"):
        function(x, **options, name="own")


@pytest.mark.parametrize(
    ("name", "arguments", "shape"),
    [
        *[(f"{kind}_pooling{rank}d", (2, 2), shape) for kind in ("max", "average") for rank, shape in
          ((1, LINES), (2, IMAGES), (3, VOLUMES))],
        ("flatten", (), IMAGES),
        ("dropout", (0.4,), (2, 3)),
    ],
)  # fmt: skip
def test_functions_without_variables(name, arguments, shape):
    y = getattr(tf.layers, name)(tf.zeros(shape), *arguments, name="own")
    assert y.op.name.startswith("own/")
    assert not tf.global_variables()


def test_names_of_operations_are_tensorflows():
    y = tf.layers.conv2d(tf.zeros(IMAGES), 4, 3, activation=tf.nn.relu)
    assert y.name == "conv2d/Relu:0"
    assert [op.type for op in y.graph.get_operations()][-3:] == ["Conv2D", "BiasAdd", "Relu"]
    assert tf.layers.max_pooling2d(y, 2, 2).name == "max_pooling2d/MaxPool:0"
    assert tf.layers.flatten(y).name == "flatten/Reshape:0"


def test_regularizers_count_shared_variables_once():
    x = tf.ones([4, 3])
    for reuse in (None, True, tf.AUTO_REUSE):
        tf.layers.dense(x, 2, kernel_initializer=tf.ones_initializer, name="d", reuse=reuse, **L2)
    (loss,) = tf.losses.get_regularization_losses()
    tf.layers.conv2d(tf.zeros(IMAGES), 2, 2, bias_regularizer=tf.nn.l2_loss, name="c", reuse=tf.AUTO_REUSE)
    assert len(tf.losses.get_regularization_losses()) == 2
    tf.layers.dense(x, 2, kernel_initializer=tf.ones_initializer, activity_regularizer=tf.reduce_sum)
    activity = tf.losses.get_regularization_losses()[-1]
    with started() as session:
        assert session.run([loss, activity]) == [3.0, 6.0]


def test_constraints_reach_the_variables():
    layer = tf.layers.Conv2D(2, 2, kernel_constraint=tf.abs)
    layer(tf.zeros(IMAGES))
    assert layer.kernel.constraint is tf.abs


def test_partitioned_kernels_are_one():
    with tf.variable_scope("cut", partitioner=tf.fixed_size_partitioner(2, axis=0)):
        layer = tf.layers.Dense(2, kernel_regularizer=tf.nn.l2_loss, kernel_initializer=tf.ones_initializer)
        y = layer(tf.ones([1, 4]))
        z = tf.layers.conv2d(tf.ones(IMAGES), 2, 2, kernel_initializer=tf.ones_initializer)
    assert [v.op.name for v in tf.global_variables("cut/dense/kernel")] == [
        f"cut/dense/kernel/part_{i}" for i in (0, 1)
    ]
    assert len(tf.losses.get_regularization_losses()) == 2
    with started() as session:
        assert session.run(y).tolist() == [[4.0, 4.0]]
        assert session.run(z)[0, 0, 0].tolist() == [12.0, 12.0]


def test_a_frozen_layer_has_no_trainable_variables():
    tf.layers.conv2d(tf.zeros(IMAGES), 2, 2, trainable=False)
    layer = tf.layers.BatchNormalization(trainable=False)
    layer(tf.zeros(IMAGES), training=True)
    assert not tf.trainable_variables()
    assert len(layer.non_trainable_weights) == 4


@pytest.mark.parametrize("fused", [True, False])
def test_batch_normalization_by_a_tensor(fused):
    training = tf.placeholder_with_default(False, [])
    x = tf.constant(numbers(IMAGES) * 3 + 1)
    layer = tf.layers.BatchNormalization(momentum=0.5, fused=fused)
    y = layer(x, training=training)
    assert tf.get_collection(tf.GraphKeys.UPDATE_OPS) == layer.updates
    with started() as session:
        np.testing.assert_allclose(session.run(y), numbers(IMAGES) * 3 + 1, rtol=1e-3, atol=1e-3)
        session.run(layer.updates)
        assert session.run(layer.moving_mean).tolist() == [0.0, 0.0, 0.0]
        values = session.run(y, {training: True})
        np.testing.assert_allclose(values.mean((0, 1, 2)), 0, atol=1e-5)
        session.run(layer.updates, {training: True})
        np.testing.assert_allclose(
            session.run(layer.moving_mean), (numbers(IMAGES) * 3 + 1).mean((0, 1, 2)) / 2, rtol=1e-5
        )


def test_dropout_by_a_tensor():
    training = tf.placeholder(tf.bool, [])
    y = tf.layers.dropout(tf.ones([100]), 0.5, training=training, seed=1)
    with tf.Session() as session:
        assert session.run(y, {training: False}).tolist() == [1.0] * 100
        assert set(session.run(y, {training: True}).tolist()) == {0.0, 2.0}


def test_half_precision_keeps_statistics_in_single():
    layer = tf.layers.BatchNormalization()
    y = layer(tf.constant(numbers((4, 3)), tf.float16), training=True)
    assert y.dtype == tf.float16
    assert layer.gamma.dtype.base_dtype == tf.float32


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: tf.layers.Conv2D(2, (1, 2, 3)), "kernel_size.*tuple of 2 integers"),
        (lambda: tf.layers.Conv2D(2, 3, strides=0), "strides.*positive"),
        (lambda: tf.layers.Conv2D(2, 3, padding="causal"), "padding"),
        (lambda: tf.layers.Conv2D(2, 3, data_format="NHWC"), "data_format"),
        (lambda: tf.layers.Conv2D(2, 3, strides=2, dilation_rate=2), "not supported in conjunction"),
        (lambda: tf.layers.conv2d(tf.placeholder(tf.float32, [None, 5, 5, None]), 2, 3), "channel dimension"),
        (lambda: tf.layers.batch_normalization(tf.zeros([2, 3]), fused=True), "fused=True"),
        (lambda: tf.layers.batch_normalization(tf.zeros([2, 3]), renorm=True), "no `renorm`"),
        (lambda: tf.layers.batch_normalization(tf.zeros([2, 3]), axis=2), "Invalid axis"),
        (lambda: tf.layers.batch_normalization(tf.placeholder(tf.float32)), "undefined rank"),
        (lambda: tf.layers.batch_normalization(tf.placeholder(tf.float32, [2, None])), "undefined `axis`"),
        (lambda: tf.layers.dropout(tf.zeros([2]), 1.0), "rate"),
    ],
)
def test_errors_say_what_is_wrong(build, message):
    with pytest.raises(ValueError, match=message):
        build()


def test_a_layer_belongs_to_one_graph():
    layer = tf.layers.Dense(2)
    layer(tf.zeros([1, 3]))
    with tf.Graph().as_default(), pytest.raises(ValueError, match="built in another graph"):
        layer(tf.zeros([1, 3]))
