"""JAX on a GPU: one jitted step with donated parameters; products in TF32 or, with float32 parameters, in bf16."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

os.environ.setdefault("XLA_PYTHON_CLIENT_PREALLOCATE", "false")
# "cuda", unless who runs this says otherwise: the module below would say "cpu".
os.environ.setdefault("JAX_PLATFORMS", "cuda")

import jax
import jax.numpy as jnp
from jax import lax
from peers import jax_jit
from programs import PROGRAMS, bottlenecks
from workloads import Workload


def bottleneck(w: Workload, p: Any, s: Any, b: Any) -> Any:
    s = dict(s)

    def convolution(x: Any, name: str, stride: int = 1) -> Any:
        x = jax_jit.conv(x, p[name + "filter"], stride)
        wide = x.astype(jnp.float32)
        mean = wide.mean((0, 1, 2))
        variance = jnp.square(wide).mean((0, 1, 2)) - mean * mean
        count = x.size // x.shape[-1]
        for key, value in ((name + "mean", mean), (name + "variance", variance * (count / (count - 1)))):
            s[key] = s[key] + (1 - w.size.decay) * (value - s[key])
        factor = lax.rsqrt(variance + w.size.epsilon) * p[name + "scale"]
        return ((wide - mean) * factor + p[name + "offset"]).astype(x.dtype)

    x = jax.nn.relu(convolution(b["x"], "stem_", 2))
    x = lax.reduce_window(x, -jnp.inf, lax.max, (1, 3, 3, 1), (1, 2, 2, 1), "SAME")
    for name, _, _, stride in bottlenecks(w.size):
        y = jax.nn.relu(convolution(x, name + "first_"))
        y = jax.nn.relu(convolution(y, name + "second_", stride))
        y = convolution(y, name + "third_")
        x = jax.nn.relu(y + (convolution(x, name + "short_", stride) if name + "short_filter" in p else x))
    return jax_jit.mean_cross_entropy(b["y"], jax_jit.affine(x.mean((1, 2)), p, 1).astype(jnp.float32)), s


def shortened(loss: Callable[..., Any]) -> Callable[..., Any]:
    """The loss with kernels, filters and images in bf16."""

    def short(value: Any, name: str = "") -> Any:
        long = value.dtype != jnp.float32 or name.endswith(("scale", "offset"))
        return value if long else value.astype(jnp.bfloat16)

    def changed(w: Workload, p: Any, s: Any, b: Any) -> Any:
        value, state = loss(w, {k: short(v, k) for k, v in p.items()}, s, {k: short(v) for k, v in b.items()})
        return value.astype(jnp.float32), state

    return changed


def cudnn_attention(query: Any, key: Any, value: Any) -> Any:
    """Causal attention by cuDNN, which wants the heads after the steps."""
    parts = (x.transpose(0, 2, 1, 3).astype(jnp.bfloat16) for x in (query, key, value))
    return jax.nn.dot_product_attention(*parts, is_causal=True, implementation="cudnn").astype(query.dtype)


def build(w: Workload, variant: str, on_gpu: bool) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    jax.config.update("jax_default_matmul_precision", "tensorfloat32")
    jax_jit.LOSSES["bottleneck"] = bottleneck
    if PROGRAMS[w.name].precision == "bfloat16":
        jax_jit.LOSSES[w.model] = shortened(jax_jit.LOSSES[w.model])
        if on_gpu:
            jax_jit.ATTENTION["attention"] = cudnn_attention
    return jax_jit.build(w, variant, 0)
