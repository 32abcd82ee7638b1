"""What the scan of a source costs, and what it says where it cannot look."""

import pytest

from autograder.judging.summary import say_flag
from autograder.policy import NOT_LOOKED_AT, Code
from autograder.policy.judge import MOST_FLAGS
from autograder.sandbox.codec import Statement
from autograder.sandbox.inside import scan as scanning
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.inside.scan import scan


def flags(text: str) -> list[tuple[str, str, int]]:
    sources = [Source("a", (text,))]
    statements = [
        Statement(
            frozenset(fact["bound"]), frozenset(fact["reads"]), tuple(map(tuple, fact["uses"]))
        )
        for fact in scan(sources)
    ]
    found = Code(statements, sources).used(["f"], ())
    return [(flag.rule, flag.what, flag.line) for flag in found]


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many expressions were followed: `len` of it."""
    taken: list[int] = []
    follow = scanning._resolve
    monkeypatch.setattr(scanning, "_resolve", lambda *given: (taken.append(1), follow(*given))[1])
    return taken


RELU = "    return torch.nn.functional.relu(y)\n"
GROWING = {  # of n lines, or n deep, or n wide
    "bindings": lambda n: "    y = y + y + 0\n" * n,
    "a circle of names": lambda n: "".join(f"    y{i} = y{(i + 1) % n} + y\n" for i in range(n)),
    "alternatives": lambda n: "    y = (y if y else y) or y\n" * n,
    "texts": lambda n: "    t = 'ab'\n" + "    t = t + t\n" * n,
    "joined texts": lambda n: "    t = 'ab'\n" + "    t = f'{t}{t}{t}'\n" * n,
    "uses": lambda n: "    torch.nn.functional.gelu(y)\n" * n,
}


@pytest.mark.parametrize("what", GROWING)
def test_following_names_costs_no_more_than_there_are_expressions(steps, what):
    counts = []
    for n in (40, 160):
        steps.clear()
        head = "import torch\ndef f(x):\n    y = x\n"
        found = flags(head + GROWING[what](n) + RELU)
        assert any("torch.nn.functional" in name for _, name, _ in found)
        counts.append(len(steps))
    assert counts[1] <= 6 * counts[0]


def test_a_report_holds_so_many_flags_and_no_more():
    found = flags("import torch\ndef f(x):\n" + "    torch.nn.functional.relu(x)\n" * 3000)
    assert len(found) == MOST_FLAGS


def test_where_it_cannot_look_it_says_so():
    found = flags("def f(x):\n    return x\nf.y = " + "-" * 1500 + "1\n")
    assert found == [("name", NOT_LOOKED_AT, 3)]


AUTOGRAD = {
    "an attribute": "    x.requires_grad = True\n",
    "a class of one's own beside it": "    (x * x).sum().backward()\n",
}


@pytest.mark.parametrize("how", AUTOGRAD)
def test_torchs_gradients_are_seen(how):
    layer = "class Layer:\n    def backward(self, grad):\n        return grad\n"
    found = flags(f"import torch\n{layer}def f(x):\n{AUTOGRAD[how]}    return x.grad\n")
    assert [rule for rule, _, _ in found] == ["autograd"]


def test_a_layers_own_backward_is_none_of_torchs():
    layer = "class Layer:\n    def backward(self, grad):\n        return grad\n"
    assert flags(f"{layer}def f(x):\n    return Layer().backward(x)\n") == []
    bare = "class Loss:\n    def backward(self):\n        return 1\n"
    assert flags(f"{bare}def f(x):\n    return Loss().backward()\n") == []


def test_a_source_that_no_scan_came_to_the_end_of_is_said_to_be_unseen():
    (flag,) = Code(None, [Source("a.py", ("def f(x): return x",))]).used(["f"], ())
    assert not flag.is_seen
    assert say_flag(flag.document()) == "not looked at: that would take too long"
