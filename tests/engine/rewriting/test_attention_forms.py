"""The forms of attention that are recognised as a whole, and that they give the numbers of their parts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine.kernels.distributions import uniform
from headrace.engine.kernels.draws import words_from
from headrace.engine.kernels.philox import stream_of_seeds
from headrace.engine.ops.nn_attention import chance_words

B, H, T, S, D = 2, 3, 6, 7, 4
CAUSAL = np.tril(np.ones((T, S), bool))
# A row of the second shows no key.
LENGTHS = np.array([5, 0])

Form = Callable[[Any, Any, Any], Any]


@pytest.fixture(autouse=True)
def graph() -> Iterator[tf.Graph]:
    with tf.Graph().as_default() as graph:
        tf.set_random_seed(5)
        yield graph


def scores(q: Any, k: Any) -> Any:
    return tf.matmul(q, k, transpose_b=True) * tf.cast(D**-0.5, q.dtype)


def shown(lengths: Any = LENGTHS) -> Any:
    """Which keys each example shows, [batch, 1, 1, keys]."""
    return tf.reshape(tf.sequence_mask(tf.placeholder_with_default(lengths, [B]), S), [B, 1, 1, S])


def number(x: float, like: Any) -> Any:
    return tf.cast(x, like.dtype)


def wide_softmax(q: Any, k: Any, v: Any) -> Any:
    weights = tf.nn.softmax(tf.cast(scores(q, k), tf.float32) + np.where(CAUSAL, 0, -1e9).astype(np.float32))
    return tf.matmul(tf.cast(weights, v.dtype), v)


def scaled_behind_the_cast(q: Any, k: Any, v: Any) -> Any:
    weights = tf.nn.softmax(tf.cast(tf.matmul(q, k, transpose_b=True), tf.float32) / np.float32(D**0.5))
    return tf.matmul(tf.cast(weights, v.dtype), v)


def scaled_query(q: Any, k: Any, v: Any) -> Any:
    return tf.matmul(tf.nn.softmax(tf.matmul(q * number(D**-0.5, q), k, transpose_b=True)), v)


def scaled_twice(q: Any, k: Any, v: Any) -> Any:
    hidden = tf.cast(np.where(CAUSAL, 0, -1e4), q.dtype)
    return tf.matmul(tf.nn.softmax((scores(q, k) + hidden) / number(2.0, q)), v)


def added_lengths(q: Any, k: Any, v: Any) -> Any:
    # Where nothing is shown, 16 bits round all that is added to.
    hidden = (1.0 - tf.cast(shown(LENGTHS + 1), q.dtype)) * number(-30000.0, q)
    return tf.matmul(tf.nn.softmax(scores(q, k) + hidden), v)


def subtracted(q: Any, k: Any, v: Any) -> Any:
    return tf.matmul(tf.nn.softmax(scores(q, k) - tf.cast(np.where(CAUSAL, 0, 3e4), q.dtype)), v)


def selected(q: Any, k: Any, v: Any) -> Any:
    hidden = tf.fill([B, H, T, S], number(-30000.0, q))
    chosen = tf.where(tf.broadcast_to(tf.constant(CAUSAL), [B, H, T, S]), scores(q, k), hidden)
    return tf.matmul(tf.nn.softmax(chosen), v)


def selected_lengths(q: Any, k: Any, v: Any) -> Any:
    return tf.matmul(tf.nn.softmax(tf.where_v2(shown(), scores(q, k), number(-30000.0, q))), v)


def selected_or_nothing(q: Any, k: Any, v: Any) -> Any:
    # Rows that show nothing give NaN, whose gradient ends at the selection.
    return tf.matmul(tf.nn.softmax(tf.where_v2(shown(), scores(q, k), number(-np.inf, q))), v)


def hidden_lengths(q: Any, k: Any, v: Any) -> Any:
    found = scores(q, k)
    hidden = tf.tile(tf.logical_not(shown()), [1, H, T, 1])
    chosen = tf.where(hidden, tf.ones_like(found) * number(-30000.0, q), found)
    weights = tf.nn.softmax(tf.cast(chosen, tf.float32))
    return tf.matmul(tf.cast(weights, v.dtype), v)


def multiplied(q: Any, k: Any, v: Any) -> Any:
    b = tf.reshape(tf.cast(CAUSAL, q.dtype), [1, 1, T, S])
    return tf.matmul(tf.nn.softmax(scores(q, k) * b - number(3e4, q) * (1 - b)), v)


def by_einsum(q: Any, k: Any, v: Any) -> Any:
    q, k, v = (tf.transpose(x, [0, 2, 1, 3]) for x in (q, k, v))
    weights = tf.nn.softmax(tf.einsum("bqhd,bkhd->bhqk", q, k) * number(0.5, q))
    return tf.transpose(tf.einsum("bhqk,bkhd->bqhd", weights, v), [0, 2, 1, 3])


def by_einsum_of_keys(q: Any, k: Any, v: Any) -> Any:
    q, k, v = (tf.transpose(x, [0, 2, 1, 3]) for x in (q, k, v))
    return tf.einsum("acbe,aecd->acbd", tf.nn.softmax(tf.einsum("aecd,abcd->acbe", k, q)), v)


def by_einsum_heads_first(q: Any, k: Any, v: Any) -> Any:
    return tf.einsum("bhst,bhtd->bhsd", tf.nn.softmax(tf.einsum("bhsd,bhtd->bhst", q, k)), v)


def dropped(q: Any, k: Any, v: Any) -> Any:
    return tf.matmul(tf.nn.dropout(tf.nn.softmax(scores(q, k)), rate=0.25, seed=3), v)


def dropped_by_what_is_fed(q: Any, k: Any, v: Any) -> Any:
    keep = tf.placeholder_with_default(np.float32(0.625), [])
    weights = tf.nn.dropout(tf.nn.softmax(scores(q, k)), keep_prob=tf.cast(keep, v.dtype), seed=3)
    return tf.matmul(weights, v)


def dropped_before_the_cast(q: Any, k: Any, v: Any) -> Any:
    weights = tf.nn.softmax(tf.cast(scores(q, k), tf.float32) + np.where(CAUSAL, 0, -1e9).astype(np.float32))
    return tf.matmul(tf.cast(tf.nn.dropout(weights, rate=0.5), v.dtype), v)


def three_axes(q: Any, k: Any, v: Any) -> Any:
    q, k, v = (tf.reshape(x, [B * H, -1, D]) for x in (q, k, v))
    return tf.reshape(tf.matmul(tf.nn.softmax(scores(q, k)), v), [B, H, T, D])


def layer_of_keras(q: Any, k: Any, v: Any) -> Any:
    layer = tf.keras.layers.Attention(dtype=q.dtype.name)
    parts = [tf.reshape(x, [B * H, -1, D]) for x in (q, v, k)]
    return tf.reshape(layer(parts, use_causal_mask=True), [B, H, T, D])


def two_masks(q: Any, k: Any, v: Any) -> Any:
    later = tf.cast(np.where(CAUSAL, 0, -3e4), q.dtype)
    found = scores(q, k) + later + (1.0 - tf.cast(shown(LENGTHS + 1), q.dtype)) * number(-3e4, q)
    return tf.matmul(tf.nn.softmax(found), v)


def chosen_twice(q: Any, k: Any, v: Any) -> Any:
    found = tf.where_v2(CAUSAL, scores(q, k), number(-3e4, q))
    return tf.matmul(tf.nn.softmax(tf.where_v2(shown(), found, number(-3e4, q))), v)


def two_known_masks(q: Any, k: Any, v: Any) -> Any:
    later = np.where(CAUSAL, 0, -1e9).astype(np.float32)
    weights = tf.nn.softmax(tf.cast(scores(q, k), tf.float32) + later + np.float32(np.eye(T, S)))
    return tf.matmul(tf.cast(weights, v.dtype), v)


def added_and_chosen(q: Any, k: Any, v: Any) -> Any:
    later = tf.cast(np.where(CAUSAL, 0, -3e4), q.dtype)
    found = tf.where_v2(shown(LENGTHS + 1), scores(q, k) + later, number(-3e4, q))
    return tf.matmul(tf.nn.softmax(found), v)


def own_softmax(q: Any, k: Any, v: Any) -> Any:
    weights = tf.exp(scores(q, k))
    return tf.matmul(weights / tf.reduce_sum(weights, -1, keepdims=True), v)


def scale_of_the_graph(q: Any, k: Any, v: Any) -> Any:
    return tf.matmul(tf.nn.softmax(scores(q, k) * tf.placeholder_with_default(number(2.0, q), [])), v)


def soft_choice(q: Any, k: Any, v: Any) -> Any:
    return tf.matmul(tf.nn.softmax(tf.where_v2(CAUSAL, scores(q, k), number(-5.0, q))), v)


RECOGNISED: list[Form] = [
    wide_softmax, scaled_behind_the_cast, scaled_query, scaled_twice, added_lengths, subtracted, selected, selected_lengths,
    selected_or_nothing,
    hidden_lengths, multiplied, by_einsum, by_einsum_of_keys, by_einsum_heads_first, dropped, dropped_by_what_is_fed,
    dropped_before_the_cast, three_axes, layer_of_keras, two_masks, chosen_twice, two_known_masks,
]  # fmt: skip
LEFT: list[Form] = [added_and_chosen, own_softmax, scale_of_the_graph, soft_choice]
# Of the largest number: parts round to 16 bits after each step, the whole at its end.
ERRORS = {"float32": 2e-5, "bfloat16": 4e-2, "float16": 6e-3}


def built(form: Form, dtype: str) -> tuple[list[Any], dict[Any, Any]]:
    """The result in float32 and its gradients, and what is fed."""
    rng = np.random.default_rng(1)
    given = [tf.placeholder(tf.float32, (B, H, n, D)) for n in (T, S, S, T)]
    short = [tf.cast(x, dtype) if dtype != "float32" else x for x in given]
    y = tf.cast(form(*short[:3]), tf.float32)
    feed = {x: rng.standard_normal(x.shape.as_list()).astype(np.float32) for x in given}
    return [y, *tf.gradients(y, given[:3], given[3:])], feed


def ops(text: str) -> set[str]:
    """The op types that explain names."""
    return set(re.findall(r" = (\w+)\(", text))


def run(fetches: list[Any], feed: dict[Any, Any], **options: Any) -> tuple[list[Any], str]:
    with tf.Session(**options) as session:
        return session.run(fetches, feed), session.explain(fetches, feed)


@pytest.mark.parametrize("dtype", ERRORS)
@pytest.mark.parametrize("form", RECOGNISED, ids=lambda form: form.__name__)
def test_forms_that_are_recognised(form: Form, dtype: str) -> None:
    fetches, feed = built(form, dtype)
    expected, _ = run(fetches, feed, backend="reference")
    for backend in ("numpy", "cpu"):
        found, text = run(fetches, feed, backend=backend)
        assert ops(text) >= {"_Attention", "_AttentionGrad"} and not ops(text) & {"Softmax", "BatchMatMulV2", "Einsum"}
        for value, wanted in zip(found, expected, strict=True):
            np.testing.assert_allclose(value, wanted, rtol=0, atol=ERRORS[dtype] * np.nanmax(np.abs(wanted)))


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("form", LEFT, ids=lambda form: form.__name__)
def test_forms_that_are_left(form: Form, dtype: str) -> None:
    fetches, feed = built(form, dtype)
    found, text = run(fetches, feed, backend="cpu")
    assert not ops(text) & {"_Attention", "_AttentionGrad"}
    for value, wanted in zip(found, run(fetches, feed, backend="reference")[0], strict=True):
        np.testing.assert_allclose(value, wanted, rtol=0, atol=ERRORS[dtype] * np.abs(wanted).max())


def test_each_step_drops_others_and_those_of_the_reference() -> None:
    fetches, feed = built(dropped, "float32")
    results = []
    for backend in ("reference", "numpy", "cpu"):
        with tf.Session(backend=backend) as session:
            results.append([session.run(fetches, feed) for _ in range(3)])
    assert not np.array_equal(results[0][0][0], results[0][1][0])
    for steps in results[1:]:
        for found, wanted in zip(steps, results[0], strict=True):
            for one, other in zip(found, wanted, strict=True):
                np.testing.assert_allclose(one, other, rtol=0, atol=2e-5 * np.abs(other).max())


def test_products_of_complex_numbers_beside_a_softmax_are_not_conjugated() -> None:
    rng = np.random.default_rng(2)
    given = [tf.placeholder(tf.complex64, (2, 3, 4)), tf.placeholder(tf.complex64, (2, 5, 4))]
    feed = {
        x: rng.standard_normal((*x.shape.as_list(), 2)).astype(np.float32).view(np.complex64)[..., 0] for x in given
    }
    fetches = [tf.einsum("bij,bkj->bik", *given), tf.nn.softmax(tf.real(given[0]))]
    found, _ = run(fetches, feed, backend="cpu")
    np.testing.assert_allclose(found[0], np.einsum("bij,bkj->bik", *feed.values()), rtol=1e-5)


def test_what_is_dropped_and_read_elsewhere_is_left() -> None:
    q, k, v = (tf.placeholder(tf.float32, (B, H, n, D)) for n in (T, S, S))
    weights = tf.nn.dropout(tf.nn.softmax(scores(q, k)), rate=0.25, seed=3)
    fetches = [tf.matmul(weights, v), weights]
    feed = {x: np.ones(x.shape.as_list(), np.float32) for x in (q, k, v)}
    assert "_Attention" not in ops(run(fetches, feed, backend="cpu")[1])


@pytest.mark.parametrize("rate", [0.0, 1e-9, 0.3, 1 - 1e-8, 1.0, 2.0, -1.0, np.nan])
@pytest.mark.parametrize("dtype", ["float32", "float16", "bfloat16"])
def test_the_least_number_that_is_kept(dtype: str, rate: float) -> None:
    kind = tf.as_dtype(dtype).as_numpy_dtype
    chosen = np.array(rate, kind)
    words = chance_words(stream_of_seeds(1, 2), chosen, np.array(2.0, kind))
    numbers = uniform(stream_of_seeds(1, 2), (4096,), kind)[0]
    drawn = words_from(stream_of_seeds(1, 2), 0, 4096)
    with np.errstate(invalid="ignore"):
        np.testing.assert_array_equal((drawn & words[6]) >= words[7], numbers >= chosen)
    assert words[8:].view(np.float32) == 2
