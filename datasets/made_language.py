"""Made language: sentences of a small grammar as a corpus, and with their translation into a language of other order."""

from __future__ import annotations

import numpy as np

# Things of one kind stand with verbs and adjectives of that kind: words that are alike have like neighbours.
_KINDS = (
    (("dog", "cat", "horse", "mouse"), ("chases", "bites", "follows"), ("small", "hungry", "wild")),
    (("bread", "soup", "cheese", "cake"), ("feeds", "delights", "fills"), ("fresh", "warm", "sweet")),
    (("car", "train", "ship", "plane"), ("passes", "carries", "reaches"), ("fast", "loud", "modern")),
    (("king", "queen", "prince", "knight"), ("rules", "greets", "obeys"), ("noble", "proud", "brave")),
)

# The other language: verbs at the end, adjectives after what they describe, one article for each kind of noun.
_ARTICLES = ("lo", "li", "lu", "la")
_WORDS = {
    word: sound
    for word, sound in zip(
        [word for kind in _KINDS for part in kind for word in part],
        [a + b for a in ("ba", "de", "fi", "go", "hu", "ka", "me", "ni") for b in ("ran", "sel", "tik", "vom", "zu")],
        strict=True,
    )
}


def _phrase(random: np.random.RandomState, kind: int) -> tuple[list[str], list[str]]:
    nouns, _, adjectives = _KINDS[kind]
    noun = nouns[random.randint(len(nouns))]
    adjective = adjectives[random.randint(len(adjectives))]
    if random.uniform() < 0.5:
        return ["the", noun], [_ARTICLES[kind], _WORDS[noun]]
    return ["the", adjective, noun], [_ARTICLES[kind], _WORDS[noun], _WORDS[adjective]]


def _sentence(random: np.random.RandomState) -> tuple[str, str]:
    kind = random.randint(len(_KINDS))
    verbs = _KINDS[kind][1]
    verb = verbs[random.randint(len(verbs))]
    subject, other_subject = _phrase(random, kind)
    thing, other_thing = _phrase(random, kind)
    return " ".join([*subject, verb, *thing]), " ".join([*other_subject, *other_thing, _WORDS[verb]])


def _sentences(n_sentences: int, seed: int) -> list[tuple[str, str]]:
    if n_sentences < 1:
        raise ValueError(f"n_sentences: expected at least 1, got {n_sentences}")
    random = np.random.RandomState(seed)
    return [_sentence(random) for _ in range(n_sentences)]


def make_corpus(n_sentences: int = 1000, seed: int = 0) -> str:
    """Returns sentences about animals, food, vehicles and a court, each with a stop, as one text.

    Example:
        >>> make_corpus(2, seed=1).count(".")
        2
    """
    return " ".join(f"{sentence} ." for sentence, _ in _sentences(n_sentences, seed))


def make_translations(n_sentences: int = 1000, seed: int = 0) -> list[tuple[str, str]]:
    """Returns pairs of a sentence and its translation into a made language of another order of words.

    The verb goes to the end, adjectives go behind their nouns, and the article depends on the kind of noun.

    Example:
        >>> source, target = make_translations(1)[0]
        >>> len(source.split()) == len(target.split())
        True
    """
    return _sentences(n_sentences, seed)


def word_kinds() -> dict[str, int]:
    """The kind (0 animals, 1 food, 2 vehicles, 3 a court) of each noun, verb and adjective of the sentences."""
    return {word: kind for kind, parts in enumerate(_KINDS) for part in parts for word in part}
