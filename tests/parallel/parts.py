"""Every rank sends messages of many lengths to all, in parts of a thousand bytes, and reads what the others sent."""

import time

import numpy as np
from results import report

from headrace.cluster.messages import Kind, Message
from headrace.cluster.transport import MpiTransport
from headrace.cluster.world import world

LENGTHS = [0, 1, 100, 250, 5000, 3, 100000, 7]

joined = world()
transport = MpiTransport(joined.requests, most_bytes=1000)
answers = MpiTransport(joined.replies)
found = []


def receive(count):
    """Takes messages until there are so many."""
    until = time.monotonic() + 30
    while len(found) < count and time.monotonic() < until:
        found.extend(transport.receive())


for i, length in enumerate(LENGTHS):
    for rank in range(joined.size):
        values = [np.arange(length) + rank, np.array([b"x" * length, b""], object)]
        transport.send(rank, Message(Kind.DATA, joined.rank, i, run=length, ids=[1, 2], values=values))
receive(len(LENGTHS) * joined.size)
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
report(right=right, in_order=all(order == list(range(len(LENGTHS))) for order in orders), left=len(answers._under_way))
joined.finalizers.append(answers.close)
joined.finalizers.append(transport.close)
