"""A synchronous training of one vector that saves every few steps, goes on from what it saved, and fails as it is told.

Arguments: folder, steps, what goes wrong (a rank, a step and a way: "1:5:kill"), only at the first start unless the way
ends with "!".
"""

import os
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
from results import report

import headrace as tf
from headrace.cluster.heartbeat import beat
from headrace.cluster.world import world

place, steps, trouble = Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3]
rank, size = tf.cluster.rank(), tf.cluster.size()
attempt = int(os.environ["HEADRACE_ATTEMPT"])
who, when, way = trouble.split(":") if trouble else ("", "0", "")
applies = who in (str(rank), "all") and (attempt == 0 or way.endswith("!"))
asked = []
signal.signal(signal.SIGTERM, lambda number, frame: asked.append(number))


def fail():
    match way.rstrip("!"):
        case "raise":
            raise ValueError("a wrong value")
        case "exit":
            sys.exit(3)
        case "system exit":
            raise SystemExit(3)
        case "end":
            sys.exit()
        case "thread":
            threading.Thread(target=lambda: 1 / 0).start()
            time.sleep(60)
        case "kill" | "stop" | "term":
            name = {"kill": signal.SIGKILL, "stop": signal.SIGSTOP, "term": signal.SIGTERM}[way.rstrip("!")]
            os.kill(os.getpid(), name)
        case "wait":
            time.sleep(600)


def saved():
    """The step and values of the newest whole checkpoint: the one whose name was put there last."""
    if not (place / "checkpoint").exists():
        return 0, np.zeros(1000)
    name = (place / "checkpoint").read_text()
    return int(name), np.load(place / f"{name}.npy")


def save(step, values):
    if rank == 0:
        np.save(place / f"{step}.npy", values)
        (place / "new").write_text(str(step))
        (place / "new").replace(place / "checkpoint")


if when == "start" and applies:
    fail()
joined = world()
first, values = saved()
sys.stdout.write(f"rank {rank} begins at step {first}\n")
for step in range(first, steps):
    if applies and when == str(step):
        fail()
    gradient = np.sin(values + step * size + rank)
    total = np.empty((size, 1000))
    if size > 1:
        joined.wait(joined.collectives.Iallgather(gradient, total), "the gradients")
    else:
        total[0] = gradient
    values = values - 0.1 * np.add.reduce(total, 0)
    beat()
    stops = np.zeros(size, np.int64)
    if size > 1:
        joined.wait(joined.collectives.Iallgather(np.array([len(asked)]), stops), "the wish to stop")
    else:
        stops[0] = len(asked)
    if stops.any():
        save(step + 1, values)
        raise SystemExit(85)
    if step % 4 == 3:
        save(step + 1, values)
    time.sleep(0.02)
if applies and when == "last":
    fail()
report(values=values, first=first, attempt=attempt, temporary=tempfile.gettempdir())
