"""Products with the gradients of relus and biases on the simulated GPU: by its library, and by kernels where that differs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ml_dtypes
import numpy as np
import pytest

import headrace as tf
from headrace.engine.dtypes import as_dtype
from headrace.engine.errors import InternalError
from headrace.engine.gpu.epilogues import works
from headrace.engine.gpu.sim import device as simulation, products
from headrace.engine.kernels.relu_masks import bits_of, mask_bytes, signs_of
from headrace.engine.ops.fused_matmul import step_expression
from headrace.engine.registry import definition_of
from headrace.engine.unsupported import UnsupportedError

from .launching import run_all, run_op

F = np.dtype(np.float32)
BFLOAT16 = np.dtype(ml_dtypes.bfloat16)
DTYPES = [F, BFLOAT16, np.dtype(np.float16), np.dtype(np.float64)]
# Rows, columns and depth: odd ones, one row, one column, more columns than a word of bits, nothing.
SIZES = [(5, 7, 3), (1, 130, 4), (9, 1, 2), (3, 4, 1), (0, 4, 3), (4, 0, 3), (4, 3, 0)]
TURNS = [(False, False), (True, False), (False, True)]


def drawn(shape: tuple[int, ...], dtype: Any, seed: int) -> Any:
    x = np.random.default_rng(seed).integers(-3, 4, shape).astype(dtype)
    return x / 2 if x.dtype == np.float64 else (x.astype(F) / 2).astype(dtype)


def factors(sizes: tuple[int, int, int], turned: tuple[bool, bool], dtype: Any) -> tuple[Any, Any]:
    rows, columns, depth = sizes
    a, b = drawn((rows, depth), dtype, 0), drawn((depth, columns), dtype, 1)
    return (a.T.copy() if turned[0] else a), (b.T.copy() if turned[1] else b)


def reference(op_type: str, *inputs: Any, **attrs: Any) -> Any:
    function: Any = definition_of(op_type).kernel_function
    with np.errstate(all="ignore"):
        return function(np, *inputs, **attrs)


def cases(dtype: Any, sizes: tuple[int, int, int]) -> list[tuple[Any, ...]]:
    """Op type, inputs, outputs, attributes and what is expected, by NumPy."""
    rows, columns, depth = sizes
    found: list[tuple[Any, ...]] = []
    for turned in TURNS:
        a, b = factors(sizes, turned, dtype)
        attrs: dict[str, Any] = {"transpose_a": turned[0], "transpose_b": turned[1]}
        if depth and a.size:
            a.reshape(-1)[0] = np.nan
        mask = np.random.default_rng(2).integers(0, 256, (rows, mask_bytes(columns)), np.uint8)
        out = np.full((rows, columns), 7, dtype)
        expected = reference("_MatMulReluGrad", a, b, mask, **attrs)
        found.append(("_MatMulReluGrad", [a, b, mask], [out], attrs, [expected]))
        for steps in (["Relu"], ["AddV2", "Relu"]):
            operands = [drawn((columns,), dtype, 3)] if len(steps) == 2 else []
            given = attrs | {"steps": steps, "alphas": [0.0] * len(steps)}
            expected = reference("_FusedMatMulMask", a, b, operands, **given)
            rules = [step_expression(step, 0.0, as_dtype(dtype)) for step in steps]
            results = [np.full((rows, columns), 7, dtype), np.full(mask.shape, 7, np.uint8)]
            found.append(("_FusedMatMulMask", [a, b, *operands], results, given | {"rules": rules}, expected))
        features = np.random.default_rng(4).normal(size=(rows, columns)).astype(dtype)
        expected = reference("_MatMulGeluGrad", a, b, features, **attrs)
        found.append(("_MatMulGeluGrad", [a, b, features], [np.full_like(out, 7)], attrs, [expected]))
        given = attrs | {"steps": ["AddV2"], "alphas": [0.0]}
        bias = drawn((columns,), dtype, 3)
        expected = reference("_FusedMatMulGelu", a, b, [bias], **given)
        given["rules"] = [step_expression("AddV2", 0.0, as_dtype(dtype))]
        found.append(("_FusedMatMulGelu", [a, b, bias], [np.full_like(out, 7), np.full_like(out, 7)], given, expected))
        for summed, fits in (("a", turned[0]), ("b", not turned[1])):
            for wide in (dtype, F) if fits and np.dtype(dtype).itemsize == 2 else (dtype,) if fits else ():
                given = attrs | {"summed": summed, "U": as_dtype(wide)}
                expected = reference("_MatMulBiasGrad", a, b, **given)
                found.append(("_MatMulBiasGrad", [a, b], [np.full_like(x, 7) for x in expected], given, expected))
    return found


def check(device: Any, all_cases: list[tuple[Any, ...]]) -> None:
    found = run_all(device, [(name, inputs, outputs, attrs) for name, inputs, outputs, attrs, _ in all_cases])
    for outputs, (name, inputs, _, attrs, expected) in zip(found, all_cases, strict=True):
        said = f"{name} {[x.shape for x in inputs]} {inputs[0].dtype} {attrs}"
        for one, other in zip(outputs, expected, strict=True):
            assert one.dtype == other.dtype
            if one.dtype == np.uint8:
                columns = outputs[0].shape[1]
                np.testing.assert_array_equal(signs_of(one, columns), signs_of(other, columns), said)
            else:
                tolerance = {2: 1e-2, 4: 1e-5, 8: 1e-12}[one.itemsize]
                np.testing.assert_allclose(one.astype(float), other.astype(float), tolerance, tolerance, err_msg=said)


@pytest.mark.parametrize("dtype", DTYPES, ids=str)
def test_what_numpy_gives(sim: Any, dtype: Any) -> None:
    check(sim, [case for sizes in SIZES for case in cases(dtype, sizes)])


@pytest.mark.parametrize("dtype", DTYPES[:2], ids=str)
def test_what_numpy_gives_without_the_library(ordered_sim: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(product: Any) -> None:
        if product.activation or product.auxiliary or product.sums:
            raise UnsupportedError("no algorithm")

    monkeypatch.setattr(simulation, "require_supported", refuse)
    check(ordered_sim, [case for sizes in SIZES for case in cases(dtype, sizes)])


def test_one_call_each_where_the_library_can(sim: Any) -> None:
    for name, inputs, outputs, attrs, _ in cases(BFLOAT16, (5, 8, 3)):
        assert len(run_op(sim, name, inputs, outputs, attrs).work) == 1


# What a library may do that is not what the CPU does, and which looks see it.


def drops_nan(x: Any, product: Any, right: Callable[..., Any]) -> Any:
    return np.fmax(x, 0) if product.activation == "relu" else right(x, product)


def mask_of_all_but_negatives(x: Any, product: Any, right: Callable[..., Any]) -> Any:
    result = right(x, product)
    if product.activation == "relu" and product.auxiliary:
        products._auxiliary(product)[...] = bits_of((x[0] >= 0).astype(F))
    return result


def other_bits_first(x: Any, product: Any, right: Callable[..., Any]) -> Any:
    if product.activation == "relu" and product.auxiliary:
        result = right(x, product)
        mask = products._auxiliary(product)
        mask[...] = np.packbits(np.unpackbits(mask, bitorder="little")).reshape(mask.shape)
        return result
    return right(x, product)


def multiplies(x: Any, product: Any, right: Callable[..., Any]) -> Any:
    if product.activation == "relu_gradient":
        return x * signs_of(products._auxiliary(product), product.columns)
    return right(x, product)


LIBRARIES = {
    drops_nan: {"relu", "relu_mask"},
    mask_of_all_but_negatives: {"relu_mask"},
    other_bits_first: {"relu_mask"},
    multiplies: {"relu_gradient"},
}


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("dtype", DTYPES[:3], ids=str)
def test_a_library_that_does_otherwise_is_not_used(
    sim: Any, library: Any, dtype: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = products._activated
    monkeypatch.setattr(products, "_activated", lambda x, product: library(x, product, right))
    looks = ["relu", "relu_mask", "relu_gradient", "sums_a", "sums_b"]
    compute = "float32" if dtype == F else dtype.name
    assert {w for w in looks if not works(sim, w, dtype, compute)} == LIBRARIES[library]
    check(sim, cases(dtype, (5, 7, 3)))


def test_a_library_that_fails_at_its_call_is_not_used(sim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = products.multiply

    def failing(product: Any) -> None:
        if product.auxiliary or product.sums:
            raise InternalError(None, None, "cublasLtMatmul failed: not supported (15)")
        right(product)

    monkeypatch.setattr(simulation, "multiply", failing)
    check(sim, cases(BFLOAT16, (5, 8, 3)))


def test_a_library_is_looked_at_once(sim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert works(sim, "relu", F, "tf32")
    monkeypatch.setattr(simulation, "require_supported", None)
    assert works(sim, "relu", F, "tf32")


def test_sums_of_other_things_are_not_used(sim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    right = products.multiply

    def wrong(product: Any) -> None:
        right(product)
        if product.sums:
            products._sums(product)[...] = 0

    monkeypatch.setattr(simulation, "multiply", wrong)
    assert not works(sim, "sums_b", BFLOAT16, "bfloat16", True)
    check(sim, cases(BFLOAT16, (5, 7, 3)))


# Whole steps.


def network(x: Any, widths: tuple[int, ...], kind: str) -> Any:
    for i, width in enumerate(widths):
        last = i == len(widths) - 1
        if kind == "dense":
            x = tf.layers.dense(x, width, activation=None if last else tf.nn.relu)
        else:
            w = tf.get_variable(f"w{i}", [width, x.shape[1]] if kind == "turned" else [x.shape[1], width])
            x = tf.matmul(x, w, transpose_b=kind == "turned") + tf.get_variable(f"b{i}", [width])
            x = x if last else tf.nn.relu(x)
    return x


def trained(backend: str, kind: str, precision: str, batch: int, feed: Any, off: Any = ()) -> tuple[Any, str]:
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [batch, 6])
        loss = tf.reduce_mean(tf.square(network(x, (7, 5, 3), kind)))
        variables = tf.trainable_variables()
        gradients = tf.gradients(loss, variables)
        train = tf.train.MomentumOptimizer(0.05, 0.9).apply_gradients(zip(gradients, variables, strict=True))
        with tf.Session(backend=backend, mixed_precision=precision) as session:
            session.run(tf.global_variables_initializer())
            for _ in range(3):
                found = session.run([loss, *gradients, train], {x: feed})[:-1]
            return found, session.explain([loss, *gradients, train], {x: feed})


@pytest.mark.parametrize("kind", ["dense", "plain", "turned"])
@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16", "float16"])
@pytest.mark.parametrize("batch", [8, 1])
def test_steps_are_the_cpus(device: Any, kind: str, precision: str, batch: int) -> None:
    assert device
    feed = np.random.default_rng(0).normal(size=(batch, 6)).astype(F)
    found, text = trained("gpu", kind, precision, batch, feed)
    expected, _ = trained("cpu", kind, "float32" if precision == "tf32" else precision, batch, feed)
    tolerance = {"float32": 1e-5, "tf32": 5e-3}.get(precision, 5e-2)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, tolerance, tolerance)
    assert text.count("= MatMul+ReluGrad(") == 2 and "uint8[" in text
    # In 16 bits the gradients of weights are written in these, those of biases in float32.
    assert text.count("= MatMul+BiasAddGrad(") == (0 if precision in ("bfloat16", "float16") else 3)
    assert "[NumPy" not in text


def transformed(backend: str, precision: str, width: int) -> tuple[Any, str]:
    with tf.Graph().as_default():
        tf.set_random_seed(3)
        x = tf.placeholder(tf.float32, [10, 8])
        inner = tf.layers.dense(x, width, activation=lambda x: tf.keras.activations.gelu(x, approximate=True))
        loss = tf.reduce_mean(tf.square(tf.layers.dense(inner, 8)))
        gradients = tf.gradients(loss, tf.trainable_variables())
        feed = np.random.default_rng(0).normal(size=(10, 8)).astype(F)
        with tf.Session(backend=backend, mixed_precision=precision) as session:
            session.run(tf.global_variables_initializer())
            return session.run([loss, *gradients], {x: feed}), session.explain([loss, *gradients], {x: feed})


@pytest.mark.parametrize("precision", ["float32", "tf32", "bfloat16", "float16"])
@pytest.mark.parametrize("width", [16, 13])
def test_gelus_are_the_cpus(device: Any, precision: str, width: int) -> None:
    assert device
    found, text = transformed("gpu", precision, width)
    expected, _ = transformed("cpu", "float32", width)
    tolerance = {"float32": 1e-5, "tf32": 5e-3}.get(precision, 5e-2)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one / np.abs(other).max(), other / np.abs(other).max(), atol=tolerance)
    narrow = precision in ("bfloat16", "float16") and width == 16
    assert ("= MatMul+AddV2+Gelu(" in text, "= MatMul+GeluGrad(" in text) == (narrow, narrow)
    assert ("= _Gelu(" in text, "_GeluGrad" in text) == (not narrow, not narrow) and "Tanh" not in text


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90", "sm_120"])
def test_gelus_of_the_library_are_for_hopper_and_newer(sim: Any, architecture: str) -> None:
    sim.architecture = architecture
    assert works(sim, "gelu", BFLOAT16, "bfloat16") == works(sim, "gelu_gradient", BFLOAT16, "bfloat16")
    assert works(sim, "gelu", BFLOAT16, "bfloat16") == (architecture != "sm_80")


@pytest.mark.parametrize("value", [np.nan, np.inf, -0.0])
def test_edges_of_steps_are_the_cpus(device: Any, value: float) -> None:
    assert device
    feed = np.random.default_rng(0).normal(size=(8, 6)).astype(F)
    feed[3, 2] = value
    found, _ = trained("gpu", "dense", "float32", 8, feed)
    expected, _ = trained("cpu", "dense", "float32", 8, feed)
    for one, other in zip(found, expected, strict=True):
        np.testing.assert_allclose(one, other, 1e-5, 1e-5)
