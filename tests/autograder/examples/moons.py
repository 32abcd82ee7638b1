"""Two moons: train a classifier of your own."""

import math

import torch

from autograder.checks import metric
from autograder.exercise import Exercise, Recipe, case


def fit(points, classes):
    """Train a classifier on two classes of points that no straight line parts.

    Args:
        points: `(N, 2)`.
        classes: int64 `(N,)`, 0 or 1.

    Returns:
        weights: one tensor with all that `predict` needs.
    """
    features = _features(points)
    weights = features.new_zeros(features.shape[1])
    for _ in range(300):
        p = 1 / (1 + torch.exp(-(features @ weights)))
        weights = weights - 2 * (features.T @ (p - classes)) / len(points)
    return weights


def predict(weights, hidden_points):
    """The classes of points that were not trained on.

    Args:
        weights: what `fit` returned.
        hidden_points: `(M, 2)`.

    Returns:
        int64 `(M,)`.
    """
    return (_features(hidden_points) @ weights > 0).to(torch.int64)


def _features(points):
    x, y = points[:, 0], points[:, 1]
    powers = [x**i * y**j for i in range(4) for j in range(4 - i)]
    return torch.stack(powers, dim=1)


def _moons(count):
    def draw(generator, _):
        angle = math.pi * torch.rand(count, generator=generator, dtype=torch.float64)
        upper = torch.arange(count) % 2 == 0
        x = torch.where(upper, torch.cos(angle), 1 - torch.cos(angle))
        y = torch.where(upper, torch.sin(angle), 0.5 - torch.sin(angle))
        noise = torch.randn(count, 2, generator=generator, dtype=torch.float64)
        return torch.stack([x, y], dim=1) + 0.1 * noise

    return Recipe(draw)


def _alternating(count):
    return Recipe(lambda _, __: torch.arange(count) % 2)


def _accuracy(predicted, given):
    return float((predicted == given["hidden_classes"]).double().mean())


EXERCISES = (
    Exercise(
        functions=(predict, fit),
        checks=(
            metric(
                predict,
                (
                    case(
                        "two moons",
                        points=_moons(200),
                        classes=_alternating(200),
                        hidden_points=_moons(100),
                        hidden_classes=_alternating(100),
                    ),
                ),
                points={"accuracy": 5},
                measure=_accuracy,
                at_least=0.93,
                fit=fit,
            ),
        ),
        unchanged=0,
    ),
)
