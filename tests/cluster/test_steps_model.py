"""The protocol of steps, checked in one process: any order of events, late, doubled and lost messages, failures, aborts."""

from collections import Counter, deque
from random import Random

import pytest
from hypothesis import given, settings, strategies as st

from headrace.cluster.messages import Kind, Message
from headrace.cluster.steps.client import ClientRun
from headrace.cluster.steps.plans import StagePlan, TaskPlan
from headrace.cluster.steps.task import Cancel, Define, Forget, Send, Start, TaskMachine

RANKS = 3


class Step:
    """A step that a client runs: stages at random ranks, each taking what earlier ones and the client give."""

    def __init__(self, client, number, random):
        self.key = (client, number)
        count = random.randint(1, 5)
        ranks = [random.randrange(RANKS) for _ in range(count)]
        before = [{j for j in range(i) if random.random() < 0.4} for i in range(count)]
        awaits = [{j for j in range(i) if random.random() < 0.2} - before[i] for i in range(count)]
        fed = [random.random() < 0.5 for _ in range(count)]
        # Value 100 + i is the one fed to stage i, value i what it gives.
        self.fed = {rank: [100 + i for i in range(count) if fed[i] and ranks[i] == rank] for rank in range(RANKS)}
        self.stages = [
            StagePlan(
                i,
                (*before[i], *((100 + i,) if fed[i] else ())),
                tuple(a for a in awaits[i] if ranks[a] != ranks[i]),
                (i,),
                self._sends(i, ranks, before, awaits),
            )
            for i in range(count)
        ]
        self.ranks = ranks
        self.before = [before[i] | awaits[i] for i in range(count)]
        comes = {i for later in range(count) if ranks[later] == client for i in before[later]}
        self.plans = {}
        for rank in dict.fromkeys([*ranks, client]):
            own = tuple(s for s, r in zip(self.stages, ranks, strict=True) if r == rank)
            returns = () if rank == client else tuple(s.number for s in own if s.number not in comes)
            self.plans[rank] = TaskPlan(own, returns)
        self.others = [rank for rank in self.plans if rank != client]

    @staticmethod
    def _sends(i, ranks, before, awaits):
        sends = {}
        for later in range(i + 1, len(ranks)):
            if ranks[later] != ranks[i] and i in before[later] | awaits[later]:
                sends.setdefault(ranks[later], set()).update({i} & before[later])
        return tuple((rank, tuple(ids)) for rank, ids in sends.items())


