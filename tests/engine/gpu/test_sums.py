"""Sums over ranks in programs: among the other work of a step, agreed on before it, and the host's where a GPU cannot."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import headrace as tf
from headrace.engine import errors
from headrace.engine.backends.gpu_segments import DeviceSegment, Results
from headrace.engine.communicator import using
from headrace.engine.gpu import find
from headrace.engine.gpu.bindings import collective
from headrace.engine.gpu.cuda import driver, nccl
from headrace.engine.gpu.sums import CALLS, FRESH, Meeting, Part, sums_on
from headrace.engine.unsupported import UnsupportedError

# The other rank is a double, which no NCCL would find.
pytestmark = pytest.mark.skipif(os.environ.get("HEADRACE_TEST_DEVICE") == "cuda", reason="tests of the simulated GPU")


class Two:
    """Two ranks that do the same: this is the first, and the other one has what it has."""

    rank, size, share = 0, 2, 0.5

    def __init__(self, cards: Sequence[int] = (3, 5), others: Sequence[int | None] = ()) -> None:
        self.cards = cards
        # What the other rank says in the agreements to come; None, or nothing: as this one.
        self.others = list(others)
        self.agreed: list[Any] = []
        self.sums = 0
        self.endings: list[Any] = []

    def agree(self, name: str, arrays: Sequence[str], value: int) -> list[int]:
        other = self.others.pop(0) if self.others else None
        self.agreed.append((name, tuple(arrays), value))
        return [value, value if other is None else other]

    def broadcast(self, name: str, array: Any, root: int = 0) -> Any:
        return array

    def all_reduce(self, name: str, array: Any, merge: str = "Add") -> Any:
        self.sums += 1
        return array + array

    def at_leaving(self, call: Any) -> None:
        self.endings.append(call)


@pytest.fixture
def simulated(sim: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADRACE_GPU", "sim")


def trained(ranks: Two | None, steps: int = 5, **options: Any) -> tuple[list[Any], str]:
    """Weights, and what is said of a step, of a model that ranks train or one process does."""
    x = np.random.default_rng(0).normal(size=(6, 3)).astype(np.float32)
    with tf.Graph().as_default(), using(ranks):
        w = tf.get_variable("w", [3, 700], initializer=tf.ones_initializer())
        b = tf.get_variable("b", [700], initializer=tf.zeros_initializer())
        none = tf.get_variable("none", [0])
        y = tf.tanh(tf.matmul(x, w) + b)
        loss = tf.reduce_mean(tf.square(y - 0.5)) + tf.reduce_sum(none)
        optimizer = tf.train.MomentumOptimizer(0.5, 0.9)
        if ranks is not None:
            optimizer = tf.cluster.DistributedOptimizer(optimizer, **options)
        step = optimizer.minimize(loss)
        with tf.Session(backend="cpu" if ranks is None else "gpu") as session:
            session.run(tf.global_variables_initializer())
            for _ in range(steps):
                session.run([loss, step])
            text = session.explain([loss, step]) if ranks is not None else ""
            return session.run([w, b]), text


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize(
    ("options", "tolerance"),
    [({}, 1e-6), ({"bucket_bytes": 1}, 1e-6), ({"compression": "float16"}, 2e-3), ({"compression": "bfloat16"}, 1e-2)],
)
def test_ranks_train_the_model_of_one(options: dict[str, Any], tolerance: float) -> None:
    ranks = Two()
    (w, b), text = trained(ranks, **options)
    expected, _ = trained(None)
    for found, wanted in zip((w, b), expected, strict=True):
        np.testing.assert_allclose(found, wanted, atol=tolerance)
    assert "added up over 2 ranks by simulated GPUs" in text and "segment 1" not in text and "NumPy" not in text
    assert [value for _, _, value in ranks.agreed] == [CALLS, FRESH, 2, 2, 2]
    wire = f" as {options['compression']}" if "compression" in options else ""
    names, arrays, _ = ranks.agreed[0]
    told = dict(zip(names.split(", "), arrays, strict=True))
    assert (told["w"], told["b"]) == (f"float32[3,700]{wire}", f"float32[700]{wire}")


@pytest.mark.usefixtures("simulated")
@pytest.mark.parametrize("compression", [None, "bfloat16"])
def test_sums_end_with_their_segment(compression: str | None) -> None:
    """What runs on the host comes between the start of a sum and the wait for it."""
    ranks = Two()
    with tf.Graph().as_default(), using(ranks):
        w = tf.get_variable("w", [40], initializer=tf.ones_initializer())
        loss = tf.reduce_sum(tf.square(w))
        optimizer = tf.cluster.DistributedOptimizer(tf.train.GradientDescentOptimizer(0.25), compression=compression)
        step = optimizer.minimize(loss)
        doubled = tf.py_func(lambda value: value * 2, [loss], tf.float32)
        with tf.Session(backend="gpu") as session:
            session.run(w.initializer)
            found = [session.run([doubled, step])[0] for _ in range(4)]
            text = session.explain([doubled, step])
            np.testing.assert_array_equal(session.run(w), np.full(40, 0.0625))
    assert found == [80, 20, 5, 1.25]
    lines = text.splitlines()
    places = [
        next(i for i, line in enumerate(lines) if f"= {kind}(" in line)
        for kind in ("CollectiveStart", "PyFunc", "CollectiveWait")
    ]
    assert places == sorted(places) and "segment 1" in text
    assert [value for _, _, value in ranks.agreed] == [CALLS, FRESH, 2, 2]


@pytest.mark.usefixtures("simulated")
def test_ranks_that_cannot_replay_together_capture_or_call_together() -> None:
    # The other rank makes its calls one by one at the fourth step, has another capture at the fifth, none at the sixth.
    ranks = Two(others=[None, None, None, CALLS, 7, FRESH])
    (w, _), _ = trained(ranks, 8)
    np.testing.assert_allclose(w, trained(None, 8)[0][0], atol=1e-6)
    assert [value for _, _, value in ranks.agreed] == [CALLS, FRESH, 2, 2, 2, 3, 4, 4]


@pytest.mark.usefixtures("simulated")
def test_ranks_in_ever_other_company_do_not_capture_for_ever() -> None:
    ranks = Two(others=[100 + i for i in range(24)])
    (w, _), _ = trained(ranks, 24)
    np.testing.assert_allclose(w, trained(None, 24)[0][0], atol=1e-6)
    assert [value for _, _, value in ranks.agreed][-2:] == [CALLS, CALLS]


@pytest.mark.parametrize(
    ("own", "other", "expected"), [(CALLS, 5, CALLS), (FRESH, CALLS, CALLS), (FRESH, FRESH, 9), (4, 4, 4), (4, 5, 9)]
)
def test_agreements(sim: Any, own: int, other: int, expected: int) -> None:
    sums = sim.sums(Two(others=[other]))
    sums.captures = 8
    assert (
        Meeting([Part(sums, "a, b", ("float32[1]", "float32[2]")), Part(sums, "c", ("float32[3]",))]).agreed(own)
        == expected
    )
    assert sums.ranks.agreed == [("a, b, c", ("float32[1]", "float32[2]", "float32[3]"), own)]


def test_no_sums_after_an_error() -> None:
    def agree(*arguments: Any) -> None:
        raise errors.AbortedError(None, None, "rank 1 has left")

    ended: list[str] = []
    sums: Any = SimpleNamespace(ranks=SimpleNamespace(agree=agree), end=ended.append)
    with pytest.raises(errors.AbortedError):
        Meeting([Part(sums, "a", ("float32[1]",))]).agreed(CALLS)
    assert ended == ["rank 1 has left"]


def test_sums_of_the_simulation(sim: Any) -> None:
    ranks = Two()
    sums = sums_on(sim, ranks)
    assert sums is sums_on(sim, ranks) and ranks.endings == [sums.close]
    address, found = sim.allocate(12), np.empty(3, np.float32)
    call = sums.all_reduce([(address, 3)], np.float32)
    captured = sim.capture([call, sums.join])
    for _ in range(2):
        sim.upload(address, np.arange(3, dtype=np.float32))
        captured()
        sim.download(found, address)
        np.testing.assert_array_equal(found, [0, 2, 4])
    call()
    sim.download(found, address)
    assert np.isnan(found).all()
    sums.join()
    with pytest.raises(errors.FailedPreconditionError, match="a capture ends before its sums"):
        sim.capture([call])
    with pytest.raises(errors.InternalError, match="sum over ranks: 16 bytes"):
        sums.all_reduce([(address, 4)], np.float32)()


def test_a_step_that_failed_is_not_added_up_again(sim: Any) -> None:
    ran: list[int] = []
    results = Results(sim)
    results.allocate()
    segment = DeviceSegment(sim, results, [lambda i=i: ran.append(i) for i in range(4)], [0, 1, 2, 3])
    segment.shared.add(1)
    segment.rerun_before(3)
    assert ran == [0, 2]


@pytest.mark.parametrize(
    ("cards", "said"),
    [
        ((0, 5), "HEADRACE_NCCL is 0"),
        ((5, 0), "rank 1 has no GPU that could"),
        ((4, 4), "ranks 0, 1 have one GPU together, and NCCL wants one for each"),
    ],
)
@pytest.mark.usefixtures("simulated")
def test_the_host_adds_up_where_gpus_cannot(
    cards: tuple[int, ...], said: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("HEADRACE_NCCL", "0")
    monkeypatch.setattr(collective, "_said", set())
    bound: Any = SimpleNamespace(
        context=SimpleNamespace(runtime=SimpleNamespace(extras={"communicator": Two(cards)}), name="x"), device=None
    )
    with caplog.at_level(logging.WARNING, "headrace"):
        for _ in range(2):
            with pytest.raises(UnsupportedError, match=said):
                collective.sums_of(bound)
    assert [r.getMessage() for r in caplog.records] == [
        f"Gradients of 2 ranks are added up on the hosts, not by their GPUs: {said}"
    ]


def test_numbers_of_cards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HEADRACE_NCCL", raising=False)
    for choice, why in (("none", "HEADRACE_GPU is none"), ("sim", "")):
        monkeypatch.setenv("HEADRACE_GPU", choice)
        number, said = find.card_for_sums()
        assert (bool(number), said) == (not why, why)
    monkeypatch.setenv("HEADRACE_GPU", "")
    monkeypatch.setattr(driver, "find", lambda: driver.Found(reason="no GPU: there is no driver"))
    assert find.card_for_sums() == (0, "no GPU: there is no driver")
    card = driver.Card(0, "A card", "sm_90", 1 << 33)
    monkeypatch.setattr(driver, "find", lambda: driver.Found((card, card), 13))
    monkeypatch.setattr(driver, "check_packages", lambda found: None)
    monkeypatch.setattr(nccl, "require_nccl", lambda cuda: None)
    for names, alike in (((b"one", b"one"), True), ((b"one", b"other"), False), ((b"", b""), False)):
        monkeypatch.setattr(driver, "identity", lambda index, names=names: names[index])
        numbers = []
        for rank in "01":
            monkeypatch.setenv("OMPI_COMM_WORLD_LOCAL_RANK", rank)
            numbers.append(find.card_for_sums()[0])
        assert all(numbers) and (numbers[0] == numbers[1]) is alike
    monkeypatch.setenv("HEADRACE_NCCL", "yes")
    with pytest.raises(errors.InvalidArgumentError, match="HEADRACE_NCCL is 'yes'; it may be 0 or 1"):
        find.card_for_sums()


def test_what_tells_cards_apart() -> None:
    def number(device: Any, index: int) -> int:
        device._obj.value = 10 + index
        return 0

    def name(found: Any, device: Any) -> int:
        found.raw = bytes(16 * [device.value])
        return int(device.value == 12)

    library = SimpleNamespace(cuDeviceGet=number, cuDeviceGetUuid=name)
    assert [driver.identity(i, lambda: library) for i in range(3)] == [b"\x0a" * 16, b"\x0b" * 16, b""]
