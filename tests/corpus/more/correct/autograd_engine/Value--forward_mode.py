"""Every value knows its derivatives by all that it came from; backward only looks them up."""

import math


class Value:
    def __init__(self, data, slopes=None):
        self.data = float(data)
        self.grad = 0.0
        self.slopes = {self: 1.0} | (slopes or {})

    def _new(self, data, *parts):
        slopes = {}
        for part, local in parts:
            for origin, slope in part.slopes.items():
                slopes[origin] = slopes.get(origin, 0.0) + local * slope
        return Value(data, slopes)

    def __add__(self, other):
        o = other if isinstance(other, Value) else Value(other)
        return self._new(self.data + o.data, (self, 1), (o, 1))

    def __mul__(self, other):
        o = other if isinstance(other, Value) else Value(other)
        return self._new(self.data * o.data, (self, o.data), (o, self.data))

    def __pow__(self, n):
        if type(n) not in (int, float):
            raise TypeError("number wanted")
        return self._new(self.data**n, (self, n * self.data ** (n - 1)))

    def exp(self):
        return self._new(math.exp(self.data), (self, math.exp(self.data)))

    def tanh(self):
        return self._new(math.tanh(self.data), (self, 1 / math.cosh(self.data) ** 2))

    def relu(self):
        return self._new(self.data * (self.data > 0), (self, float(self.data > 0)))

    def backward(self):
        for origin, slope in self.slopes.items():
            origin.grad += slope

    def __neg__(self):
        return -1 * self

    def __sub__(self, other):
        return self + (-other)

    def __truediv__(self, other):
        return self * (other**-1 if isinstance(other, Value) else 1 / other)

    def __radd__(self, other):
        return self + other

    def __rmul__(self, other):
        return self * other

    def __rsub__(self, other):
        return (-self) + other

    def __rtruediv__(self, other):
        return other * self**-1
