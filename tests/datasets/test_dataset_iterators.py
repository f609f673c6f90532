"""Iterators of all kinds: what they need of the session, how they end and fail, and the threads behind them."""

import gc
import threading
import time

import numpy as np
import pytest

import headrace as tf
from headrace.engine import errors

Dataset = tf.data.Dataset


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def rest(session, tensor):
    found = []
    while True:
        try:
            found.append(session.run(tensor))
        except errors.OutOfRangeError:
            return found


def all_of(dataset):
    element = dataset.make_one_shot_iterator().get_next()
    with tf.Session() as session:
        return rest(session, element)


def data_threads():
    return [t for t in threading.enumerate() if t.name.startswith("headrace-prefetch")]


def gone(threads, seconds=5.0):
    end = time.monotonic() + seconds
    while any(t.is_alive() for t in threads) and time.monotonic() < end:
        time.sleep(0.01)
    return not any(t.is_alive() for t in threads)


def test_each_session_runs_through_a_one_shot_iterator_for_itself():
    element = Dataset.range(3).make_one_shot_iterator().get_next("next")
    assert element.op.name == "next"
    for _ in range(2):
        with tf.Session() as session:
            assert rest(session, element) == [0, 1, 2]
            with pytest.raises(errors.OutOfRangeError, match="End of sequence"):
                session.run(element)


def test_an_initializable_iterator_takes_what_is_fed():
    values = tf.placeholder(tf.float32, [None])
    number = tf.placeholder(tf.int64, [])
    iterator = Dataset.from_tensor_slices(values).batch(number).make_initializable_iterator()
    element = iterator.get_next()
    with tf.Session() as session:
        with pytest.raises(errors.FailedPreconditionError, match="has not been initialized"):
            session.run(element)
        for size, expected in ((2, [[1, 2], [3]]), (3, [[1, 2, 3]])):
            session.run(iterator.initializer, {values: [1, 2, 3], number: size})
            assert [e.tolist() for e in rest(session, element)] == expected


def test_a_one_shot_iterator_refuses_a_placeholder():
    with pytest.raises(ValueError, match="placeholder 'size:0'"):
        Dataset.range(tf.placeholder(tf.int64, [], "size") + 1).make_one_shot_iterator()


def test_a_reinitializable_iterator_takes_datasets_that_fit():
    first, second = Dataset.range(2), Dataset.range(7, 9)
    iterator = tf.data.Iterator.from_structure(first.output_types, first.output_shapes)
    element = iterator.get_next()
    starts = [iterator.make_initializer(d) for d in (first, second, first)]
    with tf.Session() as session:
        found = []
        for start in starts:
            session.run(start)
            found.append(rest(session, element))
    assert found == [[0, 1], [7, 8], [0, 1]]
    for other in (Dataset.from_tensors(1.0), Dataset.range(3).batch(2), Dataset.zip((first, second))):
        with pytest.raises(TypeError, match="Expected elements"):
            iterator.make_initializer(other)
    with pytest.raises(ValueError, match="does not have an initializer"):
        _ = iterator.initializer


def test_a_feedable_iterator_is_the_one_it_is_fed_with():
    one, other = Dataset.range(5).make_one_shot_iterator(), Dataset.range(10, 15).make_initializable_iterator()
    handle = tf.placeholder(tf.string, [])
    element = tf.data.Iterator.from_string_handle(handle, tf.int64, []).get_next()
    wrong = tf.data.Iterator.from_string_handle(handle, tf.float32, []).get_next()
    with tf.Session() as session:
        handles = session.run([one.string_handle(), other.string_handle()])
        session.run(other.initializer)
        assert [session.run(element, {handle: handles[i]}) for i in (0, 1, 0, 1)] == [0, 10, 1, 11]
        with pytest.raises(errors.NotFoundError, match="no iterator 'x'"):
            session.run(element, {handle: "x"})
        with pytest.raises(errors.InvalidArgumentError, match="expected float32"):
            session.run(wrong, {handle: handles[0]})


