"""Input pipelines, record files and loaders of known data sets."""

if __name__ != "headrace.datasets":
    raise ImportError(
        "this folder is the package headrace.datasets, not a package of its own: "
        "install headrace and import headrace.datasets"
    )

from . import (
    boston_housing as boston_housing,
    california_housing as california_housing,
    cifar10 as cifar10,
    cifar100 as cifar100,
    digits as digits,
    fashion_mnist as fashion_mnist,
    imdb as imdb,
    iris as iris,
    made_language as made_language,
    mnist as mnist,
    reuters as reuters,
    synthetic as synthetic,
)
