"""tf.contrib.cudnn_rnn: PyTorch's numbers, and checkpoints that the cells which compute the same can read."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

import headrace as tf

cudnn_rnn = tf.contrib.cudnn_rnn
ops = cudnn_rnn.python.ops.cudnn_rnn_ops

FIXTURES = Path(__file__).parent.parent / "fixtures" / "layers"
specification = importlib.util.spec_from_file_location("cudnn_rnn_cases", FIXTURES / "cudnn_rnn_cases.py")
cases = importlib.util.module_from_spec(specification)
specification.loader.exec_module(cases)
with np.load(FIXTURES / "cudnn_rnn.npz") as archive:
    EXPECTED = dict(archive)
LAYERS = {
    "lstm": cudnn_rnn.CudnnLSTM,
    "gru": cudnn_rnn.CudnnGRU,
    "rnn_tanh": cudnn_rnn.CudnnRNNTanh,
    "rnn_relu": cudnn_rnn.CudnnRNNRelu,
}
CELLS = {
    "lstm": cudnn_rnn.CudnnCompatibleLSTMCell,
    "gru": cudnn_rnn.CudnnCompatibleGRUCell,
    "rnn_tanh": tf.nn.rnn_cell.BasicRNNCell,
    "rnn_relu": lambda units: tf.nn.rnn_cell.BasicRNNCell(units, activation=tf.nn.relu),
}


def compare(name, session, results, inputs):
    """Outputs, last states and gradients beside PyTorch's, with what outputs and states are multiplied by."""
    _, _, _, _, *weights = cases.arrays(name)
    loss = tf.add_n([tf.reduce_sum(a * b) for a, b in zip(results, weights, strict=False)])
    found = session.run([*results, *tf.gradients(loss, inputs)])
    found = np.concatenate([value.ravel() for value in found])
    np.testing.assert_allclose(found, EXPECTED[name], rtol=2e-4, atol=2e-5)


@pytest.mark.parametrize("name", cases.CASES)
def test_layers_have_pytorchs_numbers(name):
    mode, layers, direction, lengths = cases.CASES[name]
    params, *arrays = cases.arrays(name)
    with tf.Graph().as_default(), tf.Session() as session:
        x, h, c = (tf.constant(array) for array in arrays[:3])
        layer = LAYERS[mode](layers, cases.UNITS, direction=direction)
        given = (h, c) if mode == "lstm" else (h,)
        options = {"sequence_lengths": cases.LENGTHS} if lengths else {}
        outputs, states = layer(x, given, **options)
        assert isinstance(states, tuple) and outputs.shape.as_list() == list(arrays[3].shape)
        assert [state.shape.as_list() for state in states] == list(layer.state_shape(cases.BATCH))
        layer.kernel.load(params, session)
        compare(name, session, [outputs, *states], [layer.kernel, x, *given])


@pytest.mark.parametrize("name", ["lstm-2-bidirectional", "gru-2-unidirectional-lengths"])
def test_functions_with_the_batch_in_front(name):
    mode, _, direction, lengths = cases.CASES[name]
    params, *arrays = (tf.constant(array) for array in cases.arrays(name))
    with tf.Session() as session:
        x, h, c = (tf.transpose(array, [1, 0, 2]) for array in arrays[:3])
        given = [x, h, c] if mode == "lstm" else [x, h]
        options = {"sequence_lengths": cases.LENGTHS if lengths else None, "direction": direction, "time_major": False}
        function = ops.cudnn_lstm if mode == "lstm" else ops.cudnn_gru
        results = function(*given, params, True, **options)
        inputs = [params, *arrays[: len(given)]]
        # Gradients are those of the arrays as PyTorch has them.
        compare(name, session, [tf.transpose(value, [1, 0, 2]) for value in results], inputs)


