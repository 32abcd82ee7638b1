"""Layers that remember, a chain of them, and optimisers that step their parameters.

A layer's `forward` keeps what its `backward` will need; `backward` takes the gradient of the loss
in the layer's output, leaves the gradients in the layer's own parameters as attributes, and returns
the one in its input. Arrays are of numpy, `(N, C)`: a row for each sample. Every
`backward` is written as a formula, without numeric derivatives.
"""

import numpy as np

from autograder.checks import errors, gradients, precision, values
from autograder.exercise import Exercise, case, edit, normal


class Dense:
    """A fully connected layer: Y = X W^T + b.

    Attributes:
        W: `(out_features, in_features)`; b: `(out_features,)`. They begin with zeros and are set
            from outside.
        dLdW, dLdb: the loss's gradients in them, of the last `backward`.
    """

    def __init__(self, in_features, out_features):
        """Make W and b, of zeros in float64."""
        self.W = np.zeros((out_features, in_features))
        self.b = np.zeros(out_features)

    def forward(self, X):
        """Y `(N, out_features)` of X `(N, in_features)`, which is remembered."""
        self._X = X
        return X @ self.W.T + self.b

    def backward(self, dLdY):
        """Set dLdW and dLdb from dLdY `(N, out_features)`; return dLdX `(N, in_features)`."""
        self.dLdW = dLdY.T @ self._X
        self.dLdb = dLdY.sum(axis=0)
        return dLdY @ self.W


class Tanh:
    """The hyperbolic tangent of each element; it has no parameters."""

    def forward(self, X):
        """tanh(X), which is remembered."""
        self._Y = np.tanh(X)
        return self._Y.copy()

    def backward(self, dLdY):
        """dLdX, of the shape of X: the derivative is 1 - tanh(x)^2."""
        return dLdY * (1 - self._Y**2)


class Sequential:
    """Layers one after the other. It may be used again and again; nothing adds up."""

    def __init__(self, layers):
        """Take a list of layers, such as [Dense(3, 4), Tanh(), Dense(4, 2)].

        Raises:
            ValueError: there are none.
        """
        if not layers:
            raise ValueError("a chain needs at least one layer")
        self.layers = list(layers)

    def forward(self, X):
        """The output of the last layer."""
        for layer in self.layers:
            X = layer.forward(X)
        return X

    def backward(self, dLdY):
        """dLdX of the first layer; every layer has its own gradients afterwards."""
        for layer in reversed(self.layers):
            dLdY = layer.backward(dLdY)
        return dLdY

    def parameters(self):
        """The list of W and b of every layer that has them, from the first layer to the last: the
        very arrays, so that an optimiser can change them."""
        return [p for layer in self._trained() for p in (layer.W, layer.b)]

    def gradients(self):
        """The list of dLdW and dLdb, in the order of `parameters`."""
        return [g for layer in self._trained() for g in (layer.dLdW, layer.dLdb)]

    def _trained(self):
        return [layer for layer in self.layers if hasattr(layer, "W")]


class SGD:
    """Stochastic gradient descent with momentum, as torch.optim.SGD has it:

    v = momentum * v + g, then p = p - lr * v, with v = 0 at the beginning.
    """

    def __init__(self, parameters, lr=0.1, momentum=0.9):
        """Take the list of arrays to change, in place.

        Raises:
            ValueError: momentum is not in [0, 1).
        """
        if not 0 <= momentum < 1:
            raise ValueError("momentum must be in [0, 1)")
        self.parameters, self.lr, self.momentum = parameters, lr, momentum
        self._v = [np.zeros_like(p) for p in parameters]

    def step(self, gradients):
        """Change every parameter once, given the list of their gradients, which is left alone."""
        for p, g, v in zip(self.parameters, gradients, self._v, strict=True):
            v *= self.momentum
            v += g
            p -= self.lr * v


