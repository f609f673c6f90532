"""The names of TensorFlow 1.15's `tf.random`."""

from .engine.ops.array_split import split as split
from .engine.ops.nn_candidates import all_candidate_sampler as all_candidate_sampler
from .engine.ops.nn_candidates import fixed_unigram_candidate_sampler as fixed_unigram_candidate_sampler
from .engine.ops.nn_candidates import learned_unigram_candidate_sampler as learned_unigram_candidate_sampler
from .engine.ops.nn_candidates import log_uniform_candidate_sampler as log_uniform_candidate_sampler
from .engine.ops.nn_candidates import uniform_candidate_sampler as uniform_candidate_sampler
from .engine.ops.random import categorical as categorical
from .engine.ops.random import get_seed as get_seed
from .engine.ops.random import multinomial as multinomial
from .engine.ops.random import set_random_seed as set_random_seed
from .engine.ops.random import truncated_normal as truncated_normal
from .engine.ops.random_stateless import stateless_multinomial as stateless_multinomial
from .engine.ops.random_stateless import stateless_truncated_normal as stateless_truncated_normal
