"""Feature columns in models: old names, examples that are parsed, variables by column, unknown shapes, estimators."""

import numpy as np
import pytest

import headrace as tf

fc, contrib = tf.feature_column, tf.contrib.layers


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as found:
        yield found


def run(value):
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        return session.run(value)


def test_old_names_make_the_same_columns():
    age, color = fc.numeric_column("age"), fc.categorical_column_with_hash_bucket("color", 9)
    ids = fc.categorical_column_with_identity("id", 5)
    pairs = [
        (contrib.real_valued_column("age"), age),
        (contrib.real_valued_column("age", 2, 1.0), fc.numeric_column("age", 2, [1.0, 1.0])),
        (contrib.bucketized_column(age, [1.0, 2.0]), fc.bucketized_column(age, [1.0, 2.0])),
        (contrib.sparse_column_with_hash_bucket("color", 9), color),
        (
            contrib.sparse_column_with_keys("color", ["a", "b"]),
            fc.categorical_column_with_vocabulary_list("color", ["a", "b"]),
        ),
        (contrib.sparse_column_with_integerized_feature("id", 5), ids),
        (contrib.crossed_column([color, ids], 7), fc.crossed_column(["color", ids], 7)),
        (contrib.weighted_sparse_column(ids, "w"), fc.weighted_categorical_column(ids, "w")),
        (contrib.one_hot_column(ids), fc.indicator_column(ids)),
    ]
    for old, new in pairs:
        assert old == new and hash(old) == hash(new)
    embedded, shared = contrib.embedding_column(ids, 3), contrib.shared_embedding_columns([ids], 3)
    assert (embedded.name, embedded.combiner, shared[0].name) == ("id_embedding", "mean", "id_shared_embedding")
    assert contrib.create_feature_spec_for_parsing([ids]) == fc.make_parse_example_spec([ids])


def test_input_of_contrib_has_its_own_scope():
    column = contrib.embedding_column(contrib.sparse_column_with_hash_bucket("color", 9), 2)
    assert run(contrib.input_from_feature_columns({"color": ["a", ""]}, [column]))[1].tolist() == [0, 0]
    assert tf.global_variables()[0].op.name == "input_from_feature_columns/color_embedding/embedding_weights"


def test_weighted_sum_of_contrib_gives_its_variables():
    color = contrib.sparse_column_with_hash_bucket("color", 9)
    output, variables, bias = contrib.weighted_sum_from_feature_columns({"color": ["a", ""]}, [color], 3)
    assert run(output).tolist() == [[0] * 3] * 2 and bias.shape.as_list() == [3]
    assert variables[color][0].op.name == "weighted_sum_from_feature_columns/linear_model/color/weights"


def test_an_embedding_starts_from_a_checkpoint(tmp_path):
    ids, rows = fc.categorical_column_with_identity("id", 3), np.arange(6, dtype=np.float32).reshape(3, 2)
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("table", initializer=rows)
        session.run(tf.global_variables_initializer())
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
    column = fc.embedding_column(ids, 2, initializer=tf.constant_initializer(tf.train.load_variable(path, "table")))
    np.testing.assert_array_equal(run(fc.input_layer({"id": [2, 0]}, [column])), rows[[2, 0]])


def test_serialized_examples_are_parsed_for_columns():
    columns = [
        fc.numeric_column("age", default_value=7.0),
        fc.indicator_column(fc.categorical_column_with_vocabulary_list("color", ["red", "blue"])),
    ]
    example = tf.train.Example()
    example.features.feature["color"].bytes_list.value.extend([b"blue", b"blue", b"black"])
    parsed = tf.parse_example([example.SerializeToString()], fc.make_parse_example_spec(columns))
    assert run(fc.input_layer(parsed, columns)).tolist() == [[7.0, 0.0, 2.0]]


def test_variables_and_outputs_by_column():
    age, color = fc.numeric_column("age"), fc.categorical_column_with_hash_bucket("color", 9)
    embedded, features = fc.embedding_column(color, 2), {"age": [1.0, 2.0], "color": ["a", "b"]}
    variables, outputs = {}, {}
    fc.input_layer(features, [age, embedded], ["mine"], cols_to_vars=variables, cols_to_output_tensors=outputs)
    assert variables == {age: [], embedded: tf.global_variables()} and tf.get_collection("mine") == variables[embedded]
    assert outputs[age].shape.as_list() == [2, 1] and outputs[embedded].shape.as_list() == [2, 2]
    variables = {}
    fc.linear_model(features, [age, color], trainable=False, cols_to_vars=variables)
    assert [v.op.name for v in variables["bias"]] == ["linear_model/bias_weights"]
    assert variables[color][0].shape.as_list() == [9, 1] and len(tf.trainable_variables()) == 1
    assert len(tf.model_variables()) == 4