class Adam:
    """Adam (Kingma & Ba 2015, algorithm 1), with t from 1:

    m = beta1 * m + (1 - beta1) * g, v = beta2 * v + (1 - beta2) * g^2,
    p = p - lr * (m / (1 - beta1^t)) / (sqrt(v / (1 - beta2^t)) + eps).
    """

    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        """Take the list of arrays to change, in place."""
        self.parameters, self.lr, self.betas, self.eps = parameters, lr, betas, eps
        self._m = [np.zeros_like(p) for p in parameters]
        self._v = [np.zeros_like(p) for p in parameters]
        self._t = 0

    def step(self, gradients):
        """Change every parameter once, given the list of their gradients, which is left alone."""
        self._t += 1
        beta1, beta2 = self.betas
        for at, g in enumerate(gradients):
            self._m[at] = beta1 * self._m[at] + (1 - beta1) * g
            self._v[at] = beta2 * self._v[at] + (1 - beta2) * g**2
            m = self._m[at] / (1 - beta1**self._t)
            v = self._v[at] / (1 - beta2**self._t)
            self.parameters[at] -= self.lr * m / (np.sqrt(v) + self.eps)


def linear(new, x, weight, bias, grad_y):
    layer = new(Dense, 3, 4)
    layer.W, layer.b = weight, bias
    yield "y", layer.forward(x)
    yield "grad_x", layer.backward(grad_y)
    yield "grad_weight", layer.dLdW
    yield "grad_bias", layer.dLdb


def linear_twice(new, x, other, weight, bias, grad_y):
    layer = new(Dense, 3, 4)
    yield "fresh", [layer.W, layer.b]
    layer.W, layer.b = weight, bias
    layer.forward(other)
    layer.backward(grad_y)
    layer.forward(x)
    layer.backward(grad_y)
    yield "dLdW", layer.dLdW
    yield "dLdb", layer.dLdb


def tanh(new, x, other, grad_y):
    first, second = new(Tanh), new(Tanh)
    yield "y", first.forward(x)
    second.forward(other)
    yield "grad_x", first.backward(grad_y)


def chain(new, x, weights, biases, grad_y):
    first, second = new(Dense, 3, 5), new(Dense, 5, 2)
    first.W, first.b = weights[0], biases[0]
    second.W, second.b = weights[1], biases[1]
    model = new(Sequential, [first, new(Tanh), second])
    yield "y", model.forward(x)
    yield "grad_x", model.backward(grad_y)
    dW1, db1, dW2, db2 = model.gradients()
    yield "grad_weights", [dW1, dW2]
    yield "grad_biases", [db1, db2]
    yield "parameters", model.parameters()


def empty_chain(new, layers):
    yield "chain", new(Sequential, layers)


def sgd(new, parameters, gradients, settings):
    kept = new.keep(parameters)
    optimiser = new(SGD, kept, **settings)
    optimiser.step(gradients[0])
    yield "first", kept
    for some in gradients[1:]:
        optimiser.step(some)
    yield "last", kept


def adam(new, parameters, gradients, settings):
    kept = new.keep(parameters)
    optimiser = new(Adam, kept, **settings)
    optimiser.step(gradients[0])
    yield "first", kept
    for some in gradients[1:]:
        optimiser.step(some)
    yield "last", kept


def wrong_momentum(new, momentum):
    yield "optimiser", new(SGD, [], lr=0.1, momentum=momentum)


def changed_from_outside(new, x, weights, biases):
    layer = new(Dense, 3, 2)
    layer.W, layer.b = weights, biases
    model = new(Sequential, [new(Tanh), layer])
    weight, _ = model.parameters()
    model.forward(x)
    weight.fill(0.25)
    yield "y_after", model.forward(x)


def _arrays(*shapes):
    return [normal(*shape).numpy() for shape in shapes]


def _linear(name, rows, public=False, **more):
    given = {
        "x": normal(rows, 3).numpy(),
        "weight": normal(4, 3).numpy(),
        "bias": normal(4).numpy(),
    }
    return case(name, public=public, **given, grad_y=normal(rows, 4).numpy(), **more)


