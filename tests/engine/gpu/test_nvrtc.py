"""Kernels compiled by NVRTC, which needs no GPU: all that this run's tests loaded, without spilled registers."""

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import ml_dtypes
import numpy as np
import pytest

from headrace.engine.errors import InternalError
from headrace.engine.gpu.bindings.flash_attention import forward_kernel, gradient_kernels, tiling
from headrace.engine.gpu.cuda.nvrtc import ARCHITECTURES, Nvrtc, NvrtcCompiler, Usage, usage_of
from headrace.engine.gpu.source import Kernel, unit_text
from headrace.engine.unsupported import UnsupportedError

HERE = Path(__file__).parent
ROWS = (("float*", "y"), ("const float*", "x"), ("int", "n"))
ADD_ONE = Kernel("add_one", ROWS, "HR_EACH(i, n) y[i] = x[i] + 1.0f;")
SUMS = Kernel(
    "sums",
    ROWS,
    "float s = 0; HR_EACH_OF_BLOCK(i, n) s += x[blockIdx.x * n + i]; s = block_sum(s); y[blockIdx.x] = s;",
    synchronizes=True,
)
# What is kept around a subroutine, such as a division of long long or double, is no sign of too few registers, unless
# all registers that a thread may have are taken.
SPILLS, REGISTERS = 128, 1 << 16


@pytest.fixture(scope="module")
def nvrtc():
    try:
        return Nvrtc()
    except UnsupportedError as error:
        pytest.skip(f"NVRTC is not installed: {error}")


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_prelude_compiles_for_every_architecture(nvrtc, architecture):
    compiled = nvrtc.compile(unit_text([ADD_ONE, SUMS]), architecture)
    assert compiled.code[:4] == b"\x7fELF"
    assert compiled.usage["sums"].shared == 128 and compiled.usage["add_one"].shared == 0
    for usage in compiled.usage.values():
        assert 4 < usage.registers < 64 and usage.spills == usage.stack == 0


def test_a_gpu_newer_than_nvrtc_gets_ptx(nvrtc):
    assert b".entry add_one" in nvrtc.compile(unit_text([ADD_ONE]), "sm_999").code
    with pytest.raises(UnsupportedError, match="not for sm_35"):
        nvrtc.compile(unit_text([ADD_ONE]), "sm_35")


def test_errors_show_the_line(nvrtc):
    wrong = Kernel("wrong", ROWS, "int i = 0;\ny[i] = unknown_name;")
    with pytest.raises(InternalError, match=r'wrong:2: error.*"unknown_name"(.|\n)*2 \| y\[i\] = unknown_name;'):
        nvrtc.compile(unit_text([wrong]), "sm_90")


def test_the_cache_gets_code_for_an_architecture(nvrtc):
    first, second = NvrtcCompiler("sm_80", nvrtc), NvrtcCompiler("sm_90", nvrtc)
    assert first.identity != second.identity and nvrtc.name in first.identity
    assert first.compile([ADD_ONE]) != second.compile([ADD_ONE])


def test_what_a_kernel_takes_is_read_from_the_log():
    log = """ptxas info    : Compiling entry function 'one' for 'sm_90'
ptxas info    : Function properties for one
ptxas         .     40 bytes stack frame, 16 bytes spill stores, 12 bytes spill loads
ptxas info    : Used 30 registers, used 1 barriers, 40 bytes cumulative stack size, 128 bytes smem
ptxas info    : Compiling entry function 'two' for 'sm_90'
ptxas info    : Used 8 registers
"""
    assert usage_of(log) == {"one": Usage(30, 128, 40, 28), "two": Usage(8, 0, 0, 0)}


def units(kernels):
    """Kernels that are compiled together: those of the same files, each name once."""
    found = defaultdict(dict)
    for kernel in kernels:
        # Tests may have kernels of one name with several texts.
        turn = sum(kernel.name in unit for key, unit in found.items() if key[0] == kernel.files)
        found[kernel.files, turn][kernel.name] = kernel
    return [list(unit.values()) for unit in found.values()]


def too_few(kernel, use):
    """Whether a kernel has not enough registers for what it computes with."""
    most = min(255, REGISTERS // kernel.threads)
    return use.spills > SPILLS or (use.spills > 0 and use.registers > most - 8)


def spilling(nvrtc, kernels, architecture):
    """The kernels that spill, with what they take."""
    found, count = {}, 0
    for unit in units(kernels):
        usage = nvrtc.compile(unit_text(unit), architecture).usage
        count += len(usage)
        found |= {kernel.name: usage[kernel.name] for kernel in unit if too_few(kernel, usage[kernel.name])}
    assert count == len(kernels)
    return found


def test_a_kernel_that_spills_is_found(nvrtc):
    kept = " ".join(f"float a{i} = x[{i}] * n, b{i} = x[i + {i}];" for i in range(99))
    used = " ".join(f"y[{i} + n] = a{i} * b{i};" for i in range(99))
    body = f"HR_EACH(i, n) {{ {kept} __threadfence(); {used} }}"
    assert list(spilling(nvrtc, [Kernel("crowded", ROWS, body, threads=1024)], "sm_80")) == ["crowded"]
    assert spilling(nvrtc, [Kernel("roomy", ROWS, body, threads=128)], "sm_80") == {}


def thinned(kernels):
    """Every tenth of the kernels made of expressions, of which there are very many, and of large ones; all others."""
    families = ("elements_", "reduce_", "flash_attention")
    made = [kernel for kernel in kernels if kernel.name.startswith(families)]
    return [kernel for kernel in kernels if not kernel.name.startswith(families)] + made[::10]


def test_what_this_runs_tests_loaded_compiles(nvrtc, loaded_kernels):
    if not loaded_kernels:
        pytest.skip("no other test of this run loaded kernels")
    assert spilling(nvrtc, thinned(list(loaded_kernels.values())), "sm_75") == {}


@pytest.fixture(scope="module")
def all_kernels(tmp_path_factory):
    """The kernels that the other tests here load."""
    path = tmp_path_factory.mktemp("kernels") / "kernels.json"
    settings = {"HEADRACE_KERNEL_LIST": str(path), "OPENBLAS_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "pytest", "-q", str(HERE), "--ignore", __file__]
    done = subprocess.run(
        command, cwd=HERE.parents[2], env=os.environ | settings, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-3000:]
    return [
        Kernel(**entry | {"parameters": tuple(map(tuple, entry["parameters"])), "files": tuple(entry["files"])})
        for entry in json.loads(path.read_text())
    ]


@pytest.mark.long
@pytest.mark.parametrize("architecture", ["sm_75", "sm_80", "sm_90", "sm_120"])
def test_every_kernel_compiles_without_spills(nvrtc, all_kernels, architecture):
    assert len(all_kernels) > 300
    assert spilling(nvrtc, all_kernels, architecture) == {}


@pytest.mark.parametrize(("width", "drop"), [(64, False), (64, True), (256, True)])
def test_attention_of_16_bits_uses_matrix_units_and_does_not_spill(nvrtc, width, drop):
    dtype = np.dtype(ml_dtypes.bfloat16)
    forward, backward = (tiling(dtype, width, backward=b, drop=drop) for b in (False, True))
    assert spilling(nvrtc, [forward_kernel(forward), *gradient_kernels(backward)], "sm_80") == {}
