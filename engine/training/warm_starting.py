"""warm_start: a model's variables start from another's checkpoint, by name or word by word, as TensorFlow 1.15's."""

from __future__ import annotations

import logging
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from ..checkpoint.reader import CheckpointReader, load_checkpoint
from ..graph import Tensor
from ..initializers import zeros_initializer
from ..ops.array import reshape
from ..ops.array_pad import tile
from ..ops.choice import where
from ..ops.indexing import gather
from ..partitioned import PartitionedVariable, PartitionInfo
from ..scopes import GraphKeys, get_collection
from ..variables import Variable
from .checkpoint_init import Group, grouped_by_name, initialize_from, reading, set_initial_value, sizes_of

_log = logging.getLogger("headrace")


class VocabInfo(NamedTuple):
    """The vocabularies of a variable before and now, as `tf.train.VocabInfo`.

    Args:
        new_vocab: file of the words now, one a line.
        new_vocab_size: how many of them are used.
        num_oov_buckets: rows for words outside of the vocabulary, which start anew.
        old_vocab: file of the words of the checkpoint.
        old_vocab_size: how many of them were used, -1 for all.
        backup_initializer: fills the rows of words that are new; zeros by default.
        axis: 0 if the words are rows, 1 if they are columns.
    """

    new_vocab: str
    new_vocab_size: int
    num_oov_buckets: int
    old_vocab: str
    old_vocab_size: int = -1
    backup_initializer: Any = None
    axis: int = 0


def warm_start(
    ckpt_to_initialize_from: str | os.PathLike[str],
    vars_to_warm_start: Any = ".*",
    var_name_to_vocab_info: Mapping[str, VocabInfo] | None = None,
    var_name_to_prev_var_name: Mapping[str, str] | None = None,
) -> None:
    """Replaces the initializers of variables of the default graph by readings of a checkpoint.

    Args:
        ckpt_to_initialize_from: a checkpoint's prefix, or a folder, of which the newest is taken.
        vars_to_warm_start: which: a regular expression for the start of the names of trainable variables; a list of
            those for all variables; a list of variables; or None for those of `var_name_to_vocab_info`.
        var_name_to_vocab_info: vocabularies that changed, by names of variables.
        var_name_to_prev_var_name: names in the checkpoint that differ, by names of variables.

    Raises:
        ValueError: a tensor is not found or has another shape, or a name given is that of no such variable.
    """
    infos, names = dict(var_name_to_vocab_info or {}), dict(var_name_to_prev_var_name or {})
    groups = _chosen(vars_to_warm_start)
    for what, given in (("var_name_to_prev_var_name", names), ("var_name_to_vocab_info", infos)):
        if unused := sorted(set(given) - set(groups)):
            raise ValueError(
                f"You provided the following variables in {what} that were not used: {unused}. Perhaps you misspelled "
                f"them? Here is the list of viable variable names: {sorted(groups)}"
            )
    if not vars_to_warm_start:
        groups = {name: group for name, group in groups.items() if name in infos}
    with load_checkpoint(ckpt_to_initialize_from) as reader:
        for name, group in groups.items():
            _start(reader, names.get(name, name), group, infos.get(name))
    _log.info("Warm-started %d variables from %s.", len(groups), ckpt_to_initialize_from)


def _start(reader: CheckpointReader, old: str, group: Group, info: VocabInfo | None) -> None:
    if info is None:
        initialize_from(reader, old, group)
    else:
        _start_by_word(reader, old, group, info)