def test_functions_use_variables_constants_and_tables(graph):
    weight = tf.Variable(3.0)
    resource = tf.get_variable("r", initializer=10.0, use_resource=True)
    table = tf.lookup.StaticHashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], np.array([1, 2])), -1)
    shift = tf.constant(0.5)
    data = Dataset.from_tensor_slices(["b", "a", "?"]).map(
        lambda s: tf.cast(table.lookup(s), tf.float32) * weight + shift + resource
    )
    element = data.make_initializable_iterator()
    value = element.get_next()
    with tf.Session() as session:
        session.run([tf.global_variables_initializer(), tf.tables_initializer()])
        session.run(element.initializer)
        assert rest(session, value) == [16.5, 13.5, 7.5]
        session.run([weight.assign(0.0), resource.assign(1.0)])
        session.run(element.initializer)
        assert rest(session, value) == [1.5, 1.5, 1.5]


def test_inner_datasets_use_what_is_around_them():
    number = tf.Variable(np.int64(2))
    data = Dataset.range(3).flat_map(lambda x: Dataset.range(number).map(lambda y: y + 10 * x * number))
    iterator = data.make_initializable_iterator()
    value = iterator.get_next()
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(iterator.initializer)
        assert rest(session, value) == [0, 1, 20, 21, 40, 41]


def test_a_function_is_traced_once_and_python_runs_for_each_element():
    traced, called = [], []

    def function(x):
        traced.append(x)
        return tf.py_func(lambda v: called.append(int(v)) or v * 2, [x], tf.int64)

    assert all_of(Dataset.range(4).map(function)) == [0, 2, 4, 6]
    assert (len(traced), called) == (1, [0, 1, 2, 3])


def test_names_of_the_graph_around_do_not_change_with_functions():
    Dataset.range(3).map(lambda x: tf.add(x, 1)).filter(lambda x: tf.less(x, 5))
    assert tf.add(1, 2).op.name == "Add"


@pytest.mark.parametrize("calls", [None, 3])
def test_an_error_in_a_function_names_its_line_and_the_next_element_follows(calls):
    def function(x):
        return tf.check_numerics(1.0 / tf.cast(x - 1, tf.float32), "no quotient")

    element = Dataset.range(3).map(function, calls).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert session.run(element) == -1
        with pytest.raises(
            errors.InvalidArgumentError, match=r"no quotient[\s\S]*CheckNumerics.*test_dataset_iterators"
        ):
            session.run(element)
        assert session.run(element) == 1
        with pytest.raises(errors.OutOfRangeError):
            session.run(element)


def test_elements_that_cannot_be_made_can_be_ignored():
    data = Dataset.from_tensor_slices([1.0, 0.0, 2.0]).map(lambda x: tf.check_numerics(1.0 / x, "inf"))
    assert all_of(data.apply(tf.data.experimental.ignore_errors())) == [1.0, 0.5]


def test_the_end_inside_a_function_is_an_error_of_the_function():
    inner = Dataset.range(1).make_one_shot_iterator()
    element = Dataset.range(3).map(lambda x: inner.get_next() + x).make_initializable_iterator()
    value = element.get_next()
    with tf.Session() as session:
        session.run(element.initializer)
        assert session.run(value) == 0
        with pytest.raises(errors.InvalidArgumentError, match="produced OutOfRangeError"):
            session.run(value)


def generator_of(value):
    return Dataset.from_generator(lambda: iter([value]), (tf.int64, tf.float32), ([], [2]))


