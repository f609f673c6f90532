"""headrace on a device: one Session, fed by a callable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import headrace_programs
import numpy as np
from programs import PROGRAMS, bottlenecks
from workloads import Workload

import headrace as tf


def bottleneck(w: Workload, batch: Any) -> Any:
    def convolution(x: Any, channels: int, width: int, stride: int = 1) -> Any:
        x = tf.layers.conv2d(x, channels, width, stride, padding="same", use_bias=False)
        options = {"momentum": w.size.decay, "epsilon": w.size.epsilon, "fused": True}
        return tf.layers.batch_normalization(x, training=True, **options)

    x = tf.nn.relu(convolution(batch["x"], w.size.stages[0][1], 7, 2))
    x = tf.layers.max_pooling2d(x, 3, 2, padding="same")
    for _, inputs, inner, stride in bottlenecks(w.size):
        y = tf.nn.relu(convolution(x, inner, 1))
        y = tf.nn.relu(convolution(y, inner, 3, stride))
        y = convolution(y, 4 * inner, 1)
        short = x if stride == 1 and inputs == 4 * inner else convolution(x, 4 * inner, 1, stride)
        x = tf.nn.relu(y + short)
    logits = tf.layers.dense(tf.reduce_mean(x, [1, 2]), w.size.classes)
    return headrace_programs.mean_cross_entropy(batch["y"], logits)


headrace_programs.LOSSES["bottleneck"] = bottleneck


def build(w: Workload, variant: str, on_gpu: bool) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    """The step and how to read its loss; `variant` "explain" says on standard error where operations run."""
    batch, loss, train = headrace_programs.program(w)
    session = tf.Session(backend="gpu", mixed_precision=PROGRAMS[w.name].precision)
    headrace_programs.start(w, session)
    call = session.make_callable([loss, train], [batch[k] for k in batch])
    return lambda values: call(*[values[k] for k in batch]), lambda result: float(result[0])


def explained(w: Workload) -> str:
    """What `session.explain` says of a program."""
    with tf.Graph().as_default():
        batch, loss, train = headrace_programs.program(w)
        with tf.Session(backend="gpu", mixed_precision=PROGRAMS[w.name].precision) as session:
            headrace_programs.start(w, session)
            return str(session.explain([loss, train], {batch[k]: v for k, v in w.batches[0].items()}))


def matrix_rate(seconds: float = 1.0, size: int = 8192) -> float:
    """Operations a second of a large bf16 product on random values: what the card can do."""
    import time

    import ml_dtypes

    from headrace.engine.gpu.cuda.device import open_device
    from headrace.engine.gpu.device import Product

    device = open_device()
    dtype = np.dtype(ml_dtypes.bfloat16)
    values = np.random.default_rng(0).standard_normal((size, size)).astype(dtype)
    a, b, c = (device.allocate(values.nbytes) for _ in range(3))
    device.upload(a, values)
    device.upload(b, values)
    call = device.product(Product(a, b, c, size, size, size, dtype, (size,) * 3, compute="bfloat16"))
    call()
    device.synchronize()
    count, start = 0, time.perf_counter()
    while time.perf_counter() - start < seconds:
        for _ in range(10):
            call()
        device.synchronize()
        count += 10
    rate = 2 * size**3 * count / (time.perf_counter() - start)
    for address in (a, b, c):
        device.release(address)
    return rate
