"""How the processes of a job share an estimator's training: by parts of each batch, or as replicas of a strategy, by batches."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from ..cluster.strategies import InputContext
from ..engine.training.data_parallel import DataParallel, data_parallel
from .model_calls import call_with, takes
from .model_fn import ModeKeys
from .parameter_servers import on_servers
from .run_config import RunConfig


def ranks_of(config: RunConfig) -> DataParallel | None:
    """The ranks that train and evaluate together, None where each is by itself."""
    return None if config.strategy == "parameter_server" or on_servers(config) else data_parallel()


def ranks_of_training(config: RunConfig) -> DataParallel | None:
    """The same for training: replicas of a strategy have batches of their own."""
    ranks = ranks_of(config)
    return ranks if ranks is None or config.strategies[0] is None else replace(ranks, sharded_input=True)


def given_by(input_fn: Callable[..., Any], mode: str, params: Any, config: RunConfig) -> Any:
    """What an input function gives for this process, which it may be told by an `input_context`."""
    context = _context(config, mode)
    result = call_with(input_fn, {"mode": mode, "params": params, "config": config, "input_context": context})
    return _own_batches(config, mode, result, context is not None and takes(input_fn, "input_context"))


def _context(config: RunConfig, mode: str) -> InputContext | None:
    """What an input function is told that takes an `input_context`: None without a strategy, as in TensorFlow."""
    strategy = config.strategies[mode != ModeKeys.TRAIN]
    if strategy is None or mode == ModeKeys.PREDICT:
        return None
    count = strategy.num_replicas_in_sync
    ranks = ranks_of(config) if mode == ModeKeys.TRAIN else None
    return InputContext(1, 0, count) if ranks is None else InputContext(ranks.ranks.size, ranks.ranks.rank, count)


def _own_batches(config: RunConfig, mode: str, result: Any, is_told: bool) -> Any:
    """What an input function gave, with the batches of this replica alone where it was not told which are its.

    Raises:
        ValueError: replicas need a Dataset.
    """
    ranks = ranks_of(config)
    if mode != ModeKeys.TRAIN or config.strategies[0] is None or ranks is None or ranks.ranks.size == 1:
        return result
    if not hasattr(result, "shard"):
        raise ValueError(
            "input_fn must return a tf.data.Dataset when using a tf.distribute.Strategy on several processes, got "
            f"{type(result).__name__}"
        )
    return result if is_told or ranks.sharded_input else result.shard(ranks.ranks.size, ranks.ranks.rank)
