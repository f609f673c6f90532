"""fit, evaluate and predict: kinds of data and models, options, and what bad input says."""

import threading
import time

import numpy as np
import pytest

import headrace as tf

keras = tf.keras
layers = keras.layers
RNG = np.random.default_rng(3)
X, Y = RNG.normal(size=(40, 4)).astype("float32"), RNG.integers(0, 3, 40)


@pytest.fixture(autouse=True)
def fresh_graph():
    keras.backend.clear_session()


def classifier(**options):
    model = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="softmax")])
    model.compile("sgd", "sparse_categorical_crossentropy", **options)
    return model


def regressor():
    model = keras.Sequential([layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


def two_in_two_out(inputs_as=list):
    a, b = keras.Input((4,), name="a"), keras.Input((2,), name="b")
    h = layers.Concatenate()([layers.Dense(3, name="da")(a), b])
    outputs = [layers.Dense(1, name="size")(h), layers.Dense(3, activation="softmax", name="kind")(h)]
    return keras.Model([a, b] if inputs_as is list else {"a": a, "b": b}, outputs)


TWO_X = {"a": X, "b": X[:, :2]}
TWO_Y = {"size": X[:, 0], "kind": Y}


class Doubled(keras.Model):
    def __init__(self):
        super().__init__()
        self.first = layers.Dense(5, activation="relu")
        self.rest = [layers.Dropout(0.5), layers.Dense(1)]

    def call(self, inputs, training=None):
        x = self.first(inputs)
        x = self.rest[0](x, training=training)
        return 2.0 * self.rest[1](x)


class Batches(keras.utils.Sequence):
    def __init__(self):
        super().__init__()
        self.epochs = 0

    def __len__(self):
        return 5

    def __getitem__(self, index):
        return X[index * 8 : index * 8 + 8], Y[index * 8 : index * 8 + 8]

    def on_epoch_end(self):
        self.epochs += 1


def endless():
    while True:
        for i in range(0, 40, 8):
            yield X[i : i + 8], Y[i : i + 8]


DATA = {
    "arrays": lambda: ((X, Y), {"batch_size": 8}),
    "lists": lambda: ((X.tolist(), Y.tolist()), {"batch_size": 8}),
    "float64": lambda: ((X.astype("float64"), Y.astype("float64")), {"batch_size": 8}),
    "dataset": lambda: ((tf.data.Dataset.from_tensor_slices((X, Y)).batch(8),), {}),
    "endless dataset": lambda: ((tf.data.Dataset.from_tensor_slices((X, Y)).repeat().batch(8),), {"steps": 5}),
    "generator": lambda: ((endless(),), {"steps": 5}),
    "sequence": lambda: ((Batches(),), {}),
}


@pytest.mark.parametrize("kind", DATA)
def test_all_kinds_of_data_train_alike(kind):
    model, same = classifier(metrics=["accuracy"]), classifier(metrics=["accuracy"])
    model.set_weights([np.ones((4, 3)), np.zeros(3)])
    same.set_weights([np.ones((4, 3)), np.zeros(3)])
    (data, options), steps = DATA[kind](), None
    steps = options.pop("steps", None)
    history = model.fit(*data, epochs=3, shuffle=False, verbose=0, steps_per_epoch=steps, **options)
    wanted = same.fit(X, Y, batch_size=8, epochs=3, shuffle=False, verbose=0)
    np.testing.assert_allclose(history.history["loss"], wanted.history["loss"], rtol=1e-5)
    np.testing.assert_allclose(model.get_weights()[0], same.get_weights()[0], rtol=1e-5)
    data, options = DATA[kind]()
    loss, accuracy = model.evaluate(*data, verbose=0, **options)
    np.testing.assert_allclose([loss, accuracy], same.evaluate(X, Y, verbose=0), rtol=1e-5)
    data, options = DATA[kind]()
    np.testing.assert_allclose(model.predict(data[0], verbose=0, **options), same.predict(X, verbose=0), rtol=1e-5)


def test_a_frame_is_an_array():
    pandas = pytest.importorskip("pandas")
    model = regressor()
    model.fit(pandas.DataFrame(X), pandas.Series(X[:, 0]), verbose=0)
    assert model.predict(pandas.DataFrame(X), verbose=0).shape == (40, 1)


def test_on_epoch_end_of_a_sequence_is_called():
    data = Batches()
    classifier().fit(data, epochs=2, verbose=0)
    assert data.epochs == 2


@pytest.mark.parametrize("inputs_as", [list, dict])
@pytest.mark.parametrize("as_dict", [True, False])
def test_several_inputs_and_outputs(inputs_as, as_dict):
    model = two_in_two_out(inputs_as)
    losses = {"size": "mse", "kind": "sparse_categorical_crossentropy"}
    model.compile("adam", losses, metrics={"kind": ["accuracy"]}, loss_weights={"size": 0.5, "kind": 1.0})
    x, y = (TWO_X, TWO_Y) if as_dict else (list(TWO_X.values()), list(TWO_Y.values()))
    history = model.fit(x, y, epochs=2, batch_size=16, validation_split=0.25, verbose=0).history
    names = ["loss", "size_loss", "kind_loss", "kind_accuracy"]
    assert list(history) == [*names, *(f"val_{name}" for name in names)]
    logs = model.evaluate(x, y, verbose=0, return_dict=True)
    assert logs["loss"] == pytest.approx(0.5 * logs["size_loss"] + logs["kind_loss"], rel=1e-5)
    size, kind = model.predict(x, verbose=0)
    assert size.shape == (40, 1)
    assert kind.shape == (40, 3)


def test_a_subclass_keeps_its_layers_in_order():
    model = Doubled()
    model.compile("adam", "mse")
    model.fit(X, X[:, 0], verbose=0)
    assert [layer.name for layer in model.layers] == ["dense", "dropout", "dense_1"]
    assert [w.shape.as_list() for w in model.weights] == [[4, 5], [5], [5, 1], [1]]
    kernel, bias, other, last = model.get_weights()
    wanted = 2 * (np.maximum(X @ kernel + bias, 0) @ other + last)
    np.testing.assert_allclose(model.predict(X, verbose=0), wanted, rtol=1e-4, atol=1e-5)


def test_a_model_is_a_layer_of_another():
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(3, activation="relu"), layers.BatchNormalization()])
    x, y = keras.Input((4,)), keras.Input((4,))
    model = keras.Model([x, y], layers.Dense(1)(layers.subtract([inner(x), inner(y)])))
    assert model.count_params() == 4 * 3 + 3 + 4 * 3 + 4
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit([X, X[::-1]], X[:, 0], verbose=0)
    assert not np.allclose(before[0], inner.get_weights()[0])
    assert not np.allclose(before[4], inner.get_weights()[4]), "moving means follow"
    inner.trainable = False
    model.compile("sgd", "mse")
    before = inner.get_weights()
    model.fit([X, X[::-1]], X[:, 0], verbose=0)
    np.testing.assert_array_equal(before[0], inner.get_weights()[0])


