"""A curve as a picture: one SVG, the same on the page and in a file of its own.

Presentation attributes alone give it its colours, so that it needs neither a style sheet nor
anything that a strict Content-Security-Policy forbids; a page's style sheet may override them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from autograder.render.curve import Curve, Point, Scale, mark_in_words, points
from autograder.render.curve import series as series_of

FONTS = "system-ui, DejaVu Sans, Liberation Sans, Arial, sans-serif"
WIDTH, HEIGHT = 560, 320
LEFT, RIGHT, BOTTOM = 64, 12, 44
TITLE, ENTRY, MARK = 26, 20, 16  # heights
CHARACTER = 7.2  # the mean width of a letter

# Apart in hue and, for those who do not see hues, in dash.
COLOURS = ("#2f5bd0", "#b35c00", "#1a7a4c", "#8a3fb0", "#b3312c", "#0f7c8a")
DASHES = ("none", "7 3", "2 3", "9 3 2 3", "4 2", "1 2")
PALETTE = len(COLOURS)


@dataclass(frozen=True)
class Drawn:
    """One series: its name, its place in the palette, its pieces (one per run of finite values)."""

    name: str
    style: int
    colour: str
    dash: str
    pieces: Sequence[str]
    legend: Point


@dataclass(frozen=True)
class Tick:
    at: float
    label: str


@dataclass(frozen=True)
class Mark:
    at: float
    label: str
    left: float
    y: float


class Plot:
    """The geometry of a curve, in the pixels of the picture."""

    fonts = FONTS
    width, height, left, right = WIDTH, HEIGHT, LEFT, WIDTH - RIGHT
    bottom = HEIGHT - BOTTOM

    def __init__(self, curve: Curve) -> None:
        self.curve = curve
        self._scale = Scale(curve)
        self.log = self._scale.log
        lines = series_of(curve)
        legend = self._legend([name for name, _ in lines])
        under = legend[-1][1] if legend else TITLE
        self.top = under + 12 + MARK * len(curve["marks"])
        self.series = [
            Drawn(
                name,
                at % PALETTE,
                COLOURS[at % PALETTE],
                DASHES[at % PALETTE],
                self._pieces(line),
                legend[at],
            )
            for at, (name, line) in enumerate(lines)
        ]

    def _legend(self, names: list[str]) -> list[Point]:
        """Where each name begins: in rows that are as long as the plot is wide."""
        places, x, y = [], float(self.left), TITLE + 14.0
        for name in names:
            width = 44 + CHARACTER * len(name)
            if x + width > self.right and x > self.left:
                x, y = float(self.left), y + ENTRY
            places.append((x, y))
            x += width
        return places

    @property
    def band(self) -> str:
        band = self.curve["band"]
        if not band:
            return ""
        low, high = points(band["x"], band["low"]), points(band["x"], band["high"])
        finite = [
            (a, b)
            for a, b in zip(low, high, strict=True)
            if math.isfinite(a[1]) and math.isfinite(b[1])
        ]
        return self._path([a for a, _ in finite] + [b for _, b in reversed(finite)])

    @property
    def x_ticks(self) -> list[Tick]:
        return [Tick(self._x(x), _number(x)) for x in _round_numbers(*self._scale.x, 6)]

    @property
    def y_ticks(self) -> list[Tick]:
        if self.log:
            values = [10**power for power in _round_logarithms(*self._scale.y)]
        else:
            values = _round_numbers(*self._scale.y, 5)
        return [Tick(self._y(y), _number(y)) for y in values]

    @property
    def marks(self) -> list[Mark]:
        """The marks, at the edge if they lie outside, one row of text each."""
        marks, count = [], len(self.curve["marks"])
        for row, mark in enumerate(self.curve["marks"]):
            label = _shortened(
                mark_in_words(self.curve, mark), (self.right - self.left) / CHARACTER
            )
            at = max(self.left, min(self._x(float(mark["x"])), self.right))
            left = max(self.left, min(at, self.right - CHARACTER * len(label)))
            marks.append(Mark(at, label, left, self.top - 6 - MARK * (count - 1 - row)))
        return marks

    def _pieces(self, line: list[Point]) -> list[str]:
        pieces: list[list[Point]] = [[]]
        for point in line:
            if math.isfinite(point[1]):
                pieces[-1].append(point)
            elif pieces[-1]:
                pieces.append([])
        return [self._path(piece) for piece in pieces if piece]

    def _path(self, line: list[Point]) -> str:
        return " ".join(f"{self._x(x):.1f},{self._y(y):.1f}" for x, y in line)

    def _x(self, x: float) -> float:
        return self.left + self._scale.right(x) * (self.right - self.left)

    def _y(self, y: float) -> float:
        return self.bottom - (0.04 + 0.92 * self._scale.up(y)) * (self.bottom - self.top)


def _round_numbers(low: float, high: float, most: int) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten between the two, about `most` of them."""
    rough = (high - low) / most
    size = 10.0 ** math.floor(math.log10(rough))
    step = next(size * factor for factor in (1, 2, 5, 10) if size * factor >= rough)
    return [step * at for at in range(math.ceil(low / step), math.floor(high / step) + 1)]


def _round_logarithms(low: float, high: float) -> list[float]:
    """Logarithms of round numbers: powers of ten, with 2 and 5 of each where there are few."""
    powers = range(math.floor(low), math.ceil(high) + 1)
    factors = (1, 2, 5) if high - low < 2 else (1,)
    stride = max(1, len(powers) // 6)
    ticks = [power + math.log10(factor) for power in powers[::stride] for factor in factors]
    inside = [tick for tick in ticks if low <= tick <= high]
    return inside if len(inside) > 1 else _round_numbers(low, high, 4)


def _shortened(text: str, most: float) -> str:
    return text if len(text) <= most else text[: int(most) - 1] + "…"


def _number(value: float) -> str:
    return f"{value:.3g}" if abs(value) < 1000 else f"{value:.6g}"
