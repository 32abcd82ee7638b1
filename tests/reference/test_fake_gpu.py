"""The second course on tensors without data that are said to be on a GPU: mixing is an error."""

from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves, tree_map

from autograder.case import draw
from autograder.judging.call import Seed
from tests.catalogues import SECOND as CATALOGUE

ROOT = Path(__file__).parents[2]
PLACES = {
    (exercise.name, check.name): check
    for topic in CATALOGUE["all"].topics
    for exercise in topic.exercises
    for check in exercise.checks
    if check.kind != "errors"
}


class Direct:
    """What a script is given, to work on the solution's own objects, without calls in between."""

    def __call__(self, make, *arguments, **named):
        return make(*arguments, **named)

    def keep(self, value):
        return value

    def load(self, module, tensors):
        for name, value in tensors.items():
            owner, _, own = name.rpartition(".")
            at = module.get_submodule(owner)
            kept = own in at._parameters
            setattr(at, own, nn.Parameter(value) if kept else value)

    def tensors(self, module, *names):
        found = {**dict(module.named_parameters()), **dict(module.named_buffers())}
        return {name: found[name] for name in names or found}

    def gradients(self, module):
        return {name: parameter.grad for name, parameter in module.named_parameters()}


def drawn(check):
    for case in check.cases:
        if case.on != "gpu":
            yield case.name, draw(case, lambda _: torch.Generator().manual_seed(0))


def has_arrays(value) -> bool:
    return any(isinstance(leaf, np.ndarray) for leaf in tree_leaves(value))


def on_a_gpu(value):
    if isinstance(value, Seed):
        return None
    if not isinstance(value, Tensor):
        return value
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="cuda")


MOVES_A_MODULE = {"run_transformer_block", "the adapter in float32"}


def backward(tensor, gradient=None):
    """Gradients without data: autograd has no thread for a device that is not there."""
    assert gradient is None or gradient.device == tensor.device
    left, seen = [tensor.grad_fn], set()
    while left:
        node = left.pop()
        if node is None or node in seen:
            continue
        seen.add(node)
        if hasattr(node, "variable"):
            node.variable.grad = torch.empty_like(node.variable)
        left += [following for following, _ in node.next_functions]


@pytest.mark.usefixtures("_device_guards")
@pytest.mark.parametrize("place", PLACES, ids=", ".join)
def test_every_case_stays_on_its_device(place, monkeypatch):
    monkeypatch.setattr(Tensor, "backward", backward)
    check = PLACES[place]
    if place[1] in MOVES_A_MODULE:
        pytest.skip("torch does not move a module of tensors without data that a graph refers to")
    cases = list(drawn(check))
    tensors = [
        leaf for _, given in cases for leaf in tree_leaves(given) if isinstance(leaf, Tensor)
    ]
    if not tensors or has_arrays([given for _, given in cases]):
        pytest.skip("arrays and numbers are on no device")
    with FakeTensorMode():
        for name, arguments in cases:
            given = tree_map(on_a_gpu, arguments)
            if check.scripted:
                result = [
                    value
                    for output, value in check.function(Direct(), **given)
                    if output != "fresh"  # a module begins where it is made
                ]
            else:
                result = check.function(**given)
            devices = {leaf.device.type for leaf in tree_leaves(result) if isinstance(leaf, Tensor)}
            assert devices <= {"cuda"}, name


def test_most_of_the_course_has_tensors():
    count = sum(
        any(isinstance(leaf, Tensor) for leaf in tree_leaves([g for _, g in drawn(check)]))
        and not has_arrays([given for _, given in drawn(check)])
        for check in PLACES.values()
    )
    assert count >= 20
