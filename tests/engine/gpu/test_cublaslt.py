"""Products by cublasLt, on a double of the library that counts by columns as the real one does."""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.errors import InternalError
from headrace.engine.gpu.cuda import cublaslt, library as library_of_cuda
from headrace.engine.gpu.cuda.cublaslt import Products, alignment_of
from headrace.engine.gpu.cuda.workspace import Workspace
from headrace.engine.gpu.device import Product
from headrace.engine.gpu.sim.products import multiply
from headrace.engine.kernels.relu_masks import mask_bytes, signs_of
from headrace.engine.unsupported import UnsupportedError

DTYPES = {0: np.float32, 1: np.float64, 2: np.float16, 14: ml_dtypes.bfloat16, 4: np.complex64, 5: np.complex128}
WORKSPACE = 4 << 20
# Bytes of the attributes of a product, as cublasLt.h has them; another size is an invalid value.
ATTRIBUTES = {3: 4, 4: 4, 7: 4, 8: 8, 11: 8, 12: 8}
RELU, BIAS, DRELU, BGRAD, GELU, DGELU, AUXILIARY, BGRADA, BGRADB = 2, 4, 8, 16, 32, 64, 128, 256, 512


class Function:
    """A function of a library, whose types may be declared."""

    def __init__(self, call: Callable[..., int]) -> None:
        self.call = call
        self.argtypes: tuple[Any, ...] = ()
        self.restype: Any = None

    def __call__(self, *arguments: Any) -> int:
        assert len(arguments) == len(self.argtypes), self.call.__name__
        assert self.restype is ctypes.c_int
        return self.call(*arguments)


