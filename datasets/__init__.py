"""Input pipelines, record files and loaders of known data sets."""

if __name__ != "headrace.datasets":
    raise ImportError(
        "this folder is the package headrace.datasets, not a package of its own: "
        "install headrace and import headrace.datasets"
    )

from . import digits as digits, iris as iris, mnist as mnist
