"""What a binding of a backend says where it has no kernel for a node."""

from __future__ import annotations


class UnsupportedError(Exception):
    """Says why a node does not run on a backend's own kernels: its text is what `session.explain` shows."""
