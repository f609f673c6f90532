"""Strings matched by regular expressions and hashed into buckets."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from ..errors import InvalidArgumentError
from ..graph import Sizes, Tensor
from ..inference import InferenceContext, like_first
from ..kernels import fingerprint
from ..registry import op
from ..samples import Failure, Sample
from .strings import mapped, words


def compiled(pattern: bytes) -> re.Pattern[bytes]:
    """A regular expression; InvalidArgumentError if it is none."""
    try:
        return re.compile(pattern)
    except re.error as error:
        text = f"Invalid pattern: {pattern.decode(errors='replace')}, error: {error}"
        raise InvalidArgumentError(None, None, text) from None


def _replaced(strings: Any, pattern: bytes, rewrite: bytes, replace_global: bool) -> Any:
    expression = compiled(pattern)
    groups = [int(g) for g in re.findall(rb"\\(\d)", rewrite)]
    if max(groups, default=0) > expression.groups:
        text = f"Invalid rewrite {rewrite!r}: the pattern has {expression.groups} groups"
        raise InvalidArgumentError(None, None, text)
    parts = re.split(rb"\\(\\|\d)", rewrite)

    def put(match: re.Match[bytes]) -> bytes:
        found = [p if i % 2 == 0 else b"\\" if p == b"\\" else match[int(p)] or b"" for i, p in enumerate(parts)]
        return b"".join(found)

    return mapped(lambda s: expression.sub(put, s, 0 if replace_global else 1), strings)


def _like_input(context: InferenceContext) -> list[Sizes]:
    for i in range(1, len(context.sizes)):
        context.with_rank(i, 0)
    return [context.sizes[0]]


@op("RegexReplace", "input: string, pattern: string, rewrite: string", "output: string", shape=_like_input)
def regex_replace_op(
    input: Any, pattern: Any, rewrite: Any, *, replace_global: bool = True, name: str | None = None
) -> Tensor:
    r"""Strings with what the pattern matches replaced by `rewrite`, where \0 to \9 stand for groups."""


@op("StaticRegexReplace", "input: string", "output: string", shape=like_first)
def static_regex_replace_op(
    input: Any, *, pattern: str, rewrite: str, replace_global: bool = True, name: str | None = None
) -> Tensor:
    r"""Strings with what the pattern matches replaced by `rewrite`, where \0 to \9 stand for groups."""


@regex_replace_op.kernel
def regex_replace_kernel(xp: Any, strings: Any, pattern: Any, rewrite: Any, *, replace_global: bool) -> Any:
    return _replaced(strings, bytes(pattern[()]), bytes(rewrite[()]), replace_global)


@static_regex_replace_op.kernel
def static_regex_replace_kernel(xp: Any, strings: Any, *, pattern: str, rewrite: str, replace_global: bool) -> Any:
    return _replaced(strings, pattern.encode(), rewrite.encode(), replace_global)


@regex_replace_op.samples
def regex_replace_samples(rng: np.random.Generator) -> list[Sample]:
    pattern, rewrite = np.array(b"(a)(b)", object), np.array(b"\\2\\1\\\\", object)
    return [Sample((words("abab", "x"), pattern, rewrite), {"replace_global": g}) for g in (True, False)]


@static_regex_replace_op.samples
def static_regex_replace_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((words("abab", "x"),), {"pattern": "a", "rewrite": "[\\0]"})]


@regex_replace_op.failing
def regex_replace_failing(rng: np.random.Generator) -> list[Failure]:
    pattern, rewrite = np.array(b"(", object), np.array(b"", object)
    return [
        Failure((words("a"), pattern, rewrite), InvalidArgumentError, "Invalid pattern", at_run=True),
        Failure((words("a"), np.array(b"a", object), np.array(b"\\1", object)), InvalidArgumentError, "0 groups",
                at_run=True),
    ]  # fmt: skip


@op("RegexFullMatch", "input: string, pattern: string", "output: bool", shape=_like_input)
def regex_full_match_op(input: Any, pattern: Any, *, name: str | None = None) -> Tensor:
    """Whether the pattern matches the whole of each string."""


@op("StaticRegexFullMatch", "input: string", "output: bool", shape=like_first)
def static_regex_full_match_op(input: Any, *, pattern: str, name: str | None = None) -> Tensor:
    """Whether the pattern matches the whole of each string."""


@regex_full_match_op.kernel
def regex_full_match_kernel(xp: Any, strings: Any, pattern: Any) -> Any:
    expression = compiled(bytes(pattern[()]))
    return mapped(lambda s: expression.fullmatch(s) is not None, strings, dtype=np.bool_)


@static_regex_full_match_op.kernel
def static_regex_full_match_kernel(xp: Any, strings: Any, *, pattern: str) -> Any:
    expression = compiled(pattern.encode())
    return mapped(lambda s: expression.fullmatch(s) is not None, strings, dtype=np.bool_)


@regex_full_match_op.samples
def regex_full_match_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((words("TF lib", "lib TF"), np.array(b".*lib$", object)))]


@static_regex_full_match_op.samples
def static_regex_full_match_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((words("aa", "ab"),), {"pattern": "a+"})]


@op("StringToHashBucketFast", "input: string", "output: int64", shape=like_first)
def string_to_hash_bucket_fast_op(input: Any, *, num_buckets: int, name: str | None = None) -> Tensor:
    """The 64-bit FarmHash fingerprint of each string modulo `num_buckets`."""


@op("StringToHashBucketStrong", "input: string", "output: int64", shape=like_first)
def string_to_hash_bucket_strong_op(input: Any, *, num_buckets: int, key: list[int], name: str | None = None) -> Tensor:
    """The SipHash of each string under a key of two numbers, modulo `num_buckets`."""


@op("StringToHashBucket", "string_tensor: string", "output: int64", shape=like_first)
def string_to_hash_bucket_op(string_tensor: Any, *, num_buckets: int, name: str | None = None) -> Tensor:
    """TensorFlow's own hash of each string modulo `num_buckets`."""


