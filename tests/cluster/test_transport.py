"""Messages over MPI: whole and in parts, in order, and nothing kept of what has left."""

from .mpirun import mpirun, needs_mpi

pytestmark = needs_mpi


def test_long_messages_go_in_parts(tmp_path):
    for result in mpirun(3, "parts.py", folder=tmp_path).of_ranks():
        assert len(result["right"]) == 24 and all(result["right"])
        assert result["in_order"]
        assert result["left"] < 50
