"""What a model is made of: layers, cells, initializers, losses, metrics, Sequential and Model."""

if __name__ != "headrace.layers":
    raise ImportError(
        "this folder is the package headrace.layers, not a package of its own: "
        "install headrace and import headrace.layers"
    )
