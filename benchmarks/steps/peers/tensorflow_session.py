"""TensorFlow's graph and session: variant "run" feeds by feed_dict, "callable" through Session.make_callable."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from workloads import Workload

from peers.tensorflow_models import LOSSES

v1 = tf.compat.v1


def update(w: Workload, loss: Any, p: dict[str, Any]) -> Any:
    train = v1.train
    if w.optimizer == "adagrad and ftrl":
        wide = [v for k, v in p.items() if k.startswith("wide")]
        deep = [v for k, v in p.items() if not k.startswith("wide")]
        gradients = tf.gradients(loss, deep + wide)
        adagrad = train.AdagradOptimizer(w.rate, w.size.accumulator)
        ftrl = train.FtrlOptimizer(
            w.size.wide_rate,
            initial_accumulator_value=w.size.accumulator,
            l1_regularization_strength=w.size.l1,
            l2_regularization_strength=w.size.l2,
        )
        return tf.group(
            adagrad.apply_gradients(zip(gradients[: len(deep)], deep, strict=True)),
            ftrl.apply_gradients(zip(gradients[len(deep) :], wide, strict=True)),
        )
    makers: dict[str, Callable[[], Any]] = {
        "sgd": lambda: train.GradientDescentOptimizer(w.rate),
        "adam": lambda: train.AdamOptimizer(w.rate),
        "momentum": lambda: train.MomentumOptimizer(w.rate, w.size.momentum),
    }
    optimizer = makers[w.optimizer]()
    gradients, variables = zip(*optimizer.compute_gradients(loss, list(p.values())), strict=True)
    if hasattr(w.size, "clip"):
        gradients, _ = tf.clip_by_global_norm(gradients, w.size.clip)
    return optimizer.apply_gradients(zip(gradients, variables, strict=True))


def build(w: Workload, variant: str, threads: int) -> tuple[Callable[[Any], Any], Callable[[Any], float]]:
    v1.disable_eager_execution()
    # One thread between ops: more only costs on steps that are one chain.
    config = v1.ConfigProto(intra_op_parallelism_threads=threads, inter_op_parallelism_threads=1)
    batch = {k: v1.placeholder(v.dtype, v.shape, name="in_" + k) for k, v in w.batches[0].items()}
    # Starting values are fed once: large constants have no place in a graph.
    starts: dict[Any, Any] = {}

    def variable(name: str, value: Any, trainable: bool) -> Any:
        start = v1.placeholder(value.dtype, value.shape)
        starts[start] = value
        return v1.Variable(start, trainable=trainable, name=name, use_resource=True)

    p = {k: variable(k, v, True) for k, v in w.parameters.items()}
    s = {k: variable(k, v, False) for k, v in w.state.items()}
    loss, updates = LOSSES[w.model](w, p, s, batch)
    train = update(w, loss, p)
    with tf.control_dependencies([loss] + [x for _, x in updates]):
        train = tf.group(train, *[v.assign(x) for v, x in updates])
    session = v1.Session(config=config)
    session.run(v1.global_variables_initializer(), starts)
    if variant == "callable":
        keys = list(batch)
        call = session.make_callable([loss, train], feed_list=list(batch.values()))
        return lambda b: call(*[b[k] for k in keys]), lambda result: float(result[0])
    run, fetches, pairs = session.run, [loss, train], list(batch.items())
    return lambda b: run(fetches, {t: b[k] for k, t in pairs}), lambda result: float(result[0])
