"""What is trained on: images that come with scikit-learn, so that nothing is downloaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import cache

import torch
from torch import Tensor

from autograder.case import Arguments, Recipe, normal

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
    size = len(data.load().images) + len(data.load().hidden_images)

    def change(split: Split, drawn: Arguments) -> Split:
        split = data.change(split, drawn)
        style = drawn["style"]
        assert isinstance(style, Tensor)  # noqa: S101 - the recipe's
        scale = torch.exp(contrast * style[:, 0]).view(-1, 1, 1, 1)
        shift = (brightness * style[:, 1]).view(-1, 1, 1, 1)
        n, m = len(split.images), len(split.hidden_images)
        return replace(
            split,
            images=split.images * scale[:n] + shift[:n],
            hidden_images=split.hidden_images * scale[n : n + m] + shift[n : n + m],
        )

    return Data(data.load, {**data.drawn, "style": normal(size, 2)}, change)


@cache
def _digits() -> Split:
    from sklearn.datasets import load_digits  # here, because it takes a second to import

    bunch = load_digits()
    images = torch.from_numpy(bunch.images).to(torch.float64)[:, None] / 16
    targets = torch.from_numpy(bunch.target).to(torch.int64)
    count = len(images)
    # A fixed shuffle that no generator of any version has a say in; 1009 is prime to 1797.
    order = torch.arange(count) * 1009 % count
    train, hidden = order[:-HIDDEN], order[-HIDDEN:]
    return Split(images[train], targets[train], images[hidden], targets[hidden])
