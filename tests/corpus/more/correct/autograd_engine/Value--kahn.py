"""Counts of uses instead of a search: a value passes its gradient on when nobody is left to use it."""

import math
from collections import Counter


class Value:
    def __init__(self, data, parents=(), local=()):
        self.data, self.grad, self.parents, self.local = float(data), 0.0, parents, local

    def __add__(self, other):
        other = wrap(other)
        return Value(self.data + other.data, (self, other), (1.0, 1.0))

    def __radd__(self, other):
        return wrap(other) + self

    def __mul__(self, other):
        other = wrap(other)
        return Value(self.data * other.data, (self, other), (other.data, self.data))

    def __rmul__(self, other):
        return wrap(other) * self

    def __neg__(self):
        return self * (-1.0)

    def __sub__(self, other):
        return self + wrap(other).__neg__()

    def __rsub__(self, other):
        return wrap(other) - self

    def __pow__(self, k):
        if hasattr(k, "data"):
            raise TypeError("constant powers only")
        return Value(pow(self.data, k), (self,), (k * pow(self.data, k - 1),))

    def __truediv__(self, other):
        return self * wrap(other) ** (-1)

    def __rtruediv__(self, other):
        return wrap(other) / self

    def exp(self):
        y = math.e**self.data
        return Value(y, (self,), (y,))

    def tanh(self):
        e = math.exp(-2 * self.data)
        y = (1 - e) / (1 + e)
        return Value(y, (self,), (1 - y**2,))

    def relu(self):
        on = 1.0 if self.data > 0 else 0.0
        return Value(on * self.data, (self,), (on,))

    def backward(self):
        uses, found, stack = Counter(), {self}, [self]
        while stack:
            for parent in stack.pop().parents:
                uses[parent] += 1
                if parent not in found:
                    found.add(parent)
                    stack.append(parent)
        upstream, ready = {self: 1.0}, [self]
        while ready:
            value = ready.pop()
            value.grad += upstream[value]
            for parent, slope in zip(value.parents, value.local):
                upstream[parent] = upstream.get(parent, 0.0) + slope * upstream[value]
                uses[parent] -= 1
                if uses[parent] == 0:
                    ready.append(parent)


def wrap(x):
    return x if isinstance(x, Value) else Value(x)
