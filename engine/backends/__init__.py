"""Backends turn a plan into a program that runs: `reference`, one op at a time, and `cpu`, bound to planned memory."""
