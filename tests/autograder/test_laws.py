"""Random answers: correct samplers never fail, wrong ones always do."""

import math
import zlib

import pytest
import torch

from autograder.checks import drops
from autograder.exercise import case
from autograder.judging.call import Call
from autograder.judging.compare import Expected
from autograder.judging.laws import (
    FALSE_ALARM,
    FillExpectation,
    MaskExpectation,
    Normal,
    Uniform,
    random_calls,
)
from autograder.judging.local import LocalSession

SHAPE = (40, 24, 3, 2)
DRAWS = 8


def judge_fill(fill, law, seed=0):
    call = Call("fill_", {"tensor": torch.zeros(SHAPE), "generator": None}, 2)
    calls = random_calls(call, [seed * 100 + i for i in range(DRAWS)], 7000 + seed)
    session = LocalSession({"fill_": fill})
    answers = [session.call(call) for call in calls]
    return {f.output: f for f in FillExpectation("tensor", law).judge(calls, answers)}


def normal_(tensor, generator):
    return tensor.copy_(torch.randn(tensor.shape, generator=generator) * 0.2)


def box_muller_(tensor, generator):
    half = (tensor.numel() + 1) // 2
    u = 1 - torch.rand(half, generator=generator, dtype=torch.float64)
    angle = 2 * math.pi * torch.rand(half, generator=generator, dtype=torch.float64)
    radius = torch.sqrt(-2 * torch.log(u))
    z = torch.cat([radius * torch.cos(angle), radius * torch.sin(angle)])[: tensor.numel()]
    return tensor.copy_(0.2 * z.view(tensor.shape))


def uniform_(tensor, generator):
    return tensor.uniform_(-0.3, 0.3, generator=generator)


@pytest.mark.parametrize(
    ("fill", "law"),
    [(normal_, Normal(0.2)), (box_muller_, Normal(0.2)), (uniform_, Uniform(0.3))],
)
@pytest.mark.slow
def test_no_correct_filler_fails_over_2000_seeds(fill, law):
    for seed in range(2000):
        findings = judge_fill(fill, law, seed)
        assert all(f.passed for f in findings.values()), (seed, findings)


def fixed_(tensor, generator):
    return tensor.copy_(torch.randn(tensor.shape, generator=torch.Generator().manual_seed(1)) * 0.2)


def reseeding_(tensor, generator):
    torch.manual_seed(0)
    return tensor.copy_(torch.randn(tensor.shape) * 0.2)


def rows_alike_(tensor, generator):
    row = torch.randn(tensor.shape[1:], generator=generator)
    return tensor.copy_(row.expand(tensor.shape) * 0.2)


