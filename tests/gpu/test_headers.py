"""What is declared of NVIDIA's libraries, beside their headers: numbers, structures, functions. Needs headers and g++, no GPU."""

from __future__ import annotations

import ctypes
import importlib
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from headrace.engine.gpu.cuda import driver, failures, library

from .declared import CUDA_ERRORS, FIELDS, FUNCTIONS, NAMES, OWN

pytestmark = pytest.mark.gpu
CUDA = Path(library.__file__).parent
CUDART = library.Library("cudart", "cuda_runtime", "cuda")
LIBRARIES = (library.CUBLASLT, library.NVRTC, library.CUDNN, library.NCCL, CUDART)
HEADERS = {"cublasLt": "cublasLt.h", "cudnn": "cudnn.h", "nccl": "nccl.h", "nvrtc": "nvrtc.h", "driver": "cuda.h"}
PREFIXES = {"cublasLt": "cublasLt", "cudnn": "cudnn", "nccl": "nccl"}
# What a parameter is: a pointer and the bytes it points to (0: any), or a number's bytes with a sign where it has none.
PRELUDE = """
#include <cstddef>
#include <initializer_list>
#include <type_traits>
struct Kind { char what; long size; };
template <class T, class = void> struct Size { static constexpr long value = 0; };
template <class T> struct Size<T, std::enable_if_t<std::is_object_v<T> && (sizeof(T) > 0)>> {
  static constexpr long value = sizeof(T); };
template <class T> constexpr Kind kind() {
  if constexpr (std::is_pointer_v<T>) return {'p', Size<std::remove_pointer_t<T>>::value};
  else if constexpr (std::is_enum_v<T>) return {'i', sizeof(T)};
  else if constexpr (std::is_floating_point_v<T>) return {'f', sizeof(T)};
  else if constexpr (std::is_integral_v<T>) return {std::is_signed_v<T> ? 'i' : 'u', sizeof(T)};
  else return {'s', sizeof(T)}; }
constexpr bool fits(Kind real, Kind ours) {
  return real.what == ours.what && (real.size == ours.size || (real.what == 'p' && (!real.size || !ours.size))); }
template <class R, class... A> constexpr bool same(R (*)(A...), std::initializer_list<Kind> ours) {
  if (sizeof...(A) != ours.size()) return false;
  Kind real[] = {kind<A>()..., {'-', 0}};
  const Kind* next = real;
  for (Kind one : ours) if (!fits(*next++, one)) return false;
  return kind<R>().size == sizeof(int); }
"""
KINDS = {
    ctypes.c_int: "{'i', 4}", ctypes.c_int64: "{'i', 8}", ctypes.c_uint32: "{'u', 4}", ctypes.c_uint64: "{'u', 8}",
    ctypes.c_float: "{'f', 4}", ctypes.c_double: "{'f', 8}", ctypes.c_void_p: "{'p', 0}", ctypes.c_char_p: "{'p', 1}",
}  # fmt: skip


def modules(family: str) -> list[ModuleType]:
    """cudnn.py and what begins with its name, such as cudnn_pooling.py; the numbers of epilogues."""
    names = [f"cuda.{file.stem}" for file in sorted(CUDA.glob(f"{family.lower()}*.py"))]
    names += ["epilogues"] if family == "cublasLt" else []
    return [importlib.import_module(f"headrace.engine.gpu.{name}") for name in names]


def includes(cuda: int) -> list[Path]:
    """The folders of headers beside those of libraries."""
    folders = [folder.parent / "include" for one in LIBRARIES for folder in library.folders(one, cuda)]
    found = dict.fromkeys(folder for folder in folders if folder.is_dir())
    # Parts of CUDA 13 that headers of others include have a folder within.
    return [*found, *(folder / "cccl" for folder in found if (folder / "cccl").is_dir())]


def pairs(value: Any, names: Any) -> Iterator[tuple[str, int]]:
    """Each name of a header and the number that we have for it."""
    if isinstance(names, str):
        yield names, value
    elif isinstance(names, Mapping):
        assert set(value) == set(names), f"{set(value) ^ set(names)} are named on one side only"
        for key, name in names.items():
            yield from pairs(key if isinstance(value[key], str) else value[key], name)
    else:
        for one, name in zip(value, names, strict=True):
            yield from pairs(one, name)