class World:
    """Ranks that are clients and tasks at once, channels between them that keep their order, and what has happened."""

    def __init__(self, seed, lossy=False):
        self.random, self.lossy = Random(seed), lossy
        self.machines = [TaskMachine() for _ in range(RANKS)]
        # By sender, receiver and whether it is an answer to a client.
        self.channels: dict[tuple[int, int, bool], deque] = {}
        self.working: list[tuple[int, Start]] = []
        self.steps = {(c, n): Step(c, n, self.random) for c in range(2) for n in (1, 2)}
        self.defined, self.forgotten, self.unknown = set(), set(), set()
        self.runs: dict[tuple[int, int], ClientRun] = {}
        self.outcome: dict[tuple[int, int], str] = {}
        self.key_of_run: dict[tuple[int, int], tuple[int, int]] = {}
        self.own: list[tuple[tuple[int, int], StagePlan]] = []
        self.applied: Counter = Counter()
        self.ended: set = set()
        self.lost: Counter = Counter()
        self.numbers = Counter()

    # The network

    def send(self, source, rank, message):
        answer = rank == message.client
        self.channels.setdefault((source, rank, answer), deque()).append(message)

    def deliver(self, channel):
        source, rank, answer = channel
        message = self.channels[channel].popleft()
        if answer:
            run = self.runs.get((message.client, message.run))
            if run is not None:
                run.handle(source, message)
        else:
            self.act(rank, self.machines[rank].handle(message))

    def act(self, rank, actions):
        for action in actions:
            if isinstance(action, Send):
                self.send(rank, action.rank, action.message)
            elif isinstance(action, Start):
                self.check_start(rank, action.step, action.run, action.stage, action.inputs)
                self.working.append((rank, action))
            else:
                assert isinstance(action, Cancel | Define | Forget)
                if isinstance(action, Forget):
                    self.unknown.add((rank, action.step))

    # What must hold

    def check_start(self, rank, key, run, stage, inputs):
        step = self.steps[key]
        assert step.ranks[stage.number] == rank
        assert self.key_of_run[run] == key
        assert (rank, key) not in self.unknown, "its programs are forgotten"
        assert [tuple(v) for v in inputs] == [(run[0], run[1], i) for i in stage.takes], "inputs of another run"
        for i in step.before[stage.number]:
            assert (run, i) in self.ended, "started before what it needs"
        self.applied[run, stage.number] += 1
        assert self.applied[run, stage.number] == 1, "a stage ran twice"

    def results(self, run, stage):
        self.ended.add((run, stage.number))
        return [(run[0], run[1], i) for i in stage.gives]

    # What can happen

    def begin(self, key):
        client, step = key[0], self.steps[key]
        if key not in self.defined:
            self.defined.add(key)
            for rank in step.others:
                info = {"plan": step.plans[rank].as_dict()}
                self.send(client, rank, Message(Kind.DEFINE, *key, info=info))
        self.numbers[client] += 1
        name = (client, self.numbers[client])
        values = {rank: (ids, [(*name, i) for i in ids]) for rank, ids in step.fed.items()}
        run = ClientRun(key, name, step.plans[client], {r: values[r] for r in step.others}, values[client])
        self.runs[name], self.key_of_run[name] = run, key
        self.act(client, run.begin())

    def client_start(self, name):
        run = self.runs[name]
        stage = run.start()
        if stage is not None:
            self.check_start(name[0], run.step, name, stage, run.state.inputs(stage))
            self.own.append((name, stage))

    def client_end(self, index, fails):
        name, stage = self.own.pop(index)
        if name not in self.runs:
            return
        if fails:
            self.finish(name, "failed", self.runs[name].abort())
        else:
            self.act(name[0], self.runs[name].stage_ended(stage, self.results(name, stage)))

    def finish(self, name, outcome, actions=()):
        """The client has what it waited for, or gives up."""
        self.act(name[0], actions)
        self.outcome[name] = outcome
        del self.runs[name]

    def conclude(self, name):
        run = self.runs[name]
        if run.failure is not None:
            self.finish(name, "failed", run.abort())
        elif run.is_over and not any(n == name for n, _ in self.own):
            step = self.steps[run.step]
            assert run.results([s.number for s in step.stages if s.number in run.state.values])
            for stage in step.stages:
                assert self.applied[name, stage.number] == 1 and (name, stage.number) in self.ended, "an update is lost"
            given = {i for plan in step.plans.values() for i in plan.returns} | {
                s.number for s in step.plans[name[0]].stages
            }
            assert run.results(given) == [(*name, i) for i in given]
            self.finish(name, "done")

    def task_end(self, index, fails):
        rank, start = self.working.pop(index)
        machine = self.machines[rank]
        if fails:
            self.act(rank, machine.stage_failed(start.run, {"code": 13, "message": "no"}))
        else:
            self.act(rank, machine.stage_ended(start.run, start.stage, self.results(start.run, start.stage)))

    def forget(self, key):
        self.forgotten.add(key)
        for rank in self.steps[key].others:
            self.send(key[0], rank, Message(Kind.FORGET, *key))
        # Another thread may close the session while a run goes on.
        for name in [name for name, run in self.runs.items() if run.step == key]:
            self.finish(name, "closed", self.runs[name].abort())

    def lose(self, channel):
        message = self.channels[channel].popleft()
        self.lost[message.kind] += 1

    def double(self, channel):
        queue = self.channels[channel]
        # A copy that is late comes after what was sent later.
        queue.insert(self.random.randint(1, len(queue)), queue[0])

    def events(self, disturbed):
        found = []
        for channel, queue in self.channels.items():
            if queue:
                found.append((self.deliver, channel))
                if disturbed:
                    found.append((self.double, channel))
                    if self.lossy:
                        found.append((self.lose, channel))
        for i in range(len(self.working)):
            found.append((self.task_end, i, False))
            if disturbed:
                found.append((self.task_end, i, True))
        for i in range(len(self.own)):
            found.append((self.client_end, i, False))
            if disturbed:
                found.append((self.client_end, i, True))
        for name, run in self.runs.items():
            if run.state.plan.stages and not any(n == name for n, _ in self.own) and not run.state.is_over:
                if run.failure is None and not run.state.missing[1] and not run.state.missing[2]:
                    found.append((self.client_start, name))
            if run.is_over:
                found.append((self.conclude, name))
            if disturbed:
                found.append((self.finish, name, "aborted", "abort"))
        return found

    def happen(self, event):
        function, *arguments = event
        if arguments[-1] == "abort":
            arguments[-1] = self.runs[arguments[0]].abort()
        function(*arguments)

    # A whole history

    def live(self, events):
        """Whatever can happen does, so many times; nothing bad happens for a while now and then, or no run would end."""
        for i in range(events):
            found = self.events(i // 20 % 2 == 0 or self.random.random() < 0.1)
            # Steps are numbered as they are defined.
            ready = [key for key in self.steps if key not in self.forgotten]
            ready = [key for key in ready if key[1] == 1 or (key[0], 1) in self.defined]
            found += [(self.begin, key) for key in ready if self.numbers[key[0]] < 9]
            found += [(self.forget, key) for key in ready if key in self.defined and self.random.random() < 0.1]
            if not found:
                break
            self.happen(self.random.choice(found))

    def settle(self):
        """Lets all that is under way come to its end, in a random order."""
        while found := self.events(False):
            self.happen(self.random.choice(found))

    def leave(self):
        for key in self.steps:
            if key in self.defined and key not in self.forgotten:
                self.forget(key)
        self.settle()


SEEDS = st.integers(0, 2**40)
SETTINGS = settings(max_examples=300, deadline=None)


def left_over(machine):
    return machine.run_count, machine.step_count, machine.early_count


def all_runs_end_and_nothing_is_kept(seed, events):
    world = World(seed)
    world.live(world.random.randint(5, events))
    world.settle()
    assert not world.runs, "a run has no end"
    assert all(machine.run_count == machine.early_count == 0 for machine in world.machines)
    world.leave()
    assert [left_over(machine) for machine in world.machines] == [(0, 0, 0)] * RANKS
    return world


@given(SEEDS)
@SETTINGS
def test_all_runs_end_and_nothing_is_kept(seed):
    all_runs_end_and_nothing_is_kept(seed, 150)


def test_histories_hold_what_they_are_to_show():
    outcomes = Counter(o for seed in range(40) for o in all_runs_end_and_nothing_is_kept(seed, 150).outcome.values())
    assert all(outcomes[o] > 10 for o in ("done", "failed", "aborted", "closed")), outcomes


@given(SEEDS)
@SETTINGS
def test_losses_are_ended_by_the_clients_timeout(seed):
    world = World(seed, lossy=True)
    world.live(world.random.randint(5, 150))
    world.settle()
    for name, run in list(world.runs.items()):
        assert sum(world.lost.values()), "nothing was lost, and yet a run has no end"
        world.finish(name, "timed out", run.abort())
    world.settle()
    if not world.lost[Kind.ABORT]:
        assert all(machine.run_count == machine.early_count == 0 for machine in world.machines)
    for rank, machine in enumerate(world.machines):
        for client in range(RANKS):
            world.act(rank, machine.client_ended(client))
    assert [left_over(machine) for machine in world.machines] == [(0, 0, 0)] * RANKS


@given(SEEDS)
@SETTINGS
def test_a_client_that_is_gone_leaves_nothing(seed):
    world = World(seed)
    world.live(world.random.randint(5, 150))
    gone = world.random.randrange(2)
    world.forgotten |= {key for key in world.steps if key[0] == gone}
    for rank, machine in enumerate(world.machines):
        # The last that it sent may be lost with it; what it made others send may come later.
        for channel in [c for c in world.channels if c[:2] == (gone, rank) and not c[2]]:
            for _ in range(min(world.random.randint(0, 2), len(world.channels[channel]))):
                world.channels[channel].pop()
            while world.channels[channel]:
                world.deliver(channel)
        world.act(rank, machine.client_ended(gone))
    for name in [n for n in world.runs if n[0] == gone]:
        del world.runs[name]
    world.settle()
    for machine in world.machines:
        assert not any(run[0] == gone for run in machine.runs)
        assert machine.early_count == 0


@pytest.mark.long
@pytest.mark.parametrize("part", range(4))
def test_all_runs_end_in_many_histories(part):
    for seed in range(part * 5000, part * 5000 + 5000):
        all_runs_end_and_nothing_is_kept(seed, 300)
