"""What a step of G1 to G7 asks of a GPU, counted where there is none, and the least time that a card would need for it.

    python benchmarks/gpu/limits.py [G1 G6 ...] [--small] [--groups 10] [--table]

Counted, by binding the full-size programs to a device that only writes down what it is asked: kernel launches, products,
convolutions, copies, fills, the bytes of the arrays that each is given, and the operations of products. Estimated: the time, as
the sum over this work of a node's cost in a replayed graph and the longer of moving its bytes and doing its operations, at rates
that options name. Caches, which make it less, and all that keeps kernels from those rates, which makes it more, are left out.
"""

from __future__ import annotations

import argparse
import math
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from programs import PROGRAMS, get

import headrace as tf
from headrace.engine.backends.gpu import GpuProgram
from headrace.engine.backends.gpu_joined import joined
from headrace.engine.backends.gpu_passes import not_on_gpu
from headrace.engine.compiler import CompiledStep
from headrace.engine.gpu.bindings import products
from headrace.engine.gpu.calls import GPU_BINDINGS, Bound, DeviceArray, Launch
from headrace.engine.gpu.device import ALIGNMENT, Call, Convolution, Pooling, Product, Recurrent
from headrace.engine.unsupported import UnsupportedError

# Op types that touch some rows of the variables that they are given.
_BY_ROWS = re.compile("Gather|Sparse|Rows|Scatter|Lookup")
# A kernel that looks at the first row of its largest array only.
_FIRST_ROW = "batch_statistics"


@dataclass(frozen=True)
class Rates:
    """What a card can do: bytes and operations a second, and seconds that each node of a replayed graph costs."""

    memory: float
    operations: Mapping[str, float]
    node: float

    def seconds(self, work: Work) -> float:
        """The least time of some work."""
        rate = self.operations.get(work.compute, self.operations["float32"])
        return self.node * work.nodes + max(work.nbytes / self.memory, work.operations / rate)


@dataclass(frozen=True)
class Work:
    """A node of a captured step: what it is, what it moves and computes."""

    kind: str
    nbytes: float = 0
    operations: float = 0
    compute: str = "float32"
    # The op type, the kernel and the shape that it belongs to.
    group: str = ""
    # 0 where it is done by the launch of another.
    nodes: int = 1


