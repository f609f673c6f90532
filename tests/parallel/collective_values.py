"""Every collective operation on arrays of many kinds, each checked against what NumPy makes of all ranks' arrays."""

import ml_dtypes
import numpy as np
from results import report

import headrace as tf
from headrace.engine.communicator import current

ranks = current()
rank, size = ranks.rank, ranks.size


def values(count: int, dtype: object, of_rank: int) -> np.ndarray:
    return (np.arange(count) % 13 + of_rank).astype(dtype)


wrong = []
for dtype in ("float32", "float64", "int32", "int64", "uint32", "float16", ml_dtypes.bfloat16, "int8", "complex64"):
    for count in (0, 1, 5, 1000, 200_003):
        total = sum((values(count, dtype, q) for q in range(size)), np.zeros(count, dtype))
        if not np.array_equal(ranks.all_reduce("x", values(count, dtype, rank)), total):
            wrong.append(f"sum of {count} {dtype}")
# More than caches hold is written around them.
for dtype, count in (("float32", 2_100_003), ("float16", 4_200_005)):
    given, out = values(count, dtype, rank), np.empty(count + 1, dtype)
    total = sum((values(count, dtype, q) for q in range(size)), np.zeros(count, dtype))
    for place in (out[:-1], out[1:], given):
        if not np.array_equal(ranks.all_reduce("large", given, out=place), total):
            wrong.append(f"sum of {count} {dtype}")
for merge, expected in (("Max", size - 1), ("Min", 0), ("Mul", 0)):
    if ranks.all_reduce("m", np.array([rank, 5]), merge)[0] != expected:
        wrong.append(merge)
gathered = ranks.all_gather("g", np.full((rank + 1, 2), rank, np.float32))
if [a.tolist() for a in gathered] != [np.full((q + 1, 2), q).tolist() for q in range(size)]:
    wrong.append("gather")
root = size - 1
if not (ranks.broadcast("b", np.full(100_000, rank, np.float64), root) == root).all():
    wrong.append("broadcast")

inputs = [np.full(shape, rank + 1, np.float32) for shape in ((3, 4), (0,), (70_000,), (1,), ())]
outputs = [np.empty_like(array) for array in inputs]
for wire in ("", "float16", "bfloat16"):
    bucket = ranks.bucket("a, b, c, d, e", inputs, outputs, wire)
    for scale, expected in ((0.5, size * (size + 1) / 4), (float(rank == 0), 1)):
        bucket.start(scale)
        bucket.wait()
        if not all((out == expected).all() for out in outputs):
            wrong.append(f"bucket {wire} {scale}")
# What a rank without examples has may be anything.
inputs[0].fill(np.nan if rank else 1)
bucket.start(float(rank == 0))
bucket.wait()
if not (outputs[0] == 1).all():
    wrong.append("NaN of a share of 0")

chosen = sorted({0, size - 1})
subset = tf.cluster.ProcessSet(chosen)
if subset.included != (rank in chosen):
    wrong.append("subset")
if subset.included and tf.cluster.all_reduce(np.ones(3), process_set=subset).tolist() != [len(chosen)] * 3:
    wrong.append("sum of a subset")
if tf.cluster.all_reduce([rank], average=True).tolist() != [(size - 1) / 2]:
    wrong.append("mean")
if tf.cluster.broadcast([rank, 1]).tolist() != [0, 1] or len(tf.cluster.all_gather(rank)) != size:
    wrong.append("broadcast or gather of lists")

noise = np.random.default_rng(rank).normal(size=10_007).astype(np.float32)
sums = [ranks.all_reduce("n", noise) for _ in range(3)]
same = all(s.tobytes() == sums[0].tobytes() for s in sums)
before = ranks.group.exchanged_bytes
ranks.all_reduce("n", noise)
ranks.barrier("end")
report(wrong=wrong, same=same, total=sums[0], given=ranks.group.exchanged_bytes - before)
