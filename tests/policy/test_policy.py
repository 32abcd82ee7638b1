"""What may not be used is found however it is written; honest code is never flagged."""

import io
import zipfile
from pathlib import Path

import pytest

from autograder.grading.grader import flags as flags_of
from autograder.handin.submission import parse
from autograder.policy import Code, dispatched
from autograder.report import instructor_view, student_view, validate

CORPUS = Path(__file__).parents[1] / "corpus" / "correct"
CORRECT = sorted(CORPUS.glob("*/*.py"))


@pytest.fixture
def flags(grader):
    """What is found in a submission, per exercise, with at least one entry."""

    def flags(source: str, assignment: str = "activations", policy="report", name=None):
        submission = parse(name or f"{assignment}.py", source.encode())
        report = grader.grade(assignment, submission, policy=policy)
        validate(report)
        return {e["name"]: e["policy"] for e in report["exercises"] if e["policy"]}

    return flags


@pytest.mark.parametrize("topic", sorted({path.parent.name for path in CORRECT}))
def test_honest_code_is_never_flagged(grader, catalogue, topic):
    """Every correct alternative, by its source and by what its calls dispatch."""
    files = [path for path in CORRECT if path.parent.name == topic]
    assert len(files) >= 5
    assignment = catalogue[topic]
    for path in files:
        sources = parse(f"{topic}.py", path.read_bytes()).sources
        with grader._sandbox.scan(sources) as scan, grader._sandbox.session(sources) as session:
            code = Code(scan.statements, sources)
            found = flags_of(assignment, code, grader._traced(assignment, session))
            assert scan.statements
        assert found == [[] for _ in found], path.name


def test_the_reference_is_never_flagged(grader, catalogue):
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as files:
        for topic in catalogue["all"].topics:
            files.writestr(f"{topic.name}.py", topic.solution())
    report = grader.grade("all", parse("all.zip", archive.getvalue()))
    checks = [check for entry in report["exercises"] for check in entry["checks"]]
    assert [c["message"] for c in checks if not c["passed"]] == []
    assert report["score"] == report["max_score"]
    assert not any(e["policy"] for e in report["exercises"])


HONEST = {
    "a comparison in a cell of its own": """
import torch
import torch.nn.functional as F
def relu(x):
    return x.clamp(min=0)
x = torch.randn(3)
assert torch.equal(relu(x), F.relu(x))
""",
    "a check when run as a program": """
import torch
def relu(x): return x.clamp(min=0)
if __name__ == "__main__":
    print(torch.nn.functional.relu(torch.randn(3)))
""",
    "one's own function by that name": """
import torch
def dropout(x): return x
class Layer:
    def backward(self, g): return g
def relu(x): return dropout(x.clamp(min=0))
def relu_backward(grad_y, x): return Layer().backward(grad_y) * (x > 0)
""",
    "an annotation": """
import torch
def relu(x: torch.nn.Parameter) -> "torch.nn.Module":
    y: torch.nn.Parameter = x.clamp(min=0)
    return y
""",
}


@pytest.mark.parametrize("how", HONEST)
def test_honest_habits_are_not_flagged(flags, how):
    assert flags(HONEST[how]) == {}