@pytest.mark.parametrize(
    "make, error, text",
    [
        (lambda: generator_of((1, [1.0])), errors.InvalidArgumentError, r"shape \(1,\) where an element of shape \(2,\)"),
        (lambda: generator_of(("a", [1.0, 2.0])), errors.InvalidArgumentError, "could not be converted to the expected"),
        (lambda: generator_of(1), errors.InvalidArgumentError, "did not match the expected structure"),
        (lambda: Dataset.from_generator(3, tf.int64), TypeError, "must be callable"),
        (lambda: Dataset.from_tensor_slices((np.ones(3), np.ones(2))), ValueError, "Dimensions 2 and 3"),
        (lambda: Dataset.from_tensor_slices(1), ValueError, "got a scalar"),
        (lambda: Dataset.range(3).batch(0), errors.InvalidArgumentError, "greater than zero"),
        (lambda: Dataset.range(3).shuffle(0), errors.InvalidArgumentError, "buffer_size must be greater than zero"),
        (lambda: Dataset.range(3).shard(2, 2), errors.InvalidArgumentError, "got 2 of 2"),
        (lambda: Dataset.range(0, 3, 0), errors.InvalidArgumentError, "non-zero"),
        (lambda: Dataset.range(3).map(lambda x: None), TypeError, r"Unsupported return value .*map\(\): None"),
        (lambda: Dataset.range(3).flat_map(lambda x: x), TypeError, "must return a `Dataset`"),
        (lambda: Dataset.range(3).filter(lambda x: x), ValueError, "scalar boolean"),
        (lambda: Dataset.zip([Dataset.range(3)]), TypeError, "nested structure"),
        (lambda: Dataset.range(3).concatenate(Dataset.from_tensors(1.0)), TypeError, "different types"),
        (lambda: Dataset.range(3).apply(lambda d: 3), TypeError, "must return a Dataset"),
        (lambda: Dataset.range(1, 4).map(lambda x: tf.fill([x], x)).batch(2), errors.InvalidArgumentError,
         r"different shapes in component 0. First element had shape \[1\] and element 1 had shape \[2\]"),
        (lambda: Dataset.range(1, 4).map(lambda x: tf.fill([x], x)).padded_batch(3, [2]), errors.InvalidArgumentError,
         "smaller size than the input element"),
        (lambda: tf.data.TextLineDataset("/none"), errors.NotFoundError, "/none"),
        (lambda: Dataset.list_files("/none/*"), errors.InvalidArgumentError, "No files matched pattern: /none"),
    ],
)  # fmt: skip
def test_mistakes_are_named(make, error, text):
    with pytest.raises(error, match=text):
        all_of(make())


def test_a_dataset_is_not_a_python_iterable():
    with pytest.raises(RuntimeError, match="make_one_shot_iterator"):
        iter(Dataset.range(3))


def test_reduce_gives_tensors():
    total, number = Dataset.range(5).reduce((np.int64(0), 0), lambda s, x: (s[0] + x, s[1] + 1))
    with tf.Session() as session:
        assert session.run([total, number]) == [10, 5]


def test_unseeded_orders_differ_and_can_be_saved():
    data = Dataset.range(50).shuffle(50)
    iterator = data.make_one_shot_iterator()
    element = iterator.get_next()
    with tf.Session() as session:
        for _ in range(20):
            session.run(element)
        state = iterator.get_state(session)
        expected = rest(session, element)
    with tf.Session() as session:
        iterator.set_state(session, state)
        assert rest(session, element) == expected
    with tf.Session() as session:
        assert rest(session, element)[20:] != expected


def test_positions_are_passed_over_without_making_elements():
    data = Dataset.range(10**12).map(lambda x: x * 2).batch(10).repeat()
    iterator = data.make_one_shot_iterator()
    element = iterator.get_next()
    with tf.Session() as session:
        iterator.set_state(session, {"position": 10**10, "seeds": []})
        assert session.run(element)[0] == 2 * 10**11


def test_elements_made_ahead_are_the_same_and_the_thread_ends_with_the_data():
    before = data_threads()
    assert all_of(Dataset.range(100).prefetch(3)) == list(range(100))
    assert gone([t for t in data_threads() if t not in before])


