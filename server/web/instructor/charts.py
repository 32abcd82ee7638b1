"""Bar charts as data: what the template draws, and says in words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

_GAP = 0.18  # between two bars, of a bar's place


@dataclass(frozen=True)
class Bar:
    label: str
    value: int


@dataclass(frozen=True)
class Bars:
    """Upright bars on a field of 100 by 100, which the page stretches."""

    bars: Sequence[Bar]
    mark: float | None = None  # where a line stands, from 0 (left) to 1

    @property
    def highest(self) -> int:
        return max((bar.value for bar in self.bars), default=0)

    @property
    def total(self) -> int:
        return sum(bar.value for bar in self.bars)

    def rectangles(self) -> list[tuple[Bar, float, float, float, float]]:
        """(bar, x, y, width, height) of each."""
        place = 100 / max(1, len(self.bars))
        found = []
        for at, bar in enumerate(self.bars):
            height = 100 * bar.value / (self.highest or 1)
            if bar.value:
                height = max(height, 3.0)  # one among many is still to be seen
            left, width = at * place + place * _GAP / 2, place * (1 - _GAP)
            found.append((bar, round(left, 2), round(100 - height, 2), round(width, 2), height))
        return found
