"""Sessions on a device that is not the CPU: one that torch has twice, in Python alone."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
import torch

from autograder.judging.call import Answer, Call, Seed
from autograder.sandbox import Limits, Sandbox, SandboxUnavailable
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.limits import DeviceFault
from autograder.sandbox.profiles import FULL
from tests.devices.installed import FOLDER, installed, needs_second_device

pytestmark = needs_second_device

LIMITS = Limits(call_seconds=20, load_seconds=20, session_seconds=120)
CODE = """
import os, time, torch
calls = 0
def slope(x):
    x = x.clone().requires_grad_()
    (x * x).sum().backward()
    return x.grad, x.grad.device.type
def double(x): return x * 2, x.device.type
def layout(x): return x, x.stride(), x.is_contiguous()
def draw(x, generator): return torch.rand(x.shape, generator=generator, device=x.device)
def draw_at_large(x): return torch.rand(x.shape, device=x.device)
def forget(x): return x + torch.ones(x.shape)
def number(x): return x + torch.tensor(1.0)
def to_numpy(x): return x.numpy()
def in_place(x): return x.add_(1)
def count():
    global calls
    calls += 1
    return calls
def leave(): os._exit(3)
def loop():
    while True: pass
def hold_everything(): raise torch.OutOfMemoryError("out of memory on the device")
def reach_too_far(x):
    torch.second.broken = True
    return x + 1
"""


@pytest.fixture(scope="module")
def second() -> Iterator[Sandbox]:
    sys.path.insert(0, str(FOLDER))
    try:
        with Sandbox("second", LIMITS) as sandbox:
            yield sandbox
    finally:
        sys.path.remove(str(FOLDER))


@pytest.fixture(scope="module")
def call(second) -> Iterator[Callable[..., Answer]]:
    with second.session([Source("a", (CODE,))]) as session:

        def call(function: str, seconds: float | None = None, **arguments) -> Answer:
            return session.call(Call(function, arguments, 0, seed=7), seconds)

        yield call


def test_arguments_arrive_on_the_device_and_results_come_back_as_plain_tensors(call):
    doubled, device = call("double", x=torch.ones(2, 3)).value
    assert torch.equal(doubled, torch.full((2, 3), 2.0))
    assert type(doubled) is torch.Tensor
    assert device == "second"


def test_autograd_works_there_in_every_worker(second):
    for _ in range(2):
        with second.session([Source("a", (CODE,))]) as session:
            slope, device = session.call(Call("slope", {"x": torch.ones(3)}, 0)).value
            assert slope.tolist() == [2, 2, 2]
            assert device == "second"


@pytest.mark.parametrize(
    "x",
    [
        torch.arange(6.0).reshape(2, 3).t(),
        torch.ones(1).expand(4),
        torch.arange(12).reshape(3, 4)[:, 1:3],
        torch.zeros(0, 3),
        torch.tensor(2.5, dtype=torch.bfloat16),
        torch.tensor([True, False]),
    ],
)
def test_arguments_keep_their_layout(call, x):
    answer = call("layout", x=x)
    same, strides, contiguous = answer.value
    assert torch.equal(same, x)
    assert strides == x.stride()
    assert contiguous == x.is_contiguous()
    assert answer.arguments["x"] is not None


def test_a_change_of_an_argument_is_seen(call):
    answer = call("in_place", x=torch.zeros(3))
    assert answer.arguments["x"].tolist() == [1, 1, 1]
    assert call("double", x=torch.zeros(3)).arguments["x"].tolist() == [0, 0, 0]


def test_generators_and_seeds_hold_on_the_device(call):
    x = torch.zeros(5)
    first, again = (call("draw", x=x, generator=Seed(3)).value for _ in range(2))
    assert torch.equal(first, again)
    first, again = (call("draw_at_large", x=x).value for _ in range(2))
    assert torch.equal(first, again)


def test_a_forgotten_device_is_an_error_that_says_so(call):
    answer = call("forget", x=torch.ones(3))
    assert answer.failure.exception == "RuntimeError"
    assert "same device" in answer.failure.message
    assert call("to_numpy", x=torch.ones(3)).failure.exception == "TypeError"
    assert call("number", x=torch.ones(3)).value.tolist() == [2, 2, 2]


@pytest.mark.parametrize(
    ("function", "arguments", "kind"),
    [
        ("leave", {}, "crash"),
        ("loop", {}, "timeout"),
        ("hold_everything", {}, "memory"),
        ("reach_too_far", {"x": torch.ones(2)}, "device"),
    ],
)
def test_what_a_submission_breaks_costs_it_the_call_and_no_more(call, function, arguments, kind):
    assert call(function, 3, **arguments).failure.kind == kind
    assert call("double", x=torch.ones(1)).value[0].tolist() == [2]


def test_every_session_has_a_worker_that_met_no_other(second):
    for _ in range(3):
        with second.session([Source("a", (CODE,))]) as session:
            assert session.call(Call("count", {}, 0)).value == 1


def test_a_lost_device_is_nobodys_fault(monkeypatch):
    x = torch.ones(2)
    with installed(monkeypatch) as folder:
        with (
            Sandbox("second", LIMITS) as sandbox,
            sandbox.session([Source("a", (CODE,))]) as session,
        ):
            assert session.call(Call("count", {}, 0)).value == 1
            (folder / "lost").touch()
            with pytest.raises(DeviceFault, match=r"second does not work: .*fallen off the bus"):
                session.call(Call("reach_too_far", {"x": x}, 0))
        with pytest.raises(SandboxUnavailable, match="fallen off the bus"):
            Sandbox("second", LIMITS)


HOG = """
import numpy as np, time
def f(most):
    kept = []
    for _ in range(most):
        kept.append(np.ones(2**20, dtype=np.uint8))
        time.sleep(0.001)
    return len(kept)
"""


def test_where_address_space_does_not_bound_memory_the_parent_does():
    limits = replace(LIMITS, memory_bytes=2**30)
    profile = replace(FULL, address_space=False)
    with Sandbox(limits=limits, profile=profile) as sandbox:
        for _ in range(5):  # over before anybody has looked
            with sandbox.session([Source("a", ("",))]):
                pass
        with sandbox.session([Source("a", (HOG,))]) as session:
            failure = session.call(Call("f", {"most": 3000}, 1)).failure
            assert failure.kind == "memory"
            assert session.call(Call("f", {"most": 3}, 1)).value == 3


def test_a_device_without_its_package_is_refused():
    with pytest.raises(SandboxUnavailable, match="install the package"):
        Sandbox("third")
