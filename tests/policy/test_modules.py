"""An exercise that may use `torch.nn.Module` may use that, and nothing that is near it."""

from pathlib import Path

import pytest

from autograder.handin.submission import Source
from autograder.policy import Code
from autograder.sandbox import Sandbox
from tests.catalogues import SECOND as CATALOGUE

ROOT = Path(__file__).parents[2]
CORPUS = ROOT / "tests" / "corpus" / "more" / "correct"


@pytest.fixture(scope="module")
def flags():
    with Sandbox() as sandbox:

        def flags(text, functions, exercise):
            sources = [Source("transformer", (text,))]
            with sandbox.scan(sources) as scan:
                code = Code(scan.statements, sources)
                found = code.used(functions, exercise.forbidden, exercise.allowed)
            return {flag.what for flag in found}

        yield flags


def exercise(name):
    return next(e for e in CATALOGUE["transformer"].topics[0].exercises if e.name == name)


def test_honest_modules_are_not_flagged(flags):
    topic = CATALOGUE["transformer"].topics[0]
    for one in topic.exercises:
        names = [function.__name__ for function in one.functions]
        assert flags(topic.solution(), names, one) == set()
        for path in (CORPUS / "transformer").glob(f"{one.name}--*.py"):
            assert flags(path.read_text("utf-8"), names, one) == set(), path.name


LINEAR = """
import torch
from torch import nn
IMPORT
class Linear(BASE):
    def __init__(self, d_in, d_out):
        super().__init__()
        BODY
    def forward(self, x):
        RETURN
"""