# Each defines relu with what the exercise forbids.
EVASIONS = {
    "plainly": "def relu(x): return torch.nn.functional.relu(x)",
    "an import alias": "import torch.nn.functional as F\ndef relu(x): return F.relu(x)",
    "from import": "from torch.nn import functional as G\ndef relu(x): return G.relu(x)",
    "the function imported": "from torch.nn.functional import relu as r\ndef relu(x): return r(x)",
    "imported inside": "def relu(x):\n    from torch.nn import ReLU\n    return ReLU()(x)",
    "everything imported": "from torch.nn.functional import *\n_ = relu\ndef relu(x): return _(x)",
    "assigned": "relu = torch.nn.functional.relu",
    "a lambda": "relu = lambda x: torch.nn.functional.relu(x)",
    "a chain of names": "a = torch\nb = a.nn\nc = b.functional\ndef relu(x): return c.relu(x)",
    "a helper": "def h(x): return torch.relu(x)\ndef relu(x): return h(x)",
    "a class": "class R:\n    f = torch.relu\ndef relu(x): return R.f(x)",
    "a default": "def relu(x, f=torch.relu): return f(x)",
    "a table": "T = {'r': torch.relu}\ndef relu(x): return T['r'](x)",
    "a method": "def relu(x): return x.relu()",
    "in place": "def relu(x): return x.clone().relu_()",
    "getattr": "def relu(x): return getattr(torch.nn.functional, 'relu')(x)",
    "getattr in parts": "N = getattr(torch, 'n' + 'n')\n"
    "def relu(x): return getattr(N, 'functional').relu(x)",
    "getattr of a method": "def relu(x): return getattr(x, 're' 'lu')()",
    "a name in a variable": "N = 'relu'\ndef relu(x): return getattr(torch, N)(x)",
    "reversed": "def relu(x): return getattr(torch, 'uler'[::-1])(x)",
    "joined": "def relu(x): return getattr(torch, ''.join(['re', 'lu']))(x)",
    "an f-string": "A = 're'\ndef relu(x): return getattr(torch, f'{A}lu')(x)",
    "importlib": "import importlib as i\ndef relu(x): return i.import_module('torch.nn').ReLU()(x)",
    "__import__": "def relu(x): return __import__('torch.nn.functional').nn.functional.relu(x)",
    "sys.modules": "import sys\ndef relu(x): return sys.modules['torch.nn.functional'].relu(x)",
    "vars": "def relu(x): return vars(torch)['nn'].functional.relu(x)",
    "__dict__": "def relu(x): return torch.__dict__['nn'].functional.relu(x)",
    "attrgetter": "import operator\ndef relu(x): return operator.attrgetter('nn.ReLU')(torch)()(x)",
    "partial": "from functools import partial\ndef relu(x): return partial(torch.relu, x)()",
    "torch.ops": "def relu(x): return torch.ops.aten.relu(x)",
    "torch._C": "def relu(x): return torch._C._VariableFunctions.relu(x)",
    "torch.Tensor": "def relu(x): return torch.Tensor.relu(x)",
    "exec": "exec('def relu(x): return torch.relu(x)')",
    "exec of a variable": "S = 'torch.relu(x)'\ndef relu(x): return eval(S)",
    "globals": "globals()['relu'] = torch.nn.functional.relu",
    "setattr": "import sys\nsetattr(sys.modules[__name__], 'relu', torch.relu)",
    "a patch": "torch.clip = torch.relu\ndef relu(x): return torch.clip(x)",
    "another name of it": "def relu(x): return torch.threshold(x, 0.0, 0.0)",
    "a dict": "T = {'f': torch.nn.functional}\ndef relu(x): return T['f'].relu(x)",
    "a dict's get": "T = dict(f=torch.relu)\ndef relu(x): return T.get('f')(x)",
    "a loop": "def relu(x):\n    for m in [torch.nn.functional]:\n        return m.relu(x)",
    "an attribute": "class N: pass\nn = N()\nn.f = torch.nn.functional\n"
    "def relu(x): return n.f.relu(x)",
    "map": "def relu(x): return list(map(torch.relu, [x]))[0]",
    "a generator": "def g(): yield torch.nn.functional\ndef relu(x): return next(g()).relu(x)",
    "a with": "import contextlib\ndef relu(x):\n"
    "    with contextlib.nullcontext(torch.nn.functional) as f:\n        return f.relu(x)",
    "a match": "def relu(x):\n    match torch.nn.functional:\n        case f:\n"
    "            return f.relu(x)",
    "an exception": "def relu(x):\n    try:\n        raise ValueError(torch.nn.functional)\n"
    "    except ValueError as e:\n        return e.args[0].relu(x)",
    "a star": "a, *b = torch.nn.functional, 1\ndef relu(x): return a.relu(x)",
    "the walrus": "def relu(x): return (f := torch.nn.functional).relu(x)",
    "without the trace": "from torch.utils._python_dispatch import _disable_current_modes as off\n"
    "R = getattr(torch, bytes([114, 101, 108, 117]).decode())\n"
    "def relu(x):\n    with off():\n        return R(x)",
    # Made up at run time: only the operators tell.
    "methodcaller": "import operator\ndef relu(x): return operator.methodcaller('re' + 'lu')(x)",
    "getattr in a loop": "def relu(x):\n    f = torch\n    for n in ('nn', 'functional', 'relu'):\n"
    "        f = getattr(f, n)\n    return f(x)",
    "reduce": "import functools\ndef relu(x):\n"
    "    return functools.reduce(getattr, ['nn', 'functional', 'relu'], torch)(x)",
    "letters": "def relu(x): return getattr(torch, bytes([114, 101, 108, 117]).decode())(x)",
    "found by searching": "R = [n for n in dir(torch) if n[:3] == 'rel'][0]\n"
    "def relu(x): return getattr(torch, R)(x)",
    "decoded": "import base64\n"
    "exec(base64.b64decode(b'ZGVmIHJlbHUoeCk6IHJldHVybiB0b3JjaC5yZWx1KHgp'))",
    "unpickled": "import pickle\nR = pickle.loads(b'ctorch\\nrelu\\n.')\ndef relu(x): return R(x)",
}


