"""A wheel holds the rooms, no more and no less, and works without the checkout."""

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import headrace

ROOT = Path(__file__).resolve().parent.parent
ROOMS = ("engine", "layers", "datasets", "cluster", "estimators")
PARTS = (*ROOMS, "src", "setup.py", "pyproject.toml", "MANIFEST.in", "README.md", "LICENSE")


def copy_of_sources(folder: Path) -> Path:
    # A build writes into its folder, and what an earlier one left there would go into the wheel.
    leave = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, folder / part, symlinks=True, ignore=leave)
        else:
            shutil.copy(ROOT / part, folder / part)
    return folder


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    source = copy_of_sources(tmp_path_factory.mktemp("source"))
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target)]
    done = subprocess.run([*command, str(source)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    return next(target.glob("*.whl"))


def names_in(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return {name for name in archive.namelist() if ".dist-info/" not in name}


def test_wheel_has_every_module_and_nothing_else(wheel):
    facade = {path.relative_to(ROOT / "src").as_posix() for path in (ROOT / "src").rglob("*.py")}
    rooms = {f"headrace/{path.relative_to(ROOT).as_posix()}" for room in ROOMS for path in (ROOT / room).rglob("*.py")}
    assert {name for name in names_in(wheel) if name.endswith(".py")} == facade | rooms


def test_wheel_has_the_data_with_its_licences(wheel):
    names = names_in(wheel)
    datasets = {f"headrace/datasets/{name}" for name in ("digits.npz", "iris.npz", "LICENSES.md")}
    assert {*datasets, "headrace/py.typed"} <= names


def test_wheel_is_versioned_and_licensed(wheel):
    with zipfile.ZipFile(wheel) as archive:
        (metadata,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        lines = archive.read(metadata).decode().splitlines()
    assert f"Version: {headrace.__version__}" in lines
    assert "License-Expression: Apache-2.0" in lines
    assert "Requires-Python: >=3.11" in lines


def test_wheel_works_without_the_checkout(wheel, tmp_path):
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path)
    code = "import headrace, headrace.datasets.digits as digits\nprint(headrace.__file__, digits.load_data()[0].shape)"
    done = subprocess.run(
        [sys.executable, "-P", "-c", code],
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == f"{tmp_path / 'headrace' / '__init__.py'} (1797, 8, 8)", done.stderr
