"""The names of TensorFlow 1.15's `tf.summary`."""

from .engine.ops.summaries import audio as audio
from .engine.ops.summaries import get_summary_description as get_summary_description
from .engine.ops.summaries import histogram as histogram
from .engine.ops.summaries import image as image
from .engine.ops.summaries import merge as merge
from .engine.ops.summaries import merge_all as merge_all
from .engine.ops.summaries import scalar as scalar
from .engine.ops.summaries import tensor_summary as tensor_summary
from .engine.ops.summaries import text as text
from .engine.protos import Event as Event
from .engine.protos import SessionLog as SessionLog
from .engine.protos import Summary as Summary
from .engine.protos import SummaryDescription as SummaryDescription
from .engine.protos import TaggedRunMetadata as TaggedRunMetadata
from .engine.summary.writer import FileWriter as FileWriter
from .engine.summary.writer import FileWriterCache as FileWriterCache
