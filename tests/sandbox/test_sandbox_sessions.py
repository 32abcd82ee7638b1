"""Failures, budgets, reopening, and what a session says about loading."""

import json
import os
import signal
import time

import pytest
import torch

from autograder.handin.submission import Source, parse
from autograder.judging.call import Call, Failure
from autograder.sandbox import Limits, Sandbox, SandboxFault, SandboxUnavailable

CODE = """
import os, time, torch
state = []
def good(x):
    state.append(1)
    return x + len(state)
def loop():
    while True: pass
def loop_too(): loop()
def leave():
    os._exit(3)
def segfault():
    import ctypes
    ctypes.string_at(0)
def hog():
    return torch.zeros(10**11)
def hoard():
    return bytearray(10**11)
def stub(x):
    '''Fill me in.'''
    raise NotImplementedError("later")
def kernel_missing():
    raise_it = torch.zeros(2, dtype=torch.bool).cholesky_solve(torch.zeros(2, 2))
class Odd(ValueError):
    def __str__(self): raise RuntimeError
def odd():
    raise Odd()
def wrong():
    helper()
def helper():
    raise KeyError("k" * 1000)
def wide():
    return torch.ones(1).expand(10**12)
def leave_politely():
    raise SystemExit(0)
def recurse():
    return recurse()
not_callable = 3
"""


def call(name: str, **arguments) -> Call:
    return Call(name, arguments, len(arguments))


@pytest.fixture(scope="module")
def session(sandbox: Sandbox):
    with sandbox.session([Source("losses", (CODE,))]) as session:
        yield session


@pytest.mark.parametrize(
    ("name", "arguments", "failure"),
    [
        ("absent", {}, Failure("missing")),
        ("not_callable", {}, Failure("missing")),
        ("good", {}, Failure("signature", "(x)")),
        ("good", {"y": 1, "z": 2}, Failure("signature", "(x)")),
        ("stub", {"x": 1}, Failure("unwritten", "later", "NotImplementedError", 21)),
        ("odd", {}, Failure("exception", "", "ValueError", 27)),
        ("wrong", {}, Failure("exception", ("'" + "k" * 1000)[:500], "KeyError", 31)),
        ("leave_politely", {}, Failure("exception", "0", "SystemExit", 35)),
        ("leave", {}, Failure("crash", "the process ended with exit status 3")),
        ("segfault", {}, Failure("crash", "the process was ended by SIGSEGV")),
        ("wide", {}, Failure("reply", "the result is larger than 268435456 bytes")),
        ("hoard", {}, Failure("memory", "")),
    ],
)
def test_failures(session, name, arguments, failure):
    assert session.call(call(name, **arguments)).failure == failure
    assert session.call(call("good", x=1)).value > 1


@pytest.mark.parametrize(
    ("name", "kind"),
    [("hog", "memory"), ("recurse", "exception"), ("kernel_missing", "exception")],
)
def test_failure_kinds(session, name, kind):
    assert session.call(call(name)).failure.kind == kind


@pytest.mark.parametrize("bad", ["loop", "leave", "hog"])
def test_a_session_is_reopened(sandbox, bad):
    with sandbox.session([Source("losses", (CODE,))]) as session:
        values = [session.call(call("good", x=0)).value for _ in range(2)]
        answer = session.call(call(bad), 0.3)
        assert answer.failure.kind in {"timeout", "crash", "memory"}
        values.append(session.call(call("good", x=0)).value)
    assert values == [1, 2, 1]


def test_a_timeout_is_timed_by_this_side(run):
    answer = run("def f():\n while True: pass", seconds=0.5)
    assert answer.failure == Failure("timeout", "no answer within 0.5 seconds")
    assert 0.5 <= answer.seconds < 1.5


def test_the_budget_of_a_session_runs_out(sandbox):
    with Sandbox(limits=Limits(call_seconds=5, session_seconds=1.0), confined=False) as small:
        with small.session([Source("losses", (CODE,))]) as session:
            loops = [call(name) for name in ("loop", "loop", "loop_too", "loop_too")]
            kinds = [session.call(loop, 0.4).failure.kind for loop in loops]
            assert session.call(call("good", x=1)).failure.kind == "budget"
        assert kinds == ["timeout", "timeout", "budget", "budget"]
        with small.session([Source("losses", (CODE,))]) as session:
            assert session.call(call("good", x=1)).value == 2


def test_a_function_that_loops_is_not_called_for_ever(sandbox):
    with sandbox.session([Source("losses", (CODE,))]) as session:
        answers = list(session.run([call("loop"), call("good", x=0)] * 3, seconds=0.3))
    assert [answer.failure and answer.failure.kind for answer in answers] == ["timeout", None] * 3
    assert answers[4].seconds == 0


