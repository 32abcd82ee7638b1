"""Derivatives are numbers on the edges; the order is by the time of making."""

import heapq
import itertools
import math

_clock = itertools.count()


class Value:
    def __init__(self, data, edges=()):
        self.data, self.grad = float(data), 0.0
        self.edges = edges
        self.time = next(_clock)

    def __lt__(self, other):
        return self.time > other.time

    def __add__(self, other):
        other = lift(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))

    def __mul__(self, other):
        other = lift(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))

    def __pow__(self, n):
        if isinstance(n, Value):
            raise TypeError("no values up there")
        return Value(self.data**n, ((self, n * self.data ** (n - 1)),))

    def exp(self):
        e = math.exp(self.data)
        return Value(e, ((self, e),))

    def tanh(self):
        t = math.tanh(self.data)
        return Value(t, ((self, 1 - t * t),))

    def relu(self):
        return Value(self.data, ((self, 1.0),)) if self.data > 0 else Value(0.0, ((self, 0.0),))

    def backward(self):
        flowing = {id(self): 1.0}
        waiting, queued = [self], {id(self)}
        while waiting:
            value = heapq.heappop(waiting)
            upstream = flowing[id(value)]
            value.grad += upstream
            for parent, slope in value.edges:
                flowing[id(parent)] = flowing.get(id(parent), 0.0) + slope * upstream
                if id(parent) not in queued:
                    queued.add(id(parent))
                    heapq.heappush(waiting, parent)

    def __neg__(self):
        return Value(-self.data, ((self, -1.0),))

    def __sub__(self, other):
        other = lift(other)
        return Value(self.data - other.data, ((self, 1.0), (other, -1.0)))

    def __truediv__(self, other):
        other = lift(other)
        quotient = self.data / other.data
        return Value(quotient, ((self, 1 / other.data), (other, -quotient / other.data)))

    def __rsub__(self, other):
        return lift(other) - self

    def __rtruediv__(self, other):
        return lift(other) / self

    __radd__ = __add__
    __rmul__ = __mul__


def lift(x):
    return x if isinstance(x, Value) else Value(x)
