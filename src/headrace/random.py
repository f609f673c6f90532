"""The names of TensorFlow 1.15's `tf.random`."""

from .engine.ops.array_split import split
from .engine.ops.nn_candidates import (
    all_candidate_sampler,
    fixed_unigram_candidate_sampler,
    learned_unigram_candidate_sampler,
    log_uniform_candidate_sampler,
    uniform_candidate_sampler,
)
from .engine.ops.random import (
    categorical,
    get_seed,
    multinomial,
    random_gamma as gamma,
    random_normal as normal,
    random_poisson as poisson,
    random_shuffle as shuffle,
    random_uniform as uniform,
    set_random_seed,
    truncated_normal,
)
from .engine.ops.random_stateless import (
    stateless_multinomial,
    stateless_multinomial as stateless_categorical,
    stateless_truncated_normal,
)

__all__ = [
    "all_candidate_sampler", "categorical", "fixed_unigram_candidate_sampler", "gamma", "get_seed",
    "learned_unigram_candidate_sampler", "log_uniform_candidate_sampler", "multinomial", "normal", "poisson",
    "set_random_seed", "shuffle", "split", "stateless_categorical", "stateless_multinomial",
    "stateless_truncated_normal", "truncated_normal", "uniform", "uniform_candidate_sampler",
]  # fmt: skip