@pytest.mark.parametrize("end", ["close", "forget", "start again"])
def test_the_thread_ends_with_the_session(end):
    iterator = Dataset.range(3).repeat().prefetch(2).make_initializable_iterator()
    element = iterator.get_next()
    before = data_threads()
    session = tf.Session()
    session.run(iterator.initializer)
    assert session.run(element) == 0
    started = [t for t in data_threads() if t not in before]
    assert len(started) == 1
    if end == "start again":
        session.run(iterator.initializer)
        assert gone(started)
    if end != "forget":
        session.close()
    del session
    gc.collect()
    assert gone(started)


def test_closing_the_session_ends_a_wait_for_an_element():
    gate = threading.Event()
    data = Dataset.range(2).map(lambda x: tf.py_func(lambda v: gate.wait(10) and v, [x], tf.int64)).prefetch(1)
    element = data.make_one_shot_iterator().get_next()
    session, found = tf.Session(), []

    def wait():
        try:
            session.run(element)
        except errors.CancelledError as error:
            found.append(error)

    thread = threading.Thread(target=wait)
    thread.start()
    while not data_threads():
        time.sleep(0.001)
    time.sleep(0.05)
    session.close()
    thread.join(5)
    gate.set()
    assert len(found) == 1 and gone(data_threads())


def test_parallel_calls_overlap_and_keep_the_order():
    together = threading.Barrier(3, timeout=10)

    def meet(x):
        together.wait()
        return x

    data = Dataset.range(6).map(lambda x: tf.py_func(meet, [x], tf.int64), num_parallel_calls=3)
    assert all_of(data) == list(range(6))


def test_several_threads_share_an_iterator():
    element = Dataset.range(300).map(lambda x: x + 1).make_one_shot_iterator().get_next()
    found = []
    with tf.Session() as session:
        threads = [threading.Thread(target=lambda: found.extend(rest(session, element))) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert sorted(found) == list(range(1, 301))


def test_an_imported_graph_finds_no_source(graph):
    Dataset.range(3).make_one_shot_iterator().get_next(name="next")
    definition = graph.as_graph_def()
    for node in definition.node:
        if "token" in node.attr:
            node.attr["token"].s = b"source_of_another_process"
    with tf.Graph().as_default() as other:
        with pytest.raises(errors.PermissionDeniedError, match="allow_io"):
            tf.import_graph_def(definition, name="")
        tf.import_graph_def(definition, name="", allow_io=True)
        with tf.Session() as session, pytest.raises(errors.InvalidArgumentError, match="not in this process"):
            session.run(other.get_tensor_by_name("next:0"))


def test_options_are_kept():
    options = tf.data.Options()
    options.experimental_deterministic = False
    data = Dataset.range(2).with_options(options)
    assert data.options().experimental_deterministic is False and all_of(data) == [0, 1]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt])
def test_what_ends_a_program_comes_out_of_the_thread_that_makes_elements_ahead(kind):
    def ended():
        yield 1
        raise kind

    element = Dataset.from_generator(ended, tf.int64).prefetch(2).make_one_shot_iterator().get_next()
    with tf.Session() as session:
        assert session.run(element) == 1
        with pytest.raises(kind):
            session.run(element)


ODD_NUMBERS = {
    "range": lambda: Dataset.range(2.5),
    "batch_size": lambda: Dataset.range(5).batch(2.5),
    "buffer_size": lambda: Dataset.range(5).prefetch("a"),
    "count": lambda: Dataset.range(5).take("a"),
    "num_parallel_calls": lambda: Dataset.range(5).map(lambda x: x, True),
    "cycle_length": lambda: Dataset.range(5).interleave(Dataset.range, 1.0),
    "num_shards": lambda: Dataset.range(5).shard(tf.constant(2.0), 0),
}


@pytest.mark.parametrize("name", ODD_NUMBERS)
def test_numbers_that_are_not_whole_are_named(name):
    with pytest.raises(TypeError, match=f"{name} must be a whole number"):
        ODD_NUMBERS[name]()
