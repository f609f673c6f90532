"""Single kernels against what the machine can do: its matrix product and its copy, measured in the same run.

    python benchmarks/kernels.py [--threads 1,2] [--only Conv2D] [--rounds 7]

A row's roof is the longer of its operations at the rate of the matrix product and its bytes at the rate of the copy;
"of roof" is that time over the measured one. A kernel is added as a line of KERNELS.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np

Step = Callable[[], Any]
Array = np.ndarray[Any, Any]
F = np.float32
THREADS = "OMP_NUM_THREADS"
COPIED = 64 << 20
SAMPLE = 0.2


@dataclass(frozen=True)
class Kernel:
    """A row: `build` makes a step that takes the kernel once; operations and bytes are those it cannot do without."""

    name: str
    build: Callable[[], Step]
    flops: float
    bytes: float


def normal(*shape: int) -> Array:
    return np.random.default_rng(0).standard_normal(shape).astype(F)


def session_step(make: Callable[..., Any], *arrays: Array) -> Callable[[], Step]:
    """Builds a step that runs the op of `make` on variables of these values, without fetching anything."""

    def build() -> Step:
        import headrace as tf

        with tf.Graph().as_default() as graph:
            variables = [tf.get_variable(f"input{i}", initializer=a) for i, a in enumerate(arrays)]
            result = make(tf, *variables)
            session = tf.Session(graph=graph, config=tf.ConfigProto(intra_op_parallelism_threads=threads()))
            session.run(tf.global_variables_initializer())
            return session.make_callable(result if isinstance(result, tf.Operation) else result.op)

    return build


def product(rows: int, inner: int, columns: int) -> Kernel:
    return Kernel(
        f"MatMul {rows}x{inner}x{columns}",
        session_step(lambda tf, a, b: tf.matmul(a, b), normal(rows, inner), normal(inner, columns)),
        2.0 * rows * inner * columns,
        4.0 * (rows * inner + inner * columns + rows * columns),
    )


def bias_relu(rows: int, columns: int) -> Kernel:
    return Kernel(
        f"BiasAdd + Relu {rows}x{columns}",
        session_step(lambda tf, x, b: tf.nn.relu(tf.nn.bias_add(x, b)), normal(rows, columns), normal(columns)),
        2.0 * rows * columns,
        4.0 * (2 * rows * columns + columns),
    )


def convolution(batch: int, image: int, inputs: int, width: int, outputs: int, which: str = "") -> Kernel:
    """A convolution, or with `which` one of its gradients: BackpropInput, BackpropFilter."""
    pixels = batch * image * image
    sizes, filters = (batch, image, image, inputs), (width, width, inputs, outputs)

    def make(tf: Any, x: Any, k: Any, dy: Any) -> Any:
        if which == "BackpropInput":
            return tf.nn.conv2d_backprop_input(sizes, k, dy, [1, 1, 1, 1], "SAME")
        if which == "BackpropFilter":
            return tf.nn.conv2d_backprop_filter(x, filters, dy, [1, 1, 1, 1], "SAME")
        return tf.nn.conv2d(x, k, [1, 1, 1, 1], "SAME")

    return Kernel(
        f"Conv2D{which} {batch}x{image}x{image}x{inputs} {width}x{width} -> {outputs}",
        session_step(make, normal(*sizes), normal(*filters), normal(batch, image, image, outputs)),
        2.0 * pixels * width * width * inputs * outputs,
        4.0 * (pixels * (inputs + outputs) + width * width * inputs * outputs),
    )


def depthwise(batch: int, image: int, channels: int, width: int) -> Kernel:
    numbers = batch * image * image * channels
    return Kernel(
        f"DepthwiseConv2dNative {batch}x{image}x{image}x{channels} {width}x{width}",
        session_step(
            lambda tf, x, k: tf.nn.depthwise_conv2d_native(x, k, [1, 1, 1, 1], "SAME"),
            normal(batch, image, image, channels),
            normal(width, width, channels, 1),
        ),
        2.0 * numbers * width * width,
        8.0 * numbers,
    )


def max_pool(batch: int, image: int, channels: int) -> Kernel:
    numbers = batch * image * image * channels
    return Kernel(
        f"MaxPool {batch}x{image}x{image}x{channels} 2x2",
        session_step(
            lambda tf, x: tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID"), normal(batch, image, image, channels)
        ),
        numbers,
        5.0 * numbers,
    )


def softmax(rows: int, columns: int) -> Kernel:
    return Kernel(
        f"Softmax {rows}x{columns}",
        session_step(lambda tf, x: tf.nn.softmax(x), normal(rows, columns)),
        4.0 * rows * columns,
        8.0 * rows * columns,
    )


KERNELS: tuple[Callable[[], Kernel], ...] = (
    lambda: product(128, 784, 512),
    lambda: product(400, 200, 10000),
    lambda: bias_relu(128, 512),
    lambda: bias_relu(12544, 64),
    lambda: convolution(64, 28, 1, 5, 32),
    lambda: convolution(64, 14, 32, 5, 64),
    lambda: convolution(64, 14, 32, 5, 64, "BackpropInput"),
    lambda: convolution(64, 14, 32, 5, 64, "BackpropFilter"),
    lambda: convolution(32, 32, 16, 3, 16),
    lambda: convolution(32, 32, 16, 3, 16, "BackpropInput"),
    lambda: convolution(32, 32, 16, 3, 16, "BackpropFilter"),
    lambda: convolution(32, 16, 32, 3, 32),
    lambda: convolution(32, 8, 64, 3, 64),
    lambda: depthwise(32, 32, 64, 3),
    lambda: max_pool(64, 28, 32),
    lambda: softmax(1024, 5000),
)


def seconds_of(step: Step, rounds: int) -> float:
    """The median over rounds of the time of a step."""
    step()
    start = time.perf_counter()
    step()
    count = max(1, math.ceil(SAMPLE / max(1e-7, time.perf_counter() - start)))
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        for _ in range(count):
            step()
        times.append((time.perf_counter() - start) / count)
    return statistics.median(times)


def threads() -> int:
    return int(os.environ.get(THREADS, os.cpu_count() or 1))


def product_rate(rounds: int) -> float:
    """Operations a second of NumPy's float32 matrix product at its best size."""
    rates = []
    for size in (512, 1024, 2048):
        a, b, out = normal(size, size), normal(size, size), np.empty((size, size), F)
        rates.append(2.0 * size**3 / seconds_of(lambda a=a, b=b, out=out: np.matmul(a, b, out=out), rounds))  # type: ignore[misc]
    return max(rates)


