"""Networks' ops against TensorFlow: values, gradients and seeded random numbers of the graphs in fixtures/nn."""

import runpy
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from headrace.engine import dtypes, initializers
from headrace.engine.gradients import gradients
from headrace.engine.graph import Graph
from headrace.engine.ops import (
    constant,
    nn_activations,
    nn_bias,
    nn_candidates,
    nn_convolution,
    nn_ctc,
    nn_embedding,
    nn_layers,
    nn_losses,
    nn_moments,
    nn_pooling,
    nn_sampled,
    random,
    random_stateless,
    reduce,
    unary,
)
from headrace.engine.session import Session
from headrace.engine.tensor_types import SparseTensor

FIXTURES = Path(__file__).parents[2] / "fixtures/nn"
CASES = runpy.run_path(str(FIXTURES / "cases.py"))["CASES"]
EXPECTED = np.load(FIXTURES / "nn.npz")


def names(*modules: ModuleType) -> dict[str, object]:
    return {name: value for module in modules for name, value in vars(module).items() if not name.startswith("_")}


tf = SimpleNamespace(
    **{
        **names(dtypes, unary, reduce, random, initializers),
        "constant": constant.constant,
        "gradients": gradients,
        "SparseTensor": SparseTensor,
        "nn": SimpleNamespace(
            **names(
                nn_activations, nn_bias, nn_candidates, nn_convolution, nn_ctc, nn_embedding, nn_layers, nn_losses,
                nn_moments, nn_pooling, nn_sampled,
            )
        ),
        "random": SimpleNamespace(
            stateless_uniform=random_stateless.stateless_random_uniform,
            stateless_normal=random_stateless.stateless_random_normal,
        ),
    }
)  # fmt: skip


@pytest.mark.parametrize("backend", ["cpu", "reference"])
@pytest.mark.parametrize("name", CASES)
def test_values_are_those_of_tensorflow(name, backend):
    with Graph().as_default():
        tensors = CASES[name](tf)
        with Session(backend=backend) as session:
            values = session.run(tensors)
    for i, (tensor, value) in enumerate(zip(tensors, values, strict=True)):
        expected = EXPECTED[f"{name}/{i}"]
        assert value.dtype == expected.dtype
        assert tensor.shape.is_compatible_with(expected.shape)
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-5, err_msg=str(i))
