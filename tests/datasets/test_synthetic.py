"""Made data: the same for the same seed, and with the structure that it promises."""

import numpy as np
import pytest

from headrace.datasets import made_language, synthetic

MAKERS = [
    synthetic.make_classification, synthetic.make_regression, synthetic.make_blobs, synthetic.make_moons,
    synthetic.make_census,
]  # fmt: skip


def arrays(made):
    return [a for part in made for a in (part.values() if isinstance(part, dict) else [part])]


@pytest.mark.parametrize("make", MAKERS, ids=lambda m: m.__name__)
def test_the_seed_decides(make):
    one, same, other = make(40, seed=3), make(40, seed=3), make(40, seed=4)
    assert all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(same), strict=True))
    assert not all(np.array_equal(a, b) for a, b in zip(arrays(one), arrays(other), strict=True))
    assert all(len(a) == 40 for a in arrays(one)[:2])
    with pytest.raises(ValueError, match="n_samples: expected at least 1, got 0"):
        make(0)


def nearest(x, y, points, labels):
    centres = np.stack([x[y == k].mean(axis=0) for k in range(y.max() + 1)])
    return np.mean(np.argmin(((points[:, None] - centres) ** 2).sum(axis=2), axis=1) == labels)


@pytest.mark.parametrize("make", [synthetic.make_classification, synthetic.make_blobs])
def test_classes_can_be_told_apart(make):
    x, y = make(400, 4, **({"n_informative": 3} if make is synthetic.make_classification else {}))
    assert x.dtype == np.float32 and y.dtype == np.int64 and np.bincount(y).min() > 100
    assert nearest(x[:200], y[:200], x[200:], y[200:]) > 0.75


def test_the_regression_is_what_it_says():
    x, y, coefficients = synthetic.make_regression(200, 5, noise=0.01, bias=1.0)
    found = np.linalg.lstsq(np.c_[x, np.ones(200)], y, rcond=None)[0]
    np.testing.assert_allclose(found, [*coefficients, 1.0], atol=0.02)


def test_a_census_depends_on_crossed_columns():
    columns, label = synthetic.make_census(20000)
    pairs = np.array([f"{a}/{b}" for a, b in zip(columns["education"], columns["occupation"], strict=True)])
    share = {pair: label[pairs == pair].mean() for pair in np.unique(pairs)}
    assert len(share) == 36 and max(share.values()) > 0.9 and min(share.values()) < 0.1
    assert 0.2 < label.mean() < 0.6 and columns["age"].dtype == np.float32


def test_the_made_language_has_rules():
    pairs = made_language.make_translations(300, seed=1)
    assert pairs == made_language.make_translations(300, seed=1)
    assert len({s for s, _ in pairs}) > 200 and all(len(s.split()) == len(t.split()) for s, t in pairs)
    assert len({t: s for s, t in pairs}) == len({s: t for s, t in pairs})
    kinds = made_language.word_kinds()
    assert all(len({kinds[w] for w in s.split() if w != "the"}) == 1 for s, _ in pairs)
    text = made_language.make_corpus(300, seed=1)
    assert text.split(" . ")[0] == pairs[0][0] and text.endswith(" .")
    with pytest.raises(ValueError, match="n_sentences"):
        made_language.make_corpus(0)
