"""Forked processes make the same random exchanges over memory that they share; prints what came out other than expected.

Arguments: how many processes, and a seed. Addresses of arrays and all waits are of each process's own; a wait is given up
again and again and gone on with.
"""

import mmap
import os
import sys
import time

import ml_dtypes
import numpy as np

from headrace.cluster.collectives.shared import DONE, LATE, runtime

SIZE, SEED = map(int, sys.argv[1:])
DTYPES = {np.dtype(t): code for code, t in enumerate(["f4", "f8", "u4", "u8", "f2"])} | {
    np.dtype(ml_dtypes.bfloat16): 5
}
SLOTS = (1024, 4096, 1 << 16)
native = runtime()


def tree(arrays):
    if len(arrays) == 1:
        return arrays[0]
    half = 1
    while 2 * half < len(arrays):
        half *= 2
    return tree(arrays[:half]) + tree(arrays[half:])


def scaled(array, scale):
    """As what is sent is made: 0 makes zeros of anything, integers are not multiplied."""
    if scale == 0:
        return np.zeros_like(array)
    if array.dtype.kind == "u" or scale == 1:
        return array
    wide = array.astype(np.float64 if array.dtype == np.float64 else np.float32)
    return (wide * wide.dtype.type(scale)).astype(array.dtype)


def summed(arrays):
    dtype = arrays[0].dtype
    wide = [a.astype(np.float32) if dtype.itemsize == 2 else a for a in arrays]
    return tree(wide).astype(dtype)


class Member:
    """One process, and what it knows of all arrays."""

    def __init__(self, rank, base, slot):
        self.rank, self.head = rank, [base, rank, SIZE, slot]
        self.progress = np.array([1, 0, 0, 0], np.int64)
        self.own = np.random.default_rng([SEED, rank])
        self.wrong = []

    def run(self, kind, tag, dtype, direct, parts, scale):
        """Runs one to its end; others may come late to any of its meetings."""
        what = np.array([*self.head, kind, tag, dtype, dtype, direct, 0, 3, len(parts), *np.ravel(parts)], np.int64)
        late = 0
        while True:
            if self.own.random() < 0.2:
                time.sleep(self.own.random() * 0.002)
            result = native.exchange(what, self.progress, scale, self.own.choice([0.0, 0.001]))
            if result != LATE:
                break
            late += 1
        if result != DONE:
            self.wrong.append(f"result {result} of {tag}")
            raise SystemExit(f"rank {self.rank}: {self.wrong}")

    def sum(self, draws, tag):
        dtype = draws.choice(list(DTYPES))
        counts = draws.choice([0, 1, 63, 64, 65, 1000, 4099, 20_000], draws.integers(1, 6))
        if tag == 20:
            # More than caches hold.
            dtype, counts = np.dtype("f4"), np.array([5, 2_100_003])
        scales = draws.choice([1.0, 1.0, 1.0, 0.5, 0.0, 3.0, np.nan if dtype.kind == "f" else 1.0], SIZE)
        direct, in_place = int(draws.choice([0, 1])), bool(draws.integers(2))
        everybody = [[((np.arange(n) + q + tag) % 101).astype(dtype) for n in counts] for q in range(SIZE)]
        given = [a.copy() for a in everybody[self.rank]]
        out = given if in_place else [np.full_like(a, 77) for a in given]
        parts = [(a.ctypes.data, o.ctypes.data, a.size) for a, o in zip(given, out, strict=True) if a.size]
        with np.errstate(all="ignore"):
            expected = [
                summed([scaled(mine[i], s) for mine, s in zip(everybody, scales, strict=True)])
                for i in range(len(counts))
            ]
        self.run(0, tag, DTYPES[dtype], direct, parts, scales[self.rank])
        same = all(np.array_equal(o, e, equal_nan=dtype.kind == "f") for o, e in zip(out, expected, strict=True))
        kept = in_place or all(map(np.array_equal, given, everybody[self.rank]))
        if not (same and kept):
            self.wrong.append(f"sum {tag} of {dtype} {counts} by {scales}, direct {direct}, in place {in_place}")
        if self.own.random() < 0.5:
            # Whoever is done may change what others have read.
            for array in [*given, *out]:
                array.fill(13)

    def gather(self, draws, tag):
        counts = draws.choice([0, 1, 100, 5000], SIZE)
        everybody = [draws.integers(0, 256, n, np.uint8) for n in counts]
        given, out = everybody[self.rank].copy(), [np.zeros(n, np.uint8) for n in counts]
        parts = [(given.ctypes.data if q == self.rank else 0, o.ctypes.data, o.size) for q, o in enumerate(out)]
        self.run(1, tag, 0, 1, parts, 1.0)
        if not all(map(np.array_equal, out, everybody)):
            self.wrong.append(f"gather {tag} of {counts}")


def main():
    shared = [mmap.mmap(-1, native.exchange_bytes(SIZE, slot)) for slot in SLOTS]
    bases = [np.frombuffer(memory, np.uint8).ctypes.data for memory in shared]
    rank, children = 0, []
    for number in range(1, SIZE):
        child = os.fork()
        if not child:
            rank, children = number, []
            break
        children.append(child)
    draws = np.random.default_rng(SEED)
    members = [Member(rank, base, slot) for base, slot in zip(bases, SLOTS, strict=True)]
    for tag in range(60):
        member = members[draws.integers(len(members))]
        (member.sum if draws.random() < 0.8 else member.gather)(draws, tag)
    wrong = [f"rank {rank}: {text}" for member in members for text in member.wrong]
    os.write(1, "".join(f"{text}\n" for text in wrong).encode())
    ends = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in children]
    if rank:
        os._exit(0)
    raise SystemExit(any(ends))


main()