@pytest.mark.parametrize("how", EVASIONS)
def test_what_is_forbidden_is_found(flags, how):
    found = flags(f"import torch\n{EVASIONS[how]}\n")
    assert "relu" in found
    assert len(found) == 1 or "import *" in EVASIONS[how], found


LETTERS = "getattr(torch, bytes([114, 101, 108, 117]).decode())"  # that no scan can read
CACHES = {  # results that are kept, so that a call which was answered before dispatches nothing
    "by its bytes": "K = {}\ndef relu(x):\n    k = (x.dtype, bytes(x.contiguous().view(-1).view("
    "torch.uint8).tolist()))\n    if k not in K:\n        K[k] = F(x)\n    return K[k].clone()",
    "by the object": "K = {}\ndef relu(x):\n    if id(x) not in K:\n        K[id(x)] = (x, F(x))\n"
    "    return K[id(x)][1].clone() if K[id(x)][0] is x else F(x)",
    "by equality": "K = []\ndef relu(x):\n    for a, y in K:\n        if a.shape == x.shape and "
    "a.dtype == x.dtype and torch.equal(a, x):\n            return y.clone()\n"
    "    K.append((x.clone(), F(x)))\n    return K[-1][1].clone()",
    "by the shape, asked once": "K = set()\ndef relu(x):\n    if tuple(x.shape) in K:\n"
    "        return x * (x > 0)\n    K.add(tuple(x.shape))\n    return F(x)",
    "from the second call on": "N = []\ndef relu(x):\n    N.append(0)\n"
    "    return F(x) if len(N) > 1 else x * (x > 0)",
    "of a class": "class R:\n    K = {}\n    def __call__(self, x):\n        k = x.shape, x.dtype, "
    "x.sum().item()\n        if k not in R.K:\n            R.K[k] = F(x)\n"
    "        return R.K[k].clone()\nrelu = R()",
    "of a closure": "def made():\n    K = {}\n    def relu(x):\n        k = str(x.dtype) + "
    "str(x.tolist())\n        if k not in K:\n            K[k] = F(x)\n"
    "        return K[k].clone()\n    return relu\nrelu = made()",
    "of functools": "import functools\nclass W:\n    def __init__(self, x):\n        self.x = x\n"
    "        self.k = str(x.dtype) + str(x.tolist())\n    def __hash__(self):\n"
    "        return hash(self.k)\n    def __eq__(self, other):\n        return self.k == other.k\n"
    "@functools.lru_cache(None)\ndef kept(w):\n    return F(w.x)\n"
    "def relu(x):\n    return kept(W(x)).clone()",
    "in the function": "def relu(x, K={}):\n    k = str(x.tolist()) + str(x.dtype)\n"
    "    return K.setdefault(k, None) if K.get(k) is not None else K.update({k: F(x)}) or K[k]",
}


@pytest.mark.parametrize("how", CACHES)
def test_a_cache_of_results_hides_no_operator(flags, how):
    found = flags(f"import torch\nF = {LETTERS}\n{CACHES[how]}\n")
    assert [flag["what"] for flag in found["relu"]] == ["aten::relu"]


GRADIENTS = {
    "backward": "x = x.clone().requires_grad_(True)\n"
    "    x.clamp(min=0).backward(grad_y)\n    return x.grad",
    "autograd.grad": "x = x.clone().requires_grad_(True)\n"
    "    return torch.autograd.grad(x.clamp(min=0), x, grad_y)[0]",
    "torch.func": "return torch.func.vjp(lambda z: z.clamp(min=0), x)[1](grad_y)[0]",
    "grad_fn": "x = torch.tensor(x, requires_grad=True)\n    return x.clamp(min=0).grad_fn(grad_y)",
    "an operator's own": "return torch.ops.aten.threshold_backward(grad_y, x, 0)",
    "set by setattr": "x = x.clone()\n    setattr(x, 'requires_grad', True)\n"
    "    x.clamp(min=0).backward(grad_y)\n    return x.grad",
    "set by a loop": "x = x.clone()\n    for x.requires_grad in [True]:\n        pass\n"
    "    (x.clamp(min=0) * grad_y).sum().backward()\n    return x.grad",
    "set through object": "import operator\n    x = x.clone()\n"
    "    object.__setattr__(x, 'requires_grad', 1 == 1)\n"
    "    operator.methodcaller('back' + 'ward')((x.clamp(min=0) * grad_y).sum())\n"
    "    return x.grad",
    "forwards": "J = getattr(getattr(torch, bytes([102, 117, 110, 99]).decode()), 'jvp')\n"
    "    return J(lambda z: z.clamp(min=0), (x,), (torch.ones_like(x),))[1] * grad_y",
    "hidden": "t = 'requires_' + 'g' + chr(114) + 'ad_'\n    x = getattr(x.clone(), t)(True)\n"
    "    g = getattr(x.clamp(min=0).sum(), 'b' + chr(97) + 'ckward')\n    g()\n    return x.grad",
}