EVASIONS = {
    "the layer itself": {"BASE": "nn.Linear"},
    "under another name": {"IMPORT": "from torch.nn import Linear as Base", "BASE": "Base"},
    "an attribute of it": {"BODY": "self.inner = nn.Linear(d_in, d_out)"},
    "by getattr": {"BODY": "self.inner = getattr(nn, 'Lin' + 'ear')(d_in, d_out)"},
    "by the module's globals": {"RETURN": "return nn.Module.__init__.__globals__['F'].linear(x)"},
    "by the class's subclasses": {"BODY": "self.c = nn.Module.__subclasses__()[0]"},
    "by importlib": {
        "IMPORT": "import importlib",
        "RETURN": "return importlib.import_module('torch.nn.functional').linear(x, x)",
    },
    "functional": {"RETURN": "return nn.functional.linear(x, self.weight)"},
    "a container": {"BODY": "self.parts = nn.ModuleList()"},
    "an alias of the package": {"IMPORT": "N = nn", "BODY": "self.inner = N.Linear(d_in, d_out)"},
    "from where it is defined": {
        "IMPORT": "from torch.nn.modules import linear",
        "BASE": "linear.Linear",
    },
    "by the package's dict": {"BODY": "self.inner = nn.__dict__['Linear'](d_in, d_out)"},
    "by vars": {"BODY": "self.inner = vars(nn)['Lin' + 'ear'](d_in, d_out)"},
    "by a getattr of another name": {"BODY": "g = getattr; self.inner = g(nn, 'Linear')(1, 2)"},
    "by the type": {"BODY": "self.c = type(self).__mro__[1]"},
    "by the base": {"BODY": "self.c = Linear.__base__"},
    "by the bases": {"BODY": "self.c = self.__class__.__bases__[0].__subclasses__()"},
    "by everything there is": {"BODY": "self.c = object.__subclasses__()"},
    "by the collector": {"IMPORT": "import gc", "BODY": "self.c = gc.get_objects()"},
    "by its module": {
        "IMPORT": "import inspect",
        "RETURN": "return inspect.getmodule(nn.Module).F.linear(x)",
    },
    "by a path in text": {
        "IMPORT": "import pkgutil",
        "BODY": "self.c = pkgutil.resolve_name('torch.nn:Linear')",
    },
    "by an attribute getter": {
        "IMPORT": "from operator import attrgetter",
        "RETURN": "return attrgetter('functional.linear')(nn)(x, self.weight)",
    },
    "in a list": {"IMPORT": "L = [nn]", "BODY": "self.inner = L[0].Linear(d_in, d_out)"},
    "by an argument": {"BODY": "self.inner = (lambda n: n.Linear(d_in, d_out))(nn)"},
    "by a default": {"BODY": "self.inner = (lambda n=nn: n.Linear(d_in, d_out))()"},
    "put together": {"IMPORT": "B = type('B', (nn.Linear,), {})", "BASE": "B"},
    "by a decorator": {"IMPORT": "@lambda c: nn.Linear\nclass B: pass", "BASE": "B"},
    "a kernel": {"RETURN": "return torch._C._nn.linear(x, self.weight)"},
    "an operator": {"RETURN": "return torch.ops.aten.linear(x, self.weight)"},
    "a lazy one": {"BODY": "self.inner = nn.LazyLinear(d_out)"},
    "by a metaclass": {"BASE": "nn.Module, metaclass=lambda n, b, d: nn.Linear"},
    "by a metaclass with a name": {
        "IMPORT": "class Meta(type):\n    def __call__(c, *a): return nn.Linear(*a)",
        "BASE": "object, metaclass=Meta",
    },
    "by a class's keyword": {
        "IMPORT": "class B:\n    def __init_subclass__(c, of): c.of = of",
        "BASE": "B, of=nn.Linear",
    },
    "unpickled": {
        "IMPORT": "import pickle",
        "BODY": "self.c = pickle.loads(b'ctorch.nn\\nLinear\\n.')",
    },
    "unpickled by another name": {
        "IMPORT": "from _pickle import Unpickler as U, loads",
        "BODY": "self.c = U(__import__('io').BytesIO(b'ctorch.nn\\nLinear\\n.')).load()",
    },
    "unpickled by a table": {
        "IMPORT": "import pickle\nP = {'l': pickle.loads}",
        "BODY": "self.c = P['l'](b'ctorch.nn\\nLinear\\n.')",
    },
    "as bytecode": {"IMPORT": "import marshal", "BODY": "exec(marshal.loads(b'...'))"},
    "by a module's name in letters": {
        "IMPORT": "import importlib",
        "BODY": "self.c = importlib.import_module(bytes([116, 46, 110]).decode()).Linear",
    },
    "by a format's field": {
        "IMPORT": "import string",
        "BODY": "self.c = string.Formatter().get_field('0.nn.Linear', (torch,), {})[0]",
    },
    "bound by an annotation": {"IMPORT": "x: (L := nn.Linear) = 1", "BODY": "self.inner = L(1, 2)"},
    "bound by a parameter's": {
        "IMPORT": "def f(x: (L := nn.Linear)): pass",
        "BODY": "self.inner = L(1, 2)",
    },
    "bound by a default": {
        "IMPORT": "def f(x=(L := nn.Linear)): pass",
        "BODY": "self.inner = L(1, 2)",
    },
    "bound by a decorator": {
        "IMPORT": "@(L := nn.Linear, lambda f: f)[1]\ndef f(x): pass",
        "BODY": "self.inner = L(1, 2)",
    },
    "read off an annotation": {
        "IMPORT": "def f(x: nn.Linear): pass",
        "BODY": "self.inner = f.__annotations__['x'](1, 2)",
    },
    "a base in a variable": {"IMPORT": "Base = nn.Linear", "BASE": "Base"},
}


@pytest.mark.parametrize("how", EVASIONS)
def test_what_is_near_a_module_is_found_however_it_is_written(flags, how):
    parts = {"IMPORT": "", "BASE": "nn.Module", "BODY": "pass", "RETURN": "return x"}
    text = LINEAR
    for place, part in (parts | EVASIONS[how]).items():
        text = text.replace(place, part)
    assert flags(text, ["Linear"], exercise("Linear"))


def test_what_one_exercise_allows_stays_forbidden_in_others(flags):
    text = "import torch\ndef attention(q, k, v, mask=None):\n    return torch.nn.Parameter(q)\n"
    assert flags(text, ["attention"], exercise("attention")) == {"torch.nn.Parameter"}
