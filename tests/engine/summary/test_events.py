"""Event files: names, durability, cut and damaged files, forks, threads."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from headrace.engine.errors import DataLossError, FailedPreconditionError, NotFoundError
from headrace.engine.protos import Event, SessionLog, Summary
from headrace.engine.records import frame
from headrace.engine.summary import EventFileWriter, events, summary_iterator

FIXTURES = Path(__file__).parents[2] / "fixtures" / "protos"


def event(step, tag="a"):
    return Event(step=step, summary=Summary(value=[Summary.Value(tag=tag, simple_value=step)]))


def steps_in(path):
    return [one.step for one in summary_iterator(path) if one.HasField("summary")]


def steps_of(logdir):
    return sorted(step for path in logdir.iterdir() for step in steps_in(path))


@pytest.fixture
def frozen_time(monkeypatch):
    monkeypatch.setattr(events.time, "time", lambda: 1234567890.5)


def test_a_file_starts_with_its_version(tmp_path):
    writer = EventFileWriter(tmp_path / "new" / "run", filename_suffix=".eval")
    path = writer.path
    writer.close()
    pattern = rf"events\.out\.tfevents\.\d{{10}}\..+\.{os.getpid()}\.\d+\.eval"
    assert re.fullmatch(pattern, path.name)
    (first,) = summary_iterator(path)
    assert first.file_version == "brain.Event:2" and abs(first.wall_time - time.time()) < 60
    assert writer.path is None and writer.get_logdir() == str(tmp_path / "new" / "run")


def test_writers_of_one_second_have_files_of_their_own(tmp_path, frozen_time):
    writers = [EventFileWriter(tmp_path) for _ in range(3)]
    for step in range(30):
        writers[step % 3].add_event(event(step))
    for writer in writers:
        writer.close()
    assert len(list(tmp_path.iterdir())) == 3 and steps_of(tmp_path) == list(range(30))


def test_a_name_that_somebody_has_is_not_taken(tmp_path, frozen_time, monkeypatch):
    """Another machine may have the same host name and process number: containers do."""
    monkeypatch.setattr(events, "_file_numbers", iter([5]))
    first = EventFileWriter(tmp_path)
    monkeypatch.setattr(events, "_file_numbers", iter([5, 6]))
    second = EventFileWriter(tmp_path)
    assert first.path.name.endswith(".5") and second.path.name.endswith(".6")


def test_close_and_reopen_in_one_second(tmp_path, frozen_time):
    writer = EventFileWriter(tmp_path)
    for step in range(3):
        writer.add_event(event(step))
        writer.close()
        writer.close()
        writer.reopen()
        writer.reopen()
    writer.close()
    assert len(list(tmp_path.iterdir())) == 4 and steps_of(tmp_path) == [0, 1, 2]
    with pytest.raises(ValueError, match=r"the event writer of .* is closed"):
        writer.add_event(event(3))


def test_purge_step(tmp_path):
    writer = EventFileWriter(tmp_path, purge_step=7)
    path = writer.path
    writer.close()
    _, purge = summary_iterator(path)
    assert (purge.step, purge.session_log.status) == (7, SessionLog.START)


def test_when_events_are_written(tmp_path, monkeypatch):
    now = [0.0]
    monkeypatch.setattr(events.time, "monotonic", lambda: now[0])
    writer = EventFileWriter(tmp_path, max_queue=3, flush_secs=10)
    seen = []
    for step in range(4):
        writer.add_event(event(step))
        seen.append(len(steps_in(writer.path)))
    assert seen == [0, 0, 3, 3]
    now[0] = 11.0
    writer.add_event(event(4))
    assert steps_in(writer.path) == [0, 1, 2, 3, 4]
    writer.close()


def test_flush_reaches_the_disk(tmp_path, monkeypatch):
    synced = []
    fsync = os.fsync

    def noted(descriptor):
        synced.append(Path(f"/proc/self/fd/{descriptor}").readlink())
        fsync(descriptor)

    monkeypatch.setattr(events.os, "fsync", noted)
    writer = EventFileWriter(tmp_path)
    assert synced == [tmp_path]
    writer.add_event(event(1))
    writer.flush()
    assert synced[1:] == [writer.path]
    assert steps_in(writer.path) == [1]
    writer.close()
    assert len(synced) == 3


CHILD = """
import os, signal, sys
from headrace.engine.protos import Event
from headrace.engine.summary import EventFileWriter
writer = EventFileWriter(sys.argv[1], max_queue=10_000)
for step in range(500):
    writer.add_event(Event(step=step, log_message={"message": "x" * 100}))
