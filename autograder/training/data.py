"""What is trained on: images that come with scikit-learn, so that nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from autograder.case import Arguments, Recipe, normal
from autograder.training import extra

DIGITS, HIDDEN = 1797, 500  # there are, and are never trained on


@dataclass(frozen=True)
class Split:
    """Images `(N, C, H, W)` in float64 and their classes, to train on and hidden."""

    images: Tensor
    targets: Tensor
    hidden_images: Tensor
    hidden_targets: Tensor


@dataclass(frozen=True)
class Data:
    """Where images come from, and what is drawn from the course's secret to change them.

    How many they are and their shape, `(C, H, W)`, is written down, so that a topic can be read
    without loading them.
    """

    load: Callable[[], Split]
    count: int  # to train on
    hidden: int
    shape: tuple[int, ...]
    drawn: Mapping[str, Recipe] = field(default_factory=dict)
    change: Callable[[Split, Arguments], Split] = lambda split, _: split

    def split(self, drawn: Arguments) -> Split:
        return self.change(self.load(), drawn)


def digits(*, hidden: int = HIDDEN, standardised: bool = False) -> Data:
    """Scikit-learn's 1797 handwritten digits of 8 x 8 pixels in [0, 1] (Alpaydin & Kaynak 1998).

    Args:
        hidden: how many of the 500 images that are never trained on serve the evaluation.
        standardised: shifted and scaled to mean 0 and variance 1 over all pixels.
    """

    @cache
    def load() -> Split:
        whole = _digits()
        mean = whole.images.mean() if standardised else 0.0
        std = whole.images.std() if standardised else 1.0
        return Split(
            (whole.images - mean) / std,
            whole.targets,
            (whole.hidden_images[:hidden] - mean) / std,
            whole.hidden_targets[:hidden],
        )

    return Data(load, DIGITS - HIDDEN, min(hidden, HIDDEN), (1, 8, 8))


def restyled(data: Data, contrast: float, brightness: float) -> Data:
    """The same images, each with a contrast and a brightness of its own: x -> exp(c) * x + b, with
    c and b normal of these standard deviations."""

    def change(split: Split, drawn: Arguments) -> Split:
        split = data.change(split, drawn)
        styles = drawn["style"]
        assert isinstance(styles, Tensor)  # noqa: S101 - the recipe's
        scale = torch.exp(contrast * styles[:, 0]).view(-1, 1, 1, 1)
        shift = (brightness * styles[:, 1]).view(-1, 1, 1, 1)
        n, m = len(split.images), len(split.hidden_images)
        return replace(
            split,
            images=split.images * scale[:n] + shift[:n],
            hidden_images=split.hidden_images * scale[n : n + m] + shift[n : n + m],
        )

    style = normal(data.count + data.hidden, 2)
    return replace(data, drawn={**data.drawn, "style": style}, change=change)


def _file() -> Path:
    """Scikit-learn's file. To import scikit-learn and ask it takes as long as to import torch."""
    extra.require()
    found = find_spec("sklearn")
    assert found is not None and found.origin is not None  # noqa: S101, PT018 - it is required
    return Path(found.origin).with_name("datasets") / "data" / "digits.csv.gz"


@cache
def _digits() -> Split:
    table = torch.from_numpy(np.loadtxt(_file(), delimiter=","))  # float64, the class comes last
    images, targets = table[:, :-1].reshape(-1, 1, 8, 8) / 16, table[:, -1].to(torch.int64)
    count = len(images)
    # A fixed shuffle that no generator of any version has a say in; 1009 is prime to 1797.
    order = torch.arange(count) * 1009 % count
    train, hidden = order[:-HIDDEN], order[-HIDDEN:]
    return Split(images[train], targets[train], images[hidden], targets[hidden])
