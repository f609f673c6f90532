"""JAX: one jitted step with donated parameters and updates written by hand."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("JAX_PLATFORMS", "cpu")

import jax
import jax.numpy as jnp
import numpy as np
from jax import lax
from workloads import Workload, blocks

relu = jax.nn.relu
tree_map = jax.tree.map


def mean_cross_entropy(labels: Any, logits: Any) -> Any:
    logits = logits.astype(jnp.float32)
    chosen = jnp.take_along_axis(logits, labels[..., None], -1)[..., 0]
    return jnp.mean(jax.nn.logsumexp(logits, -1) - chosen)


def affine(x: Any, p: Any, name: Any) -> Any:
    return x @ p[f"kernel{name}"] + p[f"bias{name}"]


def conv(x: Any, kernel: Any, stride: int = 1) -> Any:
    return lax.conv_general_dilated(x, kernel, (stride, stride), "SAME", dimension_numbers=("NHWC", "HWIO", "NHWC"))


def linear(w: Workload, p: Any, s: Any, b: Any) -> Any:
    return jnp.mean(jnp.square(affine(b["x"], p, 1) - b["y"])), s


def layers(w: Workload, p: Any, s: Any, b: Any) -> Any:
    hidden, count = b["x"], len(p) // 2
    for i in range(1, count):
        hidden = relu(affine(hidden, p, i))
    return mean_cross_entropy(b["y"], affine(hidden, p, count)), s


def convolutional(w: Workload, p: Any, s: Any, b: Any) -> Any:
    x = b["x"]
    for i in range(1, len(w.size.channels) + 1):
        x = relu(conv(x, p[f"filter{i}"]) + p[f"shift{i}"])
        x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 2, 2, 1), (1, 2, 2, 1), "SAME")
    hidden = relu(affine(x.reshape(w.size.batch, -1), p, 1))
    return mean_cross_entropy(b["y"], affine(hidden, p, 2)), s


def residual(w: Workload, p: Any, s: Any, b: Any) -> Any:
    s = dict(s)

    def convolution(x: Any, name: str, stride: int = 1) -> Any:
        x = conv(x, p[name + "filter"], stride)
        mean = x.mean((0, 1, 2))
        variance = jnp.square(x).mean((0, 1, 2)) - mean * mean
        count = x.size // x.shape[-1]
        for key, value in ((name + "mean", mean), (name + "variance", variance * (count / (count - 1)))):
            s[key] = s[key] + (1 - w.size.decay) * (value - s[key])
        return (x - mean) * (lax.rsqrt(variance + w.size.epsilon) * p[name + "scale"]) + p[name + "offset"]

    x = relu(convolution(b["x"], "stem_"))
    for name, _, _, stride in blocks(w.size):
        y = relu(convolution(x, name + "first_", stride))
        y = convolution(y, name + "second_")
        x = relu(y + (convolution(x, name + "short_", stride) if name + "short_filter" in p else x))
    return mean_cross_entropy(b["y"], affine(x.mean((1, 2)), p, 1)), s


def recurrent(w: Workload, p: Any, s: Any, b: Any) -> Any:
    size = w.size
    x = jnp.swapaxes(p["embedding"][b["x"]], 0, 1)
    s = dict(s)
    for layer in (1, 2):
        kernel, inputs = p[f"kernel{layer}"], x.shape[-1]
        projected = x.reshape(-1, inputs) @ kernel[:inputs] + p[f"bias{layer}"]
        recurrent_kernel = kernel[inputs:]

        def cell(state: Any, z: Any, recurrent_kernel: Any = recurrent_kernel) -> Any:
            c, h = state
            i, j, f, o = jnp.split(z + h @ recurrent_kernel, 4, -1)
            c = c * jax.nn.sigmoid(f + 1.0) + jax.nn.sigmoid(i) * jnp.tanh(j)
            h = jnp.tanh(c) * jax.nn.sigmoid(o)
            return (c, h), h

        start = (s[f"c{layer}"], s[f"h{layer}"])
        (c, h), x = lax.scan(cell, start, projected.reshape(size.steps, size.batch, -1))
        s[f"c{layer}"], s[f"h{layer}"] = lax.stop_gradient(c), lax.stop_gradient(h)
    return mean_cross_entropy(b["y"].T.reshape(-1), affine(x.reshape(-1, size.hidden), p, "")), s


def attention(query: Any, key: Any, value: Any) -> Any:
    """Causal attention of [batch, heads, steps, depth], with the heads after the steps."""
    steps, depth = query.shape[-2:]
    mask = jnp.where(jnp.tril(jnp.ones((steps, steps), bool)), 0.0, -1e9).astype(jnp.float32)
    scores = jax.nn.softmax(jnp.einsum("bhqd,bhkd->bhqk", query, key) * depth**-0.5 + mask)
    return jnp.einsum("bhqk,bhkd->bhqd", scores, value).transpose(0, 2, 1, 3)


# By name, so that it can be exchanged.
ATTENTION = {"attention": attention}


def transformer(w: Workload, p: Any, s: Any, b: Any) -> Any:
    size = w.size
    batch, steps, width, heads = size.batch, size.steps, size.width, size.heads
    depth = width // heads

    def norm(short: Any, name: str) -> Any:
        x = short.astype(jnp.float32)
        mean = x.mean(-1, keepdims=True)
        variance = jnp.square(x - mean).mean(-1, keepdims=True)
        return ((x - mean) * lax.rsqrt(variance + 1e-5) * p[name + "scale"] + p[name + "offset"]).astype(short.dtype)

    def dense(x: Any, name: str) -> Any:
        return x @ p[name + "kernel"] + p[name + "bias"]

    x = (p["embedding"][b["x"]] + p["positions"]).reshape(-1, width)
    for layer in range(size.layers):
        name = f"layer{layer}_"
        parts = dense(norm(x, name + "first_"), name + "qkv_").reshape(batch, steps, 3, heads, depth)
        query, key, value = parts.transpose(2, 0, 3, 1, 4)
        mixed = ATTENTION["attention"](query, key, value).reshape(-1, width)
        x = x + dense(mixed, name + "out_")
        inner = jax.nn.gelu(dense(norm(x, name + "second_"), name + "up_"), approximate=True)
        x = x + dense(inner, name + "down_")
    return mean_cross_entropy(b["y"].reshape(-1), norm(x, "last_") @ p["kernel"]), s


LOSSES: dict[str, Callable[..., Any]] = {
    "linear": linear,
    "layers": layers,
    "convolutional": convolutional,
    "residual": residual,
    "recurrent": recurrent,
    "transformer": transformer,
}


def ftrl(w: Workload, value: Any, accumulator: Any, linear: Any, gradient: Any) -> tuple[Any, Any, Any]:
    size = w.size
    total = accumulator + gradient * gradient
    root = jnp.sqrt(total)
    linear = linear + gradient - (root - jnp.sqrt(accumulator)) / size.wide_rate * value
    value = (jnp.clip(linear, -size.l1, size.l1) - linear) / (root / size.wide_rate + 2 * size.l2)
    return value, total, linear


def is_table(name: str) -> bool:
    return name.startswith(("deep", "wide")) and name[4:].isdigit()


def wide_and_deep_state(w: Workload) -> dict[str, Any]:
    size = w.size
    deep, wide = (
        jnp.asarray(np.concatenate([w.parameters[f"{k}{i}"] for i in range(size.columns)])) for k in ("deep", "wide")
    )
    dense = {k: jnp.asarray(v) for k, v in w.parameters.items() if not is_table(k)}
    full = tree_map(lambda v: jnp.full_like(v, size.accumulator), {"deep": deep, "wide": wide, "dense": dense})
    linear = tree_map(jnp.zeros_like, {"wide": wide, "dense": dense})
    return {"deep": deep, "wide": wide, "dense": dense, "accumulator": full, "linear": linear}


def wide_and_deep_step(w: Workload) -> Callable[[Any, Any], Any]:
    """Sparse updates by hand: gradients of the gathered rows, summed over duplicates, rows scattered back."""
    size = w.size

    def loss(rows: Any, wide: Any, p: Any, b: Any) -> Any:
        hidden = jnp.concatenate([rows.reshape(size.batch, -1), b["numeric"]], 1)
        for i in (1, 2):
            hidden = relu(affine(hidden, p, i))
        z = affine(hidden, p, 3) + wide.reshape(size.batch, -1).sum(1, keepdims=True)
        z = z + b["numeric"] @ p["wide_kernel"] + p["wide_bias"]
        return jnp.mean(jnp.maximum(z, 0) - z * b["y"] + jnp.log1p(jnp.exp(-jnp.abs(z))))

    def dense_update(state: Any, name: str, gradient: Any) -> tuple[Any, Any, Any]:
        value, accumulator = state["dense"][name], state["accumulator"]["dense"][name]
        linear = state["linear"]["dense"][name]
        if name.startswith("wide"):
            return ftrl(w, value, accumulator, linear, gradient)
        accumulator = accumulator + gradient**2
        return value - w.rate * gradient * lax.rsqrt(accumulator), accumulator, linear

    def step(state: Any, b: Any) -> Any:
        ids = (b["ids"] + jnp.arange(size.columns, dtype=jnp.int32) * size.buckets).reshape(-1)
        count = ids.shape[0]
        rows, wide_rows = state["deep"][ids], state["wide"][ids]
        value, gradients = jax.value_and_grad(loss, (0, 1, 2))(rows, wide_rows, state["dense"], b)
        unique, positions = jnp.unique(ids, size=count, fill_value=size.columns * size.buckets, return_inverse=True)
        deep, wide = (jax.ops.segment_sum(g, positions, count) for g in gradients[:2])
        sums, linear = state["accumulator"], state["linear"]
        total = sums["deep"][unique] + deep * deep
        new_wide, wide_total, wide_linear = ftrl(
            w, state["wide"][unique], sums["wide"][unique], linear["wide"][unique], wide
        )
        dense = {k: dense_update(state, k, g) for k, g in gradients[2].items()}
        values, totals, linears = ({k: v[i] for k, v in dense.items()} for i in range(3))

        def put(table: Any, new: Any) -> Any:
            return table.at[unique].set(new, mode="drop")

        return value, {
            "deep": state["deep"].at[unique].add(-w.rate * deep * lax.rsqrt(total), mode="drop"),
            "wide": put(state["wide"], new_wide),
            "dense": values,
            "accumulator": {"deep": put(sums["deep"], total), "wide": put(sums["wide"], wide_total), "dense": totals},
            "linear": {"wide": put(linear["wide"], wide_linear), "dense": linears},
        }

    return step


def start_optimizer(w: Workload, p: Any) -> Any:
    def zeros() -> Any:
        return tree_map(jnp.zeros_like, p)

    makers: dict[str, Callable[[], Any]] = {
        "sgd": lambda: (),
        "momentum": lambda: (zeros(),),
        "adam": lambda: (zeros(), zeros(), jnp.float32(0)),
    }
    return makers[w.optimizer]()


def update(w: Workload, p: Any, slots: Any, gradients: Any) -> tuple[Any, Any]:
    if w.optimizer == "sgd":
        return tree_map(lambda v, g: v - w.rate * g, p, gradients), slots
    if w.optimizer == "momentum":
        m = tree_map(lambda m, g: w.size.momentum * m + g, slots[0], gradients)
        return tree_map(lambda v, m: v - w.rate * m, p, m), (m,)
    m = tree_map(lambda m, g: 0.9 * m + 0.1 * g, slots[0], gradients)
    s = tree_map(lambda s, g: 0.999 * s + 0.001 * g * g, slots[1], gradients)
    time = slots[2] + 1
    rate = w.rate * jnp.sqrt(1 - 0.999**time) / (1 - 0.9**time)
    return tree_map(lambda v, m, s: v - rate * m / (jnp.sqrt(s) + 1e-8), p, m, s), (m, s, time)


def dense_step(w: Workload) -> Callable[[Any, Any], Any]:
    def step(state: Any, b: Any) -> Any:
        p, s, slots = state
        (loss, s), gradients = jax.value_and_grad(lambda p: LOSSES[w.model](w, p, s, b), has_aux=True)(p)
        if hasattr(w.size, "clip"):
            norm = jnp.sqrt(sum(jnp.vdot(g, g) for g in jax.tree.leaves(gradients)))
            scale = w.size.clip / jnp.maximum(norm, w.size.clip)
            gradients = tree_map(lambda g: g * scale, gradients)
        p, slots = update(w, p, slots, gradients)
        return loss, (p, s, slots)

    return step


def build(w: Workload, variant: str, threads: int) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    state: Any
    if w.model == "wide_and_deep":
        step, state = wide_and_deep_step(w), wide_and_deep_state(w)
    else:
        p, s = tree_map(jnp.asarray, w.parameters), tree_map(jnp.asarray, w.state)
        step, state = dense_step(w), (p, s, start_optimizer(w, p))
    call = jax.jit(step, donate_argnums=0)

    def go(b: Any) -> Any:
        nonlocal state
        loss, state = call(state, b)
        return loss

    return go, float