def test_operations_between_layers_and_added_losses():
    x = keras.Input((4,))
    z = layers.Dense(2)(x)
    model = keras.Model(x, layers.Dense(4)(tf.tanh(z) * 2.0))
    model.add_loss(tf.reduce_mean(tf.square(model.output - x)))
    model.add_metric(tf.reduce_mean(tf.abs(z)), name="size")
    model.compile("adam")
    history = model.fit(X, epochs=3, verbose=0).history
    assert history["loss"][-1] < history["loss"][0]
    assert len(history["size"]) == 3
    np.testing.assert_allclose(
        model.evaluate(X, verbose=0)[0], np.square(model.predict(X, verbose=0) - X).mean(), rtol=1e-4
    )


def test_metrics_are_exact_over_uneven_batches():
    model = classifier(metrics=["accuracy"])
    loss, accuracy = model.evaluate(X, Y, batch_size=16, verbose=0)
    p = model.predict(X, batch_size=7, verbose=0)
    assert accuracy == pytest.approx((p.argmax(axis=1) == Y).mean())
    assert loss == pytest.approx(-np.log(p[np.arange(40), Y]).mean(), rel=1e-5)


def test_weights_of_rows_and_classes():
    model = classifier(weighted_metrics=["accuracy"], metrics=["accuracy"])
    weights = np.where(Y == 1, 2.0, 0.0)
    by_row = model.evaluate(X, Y, sample_weight=weights, verbose=0, return_dict=True)
    right = model.predict(X, verbose=0).argmax(axis=1) == Y
    assert by_row["weighted_accuracy"] == pytest.approx(right[Y == 1].mean())
    assert by_row["accuracy"] == pytest.approx(right.mean())
    start = model.get_weights()
    model.fit(X, Y, sample_weight=weights, shuffle=False, verbose=0)
    by_row = model.get_weights()
    model.set_weights(start)
    model.fit(X, Y, class_weight={0: 0.0, 1: 2.0, 2: 0.0}, shuffle=False, verbose=0)
    np.testing.assert_allclose(model.get_weights()[0], by_row[0], rtol=1e-6)


