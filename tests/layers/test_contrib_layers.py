"""tf.contrib.layers: scopes, names of variables, collections, normalizers, argument scopes, numbers."""

import numpy as np
import pytest

import headrace as tf

contrib, slim, framework = tf.contrib.layers, tf.contrib.slim, tf.contrib.framework
LINES, IMAGES, VOLUMES = (2, 8, 3), (2, 7, 8, 3), (2, 5, 6, 7, 3)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def numbers(shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(np.float32)


def names(variables):
    return [v.op.name for v in variables]


def started():
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


# Function, arguments, shape of the input, scope, variables, shape of the result.
WITH_VARIABLES = [
    ("fully_connected", (5,), (2, 3), "fully_connected", ["weights", "biases"], [2, 5]),
    ("conv1d", (4, 3, 2), LINES, "Conv", ["weights", "biases"], [2, 4, 4]),
    ("conv2d", (4, [3, 3]), IMAGES, "Conv", ["weights", "biases"], [2, 7, 8, 4]),
    ("convolution2d", (4, 3, 2, "VALID"), IMAGES, "Conv", ["weights", "biases"], [2, 3, 3, 4]),
    ("convolution", (4, 3), VOLUMES, "Conv", ["weights", "biases"], [2, 5, 6, 7, 4]),
    ("conv3d", (4, 3, 2), VOLUMES, "Conv", ["weights", "biases"], [2, 3, 3, 4, 4]),
    ("conv2d_transpose", (4, 3, 2), IMAGES, "Conv2d_transpose", ["weights", "biases"], [2, 14, 16, 4]),
    ("conv3d_transpose", (4, 3, 2), VOLUMES, "Conv3d_transpose", ["weights", "biases"], [2, 10, 12, 14, 4]),
    (
        "separable_conv2d",
        (4, 3, 2),
        IMAGES,
        "SeparableConv2d",
        ["depthwise_weights", "pointwise_weights", "biases"],
        [2, 7, 8, 4],
    ),
    ("separable_conv2d", (None, 3, 2), IMAGES, "SeparableConv2d", ["depthwise_weights", "biases"], [2, 7, 8, 6]),
    ("bias_add", (), IMAGES, "BiasAdd", ["biases"], list(IMAGES)),
    ("batch_norm", (), IMAGES, "BatchNorm", ["beta", "moving_mean", "moving_variance"], list(IMAGES)),
    ("layer_norm", (), IMAGES, "LayerNorm", ["beta", "gamma"], list(IMAGES)),
    ("instance_norm", (), IMAGES, "InstanceNorm", ["beta", "gamma"], list(IMAGES)),
]


@pytest.mark.parametrize(
    ("function", "arguments", "shape", "scope", "variables", "result"),
    WITH_VARIABLES,
    ids=[f"{i}-{case[0]}" for i, case in enumerate(WITH_VARIABLES)],
)
def test_layers_with_variables(function, arguments, shape, scope, variables, result):
    layer, x = getattr(contrib, function), tf.placeholder(tf.float32, [None, *shape[1:]])
    y = layer(x, *arguments)
    layer(x, *arguments)
    layer(x, *arguments, scope="own", variables_collections=["mine"], outputs_collections="ends")
    layer(x, *arguments, scope="own", reuse=True)
    assert names(tf.global_variables()) == [f"{s}/{v}" for s in (scope, f"{scope}_1", "own") for v in variables]
    assert names(framework.get_model_variables()) == names(tf.global_variables())
    assert sorted(names(tf.get_collection("mine"))) == sorted(f"own/{v}" for v in variables)
    assert list(slim.utils.convert_collection_to_dict("ends")) == ["own"]
    with pytest.raises(ValueError, match="already exists"):
        layer(x, *arguments, scope="own")
    assert y.shape.as_list() == [None, *result[1:]]
    with started() as session:
        assert session.run(y, {x: numbers(shape)}).shape == tuple(result)
        assert all(g is not None for g in tf.gradients(y, [*tf.trainable_variables(scope + "/")]))


@pytest.mark.parametrize(
    ("function", "arguments", "shape", "op", "result"),
    [
        ("max_pool2d", (2,), IMAGES, "MaxPool2D/MaxPool", [3, 4]),
        ("max_pool2d", ([3, 2], 1, "SAME"), IMAGES, "MaxPool2D/MaxPool", [7, 8]),
        ("avg_pool2d", (2,), IMAGES, "AvgPool2D/AvgPool", [3, 4]),
        ("max_pool3d", (2,), VOLUMES, "MaxPool3D/MaxPool3D", [2, 3, 3]),
        ("avg_pool3d", ([2, 2, 1],), VOLUMES, "AvgPool3D/AvgPool3D", [2, 3, 4]),
    ],
)
def test_pooling(function, arguments, shape, op, result):
    y = getattr(contrib, function)(tf.zeros(shape), *arguments, outputs_collections=["ends"])
    assert y.op.name == op
    assert y.shape.as_list() == [2, *result, 3]
    assert tf.get_collection("ends") == [y]
    with pytest.raises(ValueError, match="Invalid data_format: 'CHW'"):
        getattr(contrib, function)(tf.zeros(shape), 2, data_format="CHW")


def test_numbers_of_a_dense_layer_are_activated():
    x = numbers((4, 3))
    ones = tf.ones_initializer()
    outputs = [
        contrib.fully_connected(x, 2, weights_initializer=ones),
        contrib.linear(x, 2, weights_initializer=ones, biases_initializer=ones),
        contrib.relu6(x * 9, 2, weights_initializer=ones, biases_initializer=None),
    ]
    sums = np.repeat(x.sum(1, keepdims=True), 2, 1)
    with started() as session:
        for value, wanted in zip(
            session.run(outputs), (np.maximum(sums, 0), sums + 1, np.clip(9 * sums, 0, 6)), strict=True
        ):
            np.testing.assert_allclose(value, wanted, rtol=1e-5, atol=1e-5)


def test_normalizers_take_the_place_of_the_bias():
    y = contrib.conv2d(
        tf.zeros(IMAGES), 4, 3, normalizer_fn=contrib.batch_norm, normalizer_params={"scale": True}, scope="c"
    )
    parts = ["weights", "BatchNorm/beta", "BatchNorm/gamma", "BatchNorm/moving_mean", "BatchNorm/moving_variance"]
    assert sorted(names(tf.global_variables())) == sorted(f"c/{part}" for part in parts)
    assert y.op.type == "Relu"
    assert len(tf.get_collection(tf.GraphKeys.UPDATE_OPS)) == 2


def test_collections_by_the_kind_of_variable():
    contrib.fully_connected(tf.zeros([1, 2]), 3, variables_collections={"weights": ["w"], "biases": ["b"]})
    contrib.batch_norm(tf.zeros([2, 3]), variables_collections={"beta": ["b"]})
    assert names(tf.get_collection("w")) == ["fully_connected/weights"]
    assert names(tf.get_collection("b")) == ["fully_connected/biases", "BatchNorm/beta"]


@pytest.mark.parametrize("options", [{}, {"fused": False}, {"batch_weights": np.ones(6, np.float32)}])
@pytest.mark.parametrize("shape", [(6, 3), (6, 4, 5, 3)])
def test_batch_norm_trains_and_predicts(shape, options):
    x = 2 * numbers(shape) + 1
    axes = tuple(range(len(shape) - 1))
    training = tf.placeholder(tf.bool, [])
    y = contrib.batch_norm(x, decay=0.5, is_training=training, updates_collections=None, **options)
    in_place = contrib.batch_norm(x, decay=0.5, is_training=True, scope="moved", **options)
    with started() as session:
        np.testing.assert_allclose(session.run(y, {training: False}), x, rtol=2e-3, atol=2e-3)
        assert not session.run(framework.get_unique_variable("BatchNorm/moving_mean")).any()
        value, other = session.run([y, in_place], {training: True})
        np.testing.assert_allclose(value, other, rtol=1e-5, atol=1e-5)
        np.testing.assert_allclose(value.std(axes), 1, rtol=1e-3)
        session.run(tf.get_collection(tf.GraphKeys.UPDATE_OPS))
        count = x.size / 3
        unbiased = 1 if options else count / (count - 1)
        for scope in ("BatchNorm", "moved"):
            mean, variance = (
                session.run(framework.get_unique_variable(f"{scope}/moving_{part}")) for part in ("mean", "variance")
            )
            np.testing.assert_allclose(mean, x.mean(axes) / 2, rtol=1e-4)
            np.testing.assert_allclose(variance, 0.5 + x.var(axes) * unbiased / 2, rtol=1e-4)


def test_batch_norm_without_training_has_no_updates():
    contrib.batch_norm(tf.zeros([2, 3]), is_training=False)
    assert not tf.get_collection(tf.GraphKeys.UPDATE_OPS)
    contrib.batch_norm(tf.zeros([2, 3]), zero_debias_moving_mean=True)
    assert any("biased" in v.name for v in tf.global_variables())


def test_other_normalizations():
    x = 3 * numbers((4, 5, 6, 2)) + 1
    by_example = contrib.layer_norm(x, activation_fn=tf.identity)
    by_channel = contrib.instance_norm(x)
    unit = contrib.unit_norm(x, 3)
    first = contrib.batch_norm(x.transpose(0, 3, 1, 2), data_format="NCHW", fused=False)
    with started() as session:
        a, b, c, d = session.run([by_example, by_channel, unit, first])
    np.testing.assert_allclose(a.mean((1, 2, 3)), 0, atol=1e-5)
    np.testing.assert_allclose(a.std((1, 2, 3)), 1, rtol=1e-4)
    np.testing.assert_allclose(b.std((1, 2)), 1, rtol=1e-4)
    np.testing.assert_allclose((c**2).sum(3), 1, rtol=1e-4)
    np.testing.assert_allclose(d.std((0, 2, 3)), 1, rtol=1e-3)


def test_dropout_takes_the_share_that_is_kept():
    keep = tf.placeholder(tf.float32, [])
    x = tf.ones([1000])
    outputs = [contrib.dropout(x, keep), contrib.dropout(x, 0.25, seed=1), contrib.dropout(x, 0.5, is_training=False)]
    with tf.Session() as session:
        fed, fixed, off = session.run(outputs, {keep: 0.5})
    assert set(fed.tolist()) == {0.0, 2.0}
    assert set(fixed.tolist()) == {0.0, 4.0}
    assert off.tolist() == [1.0] * 1000
    assert outputs[0].op.name.startswith("Dropout/")


def test_small_functions():
    with tf.Session() as session:
        assert session.run(contrib.one_hot_encoding([1, 0], 3)).tolist() == [[0, 1, 0], [1, 0, 0]]
        np.testing.assert_allclose(session.run(slim.softmax(numbers((2, 3, 4)))).sum(-1), 1, rtol=1e-6)
        assert contrib.flatten(tf.zeros(IMAGES)).shape.as_list() == [2, 168]
        table = numbers((5, 2))
        ids = [[1, 4], [4, 0]]
        np.testing.assert_array_equal(session.run(contrib.embedding_lookup_unique(table, ids)), table[ids])


def test_embeddings_of_sequences():
    ids = tf.constant([[1, 2, 1]])
    one = contrib.embed_sequence(ids, 5, 4, scope="e")
    two = contrib.embed_sequence(ids, unique=True, scope="e", reuse=True)
    assert names(tf.trainable_variables()) == ["e/embeddings"]
    with started() as session:
        a, b = session.run([one, two])
    assert a.shape == (1, 3, 4)
    np.testing.assert_array_equal(a, b)
    with pytest.raises(ValueError, match="Must specify vocab size"):
        contrib.embed_sequence(ids, 5)


def test_repeat_and_stack_name_layers_by_number():
    slim.repeat(tf.zeros(IMAGES), 2, slim.conv2d, 4, [3, 3], scope="conv1")
    slim.stack(tf.zeros([1, 3]), slim.fully_connected, [8, (4,)], scope="fc")
    slim.repeat(tf.zeros([1, 3]), 1, contrib.linear, 3)
    assert names(tf.global_variables())[::2] == [
        "conv1/conv1_1/weights", "conv1/conv1_2/weights", "fc/fc_1/weights", "fc/fc_2/weights",
        "Repeat/fully_connected_1/weights",
    ]  # fmt: skip


def test_argument_scopes():
    regularizer = slim.l2_regularizer(0.5)
    with slim.arg_scope([slim.conv2d, slim.fully_connected], activation_fn=None, weights_regularizer=regularizer):
        with slim.arg_scope([slim.conv2d], padding="VALID", stride=2) as inner:
            y = slim.conv2d(tf.zeros(IMAGES), 4, 3)
            z = slim.conv2d(tf.zeros(IMAGES), 4, 3, stride=1, activation_fn=tf.nn.elu)
        fc = slim.fully_connected(tf.zeros([1, 2]), 3)
    assert (y.shape.as_list(), y.op.type) == ([2, 3, 3, 4], "BiasAdd")
    assert (z.shape.as_list(), z.op.type) == ([2, 5, 6, 4], "Elu")
    assert fc.op.type == "BiasAdd"
    assert len(tf.losses.get_regularization_losses()) == 3
    with slim.arg_scope(inner):
        assert slim.arg_scoped_arguments(slim.conv2d)["stride"] == 2
        assert slim.conv2d(tf.zeros(IMAGES), 4, 3).shape.as_list() == [2, 3, 3, 4]
    assert slim.conv2d(tf.zeros(IMAGES), 4, 3).op.type == "Relu"
    with slim.arg_scope([slim.model_variable], device="/cpu:0"):
        slim.fully_connected(tf.zeros([1, 2]), 3, scope="placed")
    assert "CPU:0" in framework.get_unique_variable("placed/weights").device.upper()
    with pytest.raises(ValueError, match="not decorated"), slim.arg_scope([tf.nn.relu], name="x"):
        pass
    with pytest.raises(ValueError, match="kwargs must be empty"), slim.arg_scope(inner, stride=1):
        pass
    with pytest.raises(TypeError, match="list/tuple"), slim.arg_scope(slim.conv2d, stride=1):
        pass


def test_finding_variables():
    with tf.variable_scope("a"):
        contrib.fully_connected(tf.zeros([1, 2]), 3, scope="one")
        contrib.batch_norm(tf.zeros([2, 3]), scope="two")
    framework.local_variable(0, name="counter")
    framework.model_variable("free", [2], regularizer=slim.l1_regularizer(0.1), trainable=False)
    assert names(framework.get_variables("a/one")) == ["a/one/weights", "a/one/biases"]
    assert names(framework.get_variables(suffix="weights")) == ["a/one/weights"]
    assert names(framework.get_variables_by_name("beta")) == ["a/two/beta"]
    assert names(framework.get_variables_by_name("free")) == ["free"]
    assert names(framework.get_local_variables()) == ["counter"]
    assert names(framework.get_trainable_variables("a/two")) == ["a/two/beta"]
    assert names(framework.get_variables_to_restore(exclude=["a"])) == ["free"]
    assert names(framework.get_variables_to_restore(include=["a/one", "free"])) == [
        "a/one/weights", "a/one/biases", "free",
    ]  # fmt: skip
    everything = tf.global_variables()
    assert names(framework.filter_variables(everything, ["one", "free"], ["bias"])) == ["a/one/weights", "free"]
    assert names(framework.filter_variables(everything, ["two"], reg_search=False)) == []
    with pytest.raises(ValueError, match="Couldn't find variable a/three"):
        framework.get_unique_variable("a/three")


def test_assigning_variables(tmp_path):
    contrib.fully_connected(tf.zeros([1, 2]), 3, scope="fc")
    weights, biases = tf.global_variables()
    with started() as session:
        operation, feeds = framework.assign_from_values({"fc/biases": np.arange(3.0)})
        session.run(operation, feeds)
        framework.assign_from_values_fn({"fc/weights": np.ones((2, 3))})(session)
        path = tf.train.Saver().save(session, str(tmp_path / "model.ckpt"))
        session.run(tf.global_variables_initializer())
        framework.assign_from_checkpoint_fn(path, [weights])(session)
        session.run(*framework.assign_from_checkpoint(path, {"fc/biases": biases}))
        assert session.run(weights).tolist() == [[1.0] * 3] * 2
        assert session.run(biases).tolist() == [0.0, 1.0, 2.0]
    with pytest.raises(ValueError, match=r"missing variable \[other\]"):
        framework.assign_from_checkpoint(path, {"other": biases})
    framework.assign_from_checkpoint(path, {"other": biases}, ignore_missing_vars=True)


def test_regularizers():
    w = tf.constant([[1.0, -2.0], [3.0, 0.0]])
    made = [
        (contrib.l1_regularizer(0.5), 3.0),
        (contrib.l2_regularizer(0.5), 3.5),
        (contrib.l1_l2_regularizer(0.5, 0.5), 6.5),
        (contrib.sum_regularizer([None, contrib.l1_regularizer(1.0)]), 6.0),
    ]
    total = contrib.apply_regularization(contrib.l2_regularizer(1.0), [w, w])
    with tf.Session() as session:
        for regularizer, wanted in made:
            assert session.run(regularizer(w)) == wanted
        assert session.run(total) == 14.0
    assert tf.losses.get_regularization_losses() == [total]
    assert contrib.l1_regularizer(0.0)(w) is None
    assert contrib.sum_regularizer([None]) is None
    for scale, message in ((1, "cannot be an integer"), (-0.5, "less than 0")):
        with pytest.raises(ValueError, match=message):
            contrib.l2_regularizer(scale)
    with pytest.raises(ValueError, match="No weights"):
        contrib.apply_regularization(contrib.l1_regularizer(1.0))


@pytest.mark.parametrize(
    "optimizer", ["SGD", "Adam", "Momentum", tf.train.AdagradOptimizer, lambda rate: tf.train.RMSPropOptimizer(rate)]
)
def test_optimize_loss(optimizer):
    step = tf.train.get_or_create_global_step()
    w = tf.get_variable("w", initializer=5.0)
    train = contrib.optimize_loss(w * w, step, 0.1, optimizer, clip_gradients=1.0, summaries=["loss", "gradients"])
    with started() as session:
        losses = [session.run(train) for _ in range(5)]
        assert session.run(step) == 5
    assert losses == sorted(losses, reverse=True)
    assert len(tf.get_collection(tf.GraphKeys.SUMMARIES)) == 2


def test_optimize_loss_multiplies_decays_and_updates():
    step = tf.train.get_or_create_global_step()
    w, v = tf.get_variable("w", initializer=1.0), tf.get_variable("v", initializer=1.0)
    seen = tf.get_variable("seen", initializer=0.0, trainable=False)
    tf.add_to_collection(tf.GraphKeys.UPDATE_OPS, seen.assign_add(1.0))
    train = contrib.optimize_loss(
        w + v, step, 1.0, "SGD", gradient_multipliers={"w": 0.5, v: 2.0}, increment_global_step=False,
        learning_rate_decay_fn=lambda rate, step: tf.train.exponential_decay(rate, step + 1, 1, 0.5),
    )  # fmt: skip
    with started() as session:
        session.run(train)
        assert session.run([w, v, seen, step]) == [0.75, 0.0, 1.0, 0]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"optimizer": "Best"}, "Optimizer name should be one of"),
        ({"optimizer": 3}, "Unrecognized optimizer"),
        ({"learning_rate": None}, "Learning rate is None"),
        ({"learning_rate": -1.0}, "Invalid learning_rate"),
        ({"learning_rate": "1"}, "Learning rate should be"),
        ({"summaries": ["weights"]}, "Summaries should be one of"),
        ({"loss": np.ones(2, np.float32)}, "scalar loss"),
        ({"learning_rate_decay_fn": lambda rate, step: rate}, "global_step is required"),
    ],
)
def test_optimize_loss_says_what_is_wrong(options, message):
    w = tf.get_variable("w", initializer=5.0)
    given = {"loss": w * w, "global_step": None, "learning_rate": 0.1, "optimizer": "SGD", **options}
    with pytest.raises(ValueError, match=message):
        contrib.optimize_loss(**given)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: contrib.conv2d(tf.zeros(LINES), 2, 3), "rank 4"),
        (lambda: contrib.convolution(tf.zeros([2, 3]), 2, 3), "rank from 3 to 5"),
        (lambda: contrib.conv2d(tf.zeros(IMAGES), 2, 3, data_format="HWC"), "Invalid data_format"),
        (lambda: contrib.fully_connected(tf.zeros([2, 3]), 2.5), "num_outputs"),
        (lambda: contrib.batch_norm(tf.placeholder(tf.float32)), "known rank"),
        (lambda: contrib.batch_norm(tf.placeholder(tf.float32, [2, None])), "undefined `C` dimension"),
        (lambda: contrib.batch_norm(tf.zeros([2, 3]), renorm=True), "no `renorm`"),
        (lambda: contrib.layer_norm(tf.zeros([2, 3]), begin_norm_axis=2), "begin_norm_axis"),
        (lambda: contrib.unit_norm(tf.zeros([2, 3]), 2), "smaller than the input rank"),
        (lambda: contrib.stack(tf.zeros([2, 3]), contrib.linear, 4), "stack_args"),
    ],
)
def test_errors_say_what_is_wrong(build, message):
    with pytest.raises(ValueError, match=message):
        build()
