"""Words between processes of one host, which end the waiting of who gets them, so that nobody need spin.

MPI tells nobody when a message comes; it must be asked. Processes of other hosts, or of systems without such sockets, ask
now and then.
"""

from __future__ import annotations

import contextlib
import secrets
import select
import socket

# Bytes that tell those whom this process has told its address from anybody else on the host.
_SECRET = 16
# No longer words can be sent.
MOST_BYTES = 1 << 14
# More than wait in a socket at once: who takes so many has all that were there when it began, whoever goes on sending.
_MOST_WAITING = 1 << 16


class Doorbell:
    """A socket of this process that others ring. It has no file: Linux gives it a name that ends with the process."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self._secret = secrets.token_bytes(_SECRET)
        self.address = ""
        with contextlib.suppress(OSError, AttributeError):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            made.setblocking(False)
            # No other process has this name, on no host.
            name = b"\0headrace-" + secrets.token_hex(8).encode()
            made.bind(name)
            if made.getsockname() == name:
                self._socket, self.address = made, (name + self._secret).hex()

    def ring(self, address: str) -> bool:
        """Wakes the process whose doorbell has this address; False if it is not on this host, or there is none."""
        return self.post(address, b"") is not None

    def post(self, address: str, words: bytes) -> bool | None:
        """Hands words over to the process whose doorbell has this address.

        Gives True, False if so many wait there that it takes no more, None if it is not on this host, or there is none.
        """
        own = self._socket
        if own is None or not address:
            return None
        data = bytes.fromhex(address)
        try:
            own.sendto(data[-_SECRET:] + words, data[:-_SECRET])
        except BlockingIOError:
            # It has not looked for a while: it will.
            return False
        except OSError:
            return None
        return True

    def take(self) -> list[bytes]:
        """The words that have come, in the order in which each process sent them; those of a mere ring are empty."""
        found: list[bytes] = []
        # Another thread may close it in the meantime.
        own = self._socket
        if own is not None:
            with contextlib.suppress(OSError):
                for _ in range(_MOST_WAITING):
                    data = own.recv(_SECRET + MOST_BYTES)
                    if data[:_SECRET] == self._secret:
                        found.append(data[_SECRET:])
        return found

    def wait(self, seconds: float) -> bool:
        """Waits until somebody rings, for so long at most; whether there is something to take."""
        own = self._socket
        return own is not None and _readable(own, seconds)

    @property
    def works(self) -> bool:
        """Whether this system has such sockets."""
        return self._socket is not None

    def close(self) -> None:
        """Closes the socket."""
        own, self._socket = self._socket, None
        if own is not None:
            own.close()


def _readable(own: socket.socket, seconds: float) -> bool:
    # Unlike select, poll takes any number of open files; but each thread needs an object of its own.
    waiting = select.poll()
    try:
        waiting.register(own, select.POLLIN)
    except (OSError, ValueError):
        # Closed in the meantime.
        return False
    return bool(waiting.poll(max(1, int(seconds * 1000)) if seconds else 0))