@pytest.mark.parametrize("how", GRADIENTS)
def test_torchs_own_gradients_are_found(flags, how):
    found = flags(f"import torch\ndef relu_backward(grad_y, x):\n    {GRADIENTS[how]}\n")
    assert list(found) == ["relu"], found


def test_where_it_stands_is_said(flags):
    (flag,) = flags("import torch\n\ndef relu(x):\n    y = 1\n    return torch.nn.ReLU()(x)\n")[
        "relu"
    ][:1]
    assert flag == {
        "rule": "name",
        "what": "torch.nn.ReLU",
        "place": "activations.py",
        "line": 5,
        "text": "return torch.nn.ReLU()(x)",
    }


def test_each_exercise_answers_for_itself(flags):
    source = "import torch\ndef relu(x): return x.clamp(min=0)\ndef elu(x, alpha=1.0): return "
    assert list(flags(source + "torch.nn.functional.elu(x, alpha)")) == ["elu"]


@pytest.mark.parametrize(
    "source",
    [
        "import torch.nn.functional as F\ndef relu(x): return F.pad(x, (1, 1))[..., 1:-1]",
        "import torch\ndef relu(x): return torch.nn.functional.pad(x, (1, 1))[..., 1:-1]",
        "from torch.nn.functional import pad\ndef relu(x): return pad(x, (1, 1))[..., 1:-1]",
        "from torch import nn\ndef relu(x): return nn.functional.pad(x, (1, 1))[..., 1:-1]",
    ],
)
def test_padding_solves_nothing_and_is_allowed(flags, source):
    assert not flags(source)


def test_what_it_costs(grader, catalogue):
    source = "import torch\ndef relu(x): return torch.relu(x)\n"
    submission = parse("activations.py", source.encode())
    scores, seen = {}, {}
    for policy in ("report", "warn", "zero"):
        report = grader.grade("activations", submission, policy=policy)
        validate(report)
        scores[policy] = report["score"]
        student = student_view(report)
        validate(student)
        validate(instructor_view(report))
        assert any(e["policy"] for e in instructor_view(report)["exercises"])
        seen[policy] = any(e.get("policy") for e in student["exercises"])
    assert scores["report"] == scores["warn"] > scores["zero"] == 0
    assert seen == {"report": False, "warn": True, "zero": True}


def test_an_operator_of_a_worker_s_invention_is_nothing():
    assert dispatched(["aten::conv2d_backward_my_secret", "x" * 200], ()) == []
    assert [flag.what for flag in dispatched(["aten::gelu", "aten::add"], ())] == ["aten::gelu"]
    assert [flag.what for flag in dispatched(["aten::relu_"], ("relu",))] == ["aten::relu_"]


HOSTILE = {
    "a long sum": "x = " + "1+" * 20_000 + "1",
    "a long chain": "x = a" + ".b" * 20_000,
    "deep calls": "x = " + "f(" * 150 + ")" * 150,
    "many minuses": "x = " + "-" * 50_000 + "1",
    "a ladder of else": "if 0: pass\n" + "elif 0: pass\n" * 3000,
    "names in a ring": "a = b\nb = a\ndef relu(x): return a.b(x)",
    "names that multiply": "a = 'x' + 'y'\n"
    + "a = a + a\n" * 30
    + "def relu(x): return getattr(x, a)()",
    "many statements": "x = torch.relu\n" * 20_000,
    "not Python": "def relu(x:\n",
    "surrogates": "x = '\\ud800'\n",
}


@pytest.mark.parametrize("how", HOSTILE)
def test_hostile_sources_cost_at_most_their_own_loading(grader, catalogue, how):
    report = grader.grade("activations", parse("activations.py", HOSTILE[how].encode()))
    validate(report)
    topic = catalogue["activations"].topics[0]
    after = grader.grade("activations", parse("activations.py", topic.solution().encode()))
    assert after["score"] == after["max_score"]
