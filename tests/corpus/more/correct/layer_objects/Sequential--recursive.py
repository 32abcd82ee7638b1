"""A chain is a layer and a chain."""

import numpy as np


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
    def __init__(self, layers):
        if len(layers) == 0:
            raise ValueError
        self.first, self.rest = layers[0], Sequential(layers[1:]) if layers[1:] else None

    def forward(self, X):
        Y = self.first.forward(X)
        return self.rest.forward(Y) if self.rest else Y

    def backward(self, dLdY):
        return self.first.backward(self.rest.backward(dLdY) if self.rest else dLdY)

    def parameters(self):
        own = [self.first.W, self.first.b] if "W" in vars(self.first) else []
        return own + (self.rest.parameters() if self.rest else [])

    def gradients(self):
        own = [self.first.dLdW, self.first.dLdb] if "W" in vars(self.first) else []
        return own + (self.rest.gradients() if self.rest else [])
