"""Parsing of Example and SequenceExample messages: kinds of features, defaults, errors that name key and example."""

import numpy as np
import pytest

from headrace.engine import errors
from headrace.engine.dtypes import float32, int64, string
from headrace.engine.graph import Graph
from headrace.engine.ops.parsing import (
    FixedLenFeature,
    FixedLenSequenceFeature,
    SparseFeature,
    VarLenFeature,
    parse_example,
    parse_single_example,
    parse_single_sequence_example,
)
from headrace.engine.protos import (
    BytesList,
    Example,
    Feature,
    FeatureList,
    FeatureLists,
    Features,
    FloatList,
    Int64List,
    SequenceExample,
)
from headrace.engine.session import Session


def feature(values):
    if isinstance(values[0], bytes):
        return Feature(bytes_list=BytesList(value=values))
    if isinstance(values[0], int):
        return Feature(int64_list=Int64List(value=values))
    return Feature(float_list=FloatList(value=values))


def example(**values):
    features = Features(feature={k: feature(v) for k, v in values.items()})
    return Example(features=features).SerializeToString()


def run(fetches):
    with Session() as sess:
        return sess.run(fetches)


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


def test_every_kind_of_feature():
    batch = [
        example(f=[0.5, 1.5], s=[b"x"], v=[1, 2, 3], i=[5, 2], w=[0.1, 0.2], q=[1, 2, 3, 4]),
        example(f=[2.5, 3.5], v=[4], i=[0], w=[0.3]),
    ]
    got = run(
        parse_example(
            batch,
            {
                "f": FixedLenFeature([2], float32),
                "s": FixedLenFeature([], string, "none"),
                "v": VarLenFeature(int64),
                "sp": SparseFeature("i", "w", float32, 10),
                "q": FixedLenSequenceFeature([2], int64, allow_missing=True),
            },
        )
    )
    np.testing.assert_array_equal(got["f"], [[0.5, 1.5], [2.5, 3.5]])
    assert got["s"].tolist() == [b"x", b"none"]
    assert got["v"].indices.tolist() == [[0, 0], [0, 1], [0, 2], [1, 0]]
    assert got["v"].values.tolist() == [1, 2, 3, 4] and got["v"].dense_shape.tolist() == [2, 3]
    assert got["sp"].indices.tolist() == [[0, 2], [0, 5], [1, 0]] and got["sp"].dense_shape.tolist() == [2, 10]
    np.testing.assert_allclose(got["sp"].values, [0.2, 0.1, 0.3], rtol=1e-6)
    assert got["q"].tolist() == [[[1, 2], [3, 4]], [[0, 0], [0, 0]]]


def test_static_shapes():
    got = parse_example([example(f=[0.5])] * 3, {"f": FixedLenFeature([1], float32), "v": VarLenFeature(int64)})
    assert got["f"].shape.as_list() == [3, 1] and got["v"].indices.shape.as_list() == [None, 2]


def test_one_example():
    got = run(
        parse_single_example(
            example(a=[1, 2, 3, 4], b=[b"x", b"y"]),
            {
                "a": FixedLenFeature([2, 2], int64),
                "b": VarLenFeature(string),
                "c": FixedLenFeature([1], float32, [7.0]),
            },
        )
    )
    assert got["a"].tolist() == [[1, 2], [3, 4]] and got["c"].tolist() == [7.0]
    assert got["b"].values.tolist() == [b"x", b"y"] and got["b"].indices.tolist() == [[0], [1]]


def test_sequences():
    lists = {"n": FeatureList(feature=[feature([1, 2]), feature([3, 4])]), "v": FeatureList(feature=[feature([b"a"])])}
    message = SequenceExample(
        context=Features(feature={"k": feature([9])}), feature_lists=FeatureLists(feature_list=lists)
    ).SerializeToString()
    context, steps = run(
        parse_single_sequence_example(
            message,
            {"k": FixedLenFeature([], int64)},
            {
                "n": FixedLenSequenceFeature([2], int64),
                "v": VarLenFeature(string),
                "none": FixedLenSequenceFeature([], float32, allow_missing=True),
            },
        )
    )
    assert context["k"] == 9 and steps["n"].tolist() == [[1, 2], [3, 4]]
    assert steps["v"].indices.tolist() == [[0, 0]] and steps["none"].shape == (0,)
    with pytest.raises(errors.InvalidArgumentError, match="Feature list 'x' is required"):
        run(parse_single_sequence_example(message, None, {"x": FixedLenSequenceFeature([], int64)}))


@pytest.mark.parametrize(
    "values, spec, text",
    [
        (
            {"b": [1]},
            FixedLenFeature([], int64),
            r"Name: n1, Example index: 1, Feature: a \(data type: int64\) is requ",
        ),
        ({"a": [1.5]}, FixedLenFeature([], int64), "Key: a.  Data types don't match. Data type: float32 but expected"),
        ({"a": [1, 2]}, FixedLenFeature([], int64), r"Key: a.  Number of int64 values != expected.  Values size: 2"),
        ({"a": [1.5]}, VarLenFeature(string), r"Example index: 1, Key: a.  Data types don't match"),
        ({"a": [1]}, FixedLenSequenceFeature([2], int64, True), "not a multiple of stride"),
    ],
)
def test_errors_name_key_and_example(values, spec, text):
    good = {"a": [b"x"] if getattr(spec, "dtype", None) is string else [1, 2] if "Sequence" in repr(spec) else [1]}
    parsed = parse_example([example(**good), example(**values)], {"a": spec}, example_names=["n0", "n1"])
    with pytest.raises(errors.InvalidArgumentError, match=text):
        run(parsed)


def test_what_is_no_example():
    with pytest.raises(errors.InvalidArgumentError, match="Could not parse example input"):
        run(parse_example([b"\xff\xff"], {"a": VarLenFeature(int64)}))
    with pytest.raises(ValueError, match="features was empty"):
        parse_example([b""], {})
    with pytest.raises(ValueError, match="expected one of"):
        parse_example([b""], {"a": 3})
    with pytest.raises(ValueError, match="need to be known"):
        parse_example([b""], {"a": FixedLenFeature([None], int64)})
