"""The velocity holds the learning rate, and has a minus sign."""

import numpy as np


class SGD:
    def __init__(self, parameters, lr=0.1, momentum=0.9):
        if momentum < 0 or momentum >= 1:
            raise ValueError(momentum)
        self.params, self.lr, self.mu = list(parameters), lr, momentum
        self.velocity = {}

    def step(self, gradients):
        for at, gradient in enumerate(gradients):
            old = self.velocity.get(at, np.zeros_like(gradient))
            self.velocity[at] = self.mu * old - self.lr * gradient
            self.params[at] += self.velocity[at]
