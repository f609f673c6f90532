"""Every rank sends messages of many lengths to all, before and after they know each other, and reads what the others sent.

Those over MPI go in parts of a thousand bytes. Arguments: the bytes of shared memory.
"""

import os
import sys
import time

import numpy as np
from results import report

os.environ["HEADRACE_SHARED_BYTES"] = sys.argv[1]

from headrace.cluster.messages import Kind, Message
from headrace.cluster.transport import MpiTransport
from headrace.cluster.world import world

LENGTHS = [0, 1, 100, 250, 5000, 3, 100000, 7, 300, 20000, 30000, 2]
ROUNDS = 3

joined = world()
transport = MpiTransport(joined.requests, most_bytes=1000)
answers = MpiTransport(joined.replies)
found = []


def receive(count):
    """Takes messages until there are so many."""
    until = time.monotonic() + 30
    while len(found) < count and time.monotonic() < until:
        found.extend(transport.receive())
        know()


def meet():
    """Tells all others where this rank is, by messages, as servers do."""
    for rank in range(joined.size):
        if rank != joined.rank:
            info = {"addresses": [transport.address, answers.address]}
            transport.send(rank, Message(Kind.HELLO, joined.rank, -1, info=info))


def know():
    """Takes in what others have said of themselves."""
    said = [pair for pair in found if pair[1].kind is Kind.HELLO]
    found[:] = [pair for pair in found if pair[1].kind is not Kind.HELLO]
    for source, message in said:
        for one, address in zip((transport, answers), message.info["addresses"], strict=True):
            one.know(source, address)


for number in range(ROUNDS):
    if number == 1:
        meet()
    for i, length in enumerate(LENGTHS):
        for rank in range(joined.size):
            values = [np.arange(length) + rank, np.array([b"x" * length, b""], object)]
            name = number * len(LENGTHS) + i
            transport.send(rank, Message(Kind.DATA, joined.rank, name, run=length, ids=[1, 2], values=values))
        if joined.rank != joined.size - 1 or number == 2:
            # Some know the others while messages of theirs are under way.
            found.extend(transport.receive())
            know()
receive(ROUNDS * len(LENGTHS) * joined.size)
right = [
    message.client == source
    and np.array_equal(message.values[0], np.arange(message.run) + joined.rank)
    and message.values[1].tolist() == [b"x" * message.run, b""]
    for source, message in found
]
orders = [[m.step for source, m in found if source == rank] for rank in range(joined.size)]
# Answers that nobody waits for here do not pile up once they have left.
for _ in range(200):
    answers.send((joined.rank + 1) % joined.size, Message(Kind.DONE, joined.rank, values=[np.zeros(100)], ids=[1]))
taken = 0
while taken < 200:
    taken += len(answers.receive())
for _ in range(50):
    answers.send((joined.rank + 1) % joined.size, Message(Kind.DONE, joined.rank))
    time.sleep(0.001)
in_order = all(order == list(range(ROUNDS * len(LENGTHS))) for order in orders)
near = sorted(transport._near)
report(right=right, in_order=in_order, left=len(answers._under_way), near=near, woken=transport.is_woken)
joined.finalizers.append(answers.close)
joined.finalizers.append(transport.close)