@pytest.mark.parametrize("name", ["lstm-2-bidirectional", "gru-1-unidirectional", "rnn_tanh-2-bidirectional"])
def test_the_class_of_old(name):
    """Sizes in place of words give the class whose weights the program keeps."""
    mode, layers, direction, _ = cases.CASES[name]
    params, *arrays = cases.arrays(name)
    with tf.Graph().as_default(), tf.Session() as session:
        network = LAYERS[mode](layers, cases.UNITS, cases.SIZE, direction=direction)
        assert type(network) is getattr(ops, type(network).__name__)
        assert type(LAYERS[mode](num_layers=1, num_units=2, input_size=3)) is type(network)
        size = network.params_size()
        variable = tf.Variable(tf.zeros([size]), validate_shape=False, name="params")
        x, h, c = (tf.constant(array) for array in arrays[:3])
        given = (h, c) if mode == "lstm" else (h,)
        results = network(x, *given, variable)
        weights, biases = network.params_to_canonical(variable)
        again = network.canonical_to_params(weights, biases)
        saveable = cudnn_rnn.RNNParamsSaveable(network.params_to_canonical, network.canonical_to_params, variable)
        session.run(tf.assign(variable, params, validate_shape=False))
        assert session.run(size) == len(params) == session.run(tf.size(again))
        np.testing.assert_array_equal(session.run(again), params)
        assert len(saveable.specs) == len(weights) + len(biases)
        compare(name, session, results, [variable, x, *given])


def run_cells(mode, layers, direction, x):
    """The outputs of a graph of cells in the scope of a layer."""
    cells = [CELLS[mode](cases.UNITS) for _ in range(layers)]
    if direction == "unidirectional":
        return tf.nn.dynamic_rnn(tf.nn.rnn_cell.MultiRNNCell(cells), x, dtype=tf.float32, time_major=True)[0]
    back = [CELLS[mode](cases.UNITS) for _ in range(layers)]
    stacked = tf.contrib.rnn.stack_bidirectional_dynamic_rnn
    return stacked(cells, back, x, dtype=tf.float32, time_major=True)[0]


