"""The names of TensorFlow 1.15's `tf.queue`."""

from .engine.data_flow import FIFOQueue as FIFOQueue
from .engine.data_flow import PaddingFIFOQueue as PaddingFIFOQueue
from .engine.data_flow import PriorityQueue as PriorityQueue
from .engine.data_flow import QueueBase as QueueBase
from .engine.data_flow import RandomShuffleQueue as RandomShuffleQueue