def test_validation_and_epochs():
    model = classifier()
    data = {"validation_data": (X, Y), "verbose": 0}
    assert len(model.fit(X, Y, epochs=4, validation_freq=2, **data).history["val_loss"]) == 2
    assert model.fit(X, Y, epochs=4, initial_epoch=2, **data).epoch == [2, 3]
    assert len(model.fit(X, Y, epochs=3, validation_freq=[1, 3], **data).history["val_loss"]) == 2


def test_single_batches():
    model = classifier(metrics=["accuracy"])
    loss, accuracy = model.test_on_batch(X[:8], Y[:8])
    assert model.train_on_batch(X[:8], Y[:8]) == pytest.approx([loss, accuracy])
    assert model.test_on_batch(X[:8], Y[:8], return_dict=True)["loss"] < loss
    np.testing.assert_allclose(model.predict_on_batch(X[:8]), model.predict(X[:8], verbose=0))


def test_averages_of_weights_and_accumulated_gradients_run():
    model = classifier()
    model.compile(keras.optimizers.SGD(0.1, gradient_accumulation_steps=5), "sparse_categorical_crossentropy")
    start = model.get_weights()
    model.fit(X, Y, batch_size=8, verbose=0, steps_per_epoch=4)
    np.testing.assert_array_equal(model.get_weights()[0], start[0])
    model.train_on_batch(X[:8], Y[:8])
    assert not np.allclose(model.get_weights()[0], start[0])


def test_an_optimizer_of_tf_train():
    model = classifier()
    model.compile(tf.train.AdamOptimizer(0.1), "sparse_categorical_crossentropy")
    history = model.fit(X, Y, epochs=5, verbose=0).history["loss"]
    assert history[-1] < history[0]


def test_the_learning_rate_can_be_set_and_read():
    model = classifier()
    optimizer = model.optimizer
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    optimizer.learning_rate = 0.5
    assert keras.backend.get_value(optimizer.lr) == pytest.approx(0.5)
    keras.backend.set_value(optimizer.lr, 0.25)
    assert optimizer.get_config()["learning_rate"] == 0.25
    scheduled = keras.optimizers.SGD(keras.optimizers.schedules.ExponentialDecay(0.1, 10, 0.5))
    with pytest.raises(TypeError, match="LearningRateSchedule"):
        scheduled.learning_rate = 0.1
    assert keras.optimizers.get(keras.optimizers.serialize(scheduled)).get_config() == scheduled.get_config()


def test_progress_in_three_kinds(capsys):
    model = classifier(metrics=["accuracy"])
    model.fit(X, Y, epochs=2, verbose=0)
    assert capsys.readouterr().err == ""
    for verbose in (1, 2):
        model.fit(X, Y, epochs=2, verbose=verbose)
        lines = capsys.readouterr().err.splitlines()
        assert [line.split(":")[0] for line in lines] == ["Epoch 1/2", "Epoch 2/2"]
        assert "accuracy" in lines[0]


def batches(bad, count=1, part=0):
    """Batches (x, y) with a value in the last rows of x or y."""
    x, y = X.copy(), Y.copy()
    (x, y)[part][3:] = bad
    return iter([(x, y)] * count)