@pytest.mark.parametrize("direction", ["unidirectional", "bidirectional"])
@pytest.mark.parametrize("mode", LAYERS)
def test_checkpoints_of_layers_and_of_cells(mode, direction, tmp_path):
    name = LAYERS[mode](1, 1).base_name
    value = np.random.RandomState(1).normal(size=(4, 3, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(2)
        start = tf.random_normal_initializer(stddev=0.5)
        layer = LAYERS[mode](2, cases.UNITS, direction=direction, bias_initializer=start)
        outputs, _ = layer(value)
        session.run(tf.global_variables_initializer())
        expected = session.run(outputs)
        path = tf.train.Saver().save(session, str(tmp_path / "layer"))
    names = {name for name, _ in tf.train.list_variables(path)}
    part = "rnn/multi_rnn_cell/cell_1/" if direction == "unidirectional" else "stack_bidirectional_rnn/cell_1/"
    assert f"{name}/opaque_kernel" in names and any(n.startswith(f"{name}/{part}") for n in names)
    with tf.Graph().as_default(), tf.Session() as session:
        with tf.variable_scope(name):
            outputs = run_cells(mode, 2, direction, tf.constant(value))
        saver = tf.train.Saver()
        saver.restore(session, path)
        assert {v.op.name for v in tf.global_variables()} | {f"{name}/opaque_kernel"} == names
        np.testing.assert_allclose(session.run(outputs), expected, rtol=1e-4, atol=1e-6)
        session.run([v.assign(v * 0.5) for v in tf.global_variables()])
        halved = session.run(outputs)
        path = saver.save(session, str(tmp_path / "cells"))
    # Cells have no opaque_kernel: the layer is restored from what they have.
    with tf.Graph().as_default(), tf.Session() as session:
        layer = LAYERS[mode](2, cases.UNITS, direction=direction)
        outputs, _ = layer(value)
        tf.train.Saver().restore(session, path)
        np.testing.assert_allclose(session.run(outputs), halved, rtol=1e-4, atol=1e-6)


def test_names_shapes_and_training(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [None, None, 5])
        with tf.variable_scope("model", partitioner=tf.fixed_size_partitioner(2)):
            layer = cudnn_rnn.CudnnLSTM(2, 4, direction="bidirectional", dropout=0.3, seed=1)
            with pytest.raises(RuntimeError, match="not known"):
                _ = layer.canonical_weight_shapes
            outputs, (h, c) = layer(x)
            again, _ = layer(x, training=False)
            training = tf.placeholder(tf.bool, [])
            either, _ = layer(x, training=training)
        assert layer.canonical_weight_shapes == ([(4, 5)] * 4 + [(4, 4)] * 4) * 2 + ([(4, 8)] * 4 + [(4, 4)] * 4) * 2
        assert layer.canonical_bias_shapes == [[4]] * 32 and (layer.num_dirs, layer.rnn_mode) == (2, "lstm")
        assert [v.name for v in tf.trainable_variables()] == ["model/cudnn_lstm/opaque_kernel:0"]
        assert layer.saveable.name == "model/cudnn_lstm/opaque_kernel_saveable"
        assert outputs.shape.as_list() == [None, None, 8] and h.shape.as_list()[0] == c.shape.as_list()[0] == 4
        loss = tf.reduce_mean(tf.square(again - 0.3))
        train = tf.train.AdamOptimizer(0.05).minimize(loss)
        session.run(tf.global_variables_initializer())
        feed = {x: np.random.RandomState(0).normal(size=(6, 2, 5))}
        start = session.run(layer.kernel)
        assert np.ptp(start[: -32 * 4]) > 0.5 and not start[-32 * 4 :].any()
        first = session.run(loss, feed)
        for _ in range(30):
            session.run(train, feed)
        assert session.run(loss, feed) < first / 4
        dropped, whole = session.run([outputs, again], feed)
        assert np.abs(dropped - whole).max() > 1e-3 and either.shape.as_list() == [None, None, 8]
        np.testing.assert_allclose(session.run(either, {**feed, training: False}), whole, rtol=1e-5)
        assert np.abs(session.run(either, {**feed, training: True}) - whole).max() > 1e-3
        path = tf.train.Saver().save(session, str(tmp_path / "x"))
        trained = session.run(layer.kernel)
        session.run(tf.global_variables_initializer())
        tf.train.Saver().restore(session, path)
        # Both biases of a gate have the same start and gradients: halves of their sums are what they were.
        np.testing.assert_array_equal(session.run(layer.kernel), trained)


def test_one_variable_for_two_layers():
    with tf.Graph().as_default():
        for _ in range(2):
            with tf.variable_scope("net", reuse=tf.AUTO_REUSE):
                layer = cudnn_rnn.CudnnGRU(1, 3, name="gru")
                layer.build([None, None, 2])
        assert len(tf.get_collection(tf.GraphKeys.SAVEABLE_OBJECTS)) == len(tf.global_variables()) == 1
        assert layer.saveable.specs[0].name == "net/rnn/multi_rnn_cell/cell_0/cudnn_compatible_gru_cell/gates/kernel"
        tf.train.Saver()


def test_inputs_as_they_are():
    """Without matrices of its inputs a layer is one with matrices of ones on the diagonal."""
    value, units = np.random.RandomState(4).normal(size=(3, 2, 4)).astype(np.float32), 4
    with tf.Graph().as_default(), tf.Session() as session:
        skipping = cudnn_rnn.CudnnGRU(1, units, input_mode="auto_select", bias_initializer=tf.ones_initializer())
        outputs, _ = skipping(value)
        whole = cudnn_rnn.CudnnGRU(1, units)
        expected, _ = whole(value)
        session.run(tf.global_variables_initializer())
        states = session.run(skipping.kernel)
        assert len(states) == 3 * units * (units + 2) and skipping.canonical_weight_shapes[0] == (units, 0)
        whole.kernel.load(np.concatenate([np.tile(np.eye(units), (3, 1)).ravel(), states]), session)
        np.testing.assert_allclose(*session.run([outputs, expected]), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("arguments", [
    {"num_layers": 0}, {"num_layers": None}, {"num_units": -1}, {"num_units": 2.0}, {"num_units": True},
    {"dropout": 1.0}, {"dropout": -0.1}, {"dropout": float("nan")}, {"dropout": "half"},
])  # fmt: skip
def test_sizes_and_shares_that_are_none(arguments):
    given = {"num_layers": 1, "num_units": 2} | arguments
    (name,) = arguments
    with pytest.raises(ValueError, match=f"{name} must be"):
        cudnn_rnn.CudnnLSTM(**given)
    with pytest.raises(ValueError, match=f"{name} must be"):
        ops.CudnnGRU(input_size=3, **given)


def test_an_imported_graph_restores_and_saves_cells_too(tmp_path, caplog):
    x = np.ones((3, 2, 4), np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        outputs = tf.identity(cudnn_rnn.CudnnGRU(1, 2, name="net")(x)[0], name="outputs")
        session.run(tf.global_variables_initializer())
        path, expected = tf.train.Saver().save(session, str(tmp_path / "a")), session.run(outputs)
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(f"{path}.meta")
        saver.restore(session, path)
        np.testing.assert_array_equal(session.run("outputs:0"), expected)
        again = saver.save(session, str(tmp_path / "b"))
    assert tf.train.list_variables(again) == tf.train.list_variables(path)
    assert len(tf.train.list_variables(path)) > 1 and not caplog.records


@pytest.mark.parametrize("layer", [cudnn_rnn.CudnnLSTM, cudnn_rnn.CudnnGRU])
def test_lengths_that_no_sequence_has(layer):
    x = np.ones((3, 2, 4), np.float32)
    for lengths, error, words in [
        ([-1, 3], ValueError, r"from 0 to the number of steps, 3; got \[-1, 3\]"),
        ([4, 3], ValueError, r"got \[4, 3\]"),
        (np.array([2**40, 1]), ValueError, "1099511627776"),
        ([1.5, 2.0], TypeError, "int32 or int64, got float32"),
        ([3], ValueError, r"shape \[2\], one for each sequence, got \(1,\)"),
        ([[3, 3]], ValueError, "one for each sequence"),
    ]:
        with tf.Graph().as_default(), pytest.raises(error, match=words):
            layer(1, 2)(x, sequence_lengths=lengths)
    with tf.Graph().as_default(), tf.Session() as session:
        lengths = tf.placeholder(tf.int64, [None])
        net = layer(1, 2)
        outputs, states = net(x, sequence_lengths=lengths)
        session.run(tf.global_variables_initializer())
        outputs, states = session.run([outputs, states], {lengths: [0, 2]})
        assert not outputs[:, 0].any() and not outputs[2].any()
        np.testing.assert_array_equal(states[0][0, 1], outputs[1, 1])
        for wrong in ([4, 1], [2, -1], [2**40, 1]):
            with pytest.raises(tf.errors.InvalidArgumentError, match="step_of_sequence_lengths"):
                session.run(net(x, sequence_lengths=lengths)[1], {lengths: wrong})


def test_errors():
    layer = cudnn_rnn.CudnnLSTM(1, 2)
    with pytest.raises(ValueError, match="'input_size' is unknown"):
        _ = layer.input_size
    for arguments, text in (
        ({"direction": "bidrectional"}, "Invalid direction"),
        ({"input_mode": "other"}, "Invalid input_mode"),
        ({"dtype": tf.int32}, "float16, float32 and float64"),
    ):
        with pytest.raises(ValueError, match=text):
            cudnn_rnn.CudnnLSTM(1, 2, **arguments)
    with tf.Graph().as_default():
        x = tf.zeros([3, 2, 4])
        with pytest.raises(TypeError, match="expecting tuple"):
            layer(x, tf.zeros([1, 2, 2]))
        with pytest.raises(ValueError, match="has 2 initial states, got 1"):
            cudnn_rnn.CudnnLSTM(1, 2)(x, (tf.zeros([1, 2, 2]),))
        for states in ((tf.zeros([1, 3, 2]),) * 2, (tf.zeros([2, 2]),) * 2):
            with pytest.raises(ValueError, match=r"must be of shape \[1, 2, 2\], got"):
                cudnn_rnn.CudnnLSTM(1, 2)(x, states)
        with pytest.raises(TypeError, match="must be a function, got 3"):
            cudnn_rnn.CudnnLSTM(1, 2, kernel_initializer=3)
        with pytest.raises(ValueError, match="a step or more"):
            cudnn_rnn.CudnnGRU(1, 2)(tf.zeros([0, 2, 4]))
        with pytest.raises(ValueError, match="input_size must be"):
            cudnn_rnn.CudnnGRU(1, 2)(tf.zeros([3, 2, 0]))
        with pytest.raises(ValueError, match="3 dims"):
            cudnn_rnn.CudnnLSTM(1, 2).build([3, 2])
        with pytest.raises(ValueError, match="must be known"):
            cudnn_rnn.CudnnLSTM(1, 2).build([3, 2, None])
        with pytest.raises(ValueError, match="skip_input"):
            cudnn_rnn.CudnnLSTM(1, 2, input_mode="skip_input")(x)
        with pytest.raises(ValueError, match="Expected 64 weights"):
            ops.cudnn_lstm(x, tf.zeros([1, 2, 2]), tf.zeros([1, 2, 2]), tf.zeros([5]), True)
        converter = cudnn_rnn.CudnnParamsFormatConverterLSTM(1, 2, 4)
        with pytest.raises(ValueError, match="Expected 2 canonical weights, got 1"):
            converter.tf_canonical_to_opaque([x])
        with pytest.raises(tf.errors.UnimplementedError, match="num_proj"):
            cudnn_rnn.CudnnParamsFormatConverterLSTM(1, 2, 4, num_proj=3)
