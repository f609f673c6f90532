"""Checkpoints read as docs/checkpoints.md describes them, byte for byte, with nothing of ours but the CRC's definition."""

import json
from urllib.parse import unquote

import h5py
import numpy as np
import pytest

import headrace as tf


def crc32c(octets):
    """CRC-32C, bit by bit."""
    value = 0xFFFFFFFF
    for octet in octets:
        value ^= octet
        for _ in range(8):
            value = value >> 1 ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def number_of(octets, dtype, shape):
    """The value of a slice from its bytes."""
    if dtype == "string":
        count = int(np.prod(shape))
        lengths, text = np.frombuffer(octets[: 8 * count], "<u8"), octets[8 * count :]
        ends = np.cumsum(lengths).tolist()
        assert (ends[-1] if count else 0) == len(text)
        return np.array([text[e - int(n) : e] for e, n in zip(ends, lengths, strict=True)], object).reshape(shape)
    if dtype == "bfloat16":
        return (np.frombuffer(octets, "<u2").astype("<u4") << 16).view("<f4").reshape(shape)
    if dtype == "complex64":
        pairs = np.frombuffer(octets, "<f4").reshape(*shape, 2)
        return pairs[..., 0] + 1j * pairs[..., 1]
    kind = {"float32": "<f4", "int64": "<i8", "bool": "<u1"}[dtype]
    return np.frombuffer(octets, kind).reshape(shape)


def by_the_page(prefix):
    """All tensors of a checkpoint, and its manifest."""
    text = prefix.with_name(prefix.name + ".index").read_text(encoding="utf-8")
    manifest = json.loads(text)
    body = {key: value for key, value in manifest.items() if key != "crc32c"}
    assert crc32c(json.dumps(body, sort_keys=True, separators=(",", ":")).encode()) == manifest["crc32c"]
    assert set(body) <= {"format", "version", "shards", "tensors", "random"}
    assert (manifest["format"], manifest["version"]) == ("headrace checkpoint", 1)
    files = [(prefix.parent / shard["file"]).read_bytes() for shard in manifest["shards"]]
    found, spans = {}, [[] for _ in files]
    for name, tensor in manifest["tensors"].items():
        whole = np.zeros(tensor["shape"], object)
        for part in tensor["slices"]:
            start, end = part["position"], part["position"] + part["bytes"]
            octets = files[part["shard"]][start:end]
            assert crc32c(octets) == part["crc32c"]
            value = number_of(octets, tensor["dtype"], part["shape"])
            whole[tuple(slice(o, o + n) for o, n in zip(part["offset"], part["shape"], strict=True))] = value
            if part["bytes"]:
                spans[part["shard"]].append((start, end))
            label, at, offset = unquote(part["dataset"]).rpartition("@")
            assert (label if at else offset) == name
            assert not at or offset == ",".join(map(str, part["offset"]))
            with h5py.File(prefix.parent / manifest["shards"][part["shard"]]["file"]) as file:
                dataset = file[part["dataset"]]
                assert dataset.chunks is None and dataset.compression is None
                assert dataset[()].tobytes() == octets
        found[name] = whole
    for shard, data, taken in zip(manifest["shards"], files, spans, strict=True):
        assert len(data) == shard["bytes"]
        rest, last = b"", 0
        for start, end in sorted(taken):
            assert start >= last
            rest, last = rest + data[last:start], end
        assert crc32c(rest + data[last:]) == shard["frame_crc32c"]
    return found, manifest


@pytest.mark.parametrize("sharded", [False, True])
def test_the_page_is_true(sharded, tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        tf.get_variable("a/number", initializer=1.5)
        tf.get_variable("flags", initializer=np.array([True, False]))
        tf.get_variable("half", initializer=tf.cast(tf.constant([1.5, -2.0]), tf.bfloat16))
        tf.Variable([[1 + 2j, 3 - 4j]], name="complex", dtype=tf.complex64)
        tf.Variable([b"one", b"", b"three"], name="texts")
        tf.Variable(np.zeros((0, 2), np.float32), name="empty")
        with tf.variable_scope("", partitioner=tf.fixed_size_partitioner(2)):
            tf.get_variable("parts", initializer=np.arange(6).reshape(3, 2))
        tf.random_normal([2], name="noise")
        session.run(tf.global_variables_initializer())
        session.run("noise:0")
        saver = tf.train.Saver(sharded=sharded)
        prefix = tmp_path / "model.ckpt-7"
        saver.save(session, str(tmp_path / "model.ckpt"), global_step=7)
    names = {path.name for path in tmp_path.iterdir()}
    assert names == {"checkpoint", *(f"{prefix.name}{end}" for end in (".index", ".meta", ".data-00000-of-00001"))}
    found, manifest = by_the_page(prefix)
    wanted = {
        "a/number": 1.5,
        "flags": [1, 0],
        "half": [1.5, -2.0],
        "complex": [[1 + 2j, 3 - 4j]],
        "texts": [b"one", b"", b"three"],
        "empty": [],
        "parts": [[0, 1], [2, 3], [4, 5]],
    }
    assert {name: value.tolist() for name, value in found.items()} == wanted
    assert len(manifest["tensors"]["parts"]["slices"]) == 2
    assert set(manifest["random"]) == {"counters", "seeds"} and "noise" in str(manifest["random"])
