"""Partitioned variables and the partitioners."""

import json
from pathlib import Path

import numpy as np
import pytest

from headrace.engine.conversion import convert_to_tensor
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops.reduce import reduce_sum
from headrace.engine.partitioned import (
    PartitionedVariable,
    PartitionInfo,
    fixed_size_partitioner,
    min_max_variable_partitioner,
    variable_axis_size_partitioner,
)
from headrace.engine.scopes import device
from headrace.engine.session import Session
from headrace.engine.training.adam import AdamOptimizer
from headrace.engine.variable_lists import global_variables_initializer, trainable_variables
from headrace.engine.variable_scope import AUTO_REUSE, get_variable, variable_scope

FIXTURE = np.load(Path(__file__).parents[1] / "fixtures" / "training" / "optimizers.npz")
PARTITIONERS = {"min_max": min_max_variable_partitioner, "axis_size": variable_axis_size_partitioner}


@pytest.fixture(autouse=True)
def graph():
    with Graph().as_default() as graph:
        yield graph


@pytest.mark.parametrize("kind, sizes, options, expected", json.loads(str(FIXTURE["table"]))["partitions"])
def test_partitioners_cut_as_tensorflow_does(kind, sizes, options, expected):
    assert PARTITIONERS[kind](**options)(shape=sizes, dtype="float32") == expected


@pytest.mark.parametrize("shards, axis, expected", [(3, 0, [3, 1]), (3, 1, [1, 3]), (30, 0, [10, 1])])
def test_fixed_size_partitioner(shards, axis, expected):
    assert fixed_size_partitioner(shards, axis)(shape=[10, 4]) == expected


@pytest.mark.parametrize(
    "made",
    [fixed_size_partitioner(2, axis=3), variable_axis_size_partitioner(8, 3), min_max_variable_partitioner(2, 3)],
)
def test_partitioners_of_an_axis_that_is_not_there(made):
    with pytest.raises(ValueError, match=r"Cannot partition variable along axis 3 when shape is only \[10, 4\]"):
        made(shape=[10, 4], dtype="float32")


def test_fixed_size_partitioner_counts_whole_shards():
    for options, name in (((2.5,), "num_shards"), ((2, 0.5), "axis"), (("2",), "num_shards")):
        with pytest.raises(TypeError, match=f"{name} must be an integer, got"):
            fixed_size_partitioner(*options)
    assert fixed_size_partitioner(np.int64(2), -1)(shape=[10, 4]) == [1, 2]


@pytest.mark.parametrize("use_resource", [False, True])
@pytest.mark.parametrize("axis", [0, 1])
def test_slices_make_a_whole(axis, use_resource):
    start = np.arange(40, dtype=np.float32).reshape(10, 4)
    partitioner = fixed_size_partitioner(3, axis)
    table = get_variable("weights", initializer=start, partitioner=partitioner, use_resource=use_resource)
    whole = convert_to_tensor(table)
    assert isinstance(table, PartitionedVariable) and len(table) == 3
    assert [v.name for v in table] == [f"weights/part_{i}:0" for i in range(3)]
    assert trainable_variables() == list(table)
    assert (table.name, table.dtype.name, table.shape.as_list()) == ("weights", "float32", [10, 4])
    assert whole.name == "weights:0" and whole.shape.as_list() == [10, 4]
    with Session() as session:
        session.run(global_variables_initializer())
        np.testing.assert_array_equal(session.run(whole), start)
        np.testing.assert_array_equal(session.run(table[2:4] + 1), start[2:4] + 1)
        session.run(table.assign(-start))
        np.testing.assert_array_equal(session.run(whole), -start)
        grads = session.run(gradients(reduce_sum(whole * whole), list(table)))
        np.testing.assert_array_equal(np.concatenate(grads, axis), -2 * start)


def test_slice_info_and_slots_of_slices():
    table = get_variable("w", [10, 4], partitioner=fixed_size_partitioner(3))
    specs = ["10 4 0,4:0,4", "10 4 4,3:0,4", "10 4 7,3:0,4"]
    assert [v._save_slice_info.spec for v in table] == specs
    assert list(table)[1].to_proto().save_slice_info_def.full_name == "w"
    optimizer = AdamOptimizer()
    optimizer.minimize(reduce_sum(convert_to_tensor(table)), var_list=[table])
    slot = optimizer.get_slot(list(table)[1], "m")
    assert slot.op.name == "w/part_1/Adam" and slot._save_slice_info.full_name == "w/Adam"
    assert slot._save_slice_info.spec == specs[1]


def test_reuse():
    partitioner = fixed_size_partitioner(2)
    with variable_scope("s", partitioner=partitioner):
        table = get_variable("w", [4, 2])
        scalar = get_variable("b", [])
    assert scalar.name == "s/b:0"
    with variable_scope("s", reuse=AUTO_REUSE, partitioner=partitioner):
        assert get_variable("w", [4, 2]) is table
        with pytest.raises(ValueError, match=r"specified shape \(5, 2\) and found shape \(4, 2\)"):
            get_variable("w", [5, 2])
    with variable_scope("s", reuse=True):
        assert get_variable("w", [4, 2]) is table
    with variable_scope("s"):
        with pytest.raises(ValueError, match="No partitioner was provided"):
            get_variable("w", [4, 2])
        with pytest.raises(ValueError, match="Partitioned variable with name s/w already exists"):
            get_variable("w", [4, 2], partitioner=partitioner)
    with variable_scope("s", reuse=True), pytest.raises(ValueError, match="PartitionedVariable s/x does not exist"):
        get_variable("x", [4, 2], partitioner=partitioner)


@pytest.mark.parametrize(
    "found, match",
    [
        (3, "must return a sequence"),
        ([1], "does not match"),
        ([0, 1], "zero partitions"),
        ([2, 2], "one dimension"),
        ([2.5, 1], "whole numbers"),
    ],
)
def test_bad_partitioners(found, match):
    with pytest.raises(ValueError, match=match):
        get_variable("w", [4, 4], partitioner=lambda shape, dtype: found)


def test_one_slice_and_devices():
    with device("/job:ps/task:1"):
        table = get_variable("w", [4], partitioner=fixed_size_partitioner(1))
    assert convert_to_tensor(table).name == "w:0" and table.device == "/job:ps/task:1"


def test_partition_info():
    info = PartitionInfo([10, 4], [4, 0])
    assert info.single_slice_dim([3, 4]) == 0 and info.single_offset([3, 4]) == 4
    with pytest.raises(ValueError, match="single_slice_dim"):
        info.single_slice_dim([3, 2])
