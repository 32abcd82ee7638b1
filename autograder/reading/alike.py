"""Which texts are alike? A score is a reason to read both, never a verdict.

What was handed out counts for nothing, and neither does what many wrote: short right answers look
the same.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from autograder.reading.answer import AnswerError
from autograder.reading.inside.prints import RUN, Prints
from autograder.reading.reader import TooMuch

_COMMON, _COMMON_SHARE = 8, 0.1  # what more texts than both of these hold is common
_LEAST = 0.2  # the least score that is reported
_PAIRS = 200  # the most that are reported
_MOST_PLACES = 4  # of one run in a text that are linked

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class Alike:
    """Two texts (by their place), what share of each is in the other, and where."""

    first: int
    second: int
    shares: tuple[float, float]
    ranges: tuple[list[list[int]], list[list[int]]]
    links: list[list[int]]  # which range of the first is which of the second, by their places

    @property
    def score(self) -> float:
        """Their mean: the greater one alone would lift whoever wrote little of their own."""
        return sum(self.shares) / 2


def alike(
    texts: Sequence[Prints],
    handed_out: Prints,
    note: Callable[[int], None] = lambda done: None,
    *,
    earlier: int = 0,
) -> list[Alike]:
    """The pairs that share the most, the greatest score first.

    Args:
        earlier: how many, at the end, are compared with those before and not with each other.
        handed_out: the code that everybody was given.
        note: is told now and then how many texts are done.

    Raises:
        AnswerError: what is said of a text does not fit together.
    """
    found = [_Text(text) for text in texts]
    ignored = set(_Text(handed_out).hashes.tolist())
    holders = Counter(hash_ for text in found for hash_ in set(text.hashes.tolist()))
    most = max(_COMMON, _COMMON_SHARE * len(found))
    ignored.update(hash_ for hash_, count in holders.items() if count > most)
    for text in found:
        text.forget(ignored)
    candidates: list[tuple[float, int, int]] = []
    for second, other in enumerate(found):
        for first, text in enumerate(found[: min(second, len(found) - earlier)]):
            common = len(text.known & other.known)
            if common:
                share = common / min(len(text.known), len(other.known))
                if share >= _LEAST:
                    candidates.append((share, first, second))
        if second % 25 == 24:
            candidates = heapq.nlargest(2 * _PAIRS, candidates)
            note(second + 1)
    candidates = heapq.nlargest(2 * _PAIRS, candidates)
    pairs = [_compared(found, first, second) for _, first, second in candidates]
    pairs = [pair for pair in pairs if pair.score >= _LEAST]
    return heapq.nlargest(_PAIRS, pairs, key=lambda pair: pair.score)


def check(said: Prints) -> None:
    """Raises TooMuch when what is said of a text does not fit together."""
    try:
        _Text(said)
    except AnswerError as error:
        raise TooMuch(f"its fingerprints are none: {error}") from None


class _Text:
    """One text's fingerprints, which are somebody's word until they are looked at."""

    def __init__(self, said: Prints) -> None:
        self.hashes, self.places, self.begins, self.ends = (
            _numbers(part) for part in (said.hashes, said.places, said.begins, said.ends)
        )
        count = len(self.hashes)
        if not all(len(part) == count for part in (self.places, self.begins, self.ends)):
            raise AnswerError("fingerprints of different numbers")
        for part, most in (
            (self.places, said.tokens),
            (self.begins, len(said.text)),
            (self.ends, len(said.text)),
        ):
            if count and (part.min() < 0 or part.max() > most or (np.diff(part) < 0).any()):
                raise AnswerError("fingerprints that are out of order")
        self.known: set[int] = set(self.hashes.tolist())

    def forget(self, hashes: set[int]) -> None:
        kept = np.array([hash_ not in hashes for hash_ in self.hashes.tolist()], bool)
        self.hashes, self.places = self.hashes[kept], self.places[kept]
        self.begins, self.ends = self.begins[kept], self.ends[kept]
        self.known -= hashes

    def within(self, common: Numbers, ranges: list[list[int]]) -> dict[int, list[int]]:
        """For each of these hashes, the places of the ranges that it is in: few of them."""
        chosen = np.isin(self.hashes, common)
        first = np.array([begin for begin, _ in ranges], np.int64)
        at = np.searchsorted(first, self.begins[chosen], side="right") - 1
        found: dict[int, list[int]] = {}
        for hash_, place in zip(self.hashes[chosen].tolist(), at.tolist(), strict=True):
            places = found.setdefault(hash_, [])
            if len(places) < _MOST_PLACES and place not in places:
                places.append(place)
        return found

    def covered(self, common: Numbers) -> tuple[float, list[list[int]]]:
        """What share of the text these hashes cover, and the ranges of the text."""
        chosen = np.isin(self.hashes, common)
        whole = _tokens(self.places)
        share = _tokens(self.places[chosen]) / whole if whole else 0.0
        return share, list(_merged(zip(self.begins[chosen], self.ends[chosen], strict=True)))


def _numbers(octets: bytes) -> Numbers:
    if len(octets) % 8:
        raise AnswerError("no whole numbers")
    return np.frombuffer(octets, "<i8")


def _tokens(places: Numbers) -> int:
    """How many tokens the runs cover that begin at these places, which are in order."""
    if not len(places):
        return 0
    return int(np.minimum(np.diff(places), RUN).sum()) + RUN


def _compared(texts: Sequence[_Text], first: int, second: int) -> Alike:
    a, b = texts[first], texts[second]
    common: Any = np.array(sorted(a.known & b.known), np.int64)
    (share, ranges), (other, others) = a.covered(common), b.covered(common)
    links = _linked(a.within(common, ranges), b.within(common, others))
    return Alike(first, second, (share, other), (ranges, others), links)


def _linked(first: dict[int, list[int]], second: dict[int, list[int]]) -> list[list[int]]:
    """For each range, the one of the other text with which it shares the most runs.

    Args:
        first: for each hash, in which ranges of the first text it is; second: the same.
    """
    shared = Counter(
        (one, other) for hash_, ones in first.items() for one in ones for other in second[hash_]
    )
    best: dict[tuple[str, int], tuple[int, int]] = {}
    for (one, other), _ in sorted(shared.items(), key=lambda item: (-item[1], item[0])):
        best.setdefault(("first", one), (one, other))
        best.setdefault(("second", other), (one, other))
    return [list(pair) for pair in sorted(set(best.values()))]


def _merged(ranges: Iterator[tuple[Any, Any]]) -> Iterator[list[int]]:
    """Ranges in order of their beginning, and none over another."""
    last: list[int] | None = None
    for begin, end in ranges:
        if last is not None and begin <= last[1]:
            last[1] = max(last[1], int(end))
            continue
        if last is not None:
            yield last
        last = [int(begin), int(end)]
    if last is not None:
        yield last
