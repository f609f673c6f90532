"""Traces of steps: runs that leave a RunMetadata behind, and their timelines."""

from .runs import run_traced as run_traced