def _chain(name, rows, public=False, **more):
    return case(
        name,
        public=public,
        x=normal(rows, 3).numpy(),
        **more,
        weights=_arrays((5, 3), (2, 5)),
        biases=_arrays((5,), (2,)),
    )


def _steps(name, count, public=False, **settings):
    shapes = ((4, 3), (5,))
    return case(
        name,
        public=public,
        parameters=_arrays(*shapes),
        gradients=[_arrays(*shapes) for _ in range(count)],
        settings=settings,
    )


LINEAR = (_linear("five rows", 5, public=True), _linear("one row", 1))
TWICE = (
    _linear("used twice", 4, public=True, other=normal(4, 3).numpy()),
    _linear("used twice, one row", 1, other=normal(1, 3).numpy()),
)
TANH = (
    case(
        "two of them",
        public=True,
        x=normal(4, 3).numpy(),
        other=normal(4, 3).numpy(),
        grad_y=normal(4, 3).numpy(),
    ),
    case(
        "saturated",
        x=normal(3, 6, std=4.0).numpy(),
        other=normal(3, 6).numpy(),
        grad_y=normal(3, 6).numpy(),
    ),
)
CHAIN = (
    _chain("three layers", 4, public=True, grad_y=normal(4, 2).numpy()),
    _chain("one row", 1, grad_y=normal(1, 2).numpy()),
)
CHANGED = (
    case(
        "six rows",
        public=True,
        x=normal(6, 3).numpy(),
        weights=normal(2, 3).numpy(),
        biases=normal(2).numpy(),
    ),
)
SGD_STEPS = (
    _steps("three steps", 3, public=True, lr=0.1, momentum=0.9),
    _steps("without momentum", 2, lr=0.5, momentum=0.0),
    _steps("as it is by itself", 4),
)
ADAM_STEPS = (
    _steps("three steps", 3, public=True, lr=0.01),
    _steps("other settings", 4, lr=0.1, betas=(0.7, 0.9), eps=0.05),
)

