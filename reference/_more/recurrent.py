"""Recurrent networks, and backpropagation through time by hand.

A cell makes a state from the last one and an input; a network does so for every step of a sequence.
Batches come first: inputs are `(N, D)` for one step and `(N, T, D)` for T of them, states `(N, H)`
and `(N, T, H)`. A forward returns a cache for its backward; backwards are written by hand:
no autograd and no numeric derivative.
"""

import torch

from autograder.checks import gradients, precision
from autograder.exercise import Exercise, case, edit, normal


def rnn_step(x, h, Wx, Wh, b):
    """One step of a plain recurrent cell (Elman 1990): h_next = tanh(x Wx + h Wh + b).

    Args:
        x: `(N, D)`.
        h: `(N, H)`, the state before.
        Wx: `(D, H)`; Wh: `(H, H)`; b: `(H,)`.

    Returns:
        h_next `(N, H)`, and a cache for `rnn_step_backward`.
    """
    h_next = torch.tanh(x @ Wx + h @ Wh + b)
    return h_next, (x, h, Wx, Wh, h_next)


def rnn_step_backward(grad_h_next, cache):
    """The gradients of `rnn_step` in all that it takes.

    Args:
        grad_h_next: `(N, H)`.
        cache: what the forward gave.

    Returns:
        grad_x, grad_h, grad_Wx, grad_Wh, grad_b, of the shapes of what they belong to.
    """
    x, h, Wx, Wh, h_next = cache
    grad_a = grad_h_next * (1 - h_next**2)  # of tanh's argument
    return grad_a @ Wx.T, grad_a @ Wh.T, x.T @ grad_a, h.T @ grad_a, grad_a.sum(0)


def rnn(x, h0, Wx, Wh, b):
    """A plain recurrent network over a sequence; every step has the same weights.

    Args:
        x: `(N, T, D)`.
        h0: `(N, H)`, the state before the first step.
        Wx, Wh, b: as for `rnn_step`.

    Returns:
        h `(N, T, H)`, the states after each step, and a cache for `rnn_backward`.
    """
    states, caches, state = [], [], h0
    for t in range(x.shape[1]):
        state, cache = rnn_step(x[:, t], state, Wx, Wh, b)
        states.append(state)
        caches.append(cache)
    return torch.stack(states, dim=1), caches


def rnn_backward(grad_h, cache):
    """Backpropagation through time (Werbos 1990): from the last step to the first.

    A state is used twice: it is an output, and the next step takes it. Weights are used in every
    step, so their gradients add up.

    Args:
        grad_h: `(N, T, H)`, the gradients in the states as outputs.
        cache: what the forward gave.

    Returns:
        grad_x `(N, T, D)`, grad_h0 `(N, H)`, grad_Wx, grad_Wh, grad_b.
    """
    grads_x, weights = [], [0, 0, 0]
    grad_state = torch.zeros_like(grad_h[:, 0])
    for t in reversed(range(len(cache))):
        grad_x, grad_state, *here = rnn_step_backward(grad_h[:, t] + grad_state, cache[t])
        grads_x.insert(0, grad_x)
        weights = [total + part for total, part in zip(weights, here, strict=True)]
    return torch.stack(grads_x, dim=1), grad_state, *weights


def lstm_step(x, h, c, Wx, Wh, b):
    """One step of long short-term memory (Hochreiter & Schmidhuber 1997, with the forget gate of
    Gers et al. 2000).

    With a = x Wx + h Wh + b, in four parts of H columns for the input gate, the forget gate, the
    output gate and the candidate:

        i, f, o = sigmoid(a_i), sigmoid(a_f), sigmoid(a_o);  g = tanh(a_g),
        c_next = f * c + i * g;  h_next = o * tanh(c_next).

    Args:
        x: `(N, D)`.
        h, c: `(N, H)`, state and memory before.
        Wx: `(D, 4H)`; Wh: `(H, 4H)`; b: `(4H,)`.

    Returns:
        h_next, c_next `(N, H)`, and a cache for `lstm_step_backward`.
    """
    a_i, a_f, a_o, a_g = (x @ Wx + h @ Wh + b).chunk(4, dim=1)
    i, f, o, g = torch.sigmoid(a_i), torch.sigmoid(a_f), torch.sigmoid(a_o), torch.tanh(a_g)
    c_next = f * c + i * g
    squashed = torch.tanh(c_next)
    return o * squashed, c_next, (x, h, c, Wx, Wh, i, f, o, g, squashed)


