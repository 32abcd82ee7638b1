"""The contract that students code against, word for word, and that nothing of it is short."""

import inspect
import re
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_leaves

from autograder.case import draw
from autograder.handout.stubs import stub
from autograder.judging.call import Seed
from tests.catalogues import FIRST as CATALOGUE
from tests.catalogues import SECOND

# Experiments have no functions of their own: they are proven under tests/autograder/training.
EXERCISES = {
    exercise.name: (topic, exercise)
    for topic, exercise in CATALOGUE["all"].exercises
    if exercise.functions
}
CORPUS = Path(__file__).parents[1] / "corpus" / "correct"

# Signatures as they are printed in the handout. A line is an exercise: its functions.
CONTRACT = {
    "activations": """
        sigmoid(x) sigmoid_backward(grad_y, x)
        tanh(x) tanh_backward(grad_y, x)
        relu(x) relu_backward(grad_y, x)
        leaky_relu(x, negative_slope=0.01) leaky_relu_backward(grad_y, x, negative_slope=0.01)
        elu(x, alpha=1.0) elu_backward(grad_y, x, alpha=1.0)
        gelu(x, approximate='none') gelu_backward(grad_y, x, approximate='none')
    """,
    "convolution": """
        conv2d(x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)\
 conv2d_backward(grad_y, x, weight, bias=None, stride=1, padding=0, dilation=1, groups=1)
    """,
    "initialization": """
        calculate_gain(nonlinearity, param=None)
        fan_in_and_fan_out(shape)
        xavier_uniform_(tensor, gain=1.0, generator=None)
        xavier_normal_(tensor, gain=1.0, generator=None)
        kaiming_uniform_(tensor, a=0.0, mode='fan_in', nonlinearity='leaky_relu', generator=None)
        kaiming_normal_(tensor, a=0.0, mode='fan_in', nonlinearity='leaky_relu', generator=None)
    """,
    "normalization": """
        batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-05)\
 batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-05)
        layer_norm(x, weight, bias, eps=1e-05) layer_norm_backward(grad_y, x, weight, eps=1e-05)
        instance_norm(x, weight, bias, eps=1e-05)\
 instance_norm_backward(grad_y, x, weight, eps=1e-05)
        group_norm(x, num_groups, weight, bias, eps=1e-05)\
 group_norm_backward(grad_y, x, num_groups, weight, eps=1e-05)
        batch_instance_norm(x, running_mean, running_var, rho, weight, bias, training,\
 momentum=0.1, eps=1e-05)\
 batch_instance_norm_backward(grad_y, x, running_mean, running_var, rho, weight, training,\
 eps=1e-05)
        clip_rho_(rho)
    """,
    "regularization": """
        dropout(x, p=0.5, training=True, generator=None)\
 dropout_backward(grad_y, mask, p=0.5, training=True)
        dropout2d(x, p=0.5, training=True, generator=None)
        attention_dropout(scores, p=0.1, training=True, generator=None)\
 attention_dropout_backward(grad_weights, scores, mask, p=0.1, training=True)
        sgd_step(weight, grad, lr, weight_decay=0.0)
        sgd_momentum_step(weight, grad, velocity, lr, momentum=0.9, weight_decay=0.0)
        adamw_step(weight, grad, m, v, step, lr, betas=(0.9, 0.999), eps=1e-08, weight_decay=0.01)
        filter_entropy(responses)
        histogram_entropy(responses, bins=10)
        filter_status(responses)
        prune_filters(weight, bias, next_weight, entropy, keep)
    """,
    "losses": """
        l1_loss(input, target, reduction='mean')\
 l1_loss_backward(grad_y, input, target, reduction='mean')
        mse_loss(input, target, reduction='mean')\
 mse_loss_backward(grad_y, input, target, reduction='mean')
        smooth_l1_loss(input, target, reduction='mean', beta=1.0)\
 smooth_l1_loss_backward(grad_y, input, target, reduction='mean', beta=1.0)
        nll_loss(log_probs, target, weight=None, ignore_index=-100, reduction='mean')\
 nll_loss_backward(grad_y, log_probs, target, weight=None, ignore_index=-100, reduction='mean')
        cross_entropy(logits, target, weight=None, ignore_index=-100, reduction='mean')\
 cross_entropy_backward(grad_y, logits, target, weight=None, ignore_index=-100, reduction='mean')
        focal_loss(logits, target, alpha=None, gamma=2.0, reduction='mean')\
 focal_loss_backward(grad_y, logits, target, alpha=None, gamma=2.0, reduction='mean')
        margin_ranking_loss(x1, x2, y, margin=0.0, reduction='mean')\
 margin_ranking_loss_backward(grad_y, x1, x2, y, margin=0.0, reduction='mean')
    """,
    "training": """
        predict(logits)
        cosine_schedule(step, total_steps, base_lr, warmup_steps=0)
    """,
}


