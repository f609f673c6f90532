"""Passes that turn a step into an equal one that costs less. None of them knows a backend."""
