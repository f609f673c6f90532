"""Summaries and event files as TensorBoard reads them; the ops of the graph are in engine/ops."""

from .events import EventFileWriter, summary_iterator
from .writer import FileWriter, FileWriterCache

__all__ = ["EventFileWriter", "FileWriter", "FileWriterCache", "summary_iterator"]