@pytest.mark.parametrize("name", CONTRACT)
def test_every_exercise_of_the_contract_is_there_with_its_signatures(name):
    (topic,) = CATALOGUE[name].topics
    found = [
        " ".join(f.__name__ + str(inspect.signature(f)) for f in exercise.functions)
        for exercise in topic.exercises
        if exercise.functions
    ]
    promised = [line.strip() for line in CONTRACT[name].strip().splitlines()]
    assert sorted(found) == sorted(promised)


def has_backward(exercise) -> bool:
    return any(function.__name__.endswith("_backward") for function in exercise.functions)


@pytest.mark.parametrize("name", EXERCISES)
def test_every_exercise_is_proven_by_enough_bugs_and_enough_right_ways(name):
    topic, exercise = EXERCISES[name]
    assert len(exercise.misconceptions) >= (8 if has_backward(exercise) else 5)
    assert len(list((CORPUS / topic.name).glob(f"{name}--*.py"))) >= 4
    for misconception in exercise.misconceptions:
        assert "\n" not in misconception.old.strip("\n"), misconception.name
        assert misconception.hint.rstrip(")")[-1] in ".?!", misconception.name


def test_there_are_150_misconceptions_and_no_two_are_one_edit():
    everything = [m for _, exercise in EXERCISES.values() for m in exercise.misconceptions]
    assert len(everything) >= 150
    for _, exercise in EXERCISES.values():
        edits = {(m.function.__name__, m.old, m.new) for m in exercise.misconceptions}
        assert len(edits) == len(exercise.misconceptions)


@pytest.mark.usefixtures("_device_guards")
@pytest.mark.parametrize("name", EXERCISES)
def test_every_case_of_every_function_stays_on_its_device(name):
    """All that is graded, on tensors that have no data and are said to be on a GPU: mixing devices
    is an error there."""
    exercise = EXERCISES[name][1]
    drawn = [
        (check.function, case.name, check.calls(draw(case, generator), lambda _: 0)[0].arguments)
        for check in exercise.checks
        if check.kind != "errors"
        for case in check.cases
    ]
    with FakeTensorMode():
        for function, case, arguments in drawn:
            given = {name: on_a_gpu(value) for name, value in arguments.items()}
            result = function(**given)
            tensors = [leaf for leaf in tree_leaves(result) if isinstance(leaf, Tensor)]
            assert {tensor.device.type for tensor in tensors} <= {"cuda"}, case
    assert {function for function, *_ in drawn} == set(exercise.functions)


def generator(_: str) -> torch.Generator:
    return torch.Generator().manual_seed(0)


def on_a_gpu(value):
    if isinstance(value, Seed):
        return None  # the global generator, which fake tensors do not draw from
    if not isinstance(value, Tensor):
        return value
    return torch.empty_strided(value.shape, value.stride(), dtype=value.dtype, device="cuda")


def test_topics_with_backwards_say_whether_numeric_derivatives_are_allowed():
    """No policy can see one, so the text has to."""
    more = SECOND
    topics = [
        *CATALOGUE["all"].topics,
        *(topic for a in more.assignments for topic in more[a].topics),
    ]
    asking = {
        topic.name: topic for topic in topics if re.search(r"def (\w+_)?backward\(", stub(topic))
    }
    assert len(asking) > 8
    for topic in asking.values():
        assert re.search(r"numeric\s+derivative", topic.docstring), topic.name
