"""A curve of a report as numbers that can be drawn."""

from __future__ import annotations

import math
from typing import Any, TypeAlias

Curve: TypeAlias = dict[str, Any]
Point: TypeAlias = tuple[float, float]

MOST_ROWS = 16
LARGEST = 1e100


def points(xs: list[float | str], ys: list[float | str]) -> list[Point]:
    """Pairs of numbers; what the report spells out ("nan", "inf") becomes a number, and what no
    picture could hold beside others becomes infinite."""
    pairs = [(_number(x), _number(y)) for x, y in zip(xs, ys, strict=False)]
    return [(x, y) for x, y in pairs if math.isfinite(x)]


def _number(value: float | str) -> float:
    number = float(value)
    return number if abs(number) <= LARGEST else math.copysign(math.inf, number)


def series(curve: Curve) -> list[tuple[str, list[Point]]]:
    """Name and points of each series."""
    return [(str(s["name"]), points(s["x"], s["y"])) for s in curve["series"]]


def length(curve: Curve) -> int:
    """How many points its longest series has."""
    return max((len(line) for _, line in series(curve)), default=0)


class Scale:
    """Where the numbers of a curve lie in a picture of it: from 0 to 1, rightwards and upwards.

    It is logarithmic if the curve asks for it and holds nothing that has no logarithm; `x` and `y`
    are the least and the greatest number of each axis (of y the logarithm, then), and a little
    apart.
    """

    def __init__(self, curve: Curve) -> None:
        band = curve["band"] or {"x": [], "low": [], "high": []}
        lines = [line for _, line in series(curve)]
        lines += [points(band["x"], band[edge]) for edge in ("low", "high")]
        xs = [x for line in lines for x, _ in line] or [0.0, 1.0]
        ys = [y for line in lines for _, y in line if math.isfinite(y)] or [0.0, 1.0]
        self.log = bool(curve["log"]) and min(ys) > 0
        self.x = _apart(min(xs), max(xs))
        self.y = _apart(*(math.log10(y) if self.log else y for y in (min(ys), max(ys))))

    def right(self, x: float) -> float:
        low, high = self.x
        return (x - low) / (high - low)

    def up(self, y: float) -> float:
        low, high = self.y
        return ((math.log10(y) if self.log else y) - low) / (high - low)


def _apart(low: float, high: float) -> Point:
    size = max(abs(low), abs(high), 1e-90)
    return (low, high) if high - low > 1e-9 * size else (low - 0.05 * size, high + 0.05 * size)


def rows(curve: Curve) -> list[tuple[str, list[str]]]:
    """The curve as a table of at most about `MOST_ROWS` rows: x, and what each series has there.

    Rows are spread over all x; the ends and the marks are among them.
    """
    lines = [dict(line) for _, line in series(curve)]
    xs = sorted({x for line in lines for x in line})
    stride = max(1, -(-len(xs) // MOST_ROWS))
    marked = {float(mark["x"]) for mark in curve["marks"]}
    kept = [x for at, x in enumerate(xs) if at % stride == 0 or x in marked or x == xs[-1]]
    return [(f"{x:g}", [f"{line[x]:.4g}" if x in line else "" for line in lines]) for x in kept]


def in_words(curve: Curve) -> str:
    """What the picture shows, for those who do not see it."""
    lines = []
    for name, line in series(curve):
        if line:
            (x0, y0), (x1, y1) = line[0], line[-1]
            lines.append(f"{name} from {y0:.3g} at {x0:g} to {y1:.3g} at {x1:g}")
    lines += [mark_in_words(curve, mark) for mark in curve["marks"]]
    return f"{curve['title']}, {curve['y']} by {curve['x']}: {'; '.join(lines)}."


def mark_in_words(curve: Curve, mark: dict[str, Any]) -> str:
    return f"{curve['x']} {mark['x']:g}: {mark['label']}"