EXERCISES = (
    Exercise(
        functions=(Dense,),
        checks=(
            gradients(
                linear, LINEAR, points={"y": 2, "grad_x": 2, "grad_weight": 2, "grad_bias": 1}
            ),
            values(linear_twice, TWICE, points={"fresh": 0.5, "dLdW": 1, "dLdb": 1}),
            precision(
                linear,
                LINEAR,
                points={"y": 0.5, "grad_x": 0.5, "grad_weight": 0.5, "grad_bias": 0.5},
                name="linear in float32",
            ),
        ),
        misconceptions=(
            edit(
                Dense.backward,
                "dLdY.sum(axis=0)",
                "dLdY.mean(axis=0)",
                name="bias-gradient-averaged",
                hint="b is added to every row: do the gradients add up, or are they averaged?",
            ),
            edit(
                Dense.backward,
                "self.dLdW = dLdY.T @ self._X",
                'self.dLdW = getattr(self, "dLdW", 0) + dLdY.T @ self._X',
                name="gradients-add-up",
                hint="What is in dLdW when backward is called for the second batch?",
            ),
            edit(
                Dense.forward,
                "self._X = X\n",
                'self._X = getattr(self, "_X", X)\n',
                name="first-input-remembered",
                hint="Which input does backward need: that of the last forward, or of the first?",
            ),
        ),
    ),
    Exercise(
        functions=(Tanh,),
        checks=(
            gradients(tanh, TANH, points={"y": 1, "grad_x": 2}),
            precision(tanh, TANH[:1], points={"y": 0.5, "grad_x": 0.5}, name="tanh in float32"),
        ),
        misconceptions=(
            edit(
                Tanh.backward,
                "1 - self._Y**2",
                "1 - np.tanh(self._Y) ** 2",
                name="tanh-taken-twice",
                hint="What is remembered: the input, or the output?",
            ),
            edit(
                Tanh.forward,
                "self._Y = np.tanh(X)\n        return self._Y.copy()",
                "Tanh._Y = np.tanh(X)\n        return Tanh._Y.copy()",
                name="memory-shared-by-all",
                hint="Two layers of one class: does each have a memory of its own?",
            ),
            edit(
                Tanh.backward,
                "dLdY * (1 - self._Y**2)",
                "1 - self._Y**2",
                name="upstream-forgotten",
                hint="By what does the chain rule multiply a layer's own derivative?",
            ),
        ),
    ),
    Exercise(
        functions=(Sequential,),
        checks=(
            gradients(
                chain,
                CHAIN,
                points={
                    "y": 2,
                    "grad_x": 2,
                    "grad_weights": 2,
                    "grad_biases": 1,
                    "parameters": 1,
                },
            ),
            values(changed_from_outside, CHANGED, points={"y_after": 1}),
            errors(empty_chain, (case("no layers", layers=[]),), points=0.5, name="refuses"),
        ),
        misconceptions=(
            edit(
                Sequential.backward,
                "reversed(self.layers)",
                "self.layers",
                name="backward-in-forward-order",
                hint="Which layer's output is the loss a function of directly?",
            ),
            edit(
                Sequential.gradients,
                "(layer.dLdW, layer.dLdb)",
                "(layer.dLdb, layer.dLdW)",
                name="gradients-in-another-order",
                hint="Does each gradient stand where its parameter stands?",
            ),
            edit(
                Sequential.parameters,
                "(layer.W, layer.b)",
                "(layer.W.copy(), layer.b.copy())",
                name="copies-of-parameters",
                hint="If an optimiser changes what parameters() gives, does the layer know?",
            ),
        ),
    ),
    Exercise(
        functions=(SGD,),
        checks=(
            values(sgd, SGD_STEPS, points={"first": 1, "last": 3}),
            precision(
                sgd, SGD_STEPS[:1], points={"first": 0.5, "last": 0.5}, name="sgd in float32"
            ),
            errors(
                wrong_momentum,
                (case("momentum of one", momentum=1.0), case("negative", momentum=-0.1)),
                points=0.5,
                name="refuses",
            ),
        ),
        misconceptions=(
            edit(
                SGD.step,
                "            v += g\n",
                "            v += (1 - self.momentum) * g\n",
                name="dampened",
                hint="Is the gradient added to v whole, or as an average?",
            ),
            edit(
                SGD.step,
                "            v *= self.momentum\n            v += g\n",
                "            v[...] = g\n",
                name="no-memory",
                hint="What is left of the last step's v?",
            ),
            edit(
                SGD.step,
                "p -= self.lr * v",
                "p -= self.lr * (g + self.momentum * v)",
                name="nesterov",
                hint="That looks one step ahead, as Nesterov does: what does the rule step by?",
            ),
        ),
    ),
    Exercise(
        functions=(Adam,),
        checks=(
            values(adam, ADAM_STEPS, points={"first": 2, "last": 3}),
            precision(
                adam, ADAM_STEPS[:1], points={"first": 0.5, "last": 0.5}, name="adam in float32"
            ),
        ),
        misconceptions=(
            edit(
                Adam.step,
                "m = self._m[at] / (1 - beta1**self._t)",
                "m = self._m[at]",
                name="no-bias-correction-of-m",
                hint="m begins at zero: how much too small is it after the first step?",
            ),
            edit(
                Adam.step,
                "(np.sqrt(v) + self.eps)",
                "np.sqrt(v + self.eps)",
                name="eps-inside-root",
                hint="Where does eps stand in algorithm 1?",
            ),
            edit(
                Adam.step,
                "(1 - beta2) * g**2",
                "(1 - beta2) * np.abs(g)",
                name="second-moment-not-squared",
                hint="What is v an average of?",
            ),
            edit(
                Adam.step,
                "        self._t += 1\n",
                "        self._t = 1\n",
                name="time-stands-still",
                hint="Which step is it when step is called for the third time?",
            ),
        ),
    ),
)
