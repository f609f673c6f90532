"""Output of ranks: whole lines behind their rank, wherever the launcher's pieces are cut."""

import io
import os

import pytest

from headrace.cluster.supervisor.output import Lines, relay

MPICH = "\x1e0\x1fone\x1e1\x1fa \x1e0\x1f two\n\x1e1\x1fb\n\x1e1\x1fbar 1\rbar 2\x1e0\x1f\n\x1e0\x1flast"
OPEN_MPI = (
    "[1,0]<stdout>: one two\n[1,1]<stdout>: a b\nprterun says\n[1,12]<stderr>: \n"
    "[1,0]<stdout>: last[1,1]<stdout>: bar 1\rbar 2"
)


def lines_of(family, text, cut):
    found = []
    lines = Lines(family, found.append)
    data = text.encode()
    for start in range(0, len(data), cut):
        lines.add(data[start : start + cut])
    lines.close()
    return b"".join(found).decode()


@pytest.mark.parametrize("cut", [1, 2, 3, 7, 1000])
def test_lines_are_put_together(cut):
    assert lines_of("MPICH", MPICH, cut) == "[0] one two\n[1] a b\n[0] \n[0] last\n[1] bar 1\rbar 2\n"
    expected = "[0] one two\n[1] a b\nprterun says\n[12] \n[0] last\n[1] bar 1\rbar 2\n"
    assert lines_of("Open MPI", OPEN_MPI, cut) == expected


def test_text_without_end_of_line_is_shown_all_the_same():
    found = []
    lines = Lines("MPICH", found.append)
    for _ in range(5):
        lines.add(b"\x1e3\x1f" + b"x" * 20000)
    assert found == [b"[3] " + b"x" * 80000 + b"\n"]
    lines.close()
    assert b"".join(found) == b"[3] " + b"x" * 80000 + b"\n[3] " + b"x" * 20000 + b"\n"


def test_a_reader_that_goes_away_is_no_error():
    read, written = os.pipe()
    os.close(read)
    with os.fdopen(written, "wb") as target:
        relay(io.BytesIO(MPICH.encode()), target, "MPICH").join()
        target.write(b"more")
