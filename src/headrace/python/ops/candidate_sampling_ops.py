"""The names of `tensorflow.python.ops.candidate_sampling_ops`, each loaded when it is first asked for."""

from typing import TYPE_CHECKING

from ...engine.lazy_names import Places, lazy_names

if TYPE_CHECKING:
    from ...engine.ops.nn_candidates import (
        all_candidate_sampler,
        compute_accidental_hits,
        fixed_unigram_candidate_sampler,
        learned_unigram_candidate_sampler,
        log_uniform_candidate_sampler,
        uniform_candidate_sampler,
    )

__all__ = [
    "all_candidate_sampler", "compute_accidental_hits", "fixed_unigram_candidate_sampler",
    "learned_unigram_candidate_sampler", "log_uniform_candidate_sampler", "uniform_candidate_sampler",
]  # fmt: skip

_PLACES: Places = {
    "all_candidate_sampler": ("...engine.ops.nn_candidates", "all_candidate_sampler"),
    "compute_accidental_hits": ("...engine.ops.nn_candidates", "compute_accidental_hits"),
    "fixed_unigram_candidate_sampler": ("...engine.ops.nn_candidates", "fixed_unigram_candidate_sampler"),
    "learned_unigram_candidate_sampler": ("...engine.ops.nn_candidates", "learned_unigram_candidate_sampler"),
    "log_uniform_candidate_sampler": ("...engine.ops.nn_candidates", "log_uniform_candidate_sampler"),
    "uniform_candidate_sampler": ("...engine.ops.nn_candidates", "uniform_candidate_sampler"),
}
__getattr__, __dir__ = lazy_names(__name__, _PLACES)
