"""What of a text tells whether another one is like it: winnowed hashes of runs of tokens
(Schleimer, Wilkerson, Aiken: "Winnowing", SIGMOD 2003), as copydetect makes them."""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import Any

RUN = 25  # tokens that must agree in a row to be noticed at all
WINDOW = 6  # and 30 in a row are noticed for certain


@dataclass(frozen=True)
class Prints:
    """A text and its fingerprints, each a run of RUN tokens: arrays of 64-bit integers (signed,
    little-endian), in the order of the runs."""

    text: str
    tokens: int  # of the whole text
    hashes: bytes
    places: bytes  # each run's first token
    begins: bytes  # where in the text each run begins
    ends: bytes  # and where it ends


def prints(text: str, window: int = WINDOW) -> Prints:
    import numpy as np
    from copydetect import CodeFingerprint

    made: Any = CodeFingerprint("a.py", RUN, window, language="python", fp=io.StringIO(text))
    runs = sorted((int(at), int(hash_)) for hash_, ats in made.hash_idx.items() for at in ats)
    places = np.array([at for at, _ in runs], "<i8")
    hashes = np.array([hash_ for _, hash_ in runs], "<i8")
    # Where a token stands in the text: each row of offsets says what is left out before it.
    marks = np.asarray(made.offsets, "<i8").reshape(-1, 2).copy()
    # At a class's name copydetect notes the name's own length, not what is left out up to there.
    marks[:, 1] = np.maximum.accumulate(marks[:, 1])

    def where(tokens: Any) -> bytes:
        if len(marks):
            last = len(marks) - 1
            tokens = tokens + marks[np.searchsorted(marks[:, 0], tokens).clip(0, last), 1]
        found: bytes = tokens.clip(0, len(text)).astype("<i8").tobytes()
        return found

    tokens = len(made.filtered_code)
    return Prints(
        text, tokens, hashes.tobytes(), places.tobytes(), where(places), where(places + RUN)
    )