class CountingDevice:
    """A device without memory or kernels: what it is asked for is written down, and nothing is done."""

    name = "counted"
    architecture = "sm_90"
    index = 0

    def __init__(self) -> None:
        # Far from any number that is no address.
        self._next = 1 << 40

    def activate(self) -> None:
        """Nothing."""

    def memory(self) -> tuple[int, int]:
        """As if there was no end of it."""
        return 1 << 40, 1 << 40

    def allocate(self, nbytes: int) -> int:
        """An address that no other block has."""
        address, self._next = self._next, self._next + -(-max(nbytes, 1) // ALIGNMENT) * ALIGNMENT
        return address

    def release(self, address: int) -> None:
        """Nothing."""

    def upload(self, address: int, host: np.ndarray[Any, Any]) -> None:
        """Nothing."""

    def download(self, host: np.ndarray[Any, Any], address: int) -> None:
        """Nothing."""

    def load(self, kernels: Sequence[Any]) -> dict[str, Any]:
        """The kernels themselves."""
        return {kernel.name: kernel for kernel in kernels}

    def launch(self, function: Any, grid: Any, block: Any, shared: int, arguments: Any) -> Call:
        """A call that does nothing, as all of these."""
        return partial(int)

    def product(self, product: Product) -> Call:
        """Its matrices are read and written once."""
        p, size = product, product.dtype.itemsize
        counts = [p.rows * p.depth, p.depth * p.columns, p.rows * p.columns]
        repeats = [p.batch if stride else 1 for stride in p.strides] if p.batch > 1 else [1, 1, 1]
        sizes = [size, size, 4 if p.wide else size]
        nbytes = sum(n * r * s for n, r, s in zip(counts, repeats, sizes, strict=True))
        compute = p.dtype.name if size == 2 else p.compute
        return Counted(Work("product", nbytes, 2.0 * p.batch * p.rows * p.depth * p.columns, compute))

    def convolution(self, convolution: Convolution) -> Call:
        """Its images and filters are read and written once."""
        c = convolution
        nbytes = sum(math.prod(s) for s in (c.x_sizes, c.filter_sizes, c.y_sizes)) * c.dtype.itemsize
        operations = 2.0 * math.prod(c.y_sizes) * math.prod(c.filter_sizes[:3])
        return Counted(Work("convolution", nbytes, operations, c.dtype.name if c.dtype.itemsize == 2 else c.compute))

    def pooling(self, pooling: Pooling) -> Call:
        """Its images are read and written once."""
        return Counted(Work("library", (pooling.x_elements + pooling.y_elements) * pooling.dtype.itemsize))

    def has_recurrent(self) -> bool:
        """As with cuDNN."""
        return True

    def recurrent(self, recurrent: Recurrent) -> CountedLayer:
        """A layer by cuDNN, counted as one node each way, though it has many kernels."""
        return CountedLayer(recurrent)

    def sums(self, ranks: Any) -> Any:
        """None: there is one rank."""
        raise UnsupportedError("sums over ranks of a device that counts")

    def copy(self, to: int, source: int, nbytes: int) -> Call:
        """Bytes are read and written."""
        return Counted(Work("copy", 2 * nbytes))

    def fill(self, address: int, nbytes: int, byte: int) -> Call:
        """Bytes are written."""
        return Counted(Work("fill", nbytes))

    def capture(self, calls: Sequence[Call]) -> Call:
        """A call that does nothing."""
        return partial(int)

    def synchronize(self) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Counted:
    """A call that knows what it stands for."""

    work: Work

    def __call__(self) -> None:
        """Does nothing."""


class CountedLayer:
    """An LSTM layer whose weights are read once a step of time."""

    def __init__(self, layer: Recurrent) -> None:
        n, size = layer.units, layer.dtype.itemsize
        first = 4 * n * (layer.size + n)
        self.weight_bytes = size * (first + 8 * n)
        self.reserve_bytes = size * layer.time * layer.batch * 5 * n
        self.matrices = tuple(size * n * k for k in (*(layer.size * g for g in range(4)),)) + tuple(
            size * n * (4 * layer.size + n * g) for g in range(4)
        )
        self.biases = tuple(size * (first + n * g) for g in range(8))
        operations = 2.0 * layer.time * layer.batch * first
        states = size * layer.time * layer.batch * (layer.size + 6 * n)
        compute = layer.dtype.name if size == 2 else layer.compute
        self._forward = Work("library", self.weight_bytes * layer.time + states, operations, compute)
        self._gradient = Work("library", 2 * self.weight_bytes * layer.time + 2 * states, 2 * operations, compute)

    def forward(self, arrays: Any) -> Call:
        """One node."""
        return Counted(self._forward)

    def gradient(self, arrays: Any) -> Call:
        """One node."""
        return Counted(self._gradient)


@dataclass
class Step:
    """The counted work of a program's step."""

    work: list[Work] = field(default_factory=list)
    segments: int = 0
    # Bytes that the host computes for each run.
    host_bytes: int = 0
    # What runs on the host, with how often.
    on_host: Counter[str] = field(default_factory=Counter)

    def count(self, *kinds: str) -> int:
        """How many pieces of work are of these kinds."""
        return sum(w.nodes for w in self.work if w.kind in kinds)


class Recorder:
    """The nodes that were bound, with the memory that each is given, by the numbers of their steps."""

    def __init__(self) -> None:
        self.bound: dict[int, tuple[Bound, dict[int, int]]] = {}

    def watched(self, binding: Callable[[Bound], None]) -> Callable[[Bound], None]:
        """A binding that writes down what it is given and takes."""

        def watch(bound: Bound) -> None:
            known: dict[int, int] = {}
            allocate = bound.allocate_scratch

            def scratch(nbytes: int) -> int:
                address = allocate(nbytes)
                known[address] = nbytes
                return address

            bound.allocate_scratch = scratch
            binding(bound)
            bound.allocate_scratch = allocate
            self.bound[bound.step - 1] = bound, known

        return watch

    def work_of(self, number: int) -> list[Work]:
        """What a step's node does."""
        bound, known = self.bound[number]
        rows = _touched_rows(bound)
        sizes = {a.address: _nbytes(a, rows) for a in (*bound.inputs, *bound.outputs)} | known
        return [_work(bound, item, sizes) for item in bound.work]


def _touched_rows(bound: Bound) -> int | None:
    """How many rows of a table a node touches at most; None if all of it."""
    if not _BY_ROWS.search(bound.type):
        return None
    return max((x.size for x in bound.inputs if x.dtype.kind == "i"), default=None)


def _nbytes(array: DeviceArray, rows: int | None) -> int:
    """Of the elements that are there: what is broadcast is read once."""
    there = [n for n, stride in zip(array.shape, array.strides, strict=True) if stride or n == 0]
    if rows is not None and there:
        there[0] = min(there[0], rows)
    return math.prod(there) * array.dtype.itemsize


def _work(bound: Bound, item: Any, sizes: Mapping[int, int]) -> Work:
    largest = max([*bound.outputs, *bound.inputs], key=lambda a: a.size)
    group = f"{bound.type} {largest.dtype.name}{list(largest.shape)}"
    if isinstance(item, Counted):
        return replace(item.work, group=f"{group} {item.work.kind}")
    if not isinstance(item, Launch):
        return Work("other", group=group)
    places = zip(item.kernel.parameters, item.arguments, strict=True)
    named = [int(a) for (kind, _), a in places if kind.endswith("*") and int(a) in sizes]
    # Where the addresses are in a table, variables are read and written, all else is read or written.
    changed = {x.address for x in bound.inputs} if re.search("Update|Apply", bound.type) else set()
    launches = 1 if named else sum(isinstance(other, Launch) for other in bound.work)
    nbytes = sum(sizes[p] for p in named or [*sizes, *(sizes.keys() & changed)]) / launches
    if item.kernel.name.startswith(_FIRST_ROW):
        nbytes -= max(sizes.values())
    operations = _attention_operations(bound) if item.kernel.name.startswith("flash_attention") else 0.0
    short = bound.outputs and bound.outputs[0].dtype.itemsize == 2
    compute = bound.outputs[0].dtype.name if short else bound.precision
    return Work("launch", nbytes, operations, compute, f"{group} {_family(item.kernel.name)}")


def _family(kernel: str) -> str:
    return "_".join(part for part in kernel.split("_") if not re.fullmatch("[0-9a-f]{8,}", part))[:32]


def _attention_operations(bound: Bound) -> float:
    """Of a launch of fused attention: two products forward, and five in two launches backward; hidden scores left out."""
    query, key = bound.inputs[:2]
    masks = [c for c in bound.constants if c is not None and c.ndim >= 2]
    seen = float(np.mean(masks[0] > -1e6)) if masks else 1.0
    products = 2.0 if "Grad" not in bound.type else 3.5
    return products * 2.0 * query.size * key.shape[-2] * seen


def counted(name: str, small: bool) -> Step:
    """The work of a step of a program."""
    import headrace_gpu  # adds ResNet-50 to the programs
    import headrace_programs  # whose folder is known when `programs` is

    del headrace_gpu
    with tf.Graph().as_default() as graph:
        w = get(name, small)
        batch, loss, train = headrace_programs.program(w)
        not_on_gpu()  # registers the bindings
        recorder, bindings = Recorder(), dict(GPU_BINDINGS)
        GPU_BINDINGS.update({op_type: recorder.watched(binding) for op_type, binding in bindings.items()})
        try:
            # A small product would be tried: here cublasLt has the epilogues that it documents.
            with (
                patch.object(products, "works", lambda *given: True),
                tf.Session(backend="cpu", mixed_precision=PROGRAMS[name].precision) as session,
            ):
                device = CountingDevice()
                options = replace(session.options, backend="gpu", device=device)
                step = CompiledStep(graph, [loss], [train], list(batch.values()), session.runtime, options)
                plan = step.plan_of(tuple(w.batches[0][k].shape for k in batch))
                for ref in plan.variables.values():
                    session.runtime.resources.variable(ref.key, ref.dtype, ref.sizes).initialized = True
                program = CountedProgram(plan, session.runtime, device, options.precision)
                program.bind()
        finally:
            GPU_BINDINGS.update(bindings)
    return _step(program, recorder)


class CountedProgram(GpuProgram):
    """A program that keeps what its steps were bound to."""

    def _bind_calls(self, found: Any) -> None:
        self.found = list(found)
        super()._bind_calls(found)


def _step(program: CountedProgram, recorder: Recorder) -> Step:
    result = Step(segments=len(program.segments))
    for i, (bound, items) in enumerate(zip(program.found, joined(program.found, program.memories.table), strict=True)):
        alone = bool(items)
        result.work += [replace(w, nodes=int(alone)) for w in (recorder.work_of(i) if bound is not None else ())]
    result.host_bytes = sum(s.inputs.nbytes for s in program.segments if s.inputs is not None)
    result.on_host = Counter(f"{program.plan.steps[i].node.type}: {reason}" for i, reason in program.reasons.items())
    return result


def row(name: str, step: Step, rates: Rates) -> list[str]:
    """A row of the table."""
    seconds = sum(map(rates.seconds, step.work))
    counts = [
        step.count(*kinds)
        for kinds in (("launch",), ("product",), ("convolution", "library"), ("copy", "fill", "other"))
    ]
    nbytes, operations = sum(w.nbytes for w in step.work), sum(w.operations for w in step.work)
    nodes = rates.node * sum(w.nodes for w in step.work)
    return [name, *map(str, counts), str(step.segments), f"{nbytes / 1e9:.3f}", f"{operations / 1e9:.1f}",
            f"{seconds * 1e3:.3f}", f"{nodes * 1e3:.3f}"]  # fmt: skip


_HEADINGS = ["", "launches", "products", "by cuDNN", "copies, fills", "segments", "GB moved", "GFLOP",
             "estimated ms", "of them for nodes"]  # fmt: skip


def table(rows: Iterable[Sequence[str]]) -> str:
    """Rows of Markdown."""
    return "\n".join("| " + " | ".join(cells) + " |" for cells in [_HEADINGS, ["---"] * len(_HEADINGS), *rows])


def groups(step: Step, rates: Rates, count: int) -> list[str]:
    """The groups of work that take the most time, a line each."""
    found: dict[str, list[Work]] = defaultdict(list)
    for work in step.work:
        found[work.group].append(work)
    seconds = {group: sum(map(rates.seconds, works)) for group, works in found.items()}
    largest = sorted(found, key=lambda group: -seconds[group])[:count]
    return [
        f"  {seconds[g] * 1e6:9.1f} us {sum(w.nodes for w in found[g]):5} nodes "
        f"{sum(w.nbytes for w in found[g]) / 1e6:9.1f} MB {sum(w.operations for w in found[g]) / 1e9:9.1f} GFLOP  {g}"
        for g in largest
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("programs", nargs="*", default=list(PROGRAMS))
    parser.add_argument("--small", action="store_true", help="the sizes of trials")
    parser.add_argument("--groups", type=int, default=10, help="how many groups of work are shown")
    parser.add_argument("--memory", type=float, default=3.0, help="TB/s")
    parser.add_argument("--bfloat16", type=float, default=790.0, help="TFLOP/s")
    parser.add_argument("--tf32", type=float, default=400.0, help="TFLOP/s")
    parser.add_argument("--float32", type=float, default=60.0, help="TFLOP/s")
    parser.add_argument("--node", type=float, default=1.5, help="microseconds of a node of a replayed graph")
    chosen = parser.parse_args()
    operations = {kind: 1e12 * getattr(chosen, kind) for kind in ("bfloat16", "tf32", "float32")}
    rates, rows = Rates(1e12 * chosen.memory, operations, 1e-6 * chosen.node), []
    for name in chosen.programs:
        step = counted(name, chosen.small)
        rows.append(row(name, step, rates))
        print(f"{name}: {PROGRAMS[name].title}; {step.host_bytes} bytes of numbers come from the host")
        print(
            "\n".join(
                [
                    *groups(step, rates, chosen.groups),
                    *(f"  on the host {n} times {t}" for t, n in step.on_host.items()),
                ]
            )
        )
    print(table(rows))


if __name__ == "__main__":
    main()
