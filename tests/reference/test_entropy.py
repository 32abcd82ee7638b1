"""Entropies of filters against NumPy's histogram and the formulas' own properties; pruning
against the network that it prunes."""

import math

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from hypothesis import given
from hypothesis import strategies as st

from reference.regularization.filter_entropy import filter_entropy
from reference.regularization.filter_status import filter_status
from reference.regularization.histogram_entropy import histogram_entropy
from reference.regularization.prune_filters import prune_filters

seeds = st.integers(0, 2**31)
shapes = st.tuples(*[st.integers(1, 6)] * 4)


def _randn(*shape, seed=0, dtype=torch.float64):
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed), dtype=dtype)


def _responses(shape, seed):
    """Among the filters of several: dead ones, always firing ones, and exact zeros."""
    x = _randn(*shape, seed=seed) + 5 * _randn(shape[1], 1, 1, seed=seed + 1)
    return torch.where(x.abs() < 0.2, 0.0, x)


def _permuted_positions(x, seed):
    """Each filter's responses in another order over images, rows and columns."""
    order = torch.randperm(x.numel() // x.shape[1], generator=torch.Generator().manual_seed(seed))
    flat = x.transpose(0, 1).flatten(1)[:, order]
    n, c, h, w = x.shape
    return flat.view(c, n, h, w).transpose(0, 1)


def _shannon(counts, base):
    p = counts[counts > 0] / counts.sum()
    return -(p * np.log(p)).sum() / np.log(base)


@given(shapes, seeds)
def test_filter_entropy_is_that_of_two_counts(shape, seed):
    x = _responses(shape, seed)
    firing = (x.numpy() > 0).transpose(1, 0, 2, 3).reshape(shape[1], -1)
    expected = [_shannon(np.bincount(f, minlength=2), base=2) for f in firing]
    torch.testing.assert_close(filter_entropy(x), torch.tensor(expected, dtype=x.dtype))


@given(shapes, seeds, st.floats(1e-6, 1e6))
def test_filter_entropy_is_in_bits_and_knows_signs_alone(shape, seed, scale):
    x = _responses(shape, seed)
    entropy = filter_entropy(x)
    assert ((entropy >= 0) & (entropy <= 1)).all()
    torch.testing.assert_close(filter_entropy(_permuted_positions(x, seed)), entropy)
    assert torch.equal(filter_entropy(x * scale), entropy)
    no_zeros = torch.where(x == 0, -1.0, x)
    torch.testing.assert_close(filter_entropy(-no_zeros), entropy)


@pytest.mark.parametrize(
    ("firing", "bits"),
    [(0, 0.0), (8, 0.0), (4, 1.0), (2, 2 - 0.75 * math.log2(3)), (6, 2 - 0.75 * math.log2(3))],
)
def test_filter_entropy_of_known_shares(firing, bits):
    x = torch.full((2, 1, 2, 2), -1.0, dtype=torch.float64)
    x.view(-1)[:firing] = 0.5
    assert filter_entropy(x).item() == pytest.approx(bits, abs=1e-15)


@given(shapes, seeds)
def test_status_says_where_the_entropy_is_zero_and_why(shape, seed):
    x = _responses(shape, seed)
    status = filter_status(x)
    assert status.dtype == torch.int64
    assert torch.equal(status == 0, filter_entropy(x) > 0)
    rectified = x.relu()
    for c, s in enumerate(status.tolist()):
        assert (s == -1) == (not rectified[:, c].any())
        assert (s == 1) == bool((x[:, c] > 0).all())
    assert torch.equal(filter_status(_permuted_positions(x, seed)), status)


def test_status_of_filters_at_the_border():
    x = torch.tensor([[0.0, 0.0], [0.0, -1.0], [0.0, 1e-30], [2.0, 1e-30]]).view(1, 4, 1, 2)
    assert filter_status(x).tolist() == [-1, -1, 0, 1]


def _assert_numpys(x, bins):
    columns = x.mean((2, 3)).T.numpy()
    expected = [_shannon(np.histogram(column, bins)[0], base=math.e) for column in columns]
    torch.testing.assert_close(histogram_entropy(x, bins), torch.tensor(expected, dtype=x.dtype))


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 12), seeds)
def test_histogram_entropy_is_numpys_histograms(n, c, bins, seed):
    _assert_numpys(_randn(n, c, 3, 2, seed=seed), bins)


# Whole numbers in 2^k bins are on an edge exactly or clear of it: rounding decides nothing.
@given(st.integers(1, 30), st.integers(1, 5), st.sampled_from([1, 2, 4, 8, 16]), seeds)
def test_histogram_entropy_is_numpys_on_edges(n, c, bins, seed):
    pooled = torch.randint(-4, 5, (n, c, 1, 1), generator=torch.Generator().manual_seed(seed))
    _assert_numpys(pooled.double().expand(n, c, 3, 2), bins)


