"""Waking a process of this host that waits for messages: a byte on a socket that only wakes, so that nobody need spin.

MPI tells nobody when a message comes; it must be asked. Processes of other hosts, or of systems without such sockets, ask
now and then.
"""

from __future__ import annotations

import contextlib
import select
import socket


class Doorbell:
    """A socket of this process that others ring. It has no file: Linux gives it a name that ends with the process."""

    def __init__(self) -> None:
        self._socket: socket.socket | None = None
        self.address = ""
        with contextlib.suppress(OSError, AttributeError):
            made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
            made.setblocking(False)
            # An empty name asks for an abstract one that nobody has.
            made.bind("")
            name = made.getsockname()
            if isinstance(name, bytes) and name.startswith(b"\0"):
                self._socket, self.address = made, name.hex()

    def ring(self, address: str) -> bool:
        """Wakes the process whose doorbell has this address; False if it is not on this host, or there is none."""
        if self._socket is None or not address:
            return False
        try:
            self._socket.sendto(b"\0", bytes.fromhex(address))
        except BlockingIOError:
            # It has been rung more often than it has looked: it will.
            return True
        except OSError:
            return False
        return True

    def wait(self, seconds: float) -> bool:
        """Waits until somebody rings, for so long at most; whether somebody did."""
        own = self._socket
        if own is None or not _readable(own, seconds):
            return False
        with contextlib.suppress(OSError):
            while own.recv(64):
                pass
        return True

    @property
    def works(self) -> bool:
        """Whether this system has such sockets."""
        return self._socket is not None

    def close(self) -> None:
        """Closes the socket."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None


def _readable(own: socket.socket, seconds: float) -> bool:
    # Unlike select, poll takes any number of open files; but each thread needs an object of its own.
    waiting = select.poll()
    try:
        waiting.register(own, select.POLLIN)
    except (OSError, ValueError):
        # Closed in the meantime.
        return False
    return bool(waiting.poll(max(1, int(seconds * 1000)) if seconds else 0))
