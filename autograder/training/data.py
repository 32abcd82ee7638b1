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
from autograder.errors import AuthoringError

HIDDEN = 500  # of the 1797 digits


@dataclass(frozen=True)
class Split:
    """Images `(N, C, H, W)` in float64 and their classes, to train on and hidden."""

    images: Tensor
    targets: Tensor
    hidden_images: Tensor
    hidden_targets: Tensor


@dataclass(frozen=True)
class Data:
    """Where images come from, and what is drawn from the course's secret to change them."""

    load: Callable[[], Split]
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

    return Data(load)


def restyled(data: Data, contrast: float, brightness: float) -> Data:
    """The same images, each with a contrast and a brightness of its own: x -> exp(c) * x + b, with
    c and b normal of these standard deviations."""

    def style(generator: torch.Generator, before: Arguments) -> Tensor:
        split = data.load()  # now, and not when a topic is read: most who read it train nothing
        drawn: Tensor = normal(len(split.images) + len(split.hidden_images), 2).make(
            generator, before
        )
        return drawn

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

    return Data(data.load, {**data.drawn, "style": Recipe(style)}, change)


def _file() -> Path:
    """Scikit-learn's file. To import scikit-learn and ask it takes as long as to import torch."""
    found = find_spec("sklearn")
    if found is None or found.origin is None:
        raise AuthoringError("the digits come with scikit-learn: pip install scikit-learn")
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
