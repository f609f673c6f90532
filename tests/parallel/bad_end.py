"""Rank 1 ends in some way while the others wait for it."""

import sys
import threading
import time

from results import report

import headrace as tf

how, when = sys.argv[1:]
values = {}
if when == "after":
    tf.cluster.barrier()


def in_thread():
    raise KeyError("in a thread")


if tf.cluster.rank() == 1:
    match how:
        case "exception":
            raise ValueError("a wrong value")
        case "thread":
            threading.Thread(target=in_thread).start()
            time.sleep(60)
        case "exit 3":
            sys.exit(3)
        case "exit text":
            sys.exit("some text")
        case "SystemExit":
            raise SystemExit(3)
        case "early end":
            sys.exit()
        case "caught":
            try:
                sys.exit(4)
            except SystemExit as end:
                values["code"] = end.code
tf.cluster.barrier()
report(**values)