@given(st.integers(1, 30), st.integers(1, 5), st.integers(1, 12), seeds)
def test_histogram_entropy_has_its_bounds_and_invariances(n, c, bins, seed):
    x = _randn(n, c, 3, 2, seed=seed)
    entropy = histogram_entropy(x, bins)
    assert ((entropy >= 0) & (entropy <= math.log(min(n, bins)) + 1e-12)).all()
    torch.testing.assert_close(histogram_entropy(x.flip(0), bins), entropy)
    torch.testing.assert_close(histogram_entropy(x.flip(2, 3), bins), entropy)
    torch.testing.assert_close(histogram_entropy(4 * x, bins), entropy)
    torch.testing.assert_close(histogram_entropy(x.flip(1), bins), entropy.flip(0))


@pytest.mark.parametrize(
    ("values", "bins", "nats"),
    [
        ([7.0, 7.0, 7.0], 10, 0.0),  # zero range
        ([0.0, 1.0], 10, math.log(2)),  # the largest is in the last bin
        ([0.0, 1.0, 2.0, 3.0, 4.0], 4, math.log(5) - 0.4 * math.log(2)),  # as are 3 and 4 together
        ([-1.0, 5.0, 2.0], 1, 0.0),
    ],
)
def test_histogram_entropy_of_known_values(values, bins, nats):
    x = torch.tensor(values, dtype=torch.float64).view(-1, 1, 1, 1).expand(-1, 1, 2, 3)
    assert histogram_entropy(x, bins).item() == pytest.approx(nats, abs=1e-15)


def _network(seed, filters):
    x = _randn(3, 2, 7, 6, seed=seed)
    weight, bias = _randn(filters, 2, 3, 2, seed=seed + 1), _randn(filters, seed=seed + 2)
    return x, weight, bias, _randn(5, filters, 2, 3, seed=seed + 3)


@given(seeds, st.integers(1, 8), st.data())
def test_pruned_network_is_the_network_with_those_filters_at_zero(seed, filters, data):
    x, weight, bias, next_weight = _network(seed, filters)
    keep = data.draw(st.integers(1, filters))
    entropy = torch.tensor(
        data.draw(st.lists(st.sampled_from([0, 0.25, 0.5, 0.75, 1]), min_size=filters)),
        dtype=x.dtype,
    )[:filters]
    thin, thin_bias, thin_next, kept = prune_filters(weight, bias, next_weight, entropy, keep)

    ranked = sorted(range(filters), key=lambda i: (abs(entropy[i].item() - 0.5), i))
    assert kept.dtype == torch.int64
    assert kept.tolist() == sorted(ranked[:keep])

    zeroed = torch.zeros(filters, dtype=x.dtype)
    zeroed[kept] = 1
    hidden = F.conv2d(x, weight, bias).relu() * zeroed.view(-1, 1, 1)
    torch.testing.assert_close(
        F.conv2d(F.conv2d(x, thin, thin_bias).relu(), thin_next), F.conv2d(hidden, next_weight)
    )


def test_pruning_dead_filters_changes_nothing():
    x, weight, bias, next_weight = _network(seed=0, filters=6)
    bias[[1, 4]] = -100.0
    responses = F.conv2d(x, weight, bias)
    assert filter_status(responses).tolist() == [0, -1, 0, 0, -1, 0]
    thin, thin_bias, thin_next, kept = prune_filters(
        weight, bias, next_weight, filter_entropy(responses) / 2, keep=4
    )
    assert kept.tolist() == [0, 2, 3, 5]
    torch.testing.assert_close(
        F.conv2d(F.conv2d(x, thin, thin_bias).relu(), thin_next),
        F.conv2d(responses.relu(), next_weight),
    )


@pytest.mark.parametrize("keep", [-1, 0, 5])
def test_an_impossible_number_of_filters_is_refused(keep):
    _, weight, bias, next_weight = _network(seed=0, filters=4)
    with pytest.raises(ValueError, match="cannot be kept"):
        prune_filters(weight, bias, next_weight, torch.rand(4), keep)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.float16])
def test_devices_and_types_stay(cuda, dtype):
    x = torch.empty(3, 4, 5, 6, device=cuda, dtype=dtype)
    entropies = filter_entropy(x), histogram_entropy(x), histogram_entropy(x, bins=3)
    assert all(e.shape == (4,) and e.dtype == dtype and e.device.type == "cuda" for e in entropies)
    status = filter_status(x)
    assert (status.shape, status.dtype, status.device.type) == ((4,), torch.int64, "cuda")
    weight, bias = torch.empty(4, 2, 3, 3, device=cuda, dtype=dtype), x[0, :, 0, 0]
    pruned = prune_filters(weight, bias, weight.transpose(0, 1), entropies[0], keep=2)
    assert [tuple(t.shape) for t in pruned] == [(2, 2, 3, 3), (2,), (2, 2, 3, 3), (2,)]
    assert {t.device.type for t in pruned} == {"cuda"}
    assert [t.dtype for t in pruned] == [dtype] * 3 + [torch.int64]
