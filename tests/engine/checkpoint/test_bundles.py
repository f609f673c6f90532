"""TensorFlow's checkpoints: every dtype, slices, restoring and warm start; damaged ones are named."""

import json
import shutil
import sys
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

import headrace as tf
from headrace.engine import crc32c, errors
from headrace.engine.checkpoint import bundle, inspection
from headrace.engine.checkpoint.reader import CheckpointReader, list_variables, load_variable

FIXTURES = Path(__file__).parents[2] / "fixtures" / "checkpoint"
EXPECTED = np.array(json.loads((FIXTURES / "expected.json").read_text())["sliced"], np.float32)
KINDS = "float16 float64 int8 uint8 int16 uint16 int32 int64 complex64".split()


def test_every_dtype():
    rng = np.random.default_rng(5)
    with CheckpointReader(FIXTURES / "plain") as reader:
        for i in range(60):
            expected = rng.standard_normal((3, 2)).astype(np.float32)
            np.testing.assert_array_equal(reader.get_tensor(f"layer_{i}/kernel"), expected)
        for kind in KINDS:
            got = reader.get_tensor(f"kinds/{kind}")
            np.testing.assert_array_equal(got, rng.integers(0, 100, (2, 3)).astype(kind))
            assert got.dtype == kind
        assert reader.get_tensor("kinds/bool").tolist() == [True, False, True]
        assert reader.get_tensor("kinds/string").tolist() == [b"", b"word", b"x" * 300]
        assert reader.get_tensor("kinds/bfloat16").tolist() == [1.5, -2.0]
        assert reader.get_tensor("kinds/bfloat16").dtype == ml_dtypes.bfloat16
        assert reader.get_tensor("scalar") == 7 and reader.get_tensor("empty").shape == (0, 4)
        assert len(reader.get_variable_to_shape_map()) == 60 + len(KINDS) + 5
        reader.verify()


def test_slices_and_shards():
    prefix = str(FIXTURES / "sliced")
    assert list_variables(prefix) == [("global_step", []), ("w", [7, 4])]
    np.testing.assert_array_equal(load_variable(prefix, "w"), EXPECTED)
    with CheckpointReader(prefix) as reader:
        np.testing.assert_array_equal(reader.get_slice("w", (2, 1), (3, 2)), EXPECTED[2:5, 1:3])


@pytest.mark.parametrize("count", [1, 2, 3])
def test_restoring(count):
    with tf.Graph().as_default(), tf.Session() as session:
        partitioner = tf.fixed_size_partitioner(count) if count > 1 else None
        with tf.variable_scope("", partitioner=partitioner):
            weight = tf.convert_to_tensor(tf.get_variable("w", [7, 4]))
        step = tf.train.get_or_create_global_step()
        tf.train.Saver().restore(session, str(FIXTURES / "sliced"))
        np.testing.assert_array_equal(session.run(weight), EXPECTED)
        assert session.run(step) == 12


def test_warm_start_and_saving_over_it(tmp_path):
    for path in FIXTURES.glob("sliced.*"):
        shutil.copy(path, tmp_path)
    prefix = str(tmp_path / "sliced")
    with tf.Graph().as_default(), tf.Session() as session:
        weight = tf.get_variable("w", [7, 4])
        tf.train.warm_start(prefix)
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(weight), EXPECTED)
        tf.train.Saver().save(session, prefix, write_meta_graph=False)
    np.testing.assert_array_equal(load_variable(prefix, "w"), EXPECTED)
    assert inspection.verified(tmp_path).status == 0
    assert sorted(p.name for p in tmp_path.glob("sliced.*")) == ["sliced.data-00000-of-00001", "sliced.index"]


@pytest.mark.parametrize("name", ["plain", "sliced"])
def test_damage_is_named(name, tmp_path):
    rng = np.random.default_rng(1)
    for path in FIXTURES.glob(f"{name}.*"):
        shutil.copy(path, tmp_path)
    for path in sorted(tmp_path.iterdir()):
        data = path.read_bytes()
        for place in rng.integers(0, len(data), 40):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 << int(rng.integers(8))]) + data[place + 1 :])
            report = inspection.verified(tmp_path / name)
            assert report.status == 1 and any(path.name in line for line in report.lines), (path.name, place)
        for place in rng.integers(0, len(data), 10):
            path.write_bytes(data[:place])
            report = inspection.verified(tmp_path / name)
            assert report.status == 1 and any(path.name in line for line in report.lines), (path.name, place)
        path.write_bytes(data)
    assert inspection.verified(tmp_path / name).status == 0
    shard = next(tmp_path.glob("*.data-00000-*"))
    shard.unlink()
    with pytest.raises(errors.DataLossError, match=rf"{shard.name} is missing"):
        CheckpointReader(tmp_path / name)


@pytest.mark.parametrize("number", [0, 1, -1, 63, 64, -64, -65, 8191, 8192, 2**20, 2**31, 2**40, 2**62, -(2**63)])
def test_numbers_in_keys_are_in_order(number):
    code = bundle._ordered(number)
    assert bundle._ordered(number - 1) < code if number > -(2**63) else len(code) == 10
    assert code < bundle._ordered(number + 1)
    # The length is in the leading ones, or zeros of a negative number.
    leading = f"{int.from_bytes(code, 'big'):0{8 * len(code)}b}"
    sign = leading[0]
    assert len(leading) - len(leading.lstrip(sign)) == len(code)


def test_a_compressed_block_is_refused():
    checksum = crc32c.masked_crc32c(b"12345678\1").to_bytes(4, "little")
    with pytest.raises(ValueError, match="compressed"):
        list(bundle._block(b"12345678\1" + checksum, 0, 8))


def test_a_damaged_tensor_is_named_when_it_is_loaded(tmp_path):
    for path in FIXTURES.glob("plain.*"):
        shutil.copy(path, tmp_path)
    shard = tmp_path / "plain.data-00000-of-00001"
    data = shard.read_bytes()
    shard.write_bytes(data.replace(b"word", b"ward"))
    with pytest.raises(errors.DataLossError, match=r"plain\.data-00000-of-00001.*kinds/string"):
        load_variable(tmp_path / "plain", "kinds/string")
    assert load_variable(tmp_path / "plain", "scalar") == 7
    assert "tensorflow" not in sys.modules
