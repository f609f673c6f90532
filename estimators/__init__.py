"""Estimator, heads, feature columns, canned estimators, run config, train_and_evaluate."""

if __name__ != "headrace.estimators":
    raise ImportError(
        "this folder is the package headrace.estimators, not a package of its own: "
        "install headrace and import headrace.estimators"
    )