def test_models_of_one_scope_get_names_of_their_own():
    color = fc.categorical_column_with_hash_bucket("color", 9)
    for _ in range(2):
        fc.linear_model({"color": ["a"]}, [color])
    names = [v.op.name for v in tf.global_variables()]
    assert names[2:] == ["linear_model_1/color_1/weights", "linear_model_1/bias_weights"]


def test_features_of_unknown_shape():
    age = tf.placeholder(tf.float32, None)
    columns = [fc.numeric_column("age", 1), fc.bucketized_column(fc.numeric_column("age"), [0.0])]
    output = fc.input_layer({"age": age}, columns)
    assert output.shape.as_list() == [None, 3]
    with tf.Session() as session:
        for value in ([1.0, -1.0], [[1.0], [-1.0]]):
            assert session.run(output, {age: value}).tolist() == [[1, 0, 1], [-1, 1, 0]]
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(output, {age: [[1.0, 2.0]]})
        with pytest.raises(tf.errors.InvalidArgumentError, match="cannot have rank 0"):
            session.run(output, {age: 1.0})


def table():
    rng = np.random.default_rng(0)
    words = np.array(["red", "green", "blue", "violet"])
    features = {"color": words[rng.integers(0, 4, 400)], "age": rng.uniform(0, 100, 400).astype(np.float32)}
    return features, ((features["color"] == "red") ^ (features["age"] > 40)).astype(np.int64)


def input_fn(epochs=None):
    return tf.estimator.inputs.numpy_input_fn(*table(), batch_size=50, num_epochs=epochs, shuffle=False)


def test_a_dnn_of_embedded_and_bucketized_columns(tmp_path):
    color = fc.categorical_column_with_hash_bucket("color", 100)
    columns = [fc.embedding_column(color, 4), fc.bucketized_column(fc.numeric_column("age"), [20.0, 40.0, 60.0])]
    config = tf.estimator.RunConfig(tf_random_seed=1)
    model = tf.estimator.DNNClassifier([10, 20], columns, str(tmp_path), config=config, optimizer="Adam")
    model.train(input_fn(), steps=600)
    assert model.evaluate(input_fn(1))["accuracy"] > 0.9
    first = next(iter(model.predict(input_fn(1))))
    assert first["probabilities"].shape == (2,) and first["class_ids"].shape == (1,)
    names = dict(tf.train.list_variables(str(tmp_path)))
    assert names["dnn/input_from_feature_columns/input_layer/color_embedding/embedding_weights"] == [100, 4]


def test_a_linear_model_of_crosses_and_vocabularies(tmp_path):
    color = fc.categorical_column_with_vocabulary_list("color", ["red", "green", "blue", "violet"])
    age = fc.bucketized_column(fc.numeric_column("age"), [20.0, 40.0, 60.0])
    model = tf.estimator.LinearClassifier([color, age, fc.crossed_column([color, age], 100)], str(tmp_path))
    model.train(input_fn(), steps=300)
    assert model.evaluate(input_fn(1))["accuracy"] > 0.95
    names = dict(tf.train.list_variables(str(tmp_path)))
    assert names["linear/linear_model/age_bucketized_X_color/weights"] == [100, 1]
    assert names["linear/linear_model/bias_weights"] == [1]


def test_fit_and_predict_take_columns_of_words():
    features, labels = table()
    color = fc.categorical_column_with_vocabulary_list("color", ["red", "green", "blue", "violet"])
    age = fc.numeric_column("age", normalizer_fn=lambda x: x / 100.0)
    model = tf.estimator.DNNClassifier([8], [fc.indicator_column(color), age], optimizer="Adam")
    model.fit(features, labels, epochs=2, verbose=0)
    rows = {name: column[:3] for name, column in features.items()}
    assert model.predict(rows).shape == model.predict(rows).shape == (3,)
