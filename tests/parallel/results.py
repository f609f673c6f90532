"""What a script under mpirun hands to the test that started it: one pair of files a rank, never its output."""

import json
import os
from pathlib import Path

import numpy as np

from headrace.cluster.launcher import launch


def report(**values):
    """Writes values for the test: arrays as arrays, everything else as JSON. Called once a rank."""
    folder, rank = Path(os.environ["HEADRACE_TEST_RESULTS"]), launch().rank
    arrays = {name: value for name, value in values.items() if isinstance(value, np.ndarray)}
    plain = {name: value for name, value in values.items() if name not in arrays}
    np.savez(folder / f"rank{rank}.npz", **arrays)
    # The file that says that all is there comes last, and whole.
    unfinished = folder / f"rank{rank}.json.new"
    unfinished.write_text(json.dumps(plain))
    unfinished.replace(folder / f"rank{rank}.json")
