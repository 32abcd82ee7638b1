"""By exponentials, and the derivative as a product."""

import numpy as np


class Tanh:
    def forward(self, X):
        e = np.exp(-2 * np.abs(X))
        self.y = np.sign(X) * (1 - e) / (1 + e)
        self.slope = 4 * e / (1 + e) ** 2
        return self.y

    def backward(self, dLdY):
        return self.slope * dLdY