def lstm_step_backward(grad_h_next, grad_c_next, cache):
    """The gradients of `lstm_step` in all that it takes. The memory gets a gradient of its own and
    one through the state.

    Args:
        grad_h_next, grad_c_next: `(N, H)`.
        cache: what the forward gave.

    Returns:
        grad_x, grad_h, grad_c, grad_Wx, grad_Wh, grad_b, of the shapes of what they belong to.
    """
    x, h, c, Wx, Wh, i, f, o, g, squashed = cache
    grad_c = grad_c_next + grad_h_next * o * (1 - squashed**2)
    grad_a = torch.cat(
        [
            grad_c * g * i * (1 - i),
            grad_c * c * f * (1 - f),
            grad_h_next * squashed * o * (1 - o),
            grad_c * i * (1 - g**2),
        ],
        dim=1,
    )
    weights = x.T @ grad_a, h.T @ grad_a, grad_a.sum(0)
    return grad_a @ Wx.T, grad_a @ Wh.T, grad_c * f, *weights


def lstm(x, h0, Wx, Wh, b):
    """A network of LSTM cells over a sequence; the memory begins with zeros.

    Args:
        x: `(N, T, D)`.
        h0: `(N, H)`.
        Wx, Wh, b: as for `lstm_step`.

    Returns:
        h `(N, T, H)`, and a cache for `lstm_backward`.
    """
    states, caches, state, memory = [], [], h0, torch.zeros_like(h0)
    for t in range(x.shape[1]):
        state, memory, cache = lstm_step(x[:, t], state, memory, Wx, Wh, b)
        states.append(state)
        caches.append(cache)
    return torch.stack(states, dim=1), caches


def lstm_backward(grad_h, cache):
    """Backpropagation through time; no gradient comes into the last memory from outside.

    Args:
        grad_h: `(N, T, H)`.
        cache: what the forward gave.

    Returns:
        grad_x `(N, T, D)`, grad_h0 `(N, H)`, grad_Wx, grad_Wh, grad_b.
    """
    grads_x, weights = [], [0, 0, 0]
    grad_state = grad_memory = torch.zeros_like(grad_h[:, 0])
    for t in reversed(range(len(cache))):
        grad_x, grad_state, grad_memory, *here = lstm_step_backward(
            grad_h[:, t] + grad_state, grad_memory, cache[t]
        )
        grads_x.insert(0, grad_x)
        weights = [total + part for total, part in zip(weights, here, strict=True)]
    return torch.stack(grads_x, dim=1), grad_state, *weights


def plain_step(new, x, h, Wx, Wh, b, grad_h_next):
    h_next, cache = new(rnn_step, x, h, Wx, Wh, b)
    yield "h_next", h_next
    grad_x, grad_h, grad_Wx, grad_Wh, grad_b = new(rnn_step_backward, grad_h_next, cache)
    yield "grad_x", grad_x
    yield "grad_h", grad_h
    yield "grad_Wx", grad_Wx
    yield "grad_Wh", grad_Wh
    yield "grad_b", grad_b


def plain_sequence(new, x, h0, Wx, Wh, b, grad_h):
    h, cache = new(rnn, x, h0, Wx, Wh, b)
    yield "h", h
    grad_x, grad_h0, grad_Wx, grad_Wh, grad_b = new(rnn_backward, grad_h, cache)
    yield "grad_x", grad_x
    yield "grad_h0", grad_h0
    yield "grad_Wx", grad_Wx
    yield "grad_Wh", grad_Wh
    yield "grad_b", grad_b


