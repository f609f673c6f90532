"""Graphs as TensorBoard gets them: shapes, devices, control edges, series, and few nodes at the top."""

import numpy as np
import pytest

import headrace as hr
from headrace.engine.summary import summary_iterator

MOST = 30  # nodes at the top of a graph that one can still read
RNG = np.random.default_rng(0)


def graph_in(folder):
    graphs = [e.graph_def for p in sorted(folder.glob("events.*")) for e in summary_iterator(p) if e.graph_def]
    return hr.GraphDef.FromString(graphs[-1])


def top_of(graph):
    return {node.name.split("/")[0] for node in graph.node}


def test_a_graph_says_shapes_devices_and_control_edges(tmp_path):
    with hr.Graph().as_default() as graph:
        with hr.device("/device:CPU:0"), hr.name_scope("layer"):
            x = hr.placeholder(hr.float32, [None, 3], "x")
            large = hr.constant(RNG.normal(size=(3, 400)), hr.float32, name="large")
            product = hr.matmul(x, large, name="product")
        with hr.control_dependencies([product]):
            hr.no_op("after")
        for _ in range(6):
            hr.add(x, 1.0, name="Add")
    hr.summary.FileWriter(tmp_path, graph).close()
    nodes = {node.name: node for node in graph_in(tmp_path).node}
    shape = nodes["layer/product"].attr["_output_shapes"].list.shape[0]
    assert [dim.size for dim in shape.dim] == [-1, 400] and nodes["layer/product"].device == "/device:CPU:0"
    assert list(nodes["after"].input) == ["^layer/product"]
    assert list(nodes["layer/product"].input) == ["layer/x", "layer/large"]
    assert nodes["layer/large"].ByteSize() < 300 and "_too_large_attrs" in nodes["layer/large"].attr
    # What TensorBoard draws as one series: a name, then the name and a number.
    assert {"Add", "Add_1", "Add_2", "Add_3", "Add_4", "Add_5"} <= nodes.keys()


def test_layers_that_are_alike_look_alike(tmp_path):
    """TensorBoard gives scopes of one structure one colour: the names inside must be the same."""
    with hr.Graph().as_default() as graph:
        net = hr.placeholder(hr.float32, [None, 8])
        for _ in range(2):
            net = hr.layers.dense(net, 8, hr.nn.relu)
    hr.summary.FileWriter(tmp_path, graph).close()
    inside = {
        scope: sorted((n.name.removeprefix(scope), n.op) for n in graph_in(tmp_path).node if n.name.startswith(scope))
        for scope in ("dense/", "dense_1/")
    }
    assert inside["dense/"] == inside["dense_1/"] != []


WORDS = hr.feature_column.categorical_column_with_vocabulary_list("w", ["a", "b", "c"])
NUMBER = hr.feature_column.numeric_column("x")
WIDE = {"linear_feature_columns": [WORDS, NUMBER]}
DEEP = {"dnn_feature_columns": [hr.feature_column.embedding_column(WORDS, 2), NUMBER], "dnn_hidden_units": [4, 4]}
LINEAR, DENSE = {"feature_columns": [WORDS, NUMBER]}, {"feature_columns": [NUMBER], "hidden_units": [4, 4]}
ESTIMATORS = {
    "BaselineClassifier": {},
    "LinearClassifier": LINEAR,
    "LinearRegressor": LINEAR,
    "DNNClassifier": DENSE | {"dropout": 0.1, "batch_norm": True, "n_classes": 3},
    "DNNRegressor": DENSE,
    "DNNLinearCombinedClassifier": WIDE | DEEP,
    "DNNLinearCombinedRegressor": WIDE | DEEP,
}


@pytest.mark.parametrize("name", ESTIMATORS)
def test_the_top_of_an_estimators_graph(name, tmp_path):
    features = {"x": RNG.normal(size=20).astype(np.float32), "w": np.array(["a", "b"] * 10)}
    answers = (features["x"] > 0).astype(np.int64 if "Classifier" in name else np.float32)
    model = getattr(hr.estimator, name)(model_dir=str(tmp_path), **ESTIMATORS[name])
    model.train(hr.estimator.inputs.numpy_input_fn(features, answers, batch_size=10, shuffle=False))
    assert 5 < len(top_of(graph_in(tmp_path))) <= MOST


def sequential(layers):
    return hr.keras.Sequential(
        [layers.Reshape((6, 6, 1), input_shape=(36,)), layers.Conv2D(4, 3), layers.BatchNormalization(), layers.ReLU(),
         layers.MaxPooling2D(), layers.Flatten(), layers.Dropout(0.2), layers.Dense(1, "sigmoid")]
    )  # fmt: skip


def branching(layers):
    given = layers.Input((36,))
    deep = layers.Dense(5, "relu", kernel_regularizer="l2")(layers.Dense(8, "relu")(given))
    recurrent = layers.LSTM(3)(layers.Reshape((6, 6))(given))
    return hr.keras.Model(given, layers.Dense(1, "sigmoid")(layers.Concatenate()([deep, recurrent])))


@pytest.mark.parametrize("make", [sequential, branching])
def test_the_top_of_a_keras_models_graph(make, tmp_path):
    inputs = RNG.normal(size=(20, 36)).astype(np.float32)
    with hr.Graph().as_default():
        model = make(hr.keras.layers)
        model.compile(hr.keras.optimizers.Adam(clipnorm=1.0), "binary_crossentropy", metrics=["accuracy", "AUC"])
        board = hr.keras.callbacks.TensorBoard(tmp_path)
        model.fit(inputs, inputs[:, 0] > 0, epochs=1, verbose=0, validation_split=0.5, callbacks=[board])
        model.predict(inputs, verbose=0)
        assert len({op.name.split("/")[0] for op in hr.get_default_graph().get_operations()}) <= MOST
    graph = graph_in(tmp_path / "train")
    assert {"train", "test"} < top_of(graph) and len(top_of(graph)) <= MOST
