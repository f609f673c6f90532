"""Arrays that are not plain numbers in one piece, arguments that are wrong, and what is kept; of one rank or several."""

import gc
import weakref
from collections.abc import Callable
from pathlib import Path

import ml_dtypes
import numpy as np
from results import report

import headrace as tf
from headrace.engine.communicator import needed

cluster = tf.cluster
rank, size = cluster.rank(), cluster.size()
wrong: list[str] = []


def check(what: str, right: object) -> None:
    if not right:
        wrong.append(what)


def refused(what: str, error: type[Exception], text: str, call: Callable[[], object]) -> None:
    try:
        call()
    except error as found:
        check(f"{what}: {found}", text in str(found))
    else:
        wrong.append(f"{what} is not refused")


for array in (np.array([b"a", b"x" * 50], object), np.array([b"a" * (1 + rank)]), np.array(["a" * (1 + rank)])):
    for call in (cluster.all_reduce, cluster.all_gather, cluster.broadcast):
        refused(f"{call.__name__} of {array.dtype}", TypeError, "words", lambda c=call, a=array: c(a, name="words"))

for dtype in (">f4", ">i8", ">f2", ">c8", ">u2"):
    array = np.array([1, 2 + rank], dtype)
    check(f"sum of {dtype}", cluster.all_reduce(array).tolist() == [size, 2 * size + size * (size - 1) // 2])
    check(f"gather of {dtype}", [a.tolist() for a in cluster.all_gather(array)] == [[1, 2 + q] for q in range(size)])
    check(f"broadcast of {dtype}", cluster.broadcast(array).tolist() == [1, 2])
    check(f"{dtype} in place", needed("").broadcast("p", array).tolist() == [1, 2] == array.tolist())
mixed = cluster.all_gather(np.array([1.5], ">f4" if rank else "<f4"))
check("gather of two byte orders", np.concatenate(mixed).tolist() == [1.5] * size)

for dtype in (bool, "int8", "uint8", "complex64", "float32", "int64", "float16", ml_dtypes.bfloat16):
    scalar = np.array(1, dtype)
    for merge in ("Add", "Max"):
        found = cluster.all_reduce(scalar, merge=merge)
        check(f"{merge} of a scalar {dtype}: {found!r}", (found.shape, found.dtype) == ((), scalar.dtype))
    check(f"gather of scalars {dtype}", [a.shape for a in cluster.all_gather(scalar)] == [()] * size)
    check(f"broadcast of a scalar {dtype}", cluster.broadcast(scalar).shape == ())

rows = np.arange(6.0).reshape(2, 3).T + rank
check("broadcast of a transposed array", (cluster.broadcast(rows) == np.arange(6.0).reshape(2, 3).T).all())
needed("").broadcast("transposed in place", rows)
check("transposed in place", (rows == np.arange(6.0).reshape(2, 3).T).all())

refused("merge", ValueError, "'sum'", lambda: cluster.all_reduce([1.0], merge="sum"))
refused("root", ValueError, "root", lambda: cluster.broadcast([1.0], root_rank=5))
refused("set", ValueError, "[0, 7]", lambda: cluster.ProcessSet([0, 7]))
refused("set of none", ValueError, "[]", lambda: cluster.ProcessSet([]))
tf.get_variable("v", [2], initializer=tf.zeros_initializer())
with tf.Session() as session:
    session.run(tf.global_variables_initializer())
    refused("root of variables", ValueError, "root", lambda: cluster.broadcast_variables(session, root_rank=9))

for dtype, kept in ((ml_dtypes.bfloat16, ml_dtypes.bfloat16), ("float16", "float16"), ("int32", "float64")):
    for shape in ((2,), ()):
        mean = cluster.all_reduce(np.ones(shape, dtype), average=True)
        check(f"mean of {dtype}: {mean!r}", isinstance(mean, np.ndarray) and mean.dtype == kept and (mean == 1).all())


def held() -> tuple[list[str], int]:
    """The files of shared memory that are open, and how often any is mapped."""
    names = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    return [n for n in names if "headrace" in n], Path("/proc/self/maps").read_text().count("memfd:headrace")


class Numbers(np.ndarray):
    """Arrays whose end can be seen."""


given = np.ones(1000).view(Numbers)
result = needed("").all_reduce("ends", given)
ends = [weakref.ref(given), weakref.ref(result)]
del given, result
gc.collect()
check("arrays are let go", all(end() is None for end in ends))

cluster.ProcessSet(range(size))
before = held()
sets = [cluster.ProcessSet(list(range(size))) for _ in range(8)]
check(f"process sets keep more than {before}", held() == before)
check(f"no descriptor stays: {before[0]}", not before[0])
check("sum of a set", cluster.all_reduce([1.0], process_set=sets[-1]).tolist() == [size])
report(wrong=wrong)
