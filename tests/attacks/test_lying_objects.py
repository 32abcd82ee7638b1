"""Objects that lie: whatever a submission's objects say that they are, without an implementation
they earn nothing, they harm no one, and nothing of a hidden case gets out through them."""

import json
import re

import pytest

from autograder.grading.grader import Grader
from autograder.handin.submission import Source, Submission
from autograder.report import student_view, validate
from autograder.sandbox import Limits
from tests.catalogues import SECOND as CATALOGUE
from tests.conftest import SECRET

TOPICS = ("layer_objects", "transformer")
LIMITS = Limits(call_seconds=1, session_seconds=5)

PRELUDE = """
import numpy as np, torch, sys, gc
seen = []
def note(*args, **named):
    for value in (*args, *named.values()):
        if isinstance(value, (torch.Tensor, np.ndarray)):
            seen.append(value)
        elif isinstance(value, (list, tuple)):
            note(*value)
        elif isinstance(value, dict):
            note(*value.values())
def last(*args, **named):
    note(*args, **named)
    return seen[-1] if seen else 0.0
def first(*args, **named):
    note(*args, **named)
    return seen[0] if seen else 0.0
OPERATORS = '''add sub mul truediv pow neg radd rsub rmul rtruediv getitem setitem matmul abs iter
    enter exit lt gt le ge len'''.split()
"""

# The class (or function) by which all that a topic asks for is defined.
LIARS = {
    "anything for anyone": """
class Liar:
    def __init__(self, *a, **k): note(*a, **k)
    def __getattr__(self, name): return self
    def __call__(self, *a, **k): note(*a, **k); return self
    @property
    def __class__(self): return torch.Tensor
for name in OPERATORS: setattr(Liar, f'__{name}__', lambda self, *a: self)
Liar.__iter__ = lambda self: iter([self] * 6)
Liar.__len__ = lambda self: 6
""",
    "the last thing it was given": """
class Liar:
    def __new__(cls, *a, **k): note(*a, **k); return super().__new__(cls)
    def __init__(self, *a, **k): pass
    def __getattr__(self, name): return last
    def __call__(self, *a, **k): return last(*a, **k)
for name in OPERATORS: setattr(Liar, f'__{name}__', lambda self, *a: last(*a))
""",
    "a cache of everything": """
class Liar:
    everything = []
    def __init__(self, *a, **k): self.everything.extend(a)
    def __getattr__(self, name): return lambda *a, **k: (tuple(self.everything), first(*a, **k))
    def __call__(self, *a, **k): return first(*a, **k), self
for name in OPERATORS: setattr(Liar, f'__{name}__', lambda self, *a: self)
""",
    "attributes that end the process": """
class Ends:
    def __get__(self, owner, kind=None): raise SystemExit(0)
    def __set__(self, owner, value): sys.exit(0)
class Liar:
    W = b = weight = data = grad = dLdW = Ends()
    def __init__(self, *a, **k): pass
    def __del__(self): raise KeyboardInterrupt
    def __call__(self, *a, **k): raise GeneratorExit
""",
    "equal to all": """
class Liar(float):
    def __new__(cls, *a, **k): return float.__new__(cls, 1.0)
    def __init__(self, *a, **k): pass
    __eq__ = __ge__ = __le__ = __lt__ = __gt__ = lambda s, o: True
    __hash__ = float.__hash__
    shape, dtype, ndim, grad, data = (), torch.float64, 0, 0.0, 0.0
    def __getattr__(self, name): return lambda *a, **k: self
    def __call__(self, *a, **k): return self
""",
    "growing": """
class Liar:
    def __init__(self, *a, **k): self.pile = [bytearray(2 ** 20)]
    def __getattr__(self, name):
        self.__dict__.setdefault('pile', []).append(bytearray(2 ** 22))
        return lambda *a, **k: self
    def __call__(self, *a, **k): return self
""",
}
# What a module can lie with: everything that the grader loads, reads and calls by name.
MODULE = """
from torch import nn
class Liar(nn.Module):
    def __init__(self, *a, **k):
        super().__init__()
        self.begun(*a, **k)
    def begun(self, *a, **k): pass
    def forward(self, *a, **k): return first(*a, **k)
"""
LYING_MODULES = {
    "a state_dict that says yes": """
class State(dict):
    def __contains__(self, key): return True
    def __getitem__(self, key): return self.get(key, torch.zeros(()))
    def __missing__(self, key): return torch.zeros(())
Liar.state_dict = lambda self, *a, **k: State()
Liar.load_state_dict = lambda self, state, *a, **k: note(state)
Liar.named_parameters = lambda self, *a, **k: iter(())
Liar.to = lambda self, *a, **k: self
""",
    "parameters without end": """
def endless(self, *a, **k):
    while True:
        yield 'weight', nn.Parameter(torch.zeros(2 ** 18))
Liar.named_parameters = endless
""",
    "a load that keeps what it is given": """
kept = {}
def load(self, state, *a, **k):
    kept.update(state)
    note(state)
Liar.load_state_dict = load
Liar.state_dict = lambda self, *a, **k: dict(kept) or {'weight': torch.zeros(2)}
Liar.named_parameters = lambda self, *a, **k: iter(kept.items())
Liar.__getattr__ = lambda self, name: kept.get(name, last)
""",
    "the class of another": """
Liar.__class__ = property(lambda self: type('Tensor', (torch.Tensor,), {}))
Liar.state_dict = property(lambda self: dict)
""",
    "buffers that grow": """
def grow(self, *a, **k):
    self.register_buffer(f'b{len(self._buffers)}', torch.zeros(2 ** 22))
    return first(*a, **k)
Liar.forward = grow
Liar.begun = lambda self, *a, **k: [grow(self) for _ in range(40)]
""",
    "shapes that lie": """
class Shaped(torch.Tensor):
    @property
    def shape(self):
        class Any(tuple):
            def __eq__(self, other): return True
            def __ne__(self, other): return False
            __hash__ = tuple.__hash__
        return Any()
    def numel(self): return 2 ** 40
    def dim(self): return 0
def told(self, *a, **k):
    return {n: torch.zeros(1).as_subclass(Shaped) for n in 'weight bias w1 w2 w3 gain'.split()}
Liar.state_dict = told
Liar.named_parameters = lambda self, *a, **k: iter(told(self).items())
Liar.load_state_dict = lambda *a, **k: None
Liar.forward = lambda self, *a, **k: torch.zeros(1).as_subclass(Shaped)
""",
    "one storage for all": """
memory = torch.zeros(2 ** 12, dtype=torch.float64)
def shared(self, *a, **k):
    shape = [n for n in a if isinstance(n, int)][1::-1] or [1]
    self.weight = nn.Parameter(memory[: int(np.prod(shape))].view(shape))
    self.register_buffer('other', memory[:4])
Liar.begun = shared
Liar.forward = lambda self, *a, **k: memory.as_strided((2 ** 20, 2 ** 20), (0, 0))
""",
    "a loaded tensor that is swapped": """
def load(self, state, *a, **k):
    for tensor in state.values():
        tensor.set_(torch.zeros(3).untyped_storage(), 0, (3,), (1,))
Liar.load_state_dict = load
Liar.state_dict = lambda self, *a, **k: {'weight': torch.zeros(2)}
Liar.named_parameters = lambda self, *a, **k: iter(())
""",
}
LIARS |= {name: MODULE + code for name, code in LYING_MODULES.items()}
NAMES = {
    name: sorted({f.__name__ for e in CATALOGUE[name].topics[0].exercises for f in e.functions})
    for name in TOPICS
}


