"""NVIDIA's own libraries as far as they go without a GPU: they open, have their functions, and take our descriptors."""

from __future__ import annotations

import ctypes
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.gpu.cuda import cublaslt, library
from headrace.engine.gpu.cuda.cudnn import Cudnn, declare as declare_cudnn
from headrace.engine.gpu.cuda.cudnn_convolution import Convolutions, Description, Geometry
from headrace.engine.gpu.cuda.cudnn_pooling import Pools
from headrace.engine.gpu.cuda.image_moves import kernels
from headrace.engine.gpu.cuda.nccl import UniqueId, declare
from headrace.engine.gpu.cuda.nvrtc import ARCHITECTURES, Nvrtc
from headrace.engine.gpu.device import Convolution, Pooling, Product
from headrace.engine.gpu.epilogues import NUMBERS
from headrace.engine.gpu.source import unit_text
from headrace.engine.unsupported import UnsupportedError

from .test_headers import functions

pytestmark = pytest.mark.gpu
MAJORS = [13, 12]
DTYPES = {"float32": "tf32", "bfloat16": "bfloat16", "float16": "float16"}
BIAS, MASK, SUMS = 512, 1024, 2048


def opened(one: library.Library, cuda: int) -> Any:
    try:
        return library.load(one, cuda)
    except UnsupportedError as error:
        pytest.skip(str(error))


def dtype_of(name: str) -> np.dtype[Any]:
    return np.dtype(ml_dtypes.bfloat16 if name == "bfloat16" else name)


@pytest.mark.parametrize("cuda", MAJORS)
@pytest.mark.parametrize(
    ("family", "one"), [("cublasLt", library.CUBLASLT), ("cudnn", library.CUDNN), ("nccl", library.NCCL)]
)
def test_functions_are_there(family: str, one: library.Library, cuda: int) -> None:
    found = opened(one, cuda)
    assert [name for name in functions(family) if not hasattr(found, name)] == []


@pytest.mark.parametrize("cuda", MAJORS)
def test_kernels_compile(cuda: int) -> None:
    opened(library.NVRTC, cuda)
    for architecture in (ARCHITECTURES[0], "sm_90"):
        compiled = Nvrtc(cuda).compile(unit_text(kernels()), architecture)
        assert compiled.code[:4] == b"\x7fELF" and set(compiled.usage) == {kernel.name for kernel in kernels()}


def products() -> Iterator[Product]:
    """One of each kind, with all that may follow it."""
    for name, compute in DTYPES.items():
        product = Product(256, 256, 256, 64, 128, 32, dtype_of(name), (32, 128, 128), compute=compute)
        yield replace(product, batch=3, strides=(2048, 4096, 8192))
        for activation, bias, mask, summed in NUMBERS:
            options = {"activation": activation, "bias": bias * BIAS, "summed": summed, "sums": bool(summed) * SUMS}
            turned = {"transpose_a": True, "leading": (64, 128, 128)} if summed == "a" else {}
            yield replace(product, auxiliary=mask * MASK, auxiliary_leading=mask * 128, **options, **turned)


@pytest.mark.parametrize("cuda", MAJORS)
def test_products_are_described(cuda: int) -> None:
    found = cublaslt.declare(opened(library.CUBLASLT, cuda))
    pointer, size = ctypes.c_void_p, ctypes.c_size_t
    found.cublasLtMatmulDescGetAttribute.argtypes = pointer, ctypes.c_int, pointer, size, pointer
    for product in products():
        made = cublaslt.Description(found, product, cublaslt.types_of(product))
        kind = product.activation, bool(product.bias), bool(product.auxiliary), product.summed
        for attribute, value in (
            (7, ctypes.c_uint32(NUMBERS[kind])),
            (8, ctypes.c_uint64(product.bias or product.sums)),
        ):
            kept = type(value)()
            arguments = made.matmul, attribute, ctypes.byref(kept), ctypes.sizeof(kept), None
            assert found.cublasLtMatmulDescGetAttribute(*arguments) == 0 and kept.value == value.value
        preference = ctypes.c_void_p()
        assert found.cublasLtMatmulPreferenceCreate(ctypes.byref(preference)) == 0
        cublaslt.set_preference(found, preference, product, 1 << 25)
        assert found.cublasLtMatmulPreferenceDestroy(preference) == 0


@pytest.fixture
def cudnn(cuda: int) -> Cudnn:
    """cuDNN without the handle that it makes of a GPU."""
    for one in (library.CUBLASLT, library.CUBLAS, library.NVRTC):
        opened(one, cuda)
    made = Cudnn.__new__(Cudnn)
    made.library, made.handle = opened(library.CUDNN, cuda), ctypes.c_void_p()
    declare_cudnn(made.library, functions("cudnn"))
    made.library.cudnnGetErrorString.restype = ctypes.c_char_p
    return made


@pytest.mark.parametrize("cuda", MAJORS)
@pytest.mark.parametrize("compute", ["float32", "tf32", "float16", "bfloat16"])
def test_convolutions_are_described(cudnn: Cudnn, compute: str) -> None:
    Convolutions(cudnn)
    dtype = dtype_of("float32" if compute == "tf32" else compute)
    for channels, groups in ((32, 1), (8, 4)):
        sizes = (4, 16, 16, 32), (3, 3, channels, 64), (4, 8, 8, 64)
        one = Convolution("forward", 256, 256, 256, dtype, *sizes, (2, 2), (1, 1), (0, 1, 0, 1), compute)
        geometry = Geometry.of(one)
        assert geometry.groups == groups
        # The library's own result must be of the sizes that are wanted.
        Description(cudnn, one, geometry)
        with pytest.raises(UnsupportedError, match="where cuDNN's has"):
            Description(cudnn, replace(one, y_sizes=(4, 7, 8, 64)), geometry)


@pytest.mark.parametrize("cuda", MAJORS)
@pytest.mark.parametrize("kind", ["max", "mean", "mean gradient"])
def test_pools_are_described(cudnn: Cudnn, kind: str) -> None:
    for name in ("float32", "float16", "bfloat16"):
        one = Pooling(kind, 256, 512, dtype_of(name), (2, 9, 9, 8), (2, 5, 5, 8), (3, 3), (2, 2), (1, 1))
        Pools(cudnn).prepare(one)


@pytest.mark.parametrize("cuda", MAJORS)
def test_an_id_for_sums(cuda: int) -> None:
    found, made = declare(opened(library.NCCL, cuda)), UniqueId()
    assert found.ncclGetUniqueId(ctypes.byref(made)) == 0 and any(bytes(made))
