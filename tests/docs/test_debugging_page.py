"""The transcript of docs/debugging.md is what the debugger writes when the page's commands are typed."""

import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "debugging.md"


def words(text: str) -> list[str]:
    """The words of a transcript; times are told apart from nothing."""
    return re.sub(r"\[\d+\.\d{3}\]", "[time]", text).split()


def close(a: str, b: str) -> bool:
    try:
        return abs(float(a.strip("[]")) - float(b.strip("[]"))) < 1e-4
    except ValueError:
        return a == b


def test_the_transcript_is_real(tmp_path):
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"<!-- not run: the transcript [^>]*-->\n```python\n(.*?)```", page, re.DOTALL)
    (transcript,) = re.findall(r"```console\n\$ python nan.py\n(.*?)```", page, re.DOTALL)
    (tmp_path / "nan.py").write_text(code)
    typed = "".join(f"{line}\n" for line in re.findall(r"^debug> (.*)$", transcript, re.MULTILINE))
    done = subprocess.run(
        [sys.executable, "nan.py"], cwd=tmp_path, input=typed, capture_output=True, text=True, check=True
    )
    printed = words(done.stdout.replace(f"{tmp_path}/", ""))
    shown = words(transcript)
    assert len(printed) == len(shown) and all(map(close, printed, shown)), done.stdout
