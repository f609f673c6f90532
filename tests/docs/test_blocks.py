"""Every Python block of README.md and docs/ runs, and prints what the page shows below it."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
BLOCK = re.compile(r"(<!-- not run: [^>]*-->\n)?```python\n(.*?)```\n(?:\n((?:    [^\n]*\n)+))?", re.DOTALL)


def blocks():
    for page in PAGES:
        for i, (skipped, code, shown) in enumerate(BLOCK.findall(page.read_text(encoding="utf-8"))):
            if not skipped:
                yield pytest.param(code, shown, id=f"{page.name}-{i}")


def same(printed: str, shown: str) -> bool:
    """Whether two texts agree, numbers within two per cent: training starts from random values."""
    a, b = printed.split(), shown.split()
    return len(a) == len(b) and all(x == y or close(x, y) for x, y in zip(a, b, strict=True))


def close(x: str, y: str) -> bool:
    try:
        return abs(float(x.strip("[],()")) - float(y.strip("[],()"))) <= 0.02 * abs(float(y.strip("[],()")))
    except ValueError:
        return False


@pytest.mark.parametrize(("code", "shown"), list(blocks()))
def test_block_runs_and_prints_what_the_page_shows(code, shown, tmp_path):
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    if shown:
        assert same(done.stdout, shown), f"printed:\n{done.stdout}\nthe page shows:\n{shown}"