def copy_rate(rounds: int) -> float:
    """Bytes a second, read and written, of copies that no cache holds, by as many threads."""
    count = threads()
    source = np.ones(COPIED, np.uint8)
    target = np.zeros_like(source)
    parts = [(t, s) for t, s in zip(np.array_split(target, count), np.array_split(source, count), strict=True)]
    with ThreadPoolExecutor(count) as pool:
        return 2.0 * COPIED / seconds_of(lambda: list(pool.map(lambda p: np.copyto(*p), parts)), rounds)


def measure(rounds: int, only: str) -> dict[str, Any]:
    """The machine's two rates and every kernel's time, with this process's number of threads."""
    found: dict[str, Any] = {"product": product_rate(rounds), "copy": copy_rate(rounds), "kernels": {}}
    for make in KERNELS:
        kernel = make()
        if only in kernel.name:
            seconds = seconds_of(kernel.build(), rounds)
            found["kernels"][kernel.name] = {"seconds": seconds, "flops": kernel.flops, "bytes": kernel.bytes}
    return found


def table(count: int, found: dict[str, Any]) -> str:
    """A Markdown table of one measurement."""
    lines = [
        f"{count} threads: matrix product {found['product'] / 1e9:.0f} GFLOP/s, copy {found['copy'] / 1e9:.1f} GB/s.",
        "",
        "| kernel | us | GFLOP/s | GB/s | of roof |",
        "|---|---|---|---|---|",
    ]
    for name, row in found["kernels"].items():
        seconds, flops, moved = row["seconds"], row["flops"], row["bytes"]
        roof = max(flops / found["product"], moved / found["copy"])
        rates = f"{flops / seconds / 1e9:.1f} | {moved / seconds / 1e9:.1f}"
        lines.append(f"| {name} | {seconds * 1e6:.1f} | {rates} | {roof / seconds:.0%} |")
    return "\n".join(lines)


def measured_apart(count: int, arguments: argparse.Namespace) -> dict[str, Any]:
    """A measurement in a process of its own: NumPy's threads are set when it is loaded."""
    command = [sys.executable, __file__, "--here", "--rounds", str(arguments.rounds), "--only", arguments.only]
    environment = os.environ | {THREADS: str(count), "OPENBLAS_NUM_THREADS": str(count)}
    result: dict[str, Any] = json.loads(
        subprocess.run(command, env=environment, check=True, stdout=subprocess.PIPE).stdout
    )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", default="1,2")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--only", default="", help="kernels whose name has this in it")
    parser.add_argument("--here", action="store_true", help="measure in this process and print JSON")
    arguments = parser.parse_args()
    if arguments.here:
        print(json.dumps(measure(arguments.rounds, arguments.only)))
        return
    for count in map(int, arguments.threads.split(",")):
        print(table(count, measured_apart(count, arguments)) + "\n")


if __name__ == "__main__":
    main()
