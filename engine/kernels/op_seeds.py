"""Which pair of seeds an op gets from its graph's seed and its own: TF 1.15's `get_seed`."""

from __future__ import annotations

DEFAULT_GRAPH_SEED = 87654321
_LARGEST = 2**31 - 1


def seeds(graph_seed: int | None, op_seed: int | None, last_id: int) -> tuple[int, int] | tuple[None, None]:
    """Returns the attributes `seed` and `seed2` of an op, or two Nones when it is to be unseeded.

    Args:
        graph_seed: what `set_random_seed` was given, or None.
        op_seed: the `seed` argument of the op, or None.
        last_id: the number of operations that the graph holds when the op is made.

    >>> seeds(None, None, 7), seeds(None, 3, 7), seeds(1, None, 7), seeds(0, 0, 7)
    ((None, None), (87654321, 3), (1, 7), (0, 2147483647))
    """
    if graph_seed is None and op_seed is None:
        return None, None
    first = DEFAULT_GRAPH_SEED if graph_seed is None else graph_seed % _LARGEST
    second = (last_id if op_seed is None else op_seed) % _LARGEST
    # The kernels take (0, 0) to mean "seed from the system", which nobody asked for here.
    return (0, _LARGEST) if first == second == 0 else (first, second)
