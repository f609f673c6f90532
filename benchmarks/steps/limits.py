"""How near W1 to W9 come to the machine: multiply-adds of a step against what its matrix products reach.

    python benchmarks/steps/limits.py [W4 W9] [--threads 2] [--steps 50]

The peak is that of NumPy's BLAS at 1024 x 1024, on as many threads at once as the steps use, each with matrices of its own.
"products alone" is the time that a step's products and convolutions would take at that rate, with nothing else; no step can
be faster in float32.
"""

from __future__ import annotations

import argparse
import math
import os
import statistics
import threading
import time
from typing import Any

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import headrace_programs
import numpy as np
from workloads import Workload, get

import headrace as tf

WORKLOADS = [f"W{i}" for i in range(1, 10)]
SIZE, SECONDS = 1024, 1.0


def peak(threads: int) -> float:
    """Floating-point operations a second that products reach on so many threads at once."""
    done = [0] * threads
    end = time.perf_counter() + SECONDS

    def multiply(i: int) -> None:
        a, b, out = (np.ones((SIZE, SIZE), np.float32) for _ in range(3))
        while time.perf_counter() < end:
            np.matmul(a, b, out=out)
            done[i] += 1

    workers = [threading.Thread(target=multiply, args=(i,)) for i in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return 2.0 * SIZE**3 * sum(done) / SECONDS


def multiplications(op: tf.Operation) -> int:
    """The multiply-adds of a product or a convolution; 0 for other operations."""
    if op.type in ("MatMul", "BatchMatMul", "BatchMatMulV2"):
        turned = op.get_attr("transpose_a" if op.type == "MatMul" else "adj_x")
        return math.prod(op.outputs[0].shape.as_list()) * op.inputs[0].shape.as_list()[-2 if turned else -1]
    if op.type.startswith("Conv2D"):
        image = op.outputs[0] if op.type == "Conv2D" else op.inputs[2]
        filters = op.outputs[0] if op.type == "Conv2DBackpropFilter" else None
        height, width, inputs, _ = filters.shape.as_list() if filters is not None else filter_sizes(op)
        return math.prod(image.shape.as_list()) * height * width * inputs
    if op.type.startswith("BlockLSTM"):
        sequence, weights = op.inputs[1].shape.as_list(), next(t for t in op.inputs[4:] if t.shape.ndims == 2)
        # The gradient has two products for each of the forward pass.
        return (2 if op.type.endswith("Grad") else 1) * math.prod(sequence[:2]) * math.prod(weights.shape.as_list())
    return 0


def filter_sizes(op: tf.Operation) -> list[int]:
    return list(op.inputs[1].shape.as_list())


def operations(fetches: list[Any]) -> float:
    """Floating-point operations of the products and convolutions that a step needs."""
    found, todo = set(), [getattr(fetch, "op", fetch) for fetch in fetches]
    while todo:
        op = todo.pop()
        if op not in found:
            found.add(op)
            todo += [t.op for t in op.inputs] + list(op.control_inputs)
    return 2.0 * sum(map(multiplications, found))


def step_seconds(w: Workload, threads: int, steps: int) -> tuple[float, float]:
    """The median time of a step, and its operations."""
    with tf.Graph().as_default():
        batch, loss, train = headrace_programs.program(w)
        config = tf.ConfigProto(intra_op_parallelism_threads=threads)
        with tf.Session(config=config) as session:
            headrace_programs.start(w, session)
            keys = list(batch)
            call = session.make_callable([loss, train], [batch[k] for k in keys])
            times = []
            for i in range(steps + 5):
                values = [w.batches[i % len(w.batches)][k] for k in keys]
                start = time.perf_counter()
                call(*values)
                times.append(time.perf_counter() - start)
        return statistics.median(times[5:]), operations([loss, train])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("workloads", nargs="*", default=WORKLOADS)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--steps", type=int, default=50)
    arguments = parser.parse_args()
    rate = peak(arguments.threads)
    print(f"{rate / 1e9:.0f} GFLOP/s on {arguments.threads} threads, {peak(1) / 1e9:.0f} on one\n")
    print("| | MFLOP | products alone | step | share |\n|---|---|---|---|---|")
    for name in arguments.workloads:
        seconds, work = step_seconds(get(name), arguments.threads, arguments.steps)
        print(
            f"| {name} | {work / 1e6:.1f} | {work / rate * 1e3:.3f} ms | {seconds * 1e3:.3f} ms | {work / rate / seconds:.0%} |"
        )


if __name__ == "__main__":
    main()