def has_numbers(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(has_numbers(part) for part in (*value, *value.values()))
    if isinstance(value, tuple | list | frozenset | set):
        return any(map(has_numbers, value))
    return type(value) is int


def declared(module: ModuleType) -> dict[str, Any]:
    """What a module itself sets to numbers, or to collections of them."""
    text = Path(str(module.__file__)).read_text(encoding="utf-8")
    return {
        name.removeprefix("_"): value
        for name, value in vars(module).items()
        if name.upper() == name and not name.startswith("__") and has_numbers(value) and sets(text, name)
    }


def sets(text: str, name: str) -> bool:
    heads = (line.partition(" = ")[0] for line in text.splitlines() if line[:1].strip() and " = " in line)
    return any(name == part.partition(":")[0].strip() for head in heads for part in head.split(","))


def numbers(family: str) -> list[tuple[str, int]]:
    """All numbers of a library: what is not named here must be named in declared.py."""
    found: list[tuple[str, int]] = []
    for module in modules(family):
        for name, value in declared(module).items():
            # What stands elsewhere is mostly of our own.
            if name in OWN[family] or (name not in NAMES[family] and ".cuda." not in module.__name__):
                continue
            assert name in NAMES[family], f"{module.__name__}: {name} is of no header; name it in tests/gpu/declared.py"
            found += pairs(value, NAMES[family][name])
    return found


def structures(family: str) -> Iterator[tuple[str, Any]]:
    """Each structure and its name, with which its docstring begins."""
    for module in modules(family):
        for value in vars(module).values():
            if isinstance(value, type) and issubclass(value, ctypes.Structure) and value.__module__ == module.__name__:
                yield (value.__doc__ or "").replace(",", " ").replace(":", " ").replace(".", " ").split()[0], value


def functions(family: str) -> dict[str, tuple[Any, ...]]:
    """The functions of a library with the types of their parameters."""
    found: dict[str, tuple[Any, ...]] = {}
    for module in modules(family):
        for value in vars(module).values():
            if isinstance(value, dict) and value and all(str(key).startswith(PREFIXES[family]) for key in value):
                found |= value
    return found


def kind(one: Any) -> str:
    if one in KINDS:
        return KINDS[one]
    if issubclass(one, ctypes.Structure):
        return f"{{'s', {ctypes.sizeof(one)}}}"
    return f"{{'p', {ctypes.sizeof(one._type_)}}}"


def checks(family: str) -> Iterator[str]:
    """The lines of a program that compiles if all is as the headers say."""
    for name, number in numbers(family):
        yield f'static_assert((long){name} == {number}, "{name}");'
    for name, structure in structures(family):
        yield f'static_assert(sizeof({name}) == {ctypes.sizeof(structure)}, "{name}");'
        for (own, *_), field in zip(structure._fields_, FIELDS[name], strict=True):
            yield f'static_assert(offsetof({name}, {field}) == {getattr(structure, own).offset}, "{name}.{field}");'
    if family in PREFIXES:
        assert functions(family)
        for name, arguments in functions(family).items():
            yield f'static_assert(same({name}, {{{", ".join(map(kind, arguments))}}}), "{name}");'
    for name, signature in FUNCTIONS.get(family, {}).items():
        yield f"{signature.replace('*)', '*p_' + name + ')')} = {name};"


def compiled(header: str, lines: Iterator[str], cuda: int, folder: Path) -> None:
    if shutil.which("g++") is None:
        pytest.skip("there is no g++")
    folders = includes(cuda)
    if not any((one / header).is_file() for one in folders):
        pytest.skip(f"there is no {header} of CUDA {cuda}")
    program = folder / "check.cpp"
    program.write_text(f"#include <{header}>\n{PRELUDE}\n" + "\n".join(lines), encoding="utf-8")
    flags = [f"-I{one}" for one in folders]
    said = subprocess.run(
        ["g++", "-std=c++17", "-w", "-fsyntax-only", *flags, str(program)], capture_output=True, text=True, timeout=200
    )
    assert said.returncode == 0, said.stderr[:4000]


@pytest.mark.parametrize("cuda", [13, 12])
@pytest.mark.parametrize("family", list(HEADERS))
def test_declared_as_in_the_headers(family: str, cuda: int, tmp_path: Path) -> None:
    compiled(HEADERS[family], checks(family), cuda, tmp_path)


@pytest.mark.parametrize("cuda", [13, 12])
def test_errors_of_cuda(cuda: int, tmp_path: Path) -> None:
    """The runtime and the driver give these errors one number."""
    known = {*failures._CURES, *failures.LOST, failures.OUT_OF_MEMORY}
    assert known == set(CUDA_ERRORS)
    both = [(number, name) for number, names in CUDA_ERRORS.items() for name in names]
    lines = [f'static_assert((int){name} == {number}, "{name}");' for number, name in both]
    compiled("cuda_runtime_api.h", iter(["#include <cuda.h>", *lines]), cuda, tmp_path)


@pytest.mark.parametrize("cuda", [13, 12])
def test_what_cupy_passes_on(cuda: int, tmp_path: Path) -> None:
    """The constants that are written down here, not asked of CuPy."""
    from headrace.engine.gpu.cuda import nccl, transfers

    values = {"cudaHostAllocPortable": transfers._PORTABLE, "cudaErrorNotReady": nccl._NOT_READY}
    lines = [f'static_assert((int){name} == {value}, "{name}");' for name, value in values.items()]
    compiled("cuda_runtime_api.h", iter(lines), cuda, tmp_path)


def test_the_driver_has_these_functions() -> None:
    """By these names, not by those that a newer header gives them."""
    try:
        opened = driver._open_library()
    except OSError as error:
        pytest.skip(str(error))
    assert [name for name in FUNCTIONS["driver"] if not hasattr(opened, name)] == []
