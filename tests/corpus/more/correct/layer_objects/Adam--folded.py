"""Both corrections folded into the rate, as the paper says one may (end of section 2)."""

import numpy as np


class Adam:
    def __init__(self, parameters, lr=1e-3, betas=(0.9, 0.999), eps=1e-8):
        self.state = [(p, np.zeros_like(p), np.zeros_like(p)) for p in parameters]
        self.lr, (self.b1, self.b2), self.eps, self.steps = lr, betas, eps, 0

    def step(self, gradients):
        self.steps += 1
        root = np.sqrt(1 - self.b2**self.steps)
        rate = self.lr * root / (1 - self.b1**self.steps)
        for (p, m, v), g in zip(self.state, gradients):
            m += (1 - self.b1) * (g - m)
            v += (1 - self.b2) * (g * g - v)
            p[...] = p - rate * m / (np.sqrt(v) + self.eps * root)
