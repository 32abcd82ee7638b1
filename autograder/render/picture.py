"""A picture of where a tensor is wrong: its worst plane, and a strip along each axis."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

from autograder.judging.wording import axes, places, plural

STEPS = 5  # of colour


@dataclass(frozen=True)
class Cells:
    """A grid of cells as one path for each step of colour, one unit a cell."""

    label: str
    rows: int
    columns: int
    paths: tuple[tuple[float, str], ...]  # how opaque, and the squares


class Picture:
    """What a page draws of the evidence `where`."""

    def __init__(self, where: dict[str, Any]) -> None:
        self._where = where

    @property
    def telling(self) -> bool:
        """Whether something is right, so that there is a where."""
        return any(share < 1 for shares in self._where["shares"] for share in shares)

    @property
    def words(self) -> str:
        return (
            f"Wrong {'only ' + pattern if (pattern := places(self._where)) else 'here and there'}."
        )

    @property
    def map(self) -> Cells:
        """The worst plane; the lightest colour is the least of its errors."""
        rows = self._where["map"]
        wrong = [level for row in rows for level in row if level]
        least, most = min(wrong), max(wrong)
        shades = [
            [0.35 + 0.65 * (level - least) / (most - least or 1) if level else 0.0 for level in row]
            for row in rows
        ]
        if least == most:
            shades = [[float(bool(level)) for level in row] for row in rows]
        return _cells(self._plane, shades)

    @cached_property
    def strips(self) -> list[Cells]:
        """For tensors of more than one axis: along each, the share of wrong elements."""
        shape, shares = self._where["shape"], self._where["shares"]
        if len(shape) == 1:
            return []
        return [
            _cells(plural(name), [along])
            for name, along in zip(axes(shape), shares, strict=True)
            if len(along) > 1
        ]

    @property
    def _plane(self) -> str:
        names, at = axes(self._where["shape"]), self._where["at"]
        plane = ", ".join(f"{name} {index}" for name, index in zip(names, at, strict=False))
        across = " × ".join(plural(name) for name in names[len(at) :])
        return f"{plane}: {across}" if plane else across


def _cells(label: str, shades: list[list[float]]) -> Cells:
    squares: dict[float, list[str]] = {}
    for y, row in enumerate(shades):
        for x, shade in enumerate(row):
            if shade:
                step = max(1, round(shade * STEPS)) / STEPS
                squares.setdefault(step, []).append(f"M{x} {y}h1v1h-1z")
    paths = tuple((step, "".join(d)) for step, d in sorted(squares.items()))
    return Cells(label, len(shades), len(shades[0]), paths)