def dataset(bad):
    return tf.data.Dataset.from_tensor_slices(next(batches(bad))).batch(40)


class Shared(keras.utils.Sequence):
    """Batches of a list."""

    def __init__(self, items):
        super().__init__()
        self.items = list(items)

    def __len__(self):
        return len(self.items)

    def __getitem__(self, index):
        return self.items[index]


BAD = {
    "lengths": (lambda m: m.fit(X, Y[:30]), ValueError, "x has 40, y has 30"),
    "shape": (lambda m: m.fit(X[:, :3], Y), ValueError, r"x must have the shape \(None, 4\), got \(40, 3\)"),
    "text": (lambda m: m.fit(np.full((40, 4), "a"), Y), TypeError, "x must hold numbers"),
    "ragged": (lambda m: m.fit([[1, 2, 3, 4], [1]], Y[:2]), ValueError, "rows differ in length"),
    "NaN": (lambda m: m.fit(np.where(np.arange(40)[:, None] == 7, np.nan, X), Y), ValueError, "x holds NaN .* row 7"),
    "infinity": (
        lambda m: m.fit(np.where(np.arange(40)[:, None] == 7, -np.inf, X), Y),
        ValueError,
        "infinity.* row 7: ",
    ),
    "too large": (
        lambda m: m.fit(X.astype("float64") * 1e300, Y),
        ValueError,
        "x holds NaN or infinity, first in row 0",
    ),
    "weights": (lambda m: m.fit(X, Y, sample_weight=np.full(40, np.nan)), ValueError, "sample_weight holds NaN"),
    "generator": (lambda m: m.fit(batches(np.nan)), ValueError, "x holds NaN .* row 3 of batch 0"),
    "sequence": (lambda m: m.fit(Shared(batches(np.inf, 2))), ValueError, "x holds NaN or infinity, first in row 3 of"),
    "dataset": (lambda m: m.fit(dataset(np.nan)), ValueError, "x holds NaN .* row 3 of batch 0"),
    "label of a generator": (
        lambda m: m.evaluate(batches(7, part=1), steps=1),
        ValueError,
        "label 7 in row 3 of batch 0",
    ),
    "train_on_batch": (lambda m: m.train_on_batch(*next(batches(np.nan))), ValueError, "x holds NaN .* row 3"),
    "test_on_batch": (lambda m: m.test_on_batch(*next(batches(-1, part=1))), ValueError, "label -1 in row 3"),
    "label": (lambda m: m.fit(X, np.where(np.arange(40) == 9, 5, Y)), ValueError, "label 5 in row 9; .* in .0, 3"),
    "one-hot": (lambda m: m.fit(X, np.eye(3)[Y]), ValueError, "loss .* output 'dense'.*categorical_crossentropy"),
    "batch_size": (lambda m: m.fit(X, Y, batch_size=0), ValueError, "batch_size"),
    "split": (lambda m: m.fit(X, Y, validation_split=1.5), ValueError, "validation_split"),
    "no data": (lambda m: m.fit(), ValueError, "x is None"),
    "no y": (lambda m: m.fit(X), ValueError, "y holds no targets"),
    "empty": (lambda m: m.fit(X[:0], Y[:0]), ValueError, "no rows"),
    "y of a generator": (lambda m: m.fit(endless(), Y), ValueError, "y must be left out"),
    "callback": (lambda m: m.fit(X, Y, callbacks=[3]), TypeError, "Callback"),
    "metric": (lambda m: m.compile("sgd", "mse", metrics=["speed"]) or m.fit(X, Y), ValueError, "'speed'"),
    "loss": (lambda m: m.compile("sgd", "mean_sqared"), ValueError, "'mean_sqared'"),
    "optimizer": (lambda m: m.compile("sdg"), ValueError, "'sdg'"),
    "losses": (lambda m: m.compile("sgd", ["mse", "mse"]), ValueError, "1 outputs"),
    "nothing to minimize": (lambda m: m.compile("sgd") or m.fit(X, Y), ValueError, "nothing to minimize"),
}


@pytest.mark.parametrize("what", BAD)
def test_bad_input_is_named_and_nothing_is_trained(what):
    call, kind, text = BAD[what]
    model = classifier()
    before = model.get_weights()
    with pytest.raises(kind, match=text):
        call(model)
    np.testing.assert_array_equal(model.get_weights()[0], before[0])