def test_what_ends_the_process_is_left_out(sandbox):
    code = "import os\ndef f():\n    return 1\nos._exit(1)\nos.kill(0, 0)\nos.abort()\nx = 2"
    with sandbox.session([Source("a", (code,))]) as session:
        assert session.loading.failure is None
        assert [str(problem).split(": ")[0] for problem in session.loading.problems] == [
            f"a.py, line {line}" for line in (4, 5, 6)
        ]
        assert "exit status 1" in str(session.loading.problems[0])
        assert session.call(call("f")).value == 1


def test_what_hangs_is_left_out_and_costs_less_each_time():
    code = "import time\n" + "time.sleep(9)\n" * 3 + "def f():\n    return 1\nwhile True: pass"
    limits = Limits(load_seconds=2)
    with Sandbox(limits=limits) as small, small.session([Source("a", (code,))]) as session:
        lines = [problem.line for problem in session.loading.problems]
        assert session.call(call("f")).value == 1
    assert lines == [2, 3, 4, 7]
    assert "left out after" in str(session.loading.problems[0])


def test_many_statements_that_take_too_long_together_leave_the_longest_out():
    code = "import time\n" + "time.sleep(0.4)\n" * 8 + "def f():\n    return 1"
    limits = Limits(load_seconds=2)
    with Sandbox(limits=limits) as small, small.session([Source("a", (code,))]) as session:
        assert session.call(call("f")).value == 1
        assert session.loading.problems


def test_a_process_that_always_ends_while_loading_is_not_tried_for_ever(sandbox):
    cells = tuple("import os\nos._exit(1)" for _ in range(40))
    with sandbox.session([Source("a", cells, notebook=True)]) as session:
        assert session.loading.failure == Failure("crash", "the process ended with exit status 1")
        answers = [session.call(call("f")) for _ in range(3)]
    assert [answer.failure.kind for answer in answers] == ["crash"] * 3


def test_a_problem_costs_its_own_statement(sandbox):
    code = "print('hello')\ndef f():\n    return 1\n\nundefined\ndef g():\n    return 2\nh = b"
    with sandbox.session([Source("a", (code,))]) as session:
        first, second = session.loading.problems
        assert str(first) == "a.py, line 5: NameError: name 'undefined' is not defined"
        assert session.loading.output == "hello\n"
        assert session.call(call("f")).value == 1
        assert session.call(call("g")).value == 2
        assert session.call(call("h")).failure == Failure("missing", str(second))
        assert session.call(call("i")).failure == Failure("missing", str(first))


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("def f(:\n", "a.py, line 1: SyntaxError: invalid syntax"),
        ("\nraise SystemExit(1)", "a.py, line 2: SystemExit: 1"),
        ("x = '\ud800'", "a.py, line 1: UnicodeEncodeError"),
        ("(" * 500, "a.py, line 1: SyntaxError: too many nested parentheses"),
    ],
)
def test_problems_of_loading(sandbox, code, expected):
    with sandbox.session([Source("a", (code,))]) as session:
        assert str(session.loading.problems[0]).startswith(expected)


def test_files_import_one_another_in_any_order(sandbox):
    sources = [
        Source("main", ("from helper import double\ndef f(x):\n    return double(x)",)),
        Source("helper", ("def double(x):\n    return 2 * x",)),
        Source("random", ("def g():\n    return 'mine'",)),  # not Python's
    ]
    with sandbox.session(sources) as session:
        assert session.loading.problems == ()
        assert session.call(call("f", x=4)).value == 8
        assert session.call(call("g")).value == "mine"


def test_what_nbgraders_cell_defines_counts_whatever_comes_later(sandbox):
    cells = (
        "def f(x):\n    return 1",
        "def f(x):\n    return 2",
        "def f(x):\n    return 3",
        "g = 0",
    )
    for named, expected in (({"f": 1}, 2), ({"f": 3}, 3), ({}, 3)):
        source = Source("hw", cells, notebook=True, named=named)
        with sandbox.session([source]) as session:
            assert session.call(call("f", x=1)).value == expected


