"""A linear layer that remembers what its backward needs."""

import torch

from autograder.checks import errors, gradients, precision
from autograder.exercise import Exercise, case, edit, normal


class Linear:
    """A fully connected layer, `y = x @ W.T + b`.

    Attributes:
        W: `(out_features, in_features)`.
        b: `(out_features,)`.
        dLdW, dLdb: the loss's gradients in them, after `backward`.
    """

    def __init__(self, in_features, out_features):
        """Make room for the weights: zeros, in float64. ValueError for a size below 1."""
        if in_features < 1 or out_features < 1:
            raise ValueError("a layer needs inputs and outputs")
        self.W = torch.zeros(out_features, in_features, dtype=torch.float64)
        self.b = torch.zeros(out_features, dtype=torch.float64)

    def forward(self, x):
        """Give y, and remember x for the backward."""
        self._x = x
        return self._affine(x)

    def _affine(self, x):
        return x @ self.W.T + self.b

    def backward(self, grad_y):
        """Set `dLdW` and `dLdb`, and give the gradient in x."""
        self.dLdW = grad_y.T @ self._x
        self.dLdb = grad_y.sum(0)
        return grad_y @ self.W


def linear_layer(new, x, weight, bias, grad_y):
    layer = new(Linear, 3, 4)
    layer.W, layer.b = weight, bias
    yield "y", layer.forward(x)
    yield "grad_x", layer.backward(grad_y)
    yield "grad_weight", layer.dLdW
    yield "grad_bias", layer.dLdb


def sizes(new, inputs):
    yield "layer", new(Linear, inputs, 2)


CASES = (
    case(
        "five rows",
        public=True,
        x=normal(5, 3),
        weight=normal(4, 3),
        bias=normal(4),
        grad_y=normal(5, 4),
    ),
    case("one row", x=normal(1, 3), weight=normal(4, 3), bias=normal(4), grad_y=normal(1, 4)),
)
POINTS = {"y": 2, "grad_x": 1, "grad_weight": 1, "grad_bias": 1}

EXERCISES = (
    Exercise(
        functions=(Linear,),
        checks=(
            gradients(linear_layer, CASES, points=POINTS),
            precision(linear_layer, CASES, points=POINTS, name="in float32"),
            errors(sizes, (case("no inputs", inputs=0),), points=0.5, name="sizes"),
        ),
        misconceptions=(
            edit(
                Linear.backward,
                "grad_y.sum(0)",
                "grad_y.mean(0)",
                name="bias-averaged",
                hint="In how many rows does b stand?",
            ),
            edit(
                Linear.backward,
                "self.dLdW = grad_y.T @ self._x",
                "self.dLdW = getattr(self, 'dLdW', 0) + grad_y.T @ self._x / len(self._x)",
                name="weight-averaged",
                hint="Is the loss a mean here?",
            ),
        ),
    ),
)