def test_bad_models_and_calls():
    with pytest.raises(RuntimeError, match="not compiled"):
        keras.Sequential([layers.Dense(1)]).fit(X, Y)
    x, other = keras.Input((4,), name="x"), keras.Input((4,), name="other")
    with pytest.raises(ValueError, match="'other'"):
        keras.Model(x, layers.add([x, other]))
    with pytest.raises(TypeError, match="Only layers"):
        keras.Sequential([3])
    with pytest.raises(ValueError, match="must have an entry"):
        model = two_in_two_out()
        model.compile("sgd", ["mse", "sparse_categorical_crossentropy"])
        model.fit(TWO_X, [Y])
    with pytest.raises(ValueError, match=r"no value for the inputs \['b'\]"):
        model.fit({"a": X}, TWO_Y)
    with pytest.raises(ValueError, match="no layer 'ba'"):
        model.get_layer("ba")


def test_a_sequential_grows_and_shrinks():
    model = keras.Sequential()
    model.add(layers.Dense(5, input_shape=(4,)))
    model.add(layers.Dense(2))
    assert model.output_shape == (None, 2)
    model.pop()
    assert model.output_shape == (None, 5)
    model.add(layers.Dense(1, name="last"))
    assert [w.shape.as_list() for w in model.weights] == [[4, 5], [5], [5, 1], [1]]
    assert model.get_layer("last") is model.layers[-1]


def test_summary_shows_layers_and_numbers():
    lines = []
    two_in_two_out().summary(print_fn=lines.append)
    text = "\n".join(lines)
    for part in ("da (Dense)", "(None, 3)", "concatenate[0][0]", "Total params: 39", "Model:"):
        assert part in text


class Penalized(layers.Layer):
    def call(self, inputs):
        self.add_loss(0.1 * tf.reduce_mean(tf.square(inputs)))
        return inputs


def test_losses_that_layers_add_in_call():
    model = keras.Sequential([keras.Input((4,)), Penalized(), layers.Dense(1)])
    model.compile("sgd", "mse")
    loss = model.evaluate(X, X[:, :1], verbose=0, batch_size=40)
    wanted = np.square(model.predict(X, verbose=0) - X[:, :1]).mean() + 0.1 * np.square(X).mean()
    assert loss == pytest.approx(wanted, rel=1e-5)


def test_dicts_in_a_dataset():
    model = two_in_two_out()
    model.compile("sgd", {"size": "mse", "kind": "sparse_categorical_crossentropy"})
    data = tf.data.Dataset.from_tensor_slices((TWO_X, TWO_Y)).batch(16)
    loss = model.fit(data, epochs=2, validation_data=data, verbose=0).history["val_loss"][-1]
    assert loss == pytest.approx(model.evaluate(TWO_X, TWO_Y, verbose=0)[0], rel=1e-5)


def test_a_model_in_its_own_graph():
    with tf.Graph().as_default():
        model = classifier(metrics=["accuracy"])
    history = model.fit(X, Y, verbose=0, epochs=2)
    assert len(history.epoch) == 2
    assert model.predict(X, verbose=0).shape == (40, 3)
    with tf.Graph().as_default() as graph, tf.Session(graph=graph).as_default() as session:
        model = classifier()
        model.fit(X, Y, verbose=0)
        np.testing.assert_array_equal(session.run(model.weights[0]), model.get_weights()[0])


def test_batches_of_different_lengths():
    def batches():
        for length in (3, 5, 4):
            yield np.ones((2, length, 1), "float32"), np.ones((2, 1), "float32")

    model = keras.Sequential([keras.Input((None, 1)), layers.LSTM(2), layers.Dense(1)])
    model.compile("sgd", "mse")
    assert len(model.fit(batches(), verbose=0).history["loss"]) == 1


def test_a_stateful_layer_goes_on_between_predictions():
    model = keras.Sequential([keras.Input(batch_shape=(2, 3, 1)), layers.LSTM(2, stateful=True)])
    x = np.ones((2, 3, 1))
    first, second = model.predict(x, verbose=0), model.predict(x, verbose=0)
    assert not np.allclose(first, second)


