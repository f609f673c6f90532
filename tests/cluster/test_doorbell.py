"""Doorbells: a ring ends a wait at once, rings before a wait are not lost, words come in order, and nobody answering is no
error."""

import threading
import time

import pytest

from headrace.cluster.doorbell import Doorbell


def works():
    bell = Doorbell()
    found = bell.works
    bell.close()
    return found


pytestmark = pytest.mark.skipif(not works(), reason="this system has no sockets without a file")


def test_a_ring_ends_a_wait():
    one, other = Doorbell(), Doorbell()
    thread = threading.Thread(target=lambda: (time.sleep(0.05), other.ring(one.address)))
    thread.start()
    assert one.wait(30)
    thread.join()
    assert one.wait(0) and one.take() == [b""]
    assert not one.wait(0)
    one.close()
    other.close()


def test_rings_before_the_wait_are_kept_and_never_block():
    one, other = Doorbell(), Doorbell()
    assert all(other.ring(one.address) for _ in range(5000))
    assert one.wait(0)
    assert set(one.take()) == {b""}
    assert not one.wait(0) and one.take() == []
    one.close()
    assert not other.ring(one.address)
    other.close()


def test_words_come_in_order_until_there_is_no_more_room():
    one, other = Doorbell(), Doorbell()
    sent = [b"%d" % i for i in range(5000) if other.post(one.address, b"%d" % i)]
    assert 0 < len(sent) < 5000 and one.take() == sent
    assert other.post(one.address, b"x" * 5000) and one.take() == [b"x" * 5000]
    one.close()
    assert other.post(one.address, b"late") is None
    other.close()


def test_words_of_those_who_were_not_told_the_address_are_dropped():
    one, other = Doorbell(), Doorbell()
    guessed = one.address[:-32] + "00" * 16
    assert other.post(guessed, b"let me in")
    assert one.take() == []
    one.close()
    other.close()


@pytest.mark.parametrize("address", ["", "00ff00"])
def test_nobody_there(address):
    bell = Doorbell()
    assert not bell.ring(address)
    bell.close()
    assert not bell.wait(0)


def test_several_threads_wait_at_once():
    one, other = Doorbell(), Doorbell()
    errors = []

    def wait():
        try:
            for _ in range(50):
                one.wait(0.002)
                one.take()
        except Exception as error:
            errors.append(error)

    threads = [threading.Thread(target=wait) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        other.ring(one.address)
        thread.join()
    one.close()
    other.close()
    assert not errors


@pytest.mark.parametrize("what", ["take", "post"])
def test_another_thread_closes_it_meanwhile(what, monkeypatch):
    bell = Doorbell()
    own = bell._socket

    class Closing:
        """Its doorbell is closed while it is used."""

        def recv(self, count):
            data = own.recv(count)
            bell.close()
            return data

        def sendto(self, *arguments):
            bell.close()
            raise OSError

        def close(self):
            own.close()

    bell.post(bell.address, b"first")
    bell.post(bell.address, b"second")
    monkeypatch.setattr(bell, "_socket", Closing())
    if what == "take":
        assert bell.take() == [b"first"]
    else:
        assert bell.post(bell.address, b"third") is None
    assert not bell.works and bell.take() == []


def test_who_sends_without_end_keeps_nobody(monkeypatch):
    bell = Doorbell()

    class Endless:
        """Somebody of the machine who knows the name and not the secret."""

        def recv(self, count):
            return b"x" * count

    own = bell._socket
    monkeypatch.setattr(bell, "_socket", Endless())
    assert bell.take() == []
    own.close()
