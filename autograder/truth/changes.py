"""What was done to the right answer: scaled, turned, shifted, exchanged with another output.

It takes nothing recorded, and says in the contract's words how what came is made from what should
have come: in every wrong answer of a place, or it says nothing.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

import torch
import torch.nn.functional as F
from torch import Tensor

from autograder.judging.call import Value

NEARLY_ALL = 0.9  # of a region is wrong that it is enough to name
NARROW = 0.1  # between what is right and what is wrong, for one number to stand for both
UNIT = 2.0**-53  # the last place of numbers just below 1
SMALL = 2.0**-8  # of them differences lose digits
HALVES = 2.0**-12  # what rounding to 24 bits moves a number by, where half of them cancel
SEVERAL = 4  # amounts of which not all are rounded one way
FEW = 8  # numbers of which all may be rounded one way
CONVINCING = 3  # so many numbers that are wrong alike are no chance

Arguments: TypeAlias = Mapping[str, Value]


@dataclass(frozen=True, eq=False)
class Seen:
    """One answer to one call: what came, what should have come, and all that is right there."""

    got: Tensor
    right: Tensor
    near: Tensor  # how far apart two answers may be that are alike
    arguments: Arguments
    others: Mapping[str, Tensor]  # the other outputs, as they should be

    def alike(self, changed: Tensor) -> bool:
        """Whether the changed right answer is what came."""
        if changed.shape != self.got.shape:
            return False
        a, b = changed.to(torch.float64), self.got.to(torch.float64)
        near = self.near
        if near.shape != a.shape:
            near = near.amax() if near.numel() else torch.zeros(())
        top, was = float(a.abs().amax()), float(self.right.abs().amax())
        grown = top / was if math.isfinite(top) and was else 1.0
        same = (a - b).abs() <= near * max(1.0, grown)
        same |= torch.isnan(a) & torch.isnan(b)
        same |= a == b
        return bool(same.all())

    def wrong(self) -> Tensor:
        """Which elements are wrong."""
        return ~((self.got - self.right).abs() <= self.near)


@dataclass(frozen=True)
class Found:
    """`what` completes "y is ..."; `cause` is what several outputs have in common that it is said
    of, in other words perhaps."""

    kind: str
    what: str
    cause: str = ""


Apply: TypeAlias = Callable[[Seen], Tensor]
Change: TypeAlias = tuple[str, str, Apply]


def changes(seen: Sequence[Seen]) -> Found | None:
    """What was done to the right answer in every one of these, if it was anything simple."""
    if not _tell(seen):
        return None
    telling = [one for one in seen if one.right.numel() >= CONVINCING] or seen
    return _change(seen) or _factor(telling) or _offset(telling) or _in_a_region(seen)


def is_zero(seen: Sequence[Seen]) -> bool:
    """Whether all of these are zero everywhere, where something else is right."""
    return len(seen) > 1 and all(
        one.got.numel() and not bool(one.got.any()) and bool(one.right.any()) for one in seen
    )


def _tell(seen: Sequence[Seen]) -> bool:
    """Whether there are numbers to be told apart: what is all NaN may be 0 / 0 of anything."""
    return (
        bool(seen)
        and all(one.right.dtype != torch.bool and one.right.numel() for one in seen)
        and any(bool(one.got.isfinite().any()) for one in seen)
    )


def _change(seen: Sequence[Seen]) -> Found | None:
    for kind, what, apply in _all(seen[0]):
        if all(_try(one, apply) for one in seen):
            return Found(kind, what)
    return None


def scaled(seen: Sequence[Seen]) -> Found | None:
    """By what number, or by which size, the right answer was multiplied in every one of these."""
    if not _tell(seen):
        return None
    for kind, what, apply in _with_counts(seen[0]):
        if all(_try(one, apply) for one in seen):
            return Found(kind, what)
    factors = {f"{float(r.flatten()[0]):.4g}" for one in seen if (r := _ratio(one, ())) is not None}
    fits = (
        len(factors) == 1 and factors != {"1"} and all(_ratio(one, ()) is not None for one in seen)
    )
    return Found("factor", f"{factors.pop()} times the right one") if fits else None


def scaled_part(seen: Sequence[Seen], without: Sequence[Tensor]) -> float | None:
    """By what number one part of the right answer was multiplied, the same in all of these.

    Args:
        without: the right answers without that part.
    """
    factors: list[float] = []
    if len(without) < len(seen):
        return None
    for one, base in zip(seen, without, strict=True):
        if not base.shape == one.right.shape == one.got.shape or torch.equal(base, one.right):
            return None
        part = Seen(one.got - base, one.right - base, one.near, one.arguments, one.others)
        ratio = _ratio(part, ())
        if ratio is None:
            return None
        factors.append(float(ratio.flatten()[0]))
    told = {f"{factor:.4g}" for factor in factors}
    # Of one case alone, or where nothing but rounding is off, it tells nothing.
    return factors[0] if len(factors) > 1 and len(told) == 1 and told != {"1"} else None


def is_rounding(seen: Sequence[Seen]) -> bool:
    """Whether what is wrong may have been rounded: most numbers are off, up and down, or all by
    one factor, and each by a small part of itself. What is added or cut off goes one way, spares
    the most of them, or moves what is next to nothing, or nothing, as far as all else."""
    fitting = [one for one in seen if one.right.numel() and one.got.shape == one.right.shape]
    off_at = [(one, where) for one in fitting if bool((where := one.wrong()).any())]
    pairs = [(one.got - one.right, one.right, where) for one, where in off_at]
    if not pairs or any(int(where.sum()) * 2 < where.numel() for _, _, where in pairs):
        return False
    off = torch.cat([difference[where] for difference, _, where in pairs]).abs()
    size = torch.cat([right[where] for _, right, where in pairs]).abs()
    if bool((size == 0).any()) or int((off > HALVES * size).sum()) * 8 > off.numel():
        return False
    factors = {f"{float((d / r)[at].mean()):.3g}" for d, r, at in pairs}
    if len(factors) >= SEVERAL and len({f[0] == "-" for f in factors}) == 1:
        return False  # each case is moved by another amount, and all of them one way
    one_way = [_goes_one_way(difference[where], right[where]) for difference, right, where in pairs]
    return 2 * sum(one_way) <= len(one_way)


def is_cancellation(seen: Sequence[Seen]) -> bool:
    """Whether all that is wrong is small, and what numbers of about 1 leave when they are
    subtracted: so many whole units in the last place of 1."""
    fitting = [one for one in seen if one.got.shape == one.right.shape]
    off = [
        (one.got[at], one.right[at]) for one in fitting if bool((at := one.got != one.right).any())
    ]
    is_double = all(one.got.dtype == torch.float64 for one in seen)
    return bool(off) and len(fitting) == len(seen) and is_double and all(_is_left(*o) for o in off)


def _is_left(got: Tensor, right: Tensor) -> bool:
    units = got / UNIT
    off = (got - right).abs()
    near = bool((off <= 8 * UNIT).all()) and float(right.abs().max()) < SMALL
    return near and bool((units == units.round()).all())


def _goes_one_way(off: Tensor, right: Tensor) -> bool:
    """Whether nearly all numbers are moved up, or nearly all down, and not by one factor."""
    up, parts = int((off > 0).sum()), (off / right).abs()
    one_way = min(up, off.numel() - up) * 8 < off.numel() >= FEW
    return one_way and float(parts.max()) > 2 * float(parts.min())


def changes_of_some(seen: Sequence[Seen], of: int) -> Found | None:
    """What was done to the right answer in two of these at least; what is so in fewer than half of
    all that fail says too little.

    Args:
        of: how many fail, with those that cannot be read.
    """
    telling = [s for s in seen if s.right.is_floating_point() and s.right.numel() >= CONVINCING]
    best, most = None, max(2, (of + 1) // 2) - 1
    for kind, what, apply in _all(telling[0]) if telling else ():
        alike = 0
        for at, one in enumerate(telling):
            if alike + len(telling) - at <= most:
                break
            alike += _try(one, apply)
        if alike > most:
            best, most = Found(kind, what), alike
    return best


def _try(one: Seen, apply: Apply) -> bool:
    try:
        return one.alike(apply(one))
    except (RuntimeError, LookupError, TypeError, ValueError, ArithmeticError):
        return False


def _of_right(change: Callable[[Tensor], Tensor]) -> Apply:
    return lambda one: change(one.right)


def _all(first: Seen) -> Iterator[Change]:
    yield "sign-turned", "the right one with its sign turned", _of_right(torch.neg)
    yield "all-zero", "zero everywhere", _of_right(torch.zeros_like)
    for name in first.others:
        yield f"is-{name}", f"what `{name}` should be", partial(_other, name)
    for name, value in first.arguments.items():
        if isinstance(value, Tensor):
            yield f"is-{name}", f"`{name}` itself", partial(_argument, name)
    yield from _products(first)
    yield from _with_arguments(first)
    yield from _with_counts(first)
    for name in _shaped_as_the_output(first):
        for known, function in _KNOWN.items():
            kind = slug_of(known)
            yield f"{kind}-of-{name}", f"{known} of `{name}`", partial(_known, function, name)
            if "grad_y" in first.arguments and name != "grad_y":
                what = f"`grad_y` times the derivative of {known} at `{name}`"
                yield f"{kind}-backwards", what, partial(_known_backwards, function, name)
    for kind, what, change in _PLAIN:
        yield kind, what, _of_right(change)
    yield from _of_dimensions(first.right.dim())


_KNOWN: Mapping[str, Callable[[Tensor], Tensor]] = {
    "ReLU": F.relu,
    "ReLU6": F.relu6,
    "leaky ReLU": F.leaky_relu,
    "ELU": F.elu,
    "SELU": F.selu,
    "CELU": F.celu,
    "GELU": F.gelu,
    "the tanh approximation of GELU": partial(F.gelu, approximate="tanh"),
    "SiLU": F.silu,
    "Mish": F.mish,
    "sigmoid": torch.sigmoid,
    "the logarithm of sigmoid": F.logsigmoid,
    "the hard sigmoid": F.hardsigmoid,
    "tanh": torch.tanh,
    "the hard tanh": F.hardtanh,
    "the hard swish": F.hardswish,
    "softplus": F.softplus,
    "softsign": F.softsign,
    "erf": torch.erf,
    "softmax over the last dimension": partial(torch.softmax, dim=-1),
}


def _known(function: Callable[[Tensor], Tensor], name: str, one: Seen) -> Tensor:
    return function(_argument(name, one))


def _known_backwards(function: Callable[[Tensor], Tensor], name: str, one: Seen) -> Tensor:
    with torch.enable_grad():
        at = _argument(name, one).detach().clone().requires_grad_()
        (grad,) = torch.autograd.grad(function(at), at, _argument("grad_y", one))
    return grad


def _other(name: str, one: Seen) -> Tensor:
    return one.others[name]


def _argument(name: str, one: Seen) -> Tensor:
    value = one.arguments[name]
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} is no tensor in every case")
    return value


_OPERATIONS: tuple[tuple[str, str, Callable[[Tensor, Tensor], Tensor]], ...] = (
    ("once-too-often", "the right one times {}", torch.mul),
    ("forgotten", "the right one divided by {}", torch.div),
    ("added", "the right one plus {}", torch.add),
    ("taken-away", "the right one minus {}", torch.sub),
)


def _products(first: Seen) -> Iterator[Change]:
    """What comes from above and one argument, and nothing else."""
    if "grad_y" not in first.arguments:
        return
    for name, value in first.arguments.items():
        if name != "grad_y" and isinstance(value, Tensor) and value.is_floating_point():
            what = f"`grad_y` times `{name}`, and nothing more"
            yield f"is-grad_y-times-{name}", what, partial(_product, name)


def _product(name: str, one: Seen) -> Tensor:
    grad = _argument("grad_y", one).to(torch.float64)
    return grad * _beside(Seen(grad, grad, one.near, one.arguments, {}), name)


def _with_arguments(first: Seen) -> Iterator[Change]:
    for name, value in first.arguments.items():
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        if not is_number and not (isinstance(value, Tensor) and value.is_floating_point()):
            continue
        for kind, what, operation in _OPERATIONS:
            told = what.format(f"`{name}`")
            yield f"{name}-{kind}", told, partial(_operate, operation, name, False)
            if isinstance(value, float) and operation in {torch.mul, torch.div}:
                told = what.format(f"1 - `{name}`")
                kind = f"one-minus-{name}-{kind}"
                yield kind, told, partial(_operate, operation, name, True)


def _operate(
    operation: Callable[[Tensor, Tensor], Tensor], name: str, complement: bool, one: Seen
) -> Tensor:
    beside = _beside(one, name)
    return operation(one.right, 1 - beside if complement else beside)


def _beside(one: Seen, name: str) -> Tensor:
    """An argument, as it meets the output: numbers per channel along dimension 1."""
    value = one.arguments[name]
    if not isinstance(value, Tensor):
        if not isinstance(value, int | float):
            raise TypeError(f"{name} is no number in every case")
        return torch.tensor(float(value), dtype=torch.float64)
    value = value.to(torch.float64)
    right = one.right
    if value.dim() == 1 and right.dim() > 2 and value.shape[0] == right.shape[1]:
        return value.view(1, -1, *[1] * (right.dim() - 2))
    if value.dim() == 1 and right.dim() == 2 and value.shape[0] == right.shape[0] != right.shape[1]:
        return value.view(-1, 1)
    return value


def _with_counts(first: Seen) -> Iterator[Change]:
    for what in sizes(first.arguments):
        slug = slug_of(what)
        yield f"times-{slug}", f"the right one times {what}", partial(_counted, what, lambda n: n)
        yield (
            f"over-{slug}",
            f"the right one divided by {what}",
            partial(_counted, what, lambda n: 1 / n),
        )
        told = f"the right one times n / (n - 1), n being {what}"
        yield "unbiased", told, partial(_counted, what, lambda n: n / (n - 1))
        told = f"the right one times (n - 1) / n, n being {what}"
        yield "biased", told, partial(_counted, what, lambda n: (n - 1) / n)
    for name, value in first.arguments.items():
        counts = sizes({name: value})
        for a, b in itertools.permutations(counts, 2):
            if counts[a] != counts[b] and min(counts[a], counts[b]) > 1:
                told = f"right but for n / (n - 1): n is {a} where it should be {b}"
                yield "counted-otherwise", told, partial(_counted_otherwise, name, a, b)


def _counted_otherwise(name: str, a: str, b: str, one: Seen) -> Tensor:
    found = sizes({name: one.arguments[name]})
    n, m = found[a], found[b]
    if m == 1:
        raise ValueError("one of a thing tells nothing")
    return one.right * (n / max(n - 1, 1)) / (m / (m - 1))


def _counted(what: str, factor: Callable[[float], float], one: Seen) -> Tensor:
    count = sizes(one.arguments)[what]
    if count == 1:
        raise ValueError("one of a thing tells nothing")
    return one.right * factor(count)


_PLAIN: tuple[tuple[str, str, Callable[[Tensor], Tensor]], ...] = (
    ("squared", "the right one squared", torch.square),
    ("rooted", "the root of the right one", torch.sqrt),
    ("its-size", "the right one without its sign", torch.abs),
    ("clipped", "the right one with what is negative set to zero", torch.relu),
    ("upside-down", "one over the right one", torch.reciprocal),
    ("exponential", "exp of the right one", torch.exp),
    ("logarithm", "the logarithm of the right one", torch.log),
    ("complement", "one minus the right one", lambda t: 1 - t),
    ("rounded", "the right one, rounded to whole numbers", torch.round),
    ("reduced", "the sum of the right one", lambda t: torch.sum(_several(t))),
    ("reduced", "the mean of the right one", lambda t: torch.mean(_several(t))),
    (
        "transposed",
        "the right one, its last two dimensions exchanged",
        lambda t: t.transpose(-2, -1),
    ),
    (
        "transposed",
        "the right one, its first two dimensions exchanged",
        lambda t: t.transpose(0, 1),
    ),
    ("turned-around", "the right one turned by 180 degrees", lambda t: t.flip((-1, -2))),
    ("squeezed", "the right one without dimensions of size one", torch.squeeze),
    ("flattened", "the right one, flattened", torch.flatten),
)


def _several(t: Tensor) -> Tensor:
    if t.numel() == 1:
        raise ValueError("one number is its own sum")
    return t


def _of_dimensions(count: int) -> Iterator[Change]:
    for order in itertools.permutations(range(count)):
        if 1 < count <= 4 and list(order) != sorted(order):
            what = "the right numbers in another order: dimensions were exchanged on the way"
            yield "laid-out-otherwise", what, _of_right(partial(_laid_out, order))
            yield "laid-out-otherwise", what, _of_right(partial(_read_otherwise, order))
    for dim in range(count):
        for kind, what, change in _ALONG:
            yield kind, what.format(f"dimension {dim}"), _of_right(partial(change, dim))


def _laid_out(order: Sequence[int], t: Tensor) -> Tensor:
    return t.permute(*order).reshape(t.shape)


def _read_otherwise(order: Sequence[int], t: Tensor) -> Tensor:
    back = sorted(range(len(order)), key=order.__getitem__)
    return t.reshape([t.shape[dim] for dim in order]).permute(back)


_ALONG: tuple[tuple[str, str, Callable[[int, Tensor], Tensor]], ...] = (
    ("turned-around", "the right one turned around in {}", lambda dim, t: t.flip(dim)),
    ("shifted", "the right one shifted in {}", lambda dim, t: t.roll(1, dim)),
    ("shifted", "the right one shifted in {}", lambda dim, t: t.roll(-1, dim)),
    ("reduced", "the right one summed over {}", lambda dim, t: t.sum(dim)),
    ("reduced", "the right one averaged over {}", lambda dim, t: t.mean(dim)),
    ("kept", "the right one with {} beside it", lambda dim, t: t.unsqueeze(dim)),
    (
        "averaged",
        "the right one averaged over {}",
        lambda dim, t: t.mean(dim, keepdim=True).expand(t.shape),
    ),
    (
        "summed",
        "the right one summed over {}",
        lambda dim, t: t.sum(dim, keepdim=True).expand(t.shape),
    ),
    (
        "first-for-all",
        "the right one's first entry of {}, for all",
        lambda dim, t: t.narrow(dim, 0, 1).expand(t.shape),
    ),
)


def sizes(arguments: Arguments) -> dict[str, int]:
    """What there is to count in a call, in words."""
    found: dict[str, int] = {}
    for name, value in arguments.items():
        if not isinstance(value, Tensor):
            continue
        told, shape = f"`{name}`", value.shape
        for dim, size in enumerate(shape):
            found[f"the size of {told} in dimension {dim}"] = size
        found[f"the number of elements of {told}"] = math.prod(shape)
        if len(shape) > 1:
            found[f"the number of values in one item of {told}"] = math.prod(shape[1:])
        if len(shape) == 4:
            n, _, h, w = shape
            found[f"the number of pixels of {told}"] = h * w
            found[f"the number of pixels of all items of {told}"] = n * h * w
    return found


def slug_of(text: str) -> str:
    return "-".join("".join(c if c.isalnum() else " " for c in text).split())


def _factor(seen: Sequence[Seen]) -> Found | None:
    """One number times the right answer, or one per item, channel, row or the like."""
    if all(one.right.numel() == 1 for one in seen):
        return _factor_of_numbers(seen)
    ratios = [_ratio(one, ()) for one in seen]
    if all(ratio is not None for ratio in ratios):
        factors = {f"{float(ratio.flatten()[0]):.4g}" for ratio in ratios if ratio is not None}
        if factors == {"1"}:
            return None  # off by next to nothing: that is no factor that anybody wrote
        if len(factors) == 1:
            return Found("factor", f"{factors.pop()} times the right one")
        return Found("factor", "the right one times a factor, another one in each case")
    for kept, told in _axes(seen[0].right.dim()):
        if all(_ratio(one, kept) is not None for one in seen):
            return Found("factor", f"the right one times a factor, one for each {told}")
    return None


def _factor_of_numbers(seen: Sequence[Seen]) -> Found | None:
    """The same where each case gives one number: it takes several cases."""
    first = seen[0]
    if len(seen) < 2 or first.got.numel() != 1 or not float(first.right):
        return None
    factor = float(first.got) / float(first.right)
    if math.isfinite(factor) and factor and all(_try(s, lambda s: s.right * factor) for s in seen):
        return Found("factor", f"{factor:.4g} times the right one")
    return None


def _offset(seen: Sequence[Seen]) -> Found | None:
    amounts = [(one.got - one.right).double().mean() for one in seen if _shifted(one, ())]
    if 1 < len(amounts) == len(seen) and len({f"{float(amount):.4g}" for amount in amounts}) == 1:
        return Found("offset", f"the right one plus {float(amounts[0]):.4g}")
    for kept, told in [((), "case"), *_axes(seen[0].right.dim())]:
        if all(_shifted(one, kept) for one in seen):
            return Found("offset", f"the right one plus an amount, the same for all of one {told}")
    return None


def multiples(seen: Sequence[Seen]) -> Found | None:
    """Whether what is added are multiples of one argument or of two, others in each case."""
    if not _tell(seen):
        return None
    names = [n for n in _shaped_as_the_output(seen[0]) if n != "grad_y"]
    for count in (1, 2):
        for some in itertools.combinations(names, count):
            telling = [one for one in seen if one.got.numel() >= count + CONVINCING]
            if len(telling) > 1 and all(_made_of(one, some) for one in telling):
                told = " and one of ".join(f"`{name}`" for name in some)
                return Found("off-by-multiples", f"the right one plus a multiple of {told}")
    return None


def _made_of(one: Seen, names: Sequence[str]) -> bool:
    if one.got.shape != one.right.shape:
        return False
    try:
        parts = torch.stack([_argument(n, one).to(torch.float64).flatten() for n in names], 1)
        off = (one.got - one.right).to(torch.float64)
        if not bool(parts.isfinite().all() and off.isfinite().all()):
            return False
        factors = torch.linalg.lstsq(parts, off.flatten()).solution
        return one.alike(one.right + (parts @ factors).reshape(off.shape))
    except (RuntimeError, LookupError, TypeError):
        return False


def _axes(dims: int) -> list[tuple[tuple[int, ...], str]]:
    """Axes along which a factor or an offset may differ, and what they count."""
    if dims == 4:
        return [((0,), "item"), ((1,), "channel"), ((0, 1), "channel of each item")]
    if dims == 3:
        return [((0,), "item"), ((0, 1), "row of each item")]
    return [((0,), "row"), ((1,), "column")] if dims == 2 else []


def _free(right: Tensor, kept: tuple[int, ...]) -> list[int]:
    """The axes that are not kept, if they hold enough numbers to tell."""
    axes = [axis for axis in range(right.dim()) if axis not in kept]
    return axes if math.prod(right.shape[axis] for axis in axes) >= CONVINCING else []


def _ratio(one: Seen, kept: tuple[int, ...]) -> Tensor | None:
    """got / right, if it is the same along all but the kept axes."""
    got, right = one.got.to(torch.float64), one.right.to(torch.float64)
    axes = _free(right, kept)
    if got.shape != right.shape or not axes:
        return None
    square = (right * right).sum(axes, keepdim=True)
    ratio = (got * right).sum(axes, keepdim=True) / square
    usable = torch.isfinite(ratio) & (ratio.abs() > 1e-6)
    return ratio if bool(usable.all()) and one.alike(right * ratio) else None


def _shifted(one: Seen, kept: tuple[int, ...]) -> bool:
    got, right = one.got.to(torch.float64), one.right.to(torch.float64)
    axes = _free(right, kept)
    if got.shape != right.shape or not axes:
        return False
    shift = (got - right).mean(axes, keepdim=True)
    return bool(torch.isfinite(shift).all()) and one.alike(right + shift)


Region: TypeAlias = Callable[[Seen], Tensor]


def _in_a_region(seen: Sequence[Seen]) -> Found | None:
    """The same, where it is only some elements that are wrong, and an argument says which."""
    if any(one.got.shape != one.right.shape or one.near.shape != one.right.shape for one in seen):
        return None
    for told, region in itertools.chain(_regions(seen[0]), _beyond(seen)):
        parts = [part for one in seen if (part := _part(one, region)) is not None]
        inside = sum(part.got.numel() for part in parts)
        outside = sum(one.got.numel() for one in seen) - inside
        if len(parts) < len(seen) or min(inside, outside) < CONVINCING:
            continue
        wrong = sum(int(part.wrong().sum()) for part in parts)
        if wrong * 2 < inside:
            continue
        change = _change(parts) or _factor(parts) or _offset(parts)
        if change is None and wrong < NEARLY_ALL * inside:
            continue
        if change is None:
            return Found("in-a-region", f"wrong just {told}")
        return Found(f"{change.kind}-in-a-region", f"wrong just {told}: there it is {change.what}")
    return None


_SIGNS: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("negative", lambda t: t < 0),
    ("positive", lambda t: t > 0),
    ("zero", lambda t: t == 0),
    ("not positive", lambda t: t <= 0),
    ("not negative", lambda t: t >= 0),
)


def _regions(first: Seen) -> Iterator[tuple[str, Region]]:
    """Where it lies in the output, and where an argument of the output's shape has one sign, or is
    beyond another argument."""
    yield from _positions(first.right)
    names = _shaped_as_the_output(first)
    for name in names:
        for word, holds in _SIGNS:
            yield f"where `{name}` is {word}", partial(_where, holds, partial(_argument, name))
    for a, b in itertools.combinations(names, 2):
        ahead = partial(_ahead, a, b)
        yield f"where `{a}` is greater than `{b}`", partial(_where, _SIGNS[1][1], ahead)
        yield f"where `{a}` is less than `{b}`", partial(_where, _SIGNS[0][1], ahead)
        for scalar, value in first.arguments.items():
            if isinstance(value, float):
                told = f"where `{a}` and `{b}` are less than `{scalar}` apart"
                yield told, partial(_apart, a, b, scalar, False)
                told = f"where `{a}` and `{b}` are `{scalar}` or more apart"
                yield told, partial(_apart, a, b, scalar, True)


def _shaped_as_the_output(one: Seen) -> list[str]:
    return [
        name
        for name, value in one.arguments.items()
        if isinstance(value, Tensor)
        and value.shape == one.right.shape
        and value.is_floating_point()
    ]


_MEASURES: tuple[tuple[str, Callable[[Tensor], Tensor]], ...] = (
    ("greater than {}", lambda t: t),
    ("less than -{}", torch.neg),
    ("further than {} from 0", torch.abs),
)


def _beyond(seen: Sequence[Seen]) -> Iterator[tuple[str, Region]]:
    """Where an argument is beyond a number that parts what is wrong from what is right."""
    names = set.intersection(*(set(_shaped_as_the_output(one)) for one in seen))
    for name in sorted(names):
        for told, measure in _MEASURES:
            sizes = torch.cat([measure(_argument(name, one)).flatten() for one in seen])
            wrong = torch.cat([one.wrong().flatten() for one in seen])
            if not bool(wrong.any()) or float(wrong.double().mean()) > NEARLY_ALL:
                continue
            limit = float((sizes[wrong].min() + sizes[~wrong].max()) / 2)
            if 0 < limit < float(sizes[wrong].min()):
                region = partial(_greater, limit, measure, name)
                low, high = (float(t) for t in (sizes[~wrong].max(), sizes[wrong].min()))
                yield f"where `{name}` is {told.format(_between(low, high))}", region


def _between(low: float, high: float) -> str:
    if high - low < NARROW * high:
        return f"about {(low + high) / 2:.2g}"
    return f"some number between {low:.2g} and {high:.2g}"


def _greater(limit: float, measure: Callable[[Tensor], Tensor], name: str, one: Seen) -> Tensor:
    return measure(_argument(name, one)) > limit


_AXES = ("item", "channel", "row", "column")  # of images


def _positions(right: Tensor) -> Iterator[tuple[str, Region]]:
    for dim in range(right.dim()):
        axis = _AXES[dim] if right.dim() == 4 else f"entry of dimension {dim}"
        for last in (False, True):
            told = f"the {'last' if last else 'first'} {axis}"
            yield f"in {told}", partial(_at_position, dim, last, True)
            yield f"everywhere but in {told}", partial(_at_position, dim, last, False)


def _at_position(dim: int, last: bool, inside: bool, one: Seen) -> Tensor:
    there = torch.zeros_like(one.right, dtype=torch.bool)
    there.select(dim, -1 if last else 0).fill_(True)
    return there if inside else ~there


def _where(holds: Callable[[Tensor], Tensor], of: Apply, one: Seen) -> Tensor:
    return holds(of(one))


def _ahead(a: str, b: str, one: Seen) -> Tensor:
    return _argument(a, one) - _argument(b, one)


def _apart(a: str, b: str, scalar: str, far: bool, one: Seen) -> Tensor:
    limit = one.arguments[scalar]
    if not isinstance(limit, int | float):
        raise TypeError(f"{scalar} is no number in every case")
    is_far = _ahead(a, b, one).abs() >= limit
    return is_far if far else ~is_far


def _part(one: Seen, region: Region) -> Seen | None:
    """What lies in the region, if all that is wrong is there."""
    try:
        inside = region(one)
    except (RuntimeError, LookupError, TypeError, AssertionError):
        return None
    if inside.shape != one.right.shape or bool((one.wrong() & ~inside).any()):
        return None

    def cut(value: Value) -> Value:
        same = isinstance(value, Tensor) and value.shape == inside.shape
        return value[inside] if same else value  # type: ignore[index]

    arguments = {name: cut(value) for name, value in one.arguments.items()}
    others = {name: v[inside] for name, v in one.others.items() if v.shape == inside.shape}
    part = Seen(one.got[inside], one.right[inside], one.near[inside], arguments, others)
    return part if part.got.numel() else None