def halves_flipped_(tensor, generator):
    half = torch.randn(tensor.shape[0] // 2, *tensor.shape[1:], generator=generator) * 0.2
    return tensor.copy_(torch.cat([half, half]))


WRONG_FILLS = {
    "std 3 % off": lambda t, generator: normal_(t, generator).mul_(1.03),
    "variance for std": lambda t, generator: normal_(t, generator).mul_(0.2),
    "shifted": lambda t, generator: normal_(t, generator).add_(0.01),
    "uniform of the same variance": lambda t, generator: t.uniform_(
        -0.2 * 3**0.5, 0.2 * 3**0.5, generator=generator
    ),
    "tails cut at 2": lambda t, generator: normal_(t, generator).clamp_(-0.4, 0.4),
    "tails cut at 3": lambda t, generator: normal_(t, generator).clamp_(-0.6, 0.6),
    "one fixed draw": fixed_,
    "seed set inside": reseeding_,
    "rows alike": rows_alike_,
    "halves alike": halves_flipped_,
    "left as it was": lambda t, generator: t,
    "NaN": lambda t, generator: t.fill_(math.nan),
    "float64 returned": lambda t, generator: normal_(t, generator).double(),
    "nothing returned": lambda t, generator: normal_(t, generator) and None,
    "generator ignored": lambda t, generator: t.copy_(torch.randn(t.shape) * 0.2),
}


@pytest.mark.parametrize("wrong", WRONG_FILLS)
def test_every_wrong_filler_fails(wrong):
    assert not all(f.passed for f in judge_fill(WRONG_FILLS[wrong], Normal(0.2)).values())


def test_a_normal_of_the_same_variance_is_no_uniform():
    findings = judge_fill(normal_, Uniform(0.2 * 3**0.5))
    assert not findings["tensor"].passed


P = 0.3
X = torch.randn(16, 8, 6, 5, generator=torch.Generator().manual_seed(5))


def judge_mask(dropout, seed=0, p=P):
    call = Call("dropout", {"x": X, "p": p, "generator": None}, 3)
    calls = random_calls(call, [seed * 100 + i for i in range(DRAWS)], 7000 + seed)
    kept = X / (1 - p)
    exact = kept.to(torch.float64)
    expectation = MaskExpectation(
        "y", tuple(X.shape), 1 - p, Expected(kept, exact, exact, 1e-6 * exact.abs())
    )
    session = LocalSession({"dropout": dropout})
    answers = [session.call(call) for call in calls]
    return {f.output: f for f in expectation.judge(calls, answers)}


def by_mask(make_mask, scale=lambda p: 1 / (1 - p)):
    def dropout(x, p, generator):
        mask = make_mask(x, p, generator)
        return x * mask * scale(p), mask

    return dropout


def rand_mask(x, p, generator):
    return torch.rand(x.shape, generator=generator) >= p


def bernoulli_mask(x, p, generator):
    return torch.empty(x.shape).bernoulli_(1 - p, generator=generator).bool()


@pytest.mark.parametrize("mask", [rand_mask, bernoulli_mask])
@pytest.mark.slow
def test_no_correct_dropout_fails_over_2000_seeds(mask):
    for seed in range(2000):
        findings = judge_mask(by_mask(mask), seed)
        assert all(f.passed for f in findings.values()), (seed, findings)


def shared_over(*axes):
    def make(x, p, generator):
        shape = [1 if axis in axes else size for axis, size in enumerate(x.shape)]
        return (torch.rand(shape, generator=generator) >= p).expand(x.shape)

    return make


def exact_count(x, p, generator):
    order = torch.randperm(x.numel(), generator=generator)
    return (order >= round(p * x.numel())).view(x.shape)


def exact_count_per_image(x, p, generator):
    noise = torch.rand(x.shape[0], x[0].numel(), generator=generator)
    return (noise.argsort(1).argsort(1) >= round(p * x[0].numel())).view(x.shape)


def randint_mask(x, p, generator):
    return torch.randint(0, 2, x.shape, generator=generator).bool()


def one_mask(x, p, generator):
    return torch.rand(x.shape, generator=torch.Generator().manual_seed(3)) >= p


def exponential(x, p, generator=None):
    mask = rand_mask(x, p, generator)
    return torch.where(mask, torch.exp(x), 0.0), mask


def exponential_to_base_two(x, p, generator=None):
    mask = rand_mask(x, p, generator)
    return torch.where(mask, torch.exp2(x * math.log2(math.e)), 0.0), mask


def exponential_off_by_a_thousandth(x, p, generator=None):
    mask = rand_mask(x, p, generator)
    return torch.where(mask, 1.001 * torch.exp(x), 0.0), mask


@pytest.mark.parametrize(
    ("function", "right"),
    [(exponential_to_base_two, True), (exponential_off_by_a_thousandth, False)],
)
def test_what_is_kept_may_be_off_by_what_its_conditioning_explains(function, right):
    large = X + 75  # where rounding x * log2(e) costs more than 32 units of roundoff
    check = drops(
        exponential,
        (case("large", x=large, p=P),),
        points={"y": 1, "mask": 1, "generator": 1},
        keep=lambda x, p: 1 - p,
        kept=lambda x, p: torch.exp(x),
    )
    calls = check.calls({"x": large, "p": P}, lambda purpose: zlib.crc32(purpose.encode()))
    expectation = check.expect(check.cases[0], calls, LocalSession({"exponential": exponential}))
    session = LocalSession({"exponential": function})
    y, mask, generator = expectation.judge(calls, [session.call(call) for call in calls])
    assert y.passed == right
    assert mask.passed
    assert generator.passed


WRONG_DROPOUTS = {
    "p and 1 - p swapped": by_mask(lambda x, p, g: rand_mask(x, 1 - p, g)),
    "p off by 0.02": by_mask(lambda x, p, g: rand_mask(x, p + 0.02, g)),
    "scaled by 1/p": by_mask(rand_mask, lambda p: 1 / p),
    "not scaled": by_mask(rand_mask, lambda p: 1),
    "original dropout": by_mask(rand_mask, lambda p: 1 - p),
    "one mask for the batch": by_mask(shared_over(0)),
    "whole channels": by_mask(shared_over(2, 3)),
    "whole positions": by_mask(shared_over(1)),
    "whole rows": by_mask(shared_over(3)),
    "exact count": by_mask(exact_count),
    "exact count per image": by_mask(exact_count_per_image),
    "randint": by_mask(randint_mask),
    "one mask for ever": by_mask(one_mask),
    "generator ignored": by_mask(lambda x, p, g: torch.rand(x.shape) >= p),
    "nothing dropped": by_mask(lambda x, p, g: torch.ones(x.shape, dtype=torch.bool)),
    "everything dropped": by_mask(lambda x, p, g: torch.zeros(x.shape, dtype=torch.bool)),
    "mask as floats": lambda x, p, generator: (x, torch.ones(x.shape)),
    "output alone": lambda x, p, generator: x,
}


@pytest.mark.parametrize("wrong", WRONG_DROPOUTS)
def test_every_wrong_dropout_fails(wrong):
    assert not all(f.passed for f in judge_mask(WRONG_DROPOUTS[wrong]).values())


@pytest.mark.parametrize("nothing", ["nothing dropped", "everything dropped", "output alone"])
def test_no_output_passes_without_dropout(nothing):
    assert not any(f.passed for f in judge_mask(WRONG_DROPOUTS[nothing]).values())


def test_the_stated_false_alarm_is_what_a_verdict_allows():
    (finding, *_) = judge_fill(normal_, Normal(0.2)).values()
    tests = 6 + 2 * len(SHAPE)
    assert finding.evidence["log10_allowed"] == pytest.approx(math.log10(FALSE_ALARM / tests))