class FakeCublasLt:
    """cublasLt with NumPy: descriptors are numbered dictionaries, matrices are read by columns."""

    def __init__(self) -> None:
        self.things: dict[int, dict[Any, Any]] = {}
        self.heuristics = 0
        self.algorithms = 1
        self.status = 0
        self.preference: dict[Any, Any] = {}
        for name in cublaslt._SIGNATURES:
            setattr(self, name, Function(getattr(self, "_" + name.removeprefix("cublasLt"))))

    def _create(self, pointer: Any, **values: Any) -> int:
        pointer._obj.value = number = len(self.things) + 1
        self.things[number] = values
        return 0

    def _set(self, thing: Any, attribute: int, value: Any, size: int) -> int:
        assert size == ctypes.sizeof(value._obj)
        self.things[thing.value][attribute] = value._obj.value
        return 0

    def _Create(self, pointer: Any) -> int:
        return self._create(pointer)

    def _MatmulDescCreate(self, pointer: Any, compute: int, scale: int) -> int:
        return self._create(pointer, compute=compute, scale=scale)

    def _MatrixLayoutCreate(self, pointer: Any, kind: int, rows: int, columns: int, leading: int) -> int:
        assert leading >= rows > 0 and columns > 0
        return self._create(pointer, dtype=np.dtype(DTYPES[kind]), rows=rows, columns=columns, leading=leading)

    def _MatmulPreferenceCreate(self, pointer: Any) -> int:
        return self._create(pointer)

    _MatrixLayoutSetAttribute = _MatmulPreferenceSetAttribute = _set

    def _MatmulDescSetAttribute(self, thing: Any, attribute: int, value: Any, size: int) -> int:
        return self._set(thing, attribute, value, size) if ATTRIBUTES[attribute] == size else 7

    def _MatmulDescDestroy(self, thing: Any) -> int:
        self.preference = self.things.pop(thing.value)
        # Numbers are not used twice here.
        self.things[-len(self.things) - 1] = {}
        return 0

    _MatrixLayoutDestroy = _MatmulPreferenceDestroy = _MatmulDescDestroy

    def _MatmulAlgoGetHeuristic(self, handle: Any, matmul: Any, *rest: Any) -> int:
        *_, wanted, found, count = rest
        assert wanted == len(found)
        self.heuristics += 1
        count._obj.value = self.algorithms
        for i in range(self.algorithms):
            # The first is not possible, the second is.
            found[i].state = 15 if i == 0 and self.algorithms > 1 else 0
            found[i].algorithm.data[0] = 77 + i
        return self.status

    def matrix(self, address: Any, layout: Any, transposed: bool) -> Any:
        """[batch, rows, columns] of a layout, in place."""
        about = self.things[layout.value]
        item = about["dtype"].itemsize
        batch, stride = about.get(5, 1), about.get(6, 0)
        size = (batch - 1) * stride + (about["columns"] - 1) * about["leading"] + about["rows"]
        flat = np.frombuffer((ctypes.c_ubyte * (size * item)).from_address(address.value), about["dtype"])
        strides = (stride * item, item, about["leading"] * item)
        shape = (batch, about["rows"], about["columns"])
        found = np.lib.stride_tricks.as_strided(flat, shape, strides)
        return found.swapaxes(1, 2) if transposed else found

    def _Matmul(self, handle: Any, matmul: Any, alpha: Any, a: Any, la: Any, b: Any, lb: Any, *rest: Any) -> int:
        beta, c, lc, d, ld, algorithm, workspace, nbytes, stream = rest
        about = self.things[matmul.value]
        assert (algorithm._obj.data[0], nbytes.value, stream.value) == (77 + (self.algorithms > 1), WORKSPACE, 5)
        assert workspace == 1 << 20 and (c.value, lc) == (d.value, ld)
        out = self.matrix(d, ld, False)
        wide = np.float32 if out.dtype.itemsize == 2 else out.dtype
        first, second = self.matrix(a, la, about[3]).astype(wide), self.matrix(b, lb, about[4]).astype(wide)
        number = (lambda s: complex(*s)) if out.dtype.kind == "c" else (lambda s: s[0])
        result = number(list(alpha._obj)) * (first @ second)
        if number(list(beta._obj)):
            result = result + number(list(beta._obj)) * out.astype(wide)
        result = self.followed(about, result, out)
        sums = {BGRADA: lambda: first.sum(2), BGRADB: lambda: second.sum(1), BGRAD: lambda: result.sum(2)}
        for bit, total in sums.items():
            if about[7] & bit:
                # A vector in D's type, as long as D has rows; of B's sums as long as it has columns.
                self.vector(about[8], out.shape[2 if bit == BGRADB else 1], out.dtype)[...] = total()[0].astype(
                    out.dtype
                )
        out[...] = result.astype(out.dtype)
        return self.status

    def vector(self, address: int, length: int, dtype: Any) -> Any:
        return np.frombuffer((ctypes.c_ubyte * (length * dtype.itemsize)).from_address(address), dtype)

    def followed(self, about: Any, x: Any, out: Any) -> Any:
        """The epilogue on D, [batch, rows, columns] with rows next to each other."""
        epilogue, (rows, columns) = about[7], out.shape[1:]
        x = x + self.vector(about[8], rows, out.dtype).astype(x.dtype)[:, None] if epilogue & BIAS else x
        if epilogue & AUXILIARY:
            masked = epilogue & (RELU | DRELU)
            assert out.shape[0] == 1 and about[12] >= rows and about[12] % (128 if masked else 8) == 0
            # Each column of D is a row of bytes here.
            step = about[12] // 8 if masked else about[12] * out.dtype.itemsize
            kept = self.vector(about[11], step * columns, np.dtype(np.uint8)).reshape(columns, step)
        if epilogue & DRELU:
            bits = [[kept[j, i // 8] >> i % 8 & 1 for j in range(columns)] for i in range(rows)]
            return np.where(np.array(bits) == 1, x, 0)
        if epilogue & DGELU:
            z = kept.view(out.dtype)[:, :rows].T.astype(np.float64)
            step = 1e-6
            return x * ((gelu(z + step) - gelu(z - step)) / (2 * step)).astype(x.dtype)
        if epilogue & AUXILIARY and masked:
            for i, j in np.ndindex(rows, columns):
                kept[j, i // 8] = kept[j, i // 8] & (255 - (1 << i % 8)) | int(x[0, i, j] > 0) << i % 8
        elif epilogue & AUXILIARY:
            kept.view(out.dtype)[:, :rows] = x[0].T.astype(out.dtype)
        x = self.relu(x, 0) if epilogue & RELU else x
        return gelu(x).astype(x.dtype) if epilogue & GELU else x

    # What its kernels make of NaN is not documented.
    relu = staticmethod(np.maximum)


def gelu(x: Any) -> Any:
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


@pytest.fixture
def library() -> FakeCublasLt:
    return FakeCublasLt()


@pytest.fixture
def products(library: FakeCublasLt) -> Products:
    return Products(library, 5, Workspace(lambda nbytes: 1 << 20, lambda address: None), WORKSPACE)


def made(dtype: Any, sizes: tuple[int, int, int], batch: int = 1, **options: Any) -> tuple[Product, list[Any]]:
    """A product on arrays of its own, with gaps between rows, and the arrays."""
    rows, columns, depth = sizes
    shapes = [(rows, depth), (depth, columns), (rows, columns)]
    for i, name in enumerate(("transpose_a", "transpose_b")):
        if options.get(name):
            shapes[i] = shapes[i][::-1]
    random = np.random.default_rng(0)
    arrays = [random.integers(-4, 5, (batch, r + 1, c + 2)).astype(dtype) for r, c in shapes]
    leading = tuple(a.shape[2] for a in arrays)
    strides = tuple(a.shape[1] * a.shape[2] for a in arrays)
    arrays.append(random.integers(-4, 5, columns).astype(dtype))
    addresses = [a.ctypes.data for a in arrays]
    if options.pop("bias", False):
        options["bias"] = addresses[3]
    return Product(
        *addresses[:3], rows, columns, depth, np.dtype(dtype), leading, batch=batch, strides=strides, **options
    ), arrays


@pytest.mark.parametrize("dtype", DTYPES.values())
@pytest.mark.parametrize("turned", [(False, False), (True, False), (False, True), (True, True)])
@pytest.mark.parametrize("batch", [1, 3])
def test_products(products: Products, dtype: Any, turned: tuple[bool, bool], batch: int) -> None:
    options: dict[str, Any] = {"alpha": 0.5, "beta": 2.0, "transpose_a": turned[0], "transpose_b": turned[1]}
    check(products, dtype, batch, options)


@pytest.mark.parametrize("options", [{"bias": True}, {"activation": "relu"}, {"bias": True, "activation": "gelu"}])
@pytest.mark.parametrize("batch", [1, 2])
def test_what_follows(products: Products, options: dict[str, Any], batch: int) -> None:
    check(products, np.float32, batch, options)


def check(products: Products, dtype: Any, batch: int, options: dict[str, Any]) -> None:
    product, arrays = made(dtype, (5, 7, 3), batch, **options)
    before = arrays[2].copy()
    multiply(product)
    expected = arrays[2].copy()
    arrays[2][...] = before
    products.prepare(product)()
    np.testing.assert_allclose(arrays[2].astype(complex), expected.astype(complex), rtol=1e-6, atol=1e-6)


GRADIENTS = [
    {"activation": "relu", "auxiliary": True},
    {"activation": "relu", "auxiliary": True, "bias": True},
    {"activation": "gelu", "auxiliary": True},
    {"activation": "gelu", "auxiliary": True, "bias": True},
    {"activation": "relu_gradient", "auxiliary": True},
    {"activation": "relu_gradient", "auxiliary": True, "summed": "c"},
    {"activation": "gelu_gradient", "auxiliary": True},
    {"activation": "gelu_gradient", "auxiliary": True, "summed": "c"},
    {"summed": "b"},
    {"summed": "b", "transpose_b": True},
    {"summed": "a", "transpose_a": True},
]


@pytest.mark.parametrize("dtype", [np.float32, np.float16, ml_dtypes.bfloat16], ids=str)
@pytest.mark.parametrize("options", GRADIENTS, ids=str)
@pytest.mark.parametrize("sizes", [(5, 7, 3), (1, 130, 2), (3, 1, 4)])
def test_what_gradients_need(products: Products, dtype: Any, options: Any, sizes: Any) -> None:
    """The same of the simulation, which counts by rows, and of the library, which counts by columns."""
    options, kept = dict(options), None
    (rows, columns, _), random = sizes, np.random.default_rng(1)
    if options.pop("auxiliary", False):
        masked = options["activation"].startswith("relu")
        bytes_of_row = mask_bytes(columns) if masked else -(-columns // 8) * 8 * np.dtype(dtype).itemsize
        bits = random.integers(0, 256, (rows, bytes_of_row), np.uint8)
        kept = aligned(
            bits if masked else random.normal(size=(rows, -(-columns // 8) * 8)).astype(dtype).view(np.uint8)
        )
        leading = bytes_of_row * 8 if masked else -(-columns // 8) * 8
        options |= {"auxiliary": kept.ctypes.data, "auxiliary_leading": leading}
    sums = aligned(np.zeros(max(rows, columns), dtype))
    if "summed" in options:
        options["sums"] = sums.ctypes.data
    product, arrays = made(dtype, sizes, **options)
    results = []
    start = [x.copy() for x in (arrays[2], sums, *([] if kept is None else [kept]))]
    for call in (lambda: multiply(product), products.prepare(product)):
        given = [arrays[2], sums, *([] if kept is None else [kept])]
        for array, before in zip(given, start, strict=True):
            array[...] = before
        call()
        mask = kept is not None and options["activation"].startswith("relu")
        results.append([arrays[2].copy(), sums.copy()] + ([signs_of(kept, columns)] if mask else []))
        if kept is not None and not mask:
            results[-1].append(kept.view(dtype)[:, :columns].copy())
    tolerance = 1e-5 if dtype == np.float32 else 2e-2
    for one, other in zip(*results, strict=True):
        np.testing.assert_allclose(one.astype(float), other.astype(float), tolerance, tolerance)
    assert any((x != y).any() for x, y in zip(start, results[0], strict=False))


def test_sums_are_in_float32_beside_wide_products(products: Products, library: FakeCublasLt) -> None:
    a, b = (np.arange(12).reshape(4, 3).astype(ml_dtypes.bfloat16), np.ones((4, 5), ml_dtypes.bfloat16) / 3)
    c, sums = np.zeros((3, 5), np.float32), aligned(np.zeros(5, np.float32))
    places, dtype = (a.ctypes.data, b.ctypes.data, c.ctypes.data), np.dtype(ml_dtypes.bfloat16)
    options = {"wide": True, "transpose_a": True, "sums": sums.ctypes.data, "summed": "b", "compute": "bfloat16"}
    product = Product(*places, 3, 5, 4, dtype, (3, 5, 5), **options)
    products.prepare(product)()
    np.testing.assert_array_equal(sums, b.astype(np.float32).sum(0))
    np.testing.assert_array_equal(c, a.T.astype(np.float32) @ b.astype(np.float32))


def aligned(array: Any) -> Any:
    """A copy that begins at a multiple of 16 bytes."""
    room = np.zeros(array.nbytes + 16, np.uint8)
    start = -room.ctypes.data % 16
    found = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    found[...] = array
    return found


def test_the_real_library_takes_what_is_set() -> None:
    """Without a GPU there are descriptors, but no algorithms."""
    try:
        real = cublaslt.declare(library_of_cuda.load(library_of_cuda.CUBLASLT, 12, everywhere=True))
    except UnsupportedError as error:
        pytest.skip(str(error))
    for options in GRADIENTS:
        given = {name: 1 << 20 if name == "auxiliary" else value for name, value in options.items()}
        given |= {"auxiliary_leading": 128} if "auxiliary" in given else {}
        given |= {"bias": 1 << 21} if given.get("bias") else {}
        given |= {"sums": 1 << 22} if "summed" in given else {}
        product = made(np.float32, (5, 7, 3))[0]
        product = replace(product, **given)
        cublaslt.Description(real, product, cublaslt.types_of(product))


def test_one_matrix_for_all_of_a_batch(products: Products) -> None:
    product, arrays = made(np.float32, (2, 3, 4), 3)
    product = replace(product, strides=(product.strides[0], 0, product.strides[2]))
    products.prepare(product)()
    expected = arrays[0][:, :2, :4] @ arrays[1][0, :4, :3]
    np.testing.assert_allclose(arrays[2][:, :2, :3], expected)


def test_the_choice_is_made_once(products: Products, library: FakeCublasLt) -> None:
    product, _ = made(np.float32, (5, 7, 3))
    library.algorithms = 3
    for alpha in (1.0, 3.0):
        products.prepare(replace(product, alpha=alpha))()
    assert library.heuristics == 1
    products.prepare(replace(product, rows=4))
    products.prepare(replace(product, a=product.a + 4))
    assert library.heuristics == 3


def test_what_cublaslt_is_told(library: FakeCublasLt) -> None:
    product, _ = made(np.float32, (5, 7, 3), compute="tf32")
    product = replace(product, a=256, b=264, c=272)
    preference = ctypes.c_void_p()
    cublaslt.declare(library)
    library._MatmulPreferenceCreate(ctypes.byref(preference))
    cublaslt.set_preference(library, preference, product, WORKSPACE)
    # Reductions in the compute type only; A is the product's b.
    assert library.things[preference.value or 0] == {1: WORKSPACE, 3: 2, 5: 8, 6: 256, 7: 16, 8: 16}
    description = cublaslt.Description(library, product, cublaslt.types_of(product))
    assert library.things[description.matmul.value or 0]["compute"] == 77


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"depth": 0}, "without elements"),
        ({"dtype": np.dtype(np.int32)}, "products of int32"),
        ({"compute": "bfloat17"}, "computed as bfloat17"),
        ({"activation": "swish"}, "followed by 'swish'"),
        ({"bias": 264}, "a bias that does not begin at a multiple of 16 bytes"),
        ({"activation": "relu_gradient"}, "followed by 'relu_gradient'"),
        ({"auxiliary": 16, "auxiliary_leading": 128}, "followed by '' with"),
        ({"activation": "relu", "auxiliary": 8, "auxiliary_leading": 128}, "an auxiliary array that does not begin"),
        ({"activation": "relu", "auxiliary": 16, "auxiliary_leading": 64}, "auxiliary rows that are 64 apart"),
        ({"activation": "gelu", "auxiliary": 16, "auxiliary_leading": 7}, "auxiliary rows that are 7 apart"),
        ({"activation": "gelu", "auxiliary": 16, "auxiliary_leading": 8, "batch": 2}, "gradients after 2 products"),
        ({"sums": 16, "summed": "b", "dtype": np.dtype(np.float64)}, "gradients after 1 products of float64"),
        ({"sums": 8, "summed": "b"}, "an array of sums that does not begin"),
        ({"sums": 16, "summed": "a"}, "sums along the rows of a factor"),
        ({"sums": 16, "summed": "b", "depth": 1}, "over one element"),
        ({"sums": 16, "summed": "c"}, "followed by '' with"),
    ],
)
def test_what_it_cannot_do(products: Products, change: dict[str, Any], words: str) -> None:
    product, _ = made(np.float32, (5, 7, 3))
    with pytest.raises(UnsupportedError, match=words):
        products.prepare(replace(product, **change))


@pytest.mark.parametrize(("status", "algorithms"), [(15, 0), (0, 0)])
def test_no_algorithm(products: Products, library: FakeCublasLt, status: int, algorithms: int) -> None:
    library.status, library.algorithms = status, algorithms
    product, _ = made(np.float32, (5, 7, 3), 2, bias=True)
    with pytest.raises(UnsupportedError, match=r"no algorithm for 2 times \[5, 3\] @ \[3, 7\] of float32 .* with bias"):
        products.prepare(product)


def test_a_failing_call(products: Products, library: FakeCublasLt) -> None:
    call = products.prepare(made(np.float32, (5, 7, 3))[0])
    library.status = 13
    with pytest.raises(InternalError, match="cublasLtMatmul failed: the execution failed"):
        call()


def test_structures_have_the_headers_sizes() -> None:
    assert ctypes.sizeof(cublaslt.Algorithm) == 64
    assert (ctypes.sizeof(cublaslt.Candidate), cublaslt.Candidate.state.offset) == (96, 72)


def test_alignments() -> None:
    assert [alignment_of(n) for n in (0, 2, 12, 256, 1024, 768)] == [256, 2, 4, 256, 256, 256]


def test_workspace_by_architecture() -> None:
    assert [cublaslt.workspace_bytes(a) >> 20 for a in ("sm_75", "sm_89", "sm_90", "sm_120")] == [4, 4, 32, 32]