def memory_step(new, x, h, c, Wx, Wh, b, grad_h_next, grad_c_next):
    h_next, c_next, cache = new(lstm_step, x, h, c, Wx, Wh, b)
    yield "h_next", h_next
    yield "c_next", c_next
    grads = new(lstm_step_backward, grad_h_next, grad_c_next, cache)
    grad_x, grad_h, grad_c, grad_Wx, grad_Wh, grad_b = grads
    yield "grad_x", grad_x
    yield "grad_h", grad_h
    yield "grad_c", grad_c
    yield "grad_Wx", grad_Wx
    yield "grad_Wh", grad_Wh
    yield "grad_b", grad_b


def memory_sequence(new, x, h0, Wx, Wh, b, grad_h):
    h, cache = new(lstm, x, h0, Wx, Wh, b)
    yield "h", h
    grad_x, grad_h0, grad_Wx, grad_Wh, grad_b = new(lstm_backward, grad_h, cache)
    yield "grad_x", grad_x
    yield "grad_h0", grad_h0
    yield "grad_Wx", grad_Wx
    yield "grad_Wh", grad_Wh
    yield "grad_b", grad_b


def _weights(inputs, hidden, parts):
    return {
        "Wx": normal(inputs, parts * hidden, std=0.6),
        "Wh": normal(hidden, parts * hidden, std=0.6),
        "b": normal(parts * hidden),
    }


def _step(name, rows, inputs, hidden, public=False, parts=1):
    memory = {"c": normal(rows, hidden)} if parts == 4 else {}
    upstream = {"grad_c_next": normal(rows, hidden)} if parts == 4 else {}
    return case(
        name,
        public=public,
        x=normal(rows, inputs),
        h=normal(rows, hidden, std=0.5),
        **memory,
        **_weights(inputs, hidden, parts),
        grad_h_next=normal(rows, hidden),
        **upstream,
    )


def _sequence(name, rows, steps, inputs, hidden, public=False, parts=1):
    return case(
        name,
        public=public,
        x=normal(rows, steps, inputs),
        h0=normal(rows, hidden, std=0.5),
        **_weights(inputs, hidden, parts),
        grad_h=normal(rows, steps, hidden),
    )


def _steps(parts):
    return (
        _step("three rows", 3, 4, 5, public=True, parts=parts),
        _step("one row", 1, 2, 6, parts=parts),
    )


def _sequences(parts):
    return (
        _sequence("four steps", 3, 4, 2, 5, public=True, parts=parts),
        _sequence("one step", 2, 1, 3, 4, parts=parts),
        _sequence("nine steps", 1, 9, 3, 4, parts=parts),
    )


STEP_GRADIENTS = {"grad_x": 1, "grad_h": 1, "grad_Wx": 1, "grad_Wh": 1, "grad_b": 1}
SEQUENCE_GRADIENTS = {"grad_x": 1, "grad_h0": 1, "grad_Wx": 1, "grad_Wh": 1, "grad_b": 1}


def _small(points):
    return dict.fromkeys(points, 0.25)