@string_to_hash_bucket_fast_op.kernel
def string_to_hash_bucket_fast_kernel(xp: Any, strings: Any, *, num_buckets: int) -> Any:
    return fingerprint.string_to_hash_bucket_fast(np.asarray(strings), num_buckets)


@string_to_hash_bucket_strong_op.kernel
def string_to_hash_bucket_strong_kernel(xp: Any, strings: Any, *, num_buckets: int, key: list[int]) -> Any:
    if len(key) != 2:
        raise InvalidArgumentError(None, None, f"Key must have 2 elements, got {key}")
    return fingerprint.string_to_hash_bucket_strong(np.asarray(strings), num_buckets, (key[0], key[1]))


@string_to_hash_bucket_op.kernel
def string_to_hash_bucket_kernel(xp: Any, strings: Any, *, num_buckets: int) -> Any:
    return fingerprint.string_to_hash_bucket(np.asarray(strings), num_buckets)


@string_to_hash_bucket_fast_op.samples
@string_to_hash_bucket_op.samples
def string_to_hash_bucket_samples(rng: np.random.Generator) -> list[Sample]:
    texts = words("", "Hello", "a longer text than sixteen bytes").reshape(3, 1)
    return [Sample((texts,), {"num_buckets": 1000}), Sample((np.array(b"x", object),), {"num_buckets": 7})]


@string_to_hash_bucket_strong_op.samples
def string_to_hash_bucket_strong_samples(rng: np.random.Generator) -> list[Sample]:
    return [Sample((words("", "Hello"),), {"num_buckets": 1000, "key": [98765, 132]})]


@string_to_hash_bucket_fast_op.failing
@string_to_hash_bucket_op.failing
def string_to_hash_bucket_failing(rng: np.random.Generator) -> list[Failure]:
    return [Failure((words("a"),), InvalidArgumentError, "num_buckets|buckets", {"num_buckets": 0}, at_run=True)]


# TensorFlow's names


def regex_replace(
    input: Any, pattern: Any, rewrite: Any, replace_global: bool = True, name: str | None = None
) -> Tensor:
    r"""Strings with what the pattern matches replaced by `rewrite`, where \0 to \9 stand for groups."""
    if isinstance(pattern, str) and isinstance(rewrite, str):
        return static_regex_replace_op(
            input, pattern=pattern, rewrite=rewrite, replace_global=replace_global, name=name
        )
    return regex_replace_op(input, pattern, rewrite, replace_global=replace_global, name=name)


def regex_full_match(input: Any, pattern: Any, name: str | None = None) -> Tensor:
    """Whether the pattern matches the whole of each string."""
    if isinstance(pattern, str):
        return static_regex_full_match_op(input, pattern=pattern, name=name)
    return regex_full_match_op(input, pattern, name=name)


def string_to_hash_bucket_fast(input: Any, num_buckets: int, name: str | None = None) -> Tensor:
    """The 64-bit FarmHash fingerprint of each string modulo `num_buckets`."""
    return string_to_hash_bucket_fast_op(input, num_buckets=num_buckets, name=name)


def string_to_hash_bucket_strong(input: Any, num_buckets: int, key: Any, name: str | None = None) -> Tensor:
    """The SipHash of each string under `key`, two numbers, modulo `num_buckets`: hard to make collide."""
    return string_to_hash_bucket_strong_op(input, num_buckets=num_buckets, key=list(key), name=name)


def string_to_hash_bucket(
    string_tensor: Any = None, num_buckets: int | None = None, name: str | None = None, input: Any = None
) -> Tensor:
    """TensorFlow's own hash of each string modulo `num_buckets`."""
    if num_buckets is None:
        raise TypeError("string_to_hash_bucket needs num_buckets")
    return string_to_hash_bucket_op(string_tensor if input is None else input, num_buckets=num_buckets, name=name)


for _definition in (
    regex_replace_op, static_regex_replace_op, regex_full_match_op, static_regex_full_match_op,
    string_to_hash_bucket_fast_op, string_to_hash_bucket_strong_op, string_to_hash_bucket_op,
):  # fmt: skip
    _definition.not_differentiable = True