def _chosen(wanted: Any) -> dict[str, Group]:
    if wanted is None or isinstance(wanted, str):
        return grouped_by_name(get_collection(GraphKeys.TRAINABLE_VARIABLES, wanted))
    if not isinstance(wanted, Sequence):
        raise ValueError(f"vars_to_warm_start must be a `list` or `str`. Given type is {type(wanted)}")
    if all(isinstance(item, str) for item in wanted):
        found = [v for pattern in wanted for v in get_collection(GraphKeys.GLOBAL_VARIABLES, pattern)]
        return grouped_by_name(list(dict.fromkeys(found)))
    parts = [part for item in wanted for part in (item if isinstance(item, PartitionedVariable) else [item])]
    if not all(isinstance(part, Variable) for part in parts):
        kinds = [type(item).__name__ for item in wanted]
        raise ValueError(
            f"If `vars_to_warm_start` is a list, it must be all `Variable` or all `str`. Given types are {kinds}"
        )
    return grouped_by_name(parts)


def _start_by_word(reader: CheckpointReader, old: str, group: Group, info: VocabInfo) -> None:
    if info.axis not in (0, 1):
        raise ValueError(f"The only supported values for the axis argument are 0 and 1. Provided axis: {info.axis}")
    if not reader.has_tensor(old):
        raise ValueError(f"Tensor {old} is not found in {reader.prefix} checkpoint")
    places = _old_places(info)
    for variable in group:
        set_initial_value(variable, _remapped(reader, old, variable, info, places))


def _remapped(reader: CheckpointReader, old: str, variable: Variable, info: VocabInfo, places: Any) -> Tensor:
    sizes, part = sizes_of(variable), variable._get_save_slice_info()
    whole, offset = (sizes, [0] * len(sizes)) if part is None else (part.full_shape, part.var_offset)
    before, axis = list(reader.entry(old).shape), info.axis
    if whole[axis] != len(places) or [n for i, n in enumerate(before) if i != axis] != [
        n for i, n in enumerate(whole) if i != axis
    ]:
        raise ValueError(
            f"Variable {variable.op.name} has shape {whole}, but its vocabulary has {len(places)} words and buckets on "
            f"axis {axis}, and {old} has shape {before} in {reader.prefix}"
        )
    mine = places[offset[axis] : offset[axis] + sizes[axis]]
    if len(mine) and mine.max() >= before[axis]:
        raise ValueError(f"{info.old_vocab} has more words than {old} of shape {before}: give old_vocab_size")
    values = gather(reading(reader, old, "", before), np.maximum(mine, 0), axis=axis)
    for other in (i for i in range(len(sizes)) if i != axis and sizes[i] != whole[i]):
        values = gather(values, np.arange(offset[other], offset[other] + sizes[other]), axis=other)
    return _with_backup(values, mine >= 0, variable, info, whole, offset)


def _with_backup(values: Tensor, found: Any, variable: Variable, info: VocabInfo, whole: Any, offset: Any) -> Tensor:
    sizes = sizes_of(variable)
    initializer = info.backup_initializer or zeros_initializer()
    start = initializer(sizes, dtype=variable.dtype.base_dtype, partition_info=PartitionInfo(whole, offset))
    wide = [1] * len(sizes)
    wide[info.axis] = sizes[info.axis]
    mask = tile(reshape(found, wide), [1 if i == info.axis else n for i, n in enumerate(sizes)])
    result: Tensor = where(mask, values, start)
    return result


def _old_places(info: VocabInfo) -> np.ndarray[Any, Any]:
    """For each row now, that of the same word before; -1 for new words and those outside of the vocabulary."""
    before = _words(info.old_vocab)
    if info.old_vocab_size > 0:
        before = before[: info.old_vocab_size]
    row_of = {word: i for i, word in enumerate(before)}
    now = _words(info.new_vocab)
    if len(now) < info.new_vocab_size:
        raise ValueError(f"{info.new_vocab} has {len(now)} words, fewer than new_vocab_size {info.new_vocab_size}")
    rows = [row_of.get(word, -1) for word in now[: info.new_vocab_size]]
    return np.array([*rows, *[-1] * info.num_oov_buckets], np.int64)


def _words(path: str) -> list[bytes]:
    return Path(path).read_bytes().splitlines()
