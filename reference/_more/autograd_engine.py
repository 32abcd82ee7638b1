"""An autograd engine for scalars.

A `Value` is a number that knows what it was computed from. Operators build a graph of them;
`backward` walks it from the end and leaves in every `grad` the derivative of the result by that
number (reverse-mode differentiation: Linnainmaa 1970; the form is that of Karpathy's micrograd).
A numeric derivative is none of these.
"""

import math

from autograder.checks import errors, gradients, values
from autograder.exercise import Exercise, case, edit, normal, uniform


class Value:
    """A number in a graph.

    Attributes:
        data: the number, a float.
        grad: the derivative of what `backward` was called on by this number; 0.0 before.
    """

    def __init__(self, data, parents=()):
        """Take the number, and the values that it was computed from."""
        self.data = float(data)
        self.grad = 0.0
        self._parents = parents
        self._pass_on = lambda: None  # adds to the parents' gradients, given this one's

    def __add__(self, other):
        """self + other, a Value; other is a Value or a number."""
        other = _as_value(other)
        out = Value(self.data + other.data, (self, other))

        def pass_on():
            self.grad += out.grad
            other.grad += out.grad

        out._pass_on = pass_on
        return out

    def __mul__(self, other):
        """self * other, a Value; other is a Value or a number."""
        other = _as_value(other)
        out = Value(self.data * other.data, (self, other))

        def pass_on():
            self.grad += other.data * out.grad
            other.grad += self.data * out.grad

        out._pass_on = pass_on
        return out

    def __pow__(self, exponent):
        """self ** exponent, a Value; exponent is a number (TypeError for anything else)."""
        if not isinstance(exponent, int | float):
            raise TypeError("an exponent must be a number")
        out = Value(self.data**exponent, (self,))

        def pass_on():
            self.grad += exponent * self.data ** (exponent - 1) * out.grad

        out._pass_on = pass_on
        return out

    def exp(self):
        """e to the power of self, a Value."""
        out = Value(math.exp(self.data), (self,))

        def pass_on():
            self.grad += out.data * out.grad

        out._pass_on = pass_on
        return out

    def tanh(self):
        """The hyperbolic tangent of self, a Value."""
        out = Value(math.tanh(self.data), (self,))

        def pass_on():
            self.grad += (1 - out.data**2) * out.grad

        out._pass_on = pass_on
        return out

    def relu(self):
        """self where it is positive, else 0, a Value."""
        out = Value(max(0.0, self.data), (self,))

        def pass_on():
            self.grad += (out.data > 0) * out.grad

        out._pass_on = pass_on
        return out

    def backward(self):
        """Add the derivative of self by each value of its graph to that value's grad.

        A value passes its gradient on when all that was computed from it has done so: the graph is
        gone through in reverse topological order. Whatever is in the grads already, stays in them.
        """
        order, seen = [], set()

        def visit(value):
            if value not in seen:
                seen.add(value)
                for parent in value._parents:
                    visit(parent)
                order.append(value)

        visit(self)
        before = {value: value.grad for value in order}
        for value in order:
            value.grad = 0.0
        self.grad = 1.0
        for value in reversed(order):
            value._pass_on()
        for value in order:
            value.grad += before[value]

    def __neg__(self):
        """-self, a Value."""
        return self * -1

    def __sub__(self, other):
        """self - other, a Value; other is a Value or a number."""
        return self + -_as_value(other)

    def __truediv__(self, other):
        """self / other, a Value; other is a Value or a number."""
        return self * _as_value(other) ** -1

    def __radd__(self, other):
        """other + self, for a number."""
        return self + other

    def __rmul__(self, other):
        """other * self, for a number."""
        return self * other

    def __rsub__(self, other):
        """other - self, for a number."""
        return -self + other

    def __rtruediv__(self, other):
        """other / self, for a number."""
        return self**-1 * other


def _as_value(other):
    return other if isinstance(other, Value) else Value(other)


def sums_and_products(new, a, b, c):
    a, b, c = new(Value, a), new(Value, b), new(Value, c)
    y = a * b + c + a * 3.0 + 2.0
    yield "loss", y.data
    y.backward()
    yield "grad_a", a.grad
    yield "grad_b", b.grad
    yield "grad_c", c.grad


def differences_and_quotients(new, a, b):
    a, b = new(Value, a), new(Value, b)
    y = (a - b) / (b**2 + 1.0) + 3.0 / a - (2.0 - b) ** 3 + 1.5 * -a
    yield "loss", y.data
    y.backward()
    yield "grad_a", a.grad
    yield "grad_b", b.grad


def functions(new, a, b):
    a, b = new(Value, a), new(Value, b)
    y = (a * b).tanh() + (0.5 * a).exp() * b + a.relu() * 2.0 + (b - 5.0).relu()
    yield "loss", y.data
    y.backward()
    yield "grad_a", a.grad
    yield "grad_b", b.grad


def shared(new, a):
    a = new(Value, a)
    left = a * a
    right = left + a
    y = left * right + right.tanh() * left
    yield "loss", y.data
    y.backward()
    yield "grad_a", a.grad
    yield "inner", [left.grad, right.grad, y.grad]