EXERCISES = (
    Exercise(
        functions=(rnn_step, rnn_step_backward),
        checks=(
            gradients(plain_step, _steps(1), points={"h_next": 2, **STEP_GRADIENTS}),
            precision(
                plain_step,
                _steps(1),
                points=_small({"h_next": 1, **STEP_GRADIENTS}),
                name="in float32",
            ),
        ),
        misconceptions=(
            edit(
                rnn_step_backward,
                "(1 - h_next**2)",
                "(1 - h**2)",
                name="slope-at-the-old-state",
                hint="Tanh's derivative is 1 less the square of its result: which state is that?",
            ),
            edit(
                rnn_step_backward,
                "grad_a @ Wh.T",
                "grad_a @ Wh",
                name="recurrent-weights-not-transposed",
                hint="Wh is square, so shapes do not tell: is it transposed on the way back?",
            ),
            edit(
                rnn_step_backward,
                "h.T @ grad_a",
                "h_next.T @ grad_a",
                name="weights-by-the-new-state",
                hint="Which state was multiplied by Wh?",
            ),
        ),
    ),
    Exercise(
        functions=(rnn, rnn_backward),
        checks=(
            gradients(plain_sequence, _sequences(1), points={"h": 2, **SEQUENCE_GRADIENTS}),
            precision(
                plain_sequence,
                _sequences(1)[:2],
                points=_small({"h": 1, **SEQUENCE_GRADIENTS}),
                name="in float32",
            ),
        ),
        misconceptions=(
            edit(
                rnn_backward,
                "grad_h[:, t] + grad_state",
                "grad_h[:, t]",
                name="no-gradient-through-time",
                hint="The next step took this state as well: where does its gradient go?",
            ),
            edit(
                rnn_backward,
                "reversed(range(len(cache)))",
                "range(len(cache))",
                name="from-the-first-step",
                hint="Which step is the last to have been made?",
            ),
            edit(
                rnn_backward,
                "[total + part for total, part in zip(weights, here, strict=True)]",
                "[total + part / len(cache) for total, part in zip(weights, here, strict=True)]",
                name="averaged-over-time",
                hint="Weights that are used T times: do their gradients add up?",
            ),
            edit(
                rnn,
                "state, cache = rnn_step(x[:, t], state,",
                "state, cache = rnn_step(x[:, t], h0,",
                name="always-from-the-first-state",
                hint="Which state does the second step begin with?",
            ),
        ),
    ),
    Exercise(
        functions=(lstm_step, lstm_step_backward),
        checks=(
            gradients(
                memory_step,
                _steps(4),
                points={"h_next": 1, "c_next": 1, "grad_c": 1, **STEP_GRADIENTS},
            ),
            precision(
                memory_step,
                _steps(4),
                points=_small({"h_next": 1, "c_next": 1, "grad_c": 1, **STEP_GRADIENTS}),
                name="in float32",
            ),
        ),
        misconceptions=(
            edit(
                lstm_step,
                "a_i, a_f, a_o, a_g =",
                "a_f, a_i, a_o, a_g =",
                name="gates-in-another-order",
                hint="Which quarter of the columns belongs to which gate?",
            ),
            edit(
                lstm_step,
                "squashed = torch.tanh(c_next)",
                "squashed = c_next",
                name="memory-not-squashed",
                hint="What does h_next take of the memory?",
            ),
            edit(
                lstm_step_backward,
                "grad_c_next + grad_h_next * o * (1 - squashed**2)",
                "grad_h_next * o * (1 - squashed**2)",
                name="memory-gradient-dropped",
                hint="The memory goes to the next step by itself: that gradient comes back too.",
            ),
            edit(
                lstm_step_backward,
                "grad_c * f, *weights",
                "grad_c, *weights",
                name="forget-gate-forgotten-backwards",
                hint="How much of c got into c_next?",
            ),
            edit(
                lstm_step_backward,
                "grad_c * c * f * (1 - f)",
                "grad_c * f * (1 - f)",
                name="forget-gate-without-memory",
                hint="What was the forget gate multiplied by?",
            ),
        ),
    ),
    Exercise(
        functions=(lstm, lstm_backward),
        checks=(
            gradients(memory_sequence, _sequences(4), points={"h": 2, **SEQUENCE_GRADIENTS}),
            precision(
                memory_sequence,
                _sequences(4)[:2],
                points=_small({"h": 1, **SEQUENCE_GRADIENTS}),
                name="in float32",
            ),
        ),
        misconceptions=(
            edit(
                lstm,
                "state, memory, cache = lstm_step(x[:, t], state, memory,",
                "state, _, cache = lstm_step(x[:, t], state, memory,",
                name="memory-not-kept",
                hint="What is in the memory when the second step begins?",
            ),
            edit(
                lstm_backward,
                "grad_x, grad_state, grad_memory, *here",
                "grad_x, grad_state, _, *here",
                name="memory-gradient-stops",
                hint="Through the memory, a gradient can go back many steps: does yours?",
            ),
            edit(
                lstm_backward,
                "grad_h[:, t] + grad_state, grad_memory",
                "grad_state + (grad_h[:, t] if t == len(cache) - 1 else 0), grad_memory",
                name="only-the-last-output",
                hint="Every state is an output: which of them may the loss depend on?",
            ),
        ),
    ),
)
