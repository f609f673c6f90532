"""What goes wrong when ranks do not do the same, in words that name tensors and ranks."""

from __future__ import annotations

from collections.abc import Mapping

from ...engine.errors import AbortedError, DeadlineExceededError, InvalidArgumentError
from .exchange import SEPARATOR

# Tensors of a bucket that are named.
_MOST = 4


def ranks_text(ranks: list[int]) -> str:
    """Some ranks in words.

    >>> ranks_text([0]), ranks_text([2, 0])
    ('rank 0', 'ranks 0, 2')
    """
    return f"rank{'s' if len(ranks) > 1 else ''} {', '.join(map(str, sorted(ranks)))}"


def by_text(texts: Mapping[int, str]) -> str:
    """What each rank is at, those that are at the same together; of many tensors those that differ."""
    groups: dict[str, list[int]] = {}
    for rank, text in sorted(texts.items()):
        groups.setdefault(text, []).append(rank)
    items = [text.partition(" of ")[2].split(SEPARATOR) for text in groups]
    alike = set(items[0]).intersection(*items[1:]) if len(items) > 1 else set()
    return "; ".join(f"{ranks_text(ranks)}: {_shown(text, alike) or 'nothing yet'}" for text, ranks in groups.items())


def _shown(text: str, alike: set[str]) -> str:
    head, of, rest = text.partition(" of ")
    items = rest.split(SEPARATOR)
    if len(items) <= _MOST:
        return text
    chosen = [item for item in items if item not in alike] or items
    more = len(items) - len(chosen[:_MOST])
    return f"{head}{of}{SEPARATOR.join(chosen[:_MOST])} and {more} more tensors"


def mismatch_error(texts: Mapping[int, str]) -> InvalidArgumentError:
    """Ranks are at different operations at once."""
    return InvalidArgumentError(
        None,
        None,
        f"Ranks disagree on the collective operation that comes next: {by_text(texts)}. All ranks must run the same "
        "operations in the same order, on tensors of the same names, shapes and dtypes",
    )


def left_error(text: str, rank: int, why: str = "") -> AbortedError:
    """A rank has ended or failed, but others wait for it."""
    if why:
        return AbortedError(None, None, f"Rank {rank} has failed, while the others wait for it in the {text}: {why}")
    return AbortedError(
        None,
        None,
        f"Rank {rank} has left the job, but the others wait for it in the {text}: did it run fewer steps?",
    )


def stalled_text(text: str, missing: Mapping[int, str], seconds: float) -> str:
    """Who is waited for, and what they did last."""
    return f"{seconds:.0f} s in the {text}: {ranks_text(list(missing))} did not come. Last seen at: {by_text(missing)}"


def stalled_error(text: str, missing: Mapping[int, str], seconds: float) -> DeadlineExceededError:
    """The same, when it is enough."""
    return DeadlineExceededError(None, None, f"Waited {stalled_text(text, missing, seconds)}")
