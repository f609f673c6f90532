"""The state of Python's and NumPy's generators that ranks share: all draw the same from there on."""

import random

import numpy as np
import pytest

from headrace.layers.fitting.chances import share_chances


class Ranks:
    """The chief, then another rank, which gets what the chief gave."""

    def __init__(self):
        self.rank, self.given = 0, None

    def broadcast(self, name, array, root=0):
        if self.rank:
            array[:] = self.given
        self.given = array.copy()
        return array


def draws():
    return [*np.random.normal(size=3), *np.random.permutation(5), random.gauss(0, 1), random.random()]


@pytest.mark.parametrize("before", [0, 1])
def test_others_draw_what_the_chief_draws(before):
    """Also where it has drawn one of a pair of normal numbers, of which the second comes next."""
    kept, ranks = (np.random.get_state(), random.getstate()), Ranks()
    try:
        np.random.seed(1)
        random.seed(1)
        for _ in range(before):
            np.random.normal()
            random.gauss(0, 1)
        share_chances(ranks)
        chief = draws()
        np.random.seed(2)
        random.seed(2)
        random.gauss(0, 1)
        ranks.rank = 1
        share_chances(ranks)
        assert draws() == chief
    finally:
        np.random.set_state(kept[0])
        random.setstate(kept[1])