class InBatches(keras.utils.Sequence):
    """Two rows a batch."""

    def __len__(self):
        return 5

    def __getitem__(self, number):
        return rows_at(slice(2 * number, 2 * number + 2))


def rows_at(places):
    x = np.arange(20, dtype=np.float32).reshape(10, 2)[places]
    return x, x[:, :1] / 2


STEPPED = {
    "arrays": lambda: (*rows_at(slice(None)), {"batch_size": 2}),
    "sequence": lambda: (InBatches(), None, {}),
    "dataset": lambda: (tf.data.Dataset.from_tensor_slices(rows_at(slice(None))).batch(2), None, {}),
    "generator": lambda: ((batch for _ in range(2) for batch in map(InBatches().__getitem__, range(5))), None, {}),
}


def silent():
    """A model that never changes and predicts zeros: the loss tells which rows it saw."""
    model = keras.Sequential([keras.Input((2,)), layers.Dense(1, kernel_initializer="zeros")])
    model.compile(keras.optimizers.SGD(0.0), "mse")
    return model


@pytest.mark.parametrize("kind", STEPPED)
def test_epochs_of_some_steps_go_on_through_the_data(kind):
    # As Keras 3: the third epoch has what is left of the pass.
    x, y, options = STEPPED[kind]()
    history = silent().fit(x, y, epochs=3, steps_per_epoch=2, shuffle=False, verbose=0, **options).history
    third = (72.5 + 0.5) / 2 if kind == "generator" else 72.5
    np.testing.assert_allclose(history["loss"], [3.5, 31.5, third], rtol=1e-6)


@pytest.mark.parametrize("kind", ["arrays", "sequence", "dataset"])
def test_each_validation_of_some_steps_begins_at_the_first_batch(kind):
    x, y, _ = STEPPED[kind]()
    data = (x, y) if y is not None else x
    options = {"validation_data": data, "validation_steps": 1, "validation_batch_size": 2}
    history = silent().fit(*rows_at(slice(None)), epochs=3, verbose=0, **options).history
    np.testing.assert_allclose(history["val_loss"], [0.5] * 3, rtol=1e-6)


ODD = {
    "epochs": ({"epochs": "a"}, ValueError, "epochs must be a whole number from 0 on, got 'a'"),
    "steps": ({"steps_per_epoch": 0}, ValueError, "steps_per_epoch must be a whole number from 1"),
    "half steps": ({"steps_per_epoch": 2.5}, ValueError, "steps_per_epoch must"),
    "initial epoch": ({"initial_epoch": -1}, ValueError, "initial_epoch must"),
    "validation steps": ({"validation_steps": "a"}, ValueError, "validation_steps must"),
    "frequency": ({"validation_freq": 0}, ValueError, "validation_freq must"),
    "class weights": ({"class_weight": [1, 2]}, TypeError, "class_weight must be a dict"),
    "class names": ({"class_weight": {"a": 1}}, TypeError, "class_weight must be a dict"),
    "complex": ({"x": X * 1j}, TypeError, "x must hold real numbers"),
    "dates": ({"x": X.astype("M8[s]")}, TypeError, "x must hold real numbers"),
    "text targets": ({"y": Y.astype(str)}, TypeError, "y must hold real numbers, got <U"),
    "complex targets": ({"y": Y * 1j}, TypeError, "y must hold real numbers"),
    "half labels": ({"y": Y + 0.5}, ValueError, r"label 0\.5|label 1\.5|label 2\.5"),
}


@pytest.mark.parametrize("what", ODD)
def test_odd_arguments_change_nothing(what):
    given, kind, text = ODD[what]
    model = classifier()
    values = model.get_weights()
    with pytest.raises(kind, match=text):
        model.fit(**{"x": X, "y": Y, "verbose": 0, **given})
    for value, found in zip(values, model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, value)


