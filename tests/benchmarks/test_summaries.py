"""The benchmark of summaries stays alive."""

import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).resolve().parent.parent.parent / "benchmarks" / "summaries.py"


def test_a_line_for_each_way(tmp_path):
    command = [sys.executable, str(SCRIPT), "--rounds", "1", "--steps", "2", "--folder", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows = done.stdout.splitlines()[1:]
    assert [row[:24].strip() for row in rows] == [
        "no summaries", "1 scalar", "20 scalars", "histogram of 12,800", "histogram of 100,352", "add_summary alone",
        "add_summary and flush",
    ]  # fmt: skip
    assert all(len(row.split()[-3:]) == 3 for row in rows[1:5])
    assert not list(tmp_path.iterdir())
