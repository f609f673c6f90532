"""Made data of any size for examples and tests: numbers with a known structure, and a table like that of a census.

The same seed gives the same data on every machine and NumPy release.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
Labels = npt.NDArray[np.int64]


def _random(seed: int, **counts: int) -> np.random.RandomState:
    for name, count in counts.items():
        if count < 1:
            raise ValueError(f"{name}: expected at least 1, got {count}")
    # RandomState, since NumPy promises that its streams never change; those of Generator may.
    return np.random.RandomState(seed)


def make_classification(
    n_samples: int = 100,
    n_features: int = 20,
    n_informative: int = 5,
    n_classes: int = 2,
    class_sep: float = 1.0,
    flip_y: float = 0.01,
    seed: int = 0,
) -> tuple[Floats, Labels]:
    """Returns float32 [n_samples, n_features] and int64 labels: a cloud for each class, the same in most columns.

    Args:
        n_samples: rows.
        n_features: columns.
        n_informative: the first so many columns tell the classes apart, the others are noise.
        n_classes: classes, in turns and then shuffled.
        class_sep: how far the clouds' centres lie apart, in standard deviations.
        flip_y: share of the labels that are drawn anew.
        seed: of all that is drawn.

    Raises:
        ValueError: a count is below 1, or n_informative is above n_features.

    Example:
        >>> x, y = make_classification(6, 3, n_informative=2)
        >>> x.shape, sorted(y.tolist())
        ((6, 3), [0, 0, 0, 1, 1, 1])
    """
    random = _random(seed, n_samples=n_samples, n_features=n_features, n_informative=n_informative, n_classes=n_classes)
    if n_informative > n_features:
        raise ValueError(f"n_informative: expected at most the {n_features} features, got {n_informative}")
    labels = random.permutation(np.arange(n_samples) % n_classes)
    centres = random.normal(size=(n_classes, n_informative)) * class_sep * np.sqrt(2.0)
    x = random.normal(size=(n_samples, n_features))
    x[:, :n_informative] += centres[labels]
    flipped = random.uniform(size=n_samples) < flip_y
    labels[flipped] = random.randint(0, n_classes, int(flipped.sum()))
    return x.astype(np.float32), labels.astype(np.int64)


def make_regression(
    n_samples: int = 100, n_features: int = 10, noise: float = 0.0, bias: float = 0.0, seed: int = 0
) -> tuple[Floats, Floats, Floats]:
    """Returns x, y and the coefficients that made it: y = x @ coefficients + bias + noise, all float32.

    Example:
        >>> x, y, coefficients = make_regression(50, 3, bias=2.0)
        >>> bool(np.allclose(x @ coefficients + 2.0, y, atol=1e-3))
        True
    """
    random = _random(seed, n_samples=n_samples, n_features=n_features)
    x = random.normal(size=(n_samples, n_features))
    coefficients = random.uniform(-10.0, 10.0, size=n_features)
    y = x @ coefficients + bias + noise * random.normal(size=n_samples)
    return x.astype(np.float32), y.astype(np.float32), coefficients.astype(np.float32)


def make_blobs(
    n_samples: int = 100, n_features: int = 2, centers: int = 3, cluster_std: float = 1.0, seed: int = 0
) -> tuple[Floats, Labels]:
    """Returns points, float32 [n_samples, n_features], around centers in the cube from -10 to 10, and whose they are.

    Example:
        >>> x, y = make_blobs(9)
        >>> x.shape, sorted(y.tolist())
        ((9, 2), [0, 0, 0, 1, 1, 1, 2, 2, 2])
    """
    random = _random(seed, n_samples=n_samples, n_features=n_features, centers=centers)
    labels = random.permutation(np.arange(n_samples) % centers)
    places = random.uniform(-10.0, 10.0, size=(centers, n_features))
    x = places[labels] + cluster_std * random.normal(size=(n_samples, n_features))
    return x.astype(np.float32), labels.astype(np.int64)


def make_moons(n_samples: int = 100, noise: float = 0.1, seed: int = 0) -> tuple[Floats, Labels]:
    """Returns points, float32 [n_samples, 2], on two half circles that reach into each other, and on which they are.

    Example:
        >>> x, y = make_moons(4, noise=0.0)
        >>> x.shape, sorted(y.tolist())
        ((4, 2), [0, 0, 1, 1])
    """
    random = _random(seed, n_samples=n_samples)
    labels = random.permutation(np.arange(n_samples) % 2)
    angle = random.uniform(0.0, np.pi, size=n_samples)
    upper = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    x = np.where(labels[:, None] == 0, upper, np.array([1.0, 0.5]) - upper)
    return (x + noise * random.normal(size=x.shape)).astype(np.float32), labels.astype(np.int64)


EDUCATION = ("HS-grad", "Some-college", "Bachelors", "Masters", "Doctorate", "11th")
OCCUPATION = ("Adm-clerical", "Craft-repair", "Exec-managerial", "Prof-specialty", "Sales", "Other-service")
WORKCLASS = ("Private", "Self-emp", "Federal-gov", "Local-gov", "State-gov")
MARITAL_STATUS = ("Never-married", "Married", "Divorced", "Widowed")
GENDER = ("Female", "Male")


def make_census(n_samples: int = 1000, seed: int = 0) -> tuple[dict[str, npt.NDArray[Any]], Labels]:
    """Returns columns of text and numbers like those of the census of 1994, and whether an income is above a line.

    Nobody is described: every row is drawn. The label depends on age (most in the middle of life), hours, education,
    and on which occupation comes with which education, so that crossed columns say more than single ones.

    Example:
        >>> columns, label = make_census(5)
        >>> sorted(columns)[:3], label.shape
        (['age', 'capital_gain', 'education'], (5,))
    """
    random = _random(seed, n_samples=n_samples)
    words = {
        "education": EDUCATION, "gender": GENDER, "marital_status": MARITAL_STATUS, "occupation": OCCUPATION,
        "workclass": WORKCLASS,
    }  # fmt: skip
    codes = {name: random.randint(0, len(values), n_samples) for name, values in words.items()}
    age = random.randint(17, 80, n_samples)
    years = np.array([9, 10, 13, 14, 16, 7])[codes["education"]]
    hours = np.clip(np.round(random.normal(40, 12, n_samples)), 5, 90)
    gain = np.where(random.uniform(size=n_samples) < 0.08, random.exponential(8000.0, n_samples), 0.0)
    # What an occupation pays for an education is the same for every seed.
    pays = np.random.RandomState(7)
    fits = pays.normal(0.0, 2.0, size=(len(EDUCATION), len(OCCUPATION)))[codes["education"], codes["occupation"]]
    score = fits + 0.3 * (years - 11) + 0.04 * (hours - 40) - 0.002 * (age - 48.0) ** 2 + gain / 4000.0
    score += 0.8 * (codes["marital_status"] == 1)
    label = random.uniform(size=n_samples) < 1.0 / (1.0 + np.exp(-2.0 * score))
    columns: dict[str, npt.NDArray[Any]] = {name: np.array(words[name])[code] for name, code in codes.items()}
    numbers = {"age": age, "education_num": years, "hours_per_week": hours, "capital_gain": gain}
    columns.update({name: np.asarray(values, np.float32) for name, values in numbers.items()})
    return columns, label.astype(np.int64)
