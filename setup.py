"""Maps the rooms of the repository onto the package `headrace` and builds the native runtime; see pyproject.toml for the rest."""

from __future__ import annotations

import os
import platform
import re
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

ROOMS = ("engine", "layers", "datasets", "cluster", "estimators")
NATIVE = Path("engine/native")

# What a set of instructions is called, and what lets GCC and Clang use it. Which one runs is chosen at run time.
SETS = {"baseline": []}
if platform.machine().lower() in ("x86_64", "amd64"):
    SETS["avx2"] = ["-mavx2", "-mfma", "-mf16c"]
    SETS["avx512"] = ["-mavx512f", "-mavx512bw", "-mavx512dq", "-mavx512vl", "-mavx2", "-mfma", "-mf16c"]
    SETS["avx512"] += ["-mprefer-vector-width=512"]
SANITIZE = os.environ.get("HEADRACE_SANITIZE", "")
FLAGS = ["-std=gnu11", "-fvisibility=hidden", "-fno-math-errno", "-fno-trapping-math", "-pthread", "-Wall", "-Wextra"]
FLAGS += [f"-fsanitize={SANITIZE}", "-g", "-O1", "-fno-omit-frame-pointer"] if SANITIZE else ["-O3"]


class BuildNative(build_ext):
    """Compiles each file of kernels for each set of instructions. Without a compiler headrace runs on NumPy."""

    def run(self) -> None:
        """Builds, unless HEADRACE_NATIVE=0 asks not to."""
        if os.environ.get("HEADRACE_NATIVE") != "0":
            super().run()

    def build_extension(self, extension: Extension) -> None:
        """Builds the module from all objects."""
        try:
            for name, flags in SETS.items():
                extension.extra_objects += self._kernels(name, flags)
            # The objects of kernels are known to be new or old; the rest is small.
            self.force = True
            super().build_extension(extension)
        except Exception as error:
            print(f"headrace: the native runtime was not built ({error}); steps will run on NumPy, more slowly.")

    def copy_extensions_to_source(self) -> None:
        """Copies what was built, which may be nothing."""
        if all(Path(self.get_ext_fullpath(e.name)).exists() or self._built(e).exists() for e in self.extensions):
            super().copy_extensions_to_source()

    def _built(self, extension: Extension) -> Path:
        return Path(self.build_lib) / self.get_ext_filename(self.get_ext_fullname(extension.name))

    def _kernels(self, name: str, flags: list[str]) -> list[str]:
        files = re.findall(r"HR_FILE\((\w+)\)", (NATIVE / "kernels/files.h").read_text())
        folder = Path(self.build_temp) / (SANITIZE.replace(",", "-") or "plain") / name
        headers = max(h.stat().st_mtime for h in NATIVE.rglob("*.h"))

        def compile_one(file: str) -> str:
            source = NATIVE / "kernels" / f"{file}.c"
            result = folder / source.with_suffix(".o")
            if not result.exists() or result.stat().st_mtime < max(source.stat().st_mtime, headers):
                macros: list[tuple[str, str | None]] = [("HR_ISA", name)]
                self.compiler.compile([str(source)], str(folder), macros, extra_postargs=[*FLAGS, *flags])
            return str(result)

        with ThreadPoolExecutor(os.cpu_count()) as threads:
            return list(threads.map(compile_one, files))


def native() -> list[Extension]:
    """The native runtime, where there are sources of it."""
    names = (
        "module.c",
        "pool.c",
        "tables.c",
        "crc32c.c",
        "meeting.c",
        "sums.c",
        "direct.c",
        "exchange.c",
        "fingerprint.c",
    )
    sources = [str(NATIVE / name) for name in names]
    if not all(map(os.path.exists, sources)):
        return []
    macros: list[tuple[str, str | None]] = [(f"HR_WITH_{name.upper()}", None) for name in SETS]
    links = ["-pthread", *([f"-fsanitize={SANITIZE}"] if SANITIZE else [])]
    headers = [str(p) for p in [*NATIVE.rglob("*.h"), *NATIVE.rglob("*.c")]]
    return [
        Extension(
            "headrace.engine.native._runtime",
            sources,
            define_macros=macros,
            extra_compile_args=FLAGS,
            extra_link_args=links,
            depends=headers,
            libraries=["m"],
            py_limited_api=True,
            optional=True,
        )
    ]


# A build never goes through the links in src/headrace: it works where links are not checked out.
facade = find_packages("src", exclude=[f"headrace.{room}{rest}" for room in ROOMS for rest in ("", ".*")])
rooms = [f"headrace.{name}" for room in ROOMS for name in find_packages(".", include=[room, f"{room}.*"])]

setup(
    packages=[*facade, *rooms],
    package_dir={"": "src", **{f"headrace.{room}": room for room in ROOMS}},
    ext_modules=native(),
    cmdclass={"build_ext": BuildNative},
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