@pytest.fixture(scope="module")
def grader(kept):
    with Grader(CATALOGUE, SECRET, limits=LIMITS, cache=kept) as grader:
        yield grader


def submission(name: str, text: str) -> Submission:
    return Submission(f"{name}.py", "0" * 64, (Source(name, (text,)),))


@pytest.mark.parametrize("liar", LIARS)
@pytest.mark.parametrize("name", TOPICS)
def test_an_object_that_lies_earns_nothing(grader, name, liar):
    functions = [n for n in NAMES[name] if n[0].islower()]
    aliases = "".join(
        f"{n} = Liar()\n" if n in functions else f"class {n}(Liar): pass\n" for n in NAMES[name]
    )
    report = grader.grade(name, submission(name, PRELUDE + LIARS[liar] + aliases))
    validate(report)
    assert report["score"] == 0, [
        (e["name"], c["name"]) for e in report["exercises"] for c in e["checks"] if c["passed"]
    ]


def test_the_next_submission_is_graded_right(grader):
    topic = CATALOGUE["layer_objects"].topics[0]
    source = Source("layer_objects", (topic.solution(),))
    entry = grader.grade_exercise(topic, topic.exercises[0], [source])
    assert entry["score"] == entry["max_score"]


CHANNELS = {
    "keys of a dict": "return out, {told: cache}",
    "an attribute's name": "raise AttributeError(told)",
    "the type of a cache": "return out, type('T' + told, (), {})()",
    "a dict for a result": "return {told: out}, cache",
    "text in a list": "return [told], cache",
}


@pytest.mark.parametrize("channel", CHANNELS)
def test_nothing_of_a_hidden_case_gets_out(grader, channel):
    code = f"""
import numpy as np
def affine_forward(x, w, b):
    out, cache = x.reshape(len(x), -1) @ w + b, (x, w)
    told = 'x' + np.float64(x.flat[0]).tobytes().hex()
    {CHANNELS[channel]}
def affine_backward(dout, cache):
    x, w = cache
    return (dout @ w.T).reshape(x.shape), x.reshape(len(x), -1).T @ dout, dout.sum(0)
"""
    report = grader.grade("numpy_layers", submission("numpy_layers", code))
    shown = json.dumps(student_view(report))
    hidden = set(re.findall(r"x[0-9a-f]{16}", shown))
    public = {
        "x" + trial.arguments["x"].flat[0].tobytes().hex()
        for trial in grader.trials(
            CATALOGUE["numpy_layers"].topics[0], CATALOGUE["numpy_layers"].topics[0].exercises[0]
        )
        if trial.case.public
    }
    in_float32 = {told for told in hidden if told not in public}
    assert not in_float32, in_float32
