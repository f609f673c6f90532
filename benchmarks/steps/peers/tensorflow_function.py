"""One tf.function a step, with TensorFlow's update kernels: variant "function", and "xla" compiled by XLA."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from workloads import Workload

from peers.tensorflow_models import LOSSES

raw = tf.raw_ops


def like(variables: list[Any], value: float = 0.0) -> list[Any]:
    return [tf.Variable(tf.fill(v.shape, np.float32(value)), trainable=False) for v in variables]


def descent(w: Workload, variables: list[Any]) -> Callable[[list[Any]], None]:
    def apply(gradients: list[Any]) -> None:
        for v, g in zip(variables, gradients, strict=True):
            if isinstance(g, tf.IndexedSlices):
                v.scatter_sub(tf.IndexedSlices(g.values * w.rate, g.indices))
            else:
                raw.ResourceApplyGradientDescent(var=v.handle, alpha=w.rate, delta=g)

    return apply


def momentum(w: Workload, variables: list[Any]) -> Callable[[list[Any]], None]:
    slots = like(variables)

    def apply(gradients: list[Any]) -> None:
        for v, m, g in zip(variables, slots, gradients, strict=True):
            raw.ResourceApplyMomentum(var=v.handle, accum=m.handle, lr=w.rate, grad=g, momentum=w.size.momentum)

    return apply


def adam(w: Workload, variables: list[Any]) -> Callable[[list[Any]], None]:
    means, squares = like(variables), like(variables)
    power1, power2 = tf.Variable(0.9), tf.Variable(0.999)

    def apply(gradients: list[Any]) -> None:
        common = {"beta1_power": power1, "beta2_power": power2, "lr": w.rate}
        common |= {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8}
        for v, m, s, g in zip(variables, means, squares, gradients, strict=True):
            raw.ResourceApplyAdam(var=v.handle, m=m.handle, v=s.handle, grad=tf.convert_to_tensor(g), **common)
        power1.assign(power1 * 0.9)
        power2.assign(power2 * 0.999)

    return apply


def adagrad_and_ftrl(w: Workload, variables: list[Any]) -> Callable[[list[Any]], None]:
    accumulators, linears = like(variables, w.size.accumulator), like(variables)
    ftrl = {"lr": w.size.wide_rate, "l1": w.size.l1, "l2": w.size.l2, "lr_power": -0.5}

    def one(name: str, v: Any, accumulator: Any, linear: Any, g: Any) -> None:
        common = {"var": v.handle, "accum": accumulator.handle}
        sparse = isinstance(g, tf.IndexedSlices)
        if sparse:
            rows, positions = tf.unique(g.indices)
            common |= {"indices": rows}
            g = tf.math.unsorted_segment_sum(g.values, positions, tf.shape(rows)[0])
        if name.startswith("wide"):
            apply = raw.ResourceSparseApplyFtrl if sparse else raw.ResourceApplyFtrl
            apply(grad=g, linear=linear.handle, **common, **ftrl)
        else:
            apply = raw.ResourceSparseApplyAdagrad if sparse else raw.ResourceApplyAdagrad
            apply(grad=g, lr=w.rate, **common)

    def apply(gradients: list[Any]) -> None:
        for parts in zip(w.parameters, variables, accumulators, linears, gradients, strict=True):
            one(*parts)

    return apply


OPTIMIZERS = {"sgd": descent, "momentum": momentum, "adam": adam, "adagrad and ftrl": adagrad_and_ftrl}


def build(w: Workload, variant: str, threads: int) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    if variant == "xla" and w.model == "wide_and_deep":
        raise SystemExit("XLA has none of the sparse update kernels")
    tf.config.threading.set_intra_op_parallelism_threads(threads)
    tf.config.threading.set_inter_op_parallelism_threads(1)
    p = {k: tf.Variable(v) for k, v in w.parameters.items()}
    s = {k: tf.Variable(v, trainable=False) for k, v in w.state.items()}
    variables = list(p.values())
    apply = OPTIMIZERS[w.optimizer](w, variables)
    keys = list(w.batches[0])
    signature = [tf.TensorSpec(v.shape, v.dtype) for v in w.batches[0].values()]

    @tf.function(input_signature=signature, jit_compile=variant == "xla" or None, autograph=False)  # type: ignore[untyped-decorator]
    def step(*values: Any) -> Any:
        with tf.GradientTape() as tape:
            loss, updates = LOSSES[w.model](w, p, s, dict(zip(keys, values, strict=True)))
        gradients = tape.gradient(loss, variables)
        if hasattr(w.size, "clip"):
            gradients, _ = tf.clip_by_global_norm(gradients, w.size.clip)
        apply(gradients)
        for variable, value in updates:
            variable.assign(value)
        return loss

    call = step.get_concrete_function()
    return lambda b: call(*[tf.constant(b[k]) for k in keys]), float
