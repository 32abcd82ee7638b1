"""The gradient is passed on along every path on its own: slow, and right."""

import math


class Value:
    def __init__(self, data, parents=()):
        self.data = float(data)
        self.grad = 0.0
        self.parents = parents

    def backward(self):
        self._receive(1.0)

    def _receive(self, amount):
        self.grad = self.grad + amount
        for parent, slope in self.parents:
            parent._receive(slope * amount)

    def __add__(self, other):
        if not isinstance(other, Value):
            return Value(self.data + other, [(self, 1.0)])
        return Value(self.data + other.data, [(self, 1.0), (other, 1.0)])

    def __mul__(self, other):
        if not isinstance(other, Value):
            return Value(self.data * other, [(self, other)])
        return Value(self.data * other.data, [(self, other.data), (other, self.data)])

    def __pow__(self, n):
        if isinstance(n, Value):
            raise TypeError
        return Value(self.data**n, [(self, n * self.data ** (n - 1.0))])

    def exp(self):
        out = math.exp(self.data)
        return Value(out, [(self, out)])

    def tanh(self):
        out = math.tanh(self.data)
        return Value(out, [(self, (1 - out) * (1 + out))])

    def relu(self):
        return self * (1.0 if self.data > 0 else 0.0)

    def __neg__(self):
        return self * -1.0

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * (other**-1.0)

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return -(self - other)

    def __rtruediv__(self, other):
        return (self**-1.0) * other