writer.flush()
writer.add_event(Event(step=500))
{end}
"""


def child(tmp_path, end):
    code = CHILD.replace("{end}", end)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=environment)
    (path,) = tmp_path.iterdir()
    return done.returncode, [one.step for one in summary_iterator(path)][1:]


def test_kill_after_flush_loses_nothing(tmp_path):
    status, steps = child(tmp_path, "os.kill(os.getpid(), signal.SIGKILL)")
    assert status == -signal.SIGKILL and steps == list(range(500))


@pytest.mark.parametrize("end", ["", "del writer", "sys.exit(0)"])
def test_a_writer_that_is_not_closed_still_writes(tmp_path, end):
    assert child(tmp_path, end) == (0, list(range(501)))


def test_a_forked_process_has_a_file_of_its_own(tmp_path):
    writer = EventFileWriter(tmp_path, max_queue=100)
    writer.add_event(event(0))
    child_id = os.fork()
    if not child_id:
        try:
            writer.add_event(event(1))
            writer.close()
        finally:
            os._exit(0)
    assert os.waitpid(child_id, 0)[1] == 0
    writer.add_event(event(2))
    path = writer.path
    writer.close()
    assert steps_in(path) == [0, 2] and steps_of(tmp_path) == [0, 1, 2]


def test_threads_lose_nothing(tmp_path):
    writer = EventFileWriter(tmp_path, max_queue=7)

    def add(start):
        for step in range(start, start + 200):
            writer.add_event(event(step))
            if step % 50 == 0:
                writer.flush()

    threads = [threading.Thread(target=add, args=(200 * number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    assert steps_of(tmp_path) == list(range(1600))


def test_a_full_disk_leaves_no_half_record(tmp_path, monkeypatch):
    writer = EventFileWriter(tmp_path, max_queue=100)
    writer.add_event(event(1))
    write = os.write

    def full(descriptor, data):
        if len(data) < 10:
            raise OSError(28, "No space left on device")
        return write(descriptor, data[:-9])

    monkeypatch.setattr(events.os, "write", full)
    with pytest.raises(OSError, match="No space") as found:
        writer.flush()
    monkeypatch.undo()
    assert found.value.filename == str(writer.path)
    assert steps_in(writer.path) == []
    writer.add_event(event(2))
    writer.flush()
    assert steps_in(writer.path) == [1, 2]
    writer.close()


def test_a_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(FailedPreconditionError, match="file"):
        EventFileWriter(tmp_path / "file" / "run")


def test_cut_and_damaged_files(tmp_path):
    data = (FIXTURES / "events.out.tfevents.0000000001.fixture").read_bytes()
    path = tmp_path / "cut"
    path.write_bytes(data)
    whole = list(summary_iterator(path))
    assert [one.WhichOneof("what") for one in whole] == [
        "file_version",
        "graph_def",
        "summary",
        "tagged_run_metadata",
        "session_log",
    ]
    for cut in range(1, len(data), 97):
        path.write_bytes(data[:-cut])
        seen = list(summary_iterator(path))
        assert seen == whole[: len(seen)] and len(seen) < len(whole)
    path.write_bytes(data + frame(b"\xff\xff"))
    with pytest.raises(DataLossError, match="cut: record 5 is not an event"):
        list(summary_iterator(path))
    with pytest.raises(NotFoundError):
        list(summary_iterator(tmp_path / "missing"))


def test_a_folder_is_no_event_file(tmp_path):
    with pytest.raises(FailedPreconditionError, match=tmp_path.name):
        list(summary_iterator(tmp_path))