def test_cells_stand_on_their_own(sandbox):
    cells = (
        "%matplotlib inline\n!pip install torch\nimport torch\nfiles = !ls\ntorch.rand?",
        "1 / 0",
        "%%time\ndef f(x):\n    if x:\n        %debug\n    return x + 1",
        "%%bash\nls | grep x",
        "def g(x)\n    return x",
        "def h():\n\n    raise ValueError('no')",
    )
    document = {"nbformat": 4, "cells": [{"cell_type": "code", "source": cell} for cell in cells]}
    with sandbox.session(parse("hw.ipynb", json.dumps(document).encode()).sources) as session:
        assert [(p.place, p.exception) for p in session.loading.problems] == [
            ("cell 2", "ZeroDivisionError"),
            ("cell 5", "SyntaxError"),
        ]
        assert session.call(call("f", x=1)).value == 2
        assert session.call(call("h")).failure == Failure(
            "exception", "no (cell 6)", "ValueError", 3
        )


def test_printing_is_captured_and_bounded(sandbox):
    code = "import sys\ndef f(n):\n print('é' * n)\n print('x', file=sys.stderr)\n return n"
    with sandbox.session([Source("a", (code,))]) as session:
        assert session.call(call("f", n=3)).output == "ééé\nx\n"
        flood = session.call(call("f", n=10**7))
        assert flood.value == 10**7
        assert len(flood.output) == sandbox.limits.output_chars - 6
        assert session.call(call("f", n=3)).output == ""


def test_arguments_go_by_position_then_by_name(sandbox):
    code = "def f(a, b, *, eps):\n    return a, b, eps\ndef g(*, a):\n    return a"
    arguments = {"x": 1, "b": 2, "eps": 0.5}
    with sandbox.session([Source("a", (code,))]) as session:
        assert session.call(Call("f", arguments, 1)).value == (1, 2, 0.5)
        assert session.call(Call("f", arguments, 3)).failure.kind == "signature"
        assert session.call(Call("g", {"a": 1}, 0)).value == 1


def test_sessions_do_not_meet(sandbox):
    code = "x = [0]\ndef f():\n    x[0] += 1\n    open('/tmp/a', 'x').close()\n    return x[0]"
    source = Source("a", (code,))
    with sandbox.session([source]) as one, sandbox.session([source]) as two:
        assert one.call(call("f")).value == 1
        assert two.call(call("f")).value == 1


def test_two_sandboxes_at_once_and_a_zygote_that_dies(sandbox):
    with Sandbox(limits=sandbox.limits) as other:
        sources = [Source("losses", (CODE,))]
        with sandbox.session(sources) as one, other.session(sources) as two:
            assert one.call(call("good", x=0)).value == two.call(call("good", x=0)).value == 1
            os.kill(other._zygote._launcher.pid, signal.SIGKILL)
            time.sleep(0.5)  # until the kernel has ended what depends on it
            assert two.call(call("good", x=0)).value == 1  # from a new zygote
            assert one.call(call("good", x=0)).value == 2


def test_nothing_is_left_open(sandbox):
    def count() -> int:
        return len(os.listdir("/proc/self/fd"))

    before = count()
    for _ in range(5):
        with sandbox.session([Source("losses", (CODE,))]) as session:
            session.call(call("leave"))
            session.call(call("good", x=1))
    assert count() == before


def test_a_closed_session_says_so(sandbox):
    with sandbox.session([]) as session:
        pass
    with pytest.raises(SandboxFault, match="not open"):
        session.call(call("f"))


def test_a_closed_sandbox_stays_closed():
    sandbox = Sandbox(confined=False)
    with sandbox.session([Source("losses", (CODE,))]) as session:
        sandbox.close()
        time.sleep(0.3)
        with pytest.raises(SandboxFault, match="closed"):
            session.call(call("good", x=1))


def test_unconfined_is_the_same_but_for_the_walls(sandbox):
    with (
        Sandbox(confined=False) as open_house,
        open_house.session(
            [Source("a", ("import os\ndef f(x):\n    return x * 2, os.path.exists('/etc')",))]
        ) as session,
    ):
        doubled, sees_host = session.call(call("f", x=torch.ones(2))).value
        assert doubled.tolist() == [2, 2]
        assert sees_host
        assert not open_house.confined


@pytest.mark.parametrize("device", ["cuda", "cuda:1", "mps", "nonsense"])
def test_devices_that_are_not_there_are_refused(device):
    with pytest.raises(SandboxUnavailable, match="device"):
        Sandbox(device)


def test_gradients_and_parallel_operations_work(run):
    code = """
import torch
def f(x):
    torch.set_num_threads(4)
    x.requires_grad_(True)
    y = torch.nn.functional.conv2d(x, torch.ones(8, 3, 3, 3)).relu().sum()
    y.backward()
    return x.grad, torch.rand(500, 500) @ torch.rand(500, 500)
"""
    grad, product = run(code, x=torch.rand(4, 3, 64, 64)).value
    assert grad.shape == (4, 3, 64, 64)
    assert product.shape == (500, 500)
