"""Messages over MPI and beside it: whole and in parts, in order, and nothing kept of what has left."""

import pytest

from .mpirun import mpirun, needs_mpi
from .test_doorbell import works

pytestmark = needs_mpi


@pytest.mark.parametrize("shared_bytes", [0, 1 << 16, 1 << 22])
def test_messages_of_any_length_keep_their_order(shared_bytes, tmp_path):
    """Without shared memory, with too little for the longest, and with enough."""
    for result in mpirun(3, "parts.py", shared_bytes, folder=tmp_path).of_ranks():
        assert len(result["right"]) == 3 * 36 and all(result["right"])
        assert result["in_order"]
        assert result["left"] < 50
        if works():
            assert len(result["near"]) == 2 and result["woken"]
