"""`tf.contrib.tensorboard.plugins.custom_scalar.layout_pb2`: the messages of a layout."""

from .....engine.protos import Category, Chart, Layout, MarginChartContent, MultilineChartContent

__all__ = [
    "Category", "Chart", "Layout", "MarginChartContent", "MultilineChartContent",
]  # fmt: skip
