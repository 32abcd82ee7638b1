"""A curve in the terminal: one line of blocks per series, and its marks below."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions
from rich.text import Text

from autograder.render.curve import Curve, Point, Scale, length, mark_in_words, series

BLOCKS, ARROW, LOST = "▁▂▃▄▅▆▇█", "▲", "×"  # lost: a value that is no number
PLAIN_BLOCKS, PLAIN_ARROW, PLAIN_LOST = "_.-:=+*#", "^", "!"  # for terminals without Unicode
WIDEST = 4  # columns of one value


@dataclass(frozen=True)
class Sparklines:
    """All series of a curve on one scale, the first and the last value beside them."""

    curve: Curve

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        curve, plain = self.curve, options.ascii_only
        yield Text(f"{curve['title']}: {curve['y']} by {curve['x']}", "dim")
        lines = [(name, line) for name, line in series(curve) if line]
        if not lines:
            return
        scale = Scale(curve)
        blocks = PLAIN_BLOCKS if plain else BLOCKS
        ends = [f" {line[0][1]:.3g} to {line[-1][1]:.3g}" for _, line in lines]
        indent = min(max(len(name) for name, _ in lines) + 1, options.max_width // 3)
        columns = max(4, options.max_width - indent - max(map(len, ends)))
        columns = min(columns, WIDEST * length(curve))

        def column(x: float) -> int:
            return int(max(0.0, min(scale.right(x) * columns, columns - 1)))  # it may be infinite

        def block(y: float) -> str:
            if not math.isfinite(y):
                return PLAIN_LOST if plain else LOST
            return blocks[min(int(scale.up(y) * len(blocks)), len(blocks) - 1)]

        for (name, line), end in zip(lines, ends, strict=True):
            text = Text(f"{name[: indent - 1]:<{indent}}", no_wrap=True)
            text.append("".join(map(block, _sampled(line, columns, column))), "cyan")
            yield text.append(end, "dim")
        for mark in curve["marks"]:
            at, label = indent + column(float(mark["x"])), mark_in_words(curve, mark)
            arrow = PLAIN_ARROW if plain else ARROW
            beside = at + 2 + len(label) <= options.max_width
            yield Text(" " * at + arrow + f" {label}" * beside, "yellow")
            if not beside:
                yield Text(" " * max(0, at + 1 - len(label)) + label, "yellow")


def _sampled(line: list[Point], columns: int, column: Callable[[float], int]) -> list[float]:
    """One value per column: the last one in it, or before it."""
    values, at = [], 0
    for place in range(columns):
        while at + 1 < len(line) and column(line[at + 1][0]) <= place:
            at += 1
        values.append(line[at][1])
    return values