def used_by_all(new, a, b):
    """Each operation has an argument that others have, too, before it and after it."""
    a, b = new(Value, a), new(Value, b)
    u, v = a * b, a + b
    up = (u.tanh() + u) + (u.exp() + u) + (u.relu() + u) + (2.0 + u * u) ** 1.5
    down = (v * v + 1.0) ** 1.5 + v.relu() + v.exp() + v.tanh() + v
    y = up * b + down + (a * a).relu() * b
    yield "loss", y.data
    y.backward()
    yield "grad_a", a.grad
    yield "grad_b", b.grad


def twice(new, a):
    a = new(Value, a)
    y = a * a + a
    z = y * 3.0
    y.backward()
    yield "once", a.grad
    z.backward()
    yield "added", a.grad


def neuron(new, w, x, b):
    weights, inputs, bias = [new(Value, v) for v in w], [new(Value, v) for v in x], new(Value, b)
    total = bias
    for weight, given in zip(weights, inputs, strict=True):
        total = total + weight * given
    y = total.tanh()
    yield "loss", y.data
    y.backward()
    yield "grad_w", [weight.grad for weight in weights]
    yield "grad_x", [given.grad for given in inputs]
    yield "grad_b", bias.grad


def power_of_a_value(new, a):
    yield "y", new(Value, a) ** new(Value, 2.0)


def _number(low=0.3, high=1.7):
    return uniform(low=low, high=high).map(float)


def _signed():
    return normal().map(float)


def _numbers(count):
    return [_signed() for _ in range(count)]


TWO = (
    case("two numbers", public=True, a=_number(), b=_number()),
    case("one is negative", a=_number(-1.7, -0.3), b=_number()),
)
ONE = (
    case("a number", public=True, a=_number()),
    case("a negative number", a=_number(-1.7, -0.3)),
)

EXERCISES = (
    Exercise(
        functions=(Value,),
        checks=(
            gradients(
                sums_and_products,
                (
                    case("three numbers", public=True, a=_signed(), b=_signed(), c=_signed()),
                    case("others", a=_signed(), b=_signed(), c=_signed()),
                ),
                points={"loss": 2, "grad_a": 1, "grad_b": 1, "grad_c": 1},
            ),
            gradients(differences_and_quotients, TWO, points={"loss": 1, "grad_a": 1, "grad_b": 1}),
            gradients(functions, TWO, points={"loss": 1, "grad_a": 1, "grad_b": 1}),
            gradients(used_by_all, TWO, points={"loss": 0.5, "grad_a": 1, "grad_b": 0.5}),
            gradients(shared, ONE, points={"loss": 1, "grad_a": 2, "inner": 1}),
            values(twice, ONE, points={"once": 1, "added": 1}),
            gradients(
                neuron,
                (
                    case("three inputs", public=True, w=_numbers(3), x=_numbers(3), b=_signed()),
                    case("eight inputs", w=_numbers(8), x=_numbers(8), b=_signed()),
                ),
                points={"loss": 1, "grad_w": 1, "grad_x": 1, "grad_b": 1},
            ),
            errors(power_of_a_value, (case("a value", a=2.0),), points=0.5, name="refuses"),
        ),
        misconceptions=(
            edit(
                Value.__add__,
                "            self.grad += out.grad\n            other.grad += out.grad",
                "            self.grad = out.grad\n            other.grad = out.grad",
                name="gradients-overwritten",
                hint="A number is used twice: what is in its grad when the second use comes?",
            ),
            edit(
                Value.__mul__,
                "            self.grad += other.data * out.grad\n"
                "            other.grad += self.data * out.grad",
                "            self.grad += self.data * out.grad\n"
                "            other.grad += other.data * out.grad",
                name="product-rule-crossed",
                hint="What is the derivative of a * b by a? And by b?",
            ),
            edit(
                Value.tanh,
                "(1 - out.data**2) * out.grad",
                "(1 - out.data**2)",
                name="tanh-forgets-upstream",
                hint="By what does the chain rule multiply tanh's own derivative?",
            ),
            edit(
                Value.__pow__,
                "self.data ** (exponent - 1)",
                "self.data**exponent",
                name="power-rule-exponent",
                hint="What is the derivative of x^3? By how much does the exponent fall?",
            ),
            edit(
                Value.backward,
                "                order.append(value)\n",
                "",
                name="no-order",
                hint="Which values pass their gradients on, and when?",
            ),
            edit(
                Value.backward,
                "                seen.add(value)\n"
                "                for parent in value._parents:\n"
                "                    visit(parent)\n"
                "                order.append(value)",
                "                seen.add(value)\n"
                "                order.insert(0, value)\n"
                "                for parent in value._parents:\n"
                "                    visit(parent)",
                name="depth-first-instead-of-topological",
                hint="May a value pass its gradient on before all that use it have done so?",
            ),
            edit(
                Value.backward,
                "            value.grad += before[value]",
                "            pass",
                name="gradients-forgotten-between-calls",
                hint="What is in grad when backward is called on a second result?",
            ),
            edit(
                Value.__rsub__,
                "-self + other",
                "self - other",
                name="reflected-difference-reversed",
                hint="2 - x calls x.__rsub__(2): which of the two is subtracted?",
            ),
            edit(
                Value.relu,
                "(out.data > 0) * out.grad",
                "out.grad",
                name="relu-passes-everything",
                hint="Where relu gives 0 for every number nearby, what is its derivative?",
            ),
        ),
    ),
)
