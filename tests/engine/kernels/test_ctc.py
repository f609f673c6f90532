"""CTC against TensorFlow's values and against the sum over all paths."""

import itertools
from pathlib import Path

import numpy as np
import pytest

from headrace.engine.errors import InvalidArgumentError
from headrace.engine.kernels.ctc import ctc_loss
from headrace.engine.kernels.ctc_decode import ctc_beam_search_decode, ctc_greedy_decode

FILE = np.load(Path(__file__).parents[2] / "fixtures/kernels/ctc.npz")
E = {name: FILE[name] for name in FILE.files}
INPUTS, LABELS = E["inputs"], (E["places"], E["values"])


@pytest.mark.parametrize("collapse", [0, 1])
@pytest.mark.parametrize("merge", [0, 1])
def test_losses_and_gradients_are_those_of_tensorflow(collapse, merge):
    loss, gradient = ctc_loss(INPUTS, *LABELS, E["lengths"], bool(collapse), bool(merge))
    np.testing.assert_allclose(loss, E[f"loss_{collapse}{merge}"], rtol=1e-5)
    np.testing.assert_allclose(gradient, E[f"gradient_{collapse}{merge}"], rtol=1e-4, atol=1e-6)


def test_sequences_without_steps_or_with_too_few():
    out = np.empty(5, np.float32), np.empty_like(INPUTS)
    loss, gradient = ctc_loss(INPUTS, *LABELS, E["short"], ignore_longer_outputs_than_inputs=True, out=out)
    assert (loss is out[0], gradient is out[1]) == (True, True)
    np.testing.assert_allclose(loss, E["loss_short"], rtol=1e-5)
    np.testing.assert_allclose(gradient, E["gradient_short"], rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("labels", [[0], [0, 1], [1, 1], [0, 2]])
def test_the_loss_is_the_sum_over_all_paths(labels):
    logits = np.random.default_rng(0).normal(size=(4, 1, 3))
    y = np.exp(logits[:, 0]) / np.exp(logits[:, 0]).sum(axis=1, keepdims=True)
    wanted = [label for label in labels if label < 2]
    total = 0.0
    for path in itertools.product(range(3), repeat=4):
        merged = [label for label, _ in itertools.groupby(path) if label < 2]
        total += np.prod(y[np.arange(4), path]) * (merged == wanted)
    places = np.array([[0, i] for i in range(len(labels))])
    loss, gradient = ctc_loss(logits, places, np.array(labels), np.array([4]))
    np.testing.assert_allclose(loss, -np.log(total))
    step = np.random.default_rng(1).normal(size=logits.shape) * 1e-5
    further = ctc_loss(logits + step, places, np.array(labels), np.array([4]))[0]
    nearer = ctc_loss(logits - step, places, np.array(labels), np.array([4]))[0]
    np.testing.assert_allclose((further - nearer)[0] / 2, np.vdot(gradient, step), rtol=1e-6)


def test_null_labels_only_leave_blanks():
    logits = np.zeros((2, 1, 3))
    loss, _ = ctc_loss(logits, np.array([[0, 0]]), np.array([2]), np.array([2]))
    np.testing.assert_allclose(loss, [2 * np.log(3)])


@pytest.mark.parametrize("merge", [0, 1])
def test_greedy_decoding(merge):
    found, score = ctc_greedy_decode(INPUTS, E["lengths"], bool(merge))
    for name, part in zip(("indices", "values", "shape"), found, strict=True):
        np.testing.assert_array_equal(part, E[f"greedy{merge}_{name}"])
    np.testing.assert_allclose(score, E[f"greedy{merge}_score"], rtol=1e-5)
    assert ctc_greedy_decode(INPUTS, E["lengths"], blank_index=0)[0][1].min() > 0


@pytest.mark.parametrize("merge", [0, 1])
@pytest.mark.parametrize(("width", "top"), [(100, 3), (4, 2), (2, 1)])
def test_beam_search(merge, width, top):
    found, scores = ctc_beam_search_decode(INPUTS, E["lengths"], width, top, bool(merge))
    np.testing.assert_allclose(scores, E[f"beam{merge}_{width}_score"], rtol=1e-4)
    for rank, path in enumerate(found):
        for name, part in zip(("indices", "values", "shape"), path, strict=True):
            np.testing.assert_array_equal(part, E[f"beam{merge}_{width}_{rank}_{name}"])


def test_no_steps_decode_to_nothing():
    for found, score in (
        ctc_greedy_decode(INPUTS, np.zeros(5, int)),
        (lambda pair: (pair[0][0], pair[1]))(ctc_beam_search_decode(INPUTS, np.zeros(5, int))),
    ):
        assert found[0].shape == (0, 2)
        assert found[2].tolist() == [5, 0]
        assert not score.any()


ONE, PLACE, TWO = np.zeros((2, 1, 4)), np.array([[0, 0]]), np.array([2])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ctc_loss(ONE[0], PLACE, np.array([1]), TWO), r"must be \[time, batch, classes\]"),
        (lambda: ctc_loss(ONE, PLACE, np.array([1]), np.array([2, 2])), "expected shape"),
        (lambda: ctc_loss(ONE, PLACE, np.array([1]), np.array([3])), r"sequence_length\(0\) = 3 is not"),
        (lambda: ctc_loss(ONE, PLACE, np.array([1, 2]), TWO), "same number of rows"),
        (lambda: ctc_loss(ONE, PLACE + 1, np.array([1]), TWO), "SparseTensor is not valid"),
        (lambda: ctc_loss(ONE, np.zeros((2, 2), int), np.array([1, 1]), TWO), "out of order"),
        (lambda: ctc_loss(ONE, PLACE[:0], PLACE[:0, 0], TWO), "Labels length is zero in batch 0"),
        (lambda: ctc_loss(ONE, np.array([[0, 0], [0, 1]]), np.array([3, 1]), TWO), "non-null label"),
        (lambda: ctc_loss(ONE, PLACE, np.array([-1]), TWO), "must be nonnegative"),
        (lambda: ctc_loss(ONE, PLACE, np.array([1]), np.array([0])), r"required: 1, available: 0"),
        (lambda: ctc_greedy_decode(ONE, TWO, blank_index=4), "between -4 and 3 but was 4"),
        (lambda: ctc_beam_search_decode(ONE, TWO, 2, 3), "more paths than the beam width"),
        (lambda: ctc_beam_search_decode(ONE, np.array([0]), 5, 3), "Less leaves"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_named(call, message):
    with pytest.raises(InvalidArgumentError, match=message):
        call()
