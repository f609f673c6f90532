"""`import headrace` stays light: what it loads is counted, not timed."""

import os
import subprocess
import sys
from pathlib import Path

SOURCES = Path(__file__).resolve().parent.parent / "src"

# Imported by the function that first needs them. protobuf is not among them (tf.ConfigProto and tf.GraphDef are its
# classes), nor is unittest (tf.test.TestCase is one).
LATE = (
    "IPython PIL absl cupy grpc h5py jax keras matplotlib mpi4py onnx pandas scipy "
    "sklearn soundfile tensorboard tensorboardX tensorflow torch tqdm"
).split()
# What takes milliseconds and is seldom needed, from the standard library.
SELDOM = ("asyncio", "http.client", "multiprocessing.pool", "socketserver", "sqlite3")


def modules_of(statement: str) -> set[str]:
    """Returns the names of the modules that a fresh interpreter holds after the statement."""
    code = f"import sys\n{statement}\nprint('\\n'.join(sys.modules))"
    environment = {**os.environ, "PYTHONPATH": str(SOURCES)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_import_loads_nothing_heavy():
    loaded = modules_of("import headrace") - modules_of("import numpy, ml_dtypes")
    assert "headrace" in loaded
    assert not loaded & {*LATE, *SELDOM}


def test_the_names_looked_for_are_those_that_imports_leave():
    assert {"h5py", "tqdm"} <= modules_of("import h5py, tqdm") & set(LATE)
