"""GELU with tanh is found however it is written, with its gradient, and nothing else is taken for it."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.rewriting.lower import lower
from headrace.engine.rewriting.passes import PASSES, Rewrites

C = math.sqrt(2 / math.pi)


@pytest.fixture(autouse=True)
def graph() -> Iterator[None]:
    with tf.Graph().as_default():
        yield


def cdf(x: Any) -> Any:
    return x * (0.5 * (1.0 + tf.tanh(C * (x + 0.044715 * tf.pow(x, 3)))))


WRITTEN: list[Callable[[Any], Any]] = [
    lambda x: 0.5 * x * (1 + tf.tanh(C * (x + 0.044715 * tf.pow(x, 3)))),
    cdf,
    lambda x: 0.5 * x * (1 + tf.tanh(C * (x + 0.044715 * x * x * x))),
    lambda x: 0.5 * x * (1 + tf.tanh(x * 0.7978845608 * (1 + 0.044715 * x * x))),
    lambda x: tf.multiply(x * 0.5, tf.tanh((tf.square(x) * x * 0.044715 + x) * C) + 1),
    lambda x: tf.keras.activations.gelu(x, approximate=True),
]
OTHERS: list[Callable[[Any], Any]] = [
    lambda x: 0.5 * x * (1 + tf.tanh(C * (x + 0.0457 * tf.pow(x, 3)))),
    lambda x: 0.5 * x * (1 + tf.tanh(0.9 * (x + 0.044715 * tf.pow(x, 3)))),
    lambda x: 0.4 * x * (1 + tf.tanh(C * (x + 0.044715 * tf.pow(x, 3)))),
    lambda x: 0.5 * x * (1 + tf.tanh(C * (x + 0.044715 * tf.pow(x, 2)))),
    lambda x: x * tf.tanh(C * x),
    lambda x: tf.nn.sigmoid(1.702 * x) * x,
    lambda x: tf.keras.activations.gelu(x),
]


def kinds(fetches: Any, feeds: Any, off: Any = ()) -> list[str]:
    flow = lower(tf.get_default_graph(), fetches, [], feeds)
    parts = [
        (n.type, *n.attrs.get("parts", ())) for n in Rewrites(frozenset(off), check=True).apply(flow, PASSES).nodes
    ]
    return [part for group in parts for part in group]


def network(gelu: Callable[[Any], Any]) -> tuple[list[Any], list[Any]]:
    feeds = [tf.placeholder(tf.float32, shape) for shape in ((4, 6), (6, 8), (8,), (8, 3))]
    x, w, b, v = feeds
    y = tf.matmul(gelu(tf.nn.bias_add(tf.matmul(x, w), b)), v)
    return [y, *tf.gradients(tf.square(y), [x, w, b, v])], feeds


@pytest.mark.parametrize("gelu", WRITTEN)
def test_however_it_is_written(gelu: Callable[[Any], Any]) -> None:
    fetches, feeds = network(gelu)
    found = kinds(fetches, feeds)
    assert found.count("_Gelu") == found.count("_GeluGrad") == 1
    assert not {"Tanh", "TanhGrad", "Pow"} & set(found)
    assert "Tanh" in kinds(fetches, feeds, ["fuse_gelu"])
    # Without a gradient too.
    found = kinds(fetches[:1], feeds)
    assert found.count("_Gelu") == 1 and "Tanh" not in found


@pytest.mark.parametrize("gelu", OTHERS)
def test_other_functions(gelu: Callable[[Any], Any]) -> None:
    assert "_Gelu" not in kinds(*network(gelu))


def test_what_is_cut_far_out_is_none() -> None:
    x = tf.placeholder(tf.float32, [4, 8])
    cut = 0.5 * tf.minimum(x, 8.0) * (1 + tf.tanh(C * (x + 0.044715 * tf.pow(x, 3))))
    assert "_Gelu" not in kinds([cut], [x])


def test_what_is_needed_besides() -> None:
    x = tf.placeholder(tf.float32, [4, 8])
    y = tf.tanh(C * (x + 0.044715 * tf.pow(x, 3)))
    gelu = 0.5 * x * (1 + y)
    assert "_Gelu" not in kinds([gelu, y], [x])
    assert "_Gelu" not in kinds([gelu, tf.matmul(y, x, transpose_b=True)], [x])
    assert "_Gelu" not in kinds([gelu, y * 2], [x])
    slope = tf.gradients(gelu, x)[0]
    assert "_Gelu" not in kinds([gelu, *tf.gradients(slope, x)], [x])
    # The sum of two gradients by the same value.
    assert "_Gelu" not in kinds([x + cdf(x), *tf.gradients(x + cdf(x), x)], [x])


@pytest.mark.parametrize("gelu", WRITTEN[:3])
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_values(monkeypatch: pytest.MonkeyPatch, gelu: Callable[[Any], Any], precision: str) -> None:
    # As a backend for a device does it, here on the host.
    off = frozenset(name for name in ("fuse_product_gradients", "group_lists"))
    monkeypatch.setattr("headrace.engine.compiler.ONLY_ON_DEVICES", off)
    fetches, feeds = network(gelu)
    values = {p: np.random.default_rng(i).normal(size=p.shape.as_list()) * 1.5 for i, p in enumerate(feeds)}
    with tf.Session(mixed_precision=precision) as session, tf.Session(backend="reference") as reference:
        found, expected = session.run(fetches, values), reference.run(fetches, values)
    for one, other in zip(found, expected, strict=True):
        scale = np.abs(other).max()
        np.testing.assert_allclose(one / scale, other / scale, atol=1e-5 if precision == "float32" else 3e-2)
