"""The network of TensorFlow 1's "fully connected feed" tutorial: two hidden layers of ReLU over 28x28 pixels."""

from __future__ import annotations

import math
from typing import Any

from ....engine.dtypes import int32, int64
from ....engine.graph import Tensor, get_default_graph
from ....engine.ops.array_parts import zeros
from ....engine.ops.casting import cast
from ....engine.ops.linalg import matmul_op
from ....engine.ops.nn_activations import relu
from ....engine.ops.random import truncated_normal
from ....engine.ops.reduce import reduce_sum
from ....engine.ops.summaries import scalar
from ....engine.ops.top import in_top_k
from ....engine.training.gradient_descent import GradientDescentOptimizer
from ....engine.variables import Variable
from ....layers.losses import sparse_softmax_cross_entropy

NUM_CLASSES = 10
IMAGE_SIZE = 28
IMAGE_PIXELS = IMAGE_SIZE * IMAGE_SIZE


def inference(images: Any, hidden1_units: int, hidden2_units: int) -> Tensor:
    """The logits [batch, 10] for images [batch, 784]."""
    hidden1 = relu(_linear("hidden1", images, IMAGE_PIXELS, hidden1_units))
    hidden2 = relu(_linear("hidden2", hidden1, hidden1_units, hidden2_units))
    return _linear("softmax_linear", hidden2, hidden2_units, NUM_CLASSES)


def _linear(scope: str, inputs: Any, size: int, units: int) -> Tensor:
    with get_default_graph().name_scope(scope):
        weights = Variable(truncated_normal([size, units], stddev=1 / math.sqrt(size)), name="weights")
        biases = Variable(zeros([units]), name="biases")
        return matmul_op(inputs, weights) + biases


def loss(logits: Tensor, labels: Any) -> Tensor:
    """The mean cross-entropy of logits and class indices [batch]."""
    return sparse_softmax_cross_entropy(labels=cast(labels, int64), logits=logits)


def training(loss: Tensor, learning_rate: Any) -> Any:
    """An operation that makes one step of gradient descent; the loss becomes a summary."""
    scalar("loss", loss)
    global_step = Variable(0, name="global_step", trainable=False)
    return GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)


def evaluation(logits: Tensor, labels: Any) -> Tensor:
    """How many examples of the batch are classified rightly: int32."""
    return reduce_sum(cast(in_top_k(logits, labels, 1), int32))