def test_what_compile_and_single_batches_refuse():
    model = regressor()
    with pytest.raises(ValueError, match="optimizer must be"):
        model.compile(None, "mse")
    with pytest.raises(ValueError, match="x has no rows"):
        model.train_on_batch(X[:0], X[:0, 0])
    wide = keras.Sequential([keras.Input((4,)), layers.Dense(3)])
    wide.compile("sgd", "mse")
    with pytest.raises(ValueError, match=r"The loss .* of output .* does not take targets"):
        wide.fit(X, np.zeros((len(X), 5)), verbose=0)


class OwnStep(keras.Model):
    """Trains in a way of its own, which would be passed over."""

    def train_step(self, data):
        return {"loss": 0.0}


def test_steps_of_a_models_own_are_refused():
    with pytest.raises(ValueError, match="OwnStep defines train_step"):
        OwnStep().compile("sgd", "mse")


def test_a_dataset_that_is_used_again_adds_nothing():
    x, y = rows_at(slice(None))
    data = tf.data.Dataset.from_tensor_slices((x, y)).repeat().batch(2).map(lambda *row: row, 2).prefetch(2)
    model = silent()

    def use():
        model.fit(data, steps_per_epoch=2, validation_data=data, validation_steps=1, verbose=0)
        model.evaluate(data, steps=1, verbose=0)
        model.predict(data, steps=1, verbose=0)
        return len(tf.get_default_graph().get_operations())

    use()
    operations, before = use(), threading.active_count()
    for _ in range(5):
        assert use() == operations
    # Threads of the use before may still be ending; five uses that each left one would not go away.
    end = time.monotonic() + 10
    while threading.active_count() > before + 1 and time.monotonic() < end:
        time.sleep(0.01)
    assert threading.active_count() <= before + 1
    keras.backend.clear_session()


def test_freezing_after_compile_warns_and_waits_for_compile():
    model = keras.Sequential([keras.Input((4,)), layers.Dense(2), layers.Dense(1)])
    model.layers[0].trainable = False
    model.compile("sgd", "mse")
    first, second = (layer.get_weights()[0] for layer in model.layers)
    model.layers[0].trainable, model.layers[1].trainable = True, False
    for train in (model.fit, model.train_on_batch):
        with pytest.warns(UserWarning, match="without calling `model.compile` after"):
            train(X, X[:, 0])
    trained = model.layers[1].get_weights()[0]
    assert np.array_equal(model.layers[0].get_weights()[0], first) and not np.array_equal(trained, second)
    model.compile("sgd", "mse")
    model.fit(X, X[:, 0], verbose=0)
    assert not np.array_equal(model.layers[0].get_weights()[0], first)
    np.testing.assert_array_equal(model.layers[1].get_weights()[0], trained)


def test_the_only_loss_of_two_outputs_is_listed_once():
    x = keras.Input((4,))
    model = keras.Model(x, [layers.Dense(1, name="a")(x), layers.Dense(1, name="b")(x)])
    model.compile("sgd", ["mse", None], metrics=[["mae"], None])
    assert list(model.fit(X, [X[:, 0], X[:, 1]], verbose=0).history) == ["loss", "a_mae"]


def test_a_metric_that_was_added_sees_whether_the_model_trains():
    inputs = keras.Input((4,))
    dropped = layers.Dropout(0.999)(inputs)
    model = keras.Model(inputs, layers.Dense(1)(dropped))
    model.add_metric(tf.reduce_mean(tf.abs(dropped)), name="kept")
    model.compile(keras.optimizers.SGD(0.0), "mse")
    ones = np.ones((10, 4), np.float32)
    assert model.evaluate(ones, ones[:, 0], return_dict=True, verbose=0)["kept"] == 1.0
    assert model.fit(ones, ones[:, 0], verbose=0).history["kept"][0] != 1.0


def test_a_model_that_names_a_gpu_is_fitted_without_one(monkeypatch):
    monkeypatch.setenv("HEADRACE_GPU", "none")
    with tf.Graph().as_default(), tf.device("/gpu:0"):
        model = tf.keras.Sequential([tf.keras.layers.Dense(1, input_shape=(2,))])
        model.compile("sgd", "mse")
        assert len(model.fit(np.ones((4, 2)), np.ones(4), epochs=2, verbose=0).history["loss"]) == 2
