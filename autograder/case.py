"""Cases: named arguments for one call, and the recipes that draw them."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor

from autograder.errors import AuthoringError
from autograder.judging.call import Array, Value
from autograder.judging.tree import as_tensor, is_float, like, plain

Function: TypeAlias = Callable[..., Any]
Arguments: TypeAlias = dict[str, Value]
On: TypeAlias = Literal["", "cpu", "gpu"]  # where a case is graded: everywhere, or by its size


@dataclass(frozen=True)
class Recipe:
    """How one argument of a case is drawn: from a generator of its own, and from the arguments
    that stand before it in the case."""

    make: Callable[[torch.Generator, Arguments], Any]

    def map(self, change: Callable[[Tensor], Any]) -> Recipe:
        """The drawn tensor, changed: scaled, shifted, permuted, expanded, set in places."""
        return Recipe(lambda generator, before: change(self.make(generator, before)))

    def numpy(self) -> Recipe:
        """The same numbers as an array of numpy."""
        return self.map(lambda drawn: array_of(drawn))


def normal(*shape: int, mean: float = 0.0, std: float = 1.0) -> Recipe:
    """Independent normal numbers of the given shape."""
    return Recipe(lambda g, _: _normal(shape, g) * std + mean)


def uniform(*shape: int, low: float = 0.0, high: float = 1.0) -> Recipe:
    """Independent uniform numbers in [low, high)."""
    return Recipe(
        lambda g, _: torch.rand(shape, generator=g, dtype=torch.float64) * (high - low) + low
    )


def integers(*shape: int, low: int, high: int) -> Recipe:
    """Independent int64 numbers in {low, ..., high - 1}, such as class indices."""
    return Recipe(lambda g, _: torch.randint(low, high, shape, generator=g))


def _normal(shape: Iterable[int], generator: torch.Generator) -> Tensor:
    return torch.randn(tuple(shape), generator=generator, dtype=torch.float64)


@dataclass(frozen=True, eq=False)
class Case:
    """Named arguments for one call. A public case is drawn from a fixed seed and given to the
    students; a hidden one is drawn from the course's secret. `kinks` names the arguments in which
    the function may have a kink here: every value between the one-sided ones is right. `on` is
    where it is graded, if not everywhere: "gpu" for what is too large elsewhere (on any device that
    is not the CPU), "cpu" for what stands in for it there."""

    name: str
    arguments: Mapping[str, Any]  # recipes and values, and containers of both
    public: bool = False
    kinks: tuple[str, ...] = ()
    on: On = ""


def case(
    name: str,
    /,
    *,
    public: bool = False,
    kinks: tuple[str, ...] = (),
    on: On = "",
    **arguments: Any,
) -> Case:
    """A case; floating-point tensors are drawn in float64 and rounded to what float32 can hold.

    Example:
        case("stride leaves a remainder", x=normal(2, 3, 8, 7), weight=normal(4, 3, 3, 3), stride=3)
    """
    return Case(name, arguments, public, kinks, on)


def graded_on(cases: Iterable[Case], kind: On) -> tuple[Case, ...]:
    """Those that are graded on a device of this kind."""
    return tuple(one for one in cases if one.on in {"", kind})


def upstream(forward: Function, backward: Function, cases: Iterable[Case]) -> tuple[Case, ...]:
    """The cases for a backward: those of its forward, with what only the forward takes left out
    and `grad_y`, normal numbers of the output's shape, put first."""
    accepted = inspect.signature(backward).parameters
    forward_parameters = inspect.signature(forward).parameters

    def for_backward(one: Case) -> Case:
        def draw_upstream(generator: torch.Generator, _: Arguments) -> Any:
            drawn = draw(one, generator_for=lambda name: torch.Generator().manual_seed(0))
            result = forward(**{k: v for k, v in drawn.items() if k in forward_parameters})
            y = result[0] if isinstance(result, tuple) else result
            return like(y, _normal(y.shape, generator))

        kept = {name: value for name, value in one.arguments.items() if name in accepted}
        return replace(one, arguments={"grad_y": Recipe(draw_upstream), **kept})

    return tuple(for_backward(one) for one in cases)


def draw(one: Case, generator_for: Callable[[str], torch.Generator]) -> Arguments:
    """The case's arguments, each recipe drawn from the generator that belongs to its name."""
    drawn: Arguments = {}

    def made(name: str, value: Any) -> Any:
        if isinstance(value, Recipe):
            value = value.make(generator_for(name), drawn)
        if isinstance(value, tuple | list):
            return type(value)(made(f"{name}[{at}]", item) for at, item in enumerate(value))
        if isinstance(value, dict):
            return {key: made(f"{name}[{key!r}]", item) for key, item in value.items()}
        if isinstance(value, Tensor) and value.layout is not torch.strided:
            raise AuthoringError(
                f"{name} is a tensor of layout {value.layout}, which cannot travel"
            )
        if is_float(value):
            return recast(recast(value, torch.float32), torch.float64)
        return plain(value)

    for name, value in one.arguments.items():
        drawn[name] = made(name, value)
    return drawn


def array_of(drawn: Tensor) -> Array:
    """A tensor's numbers as an array, with memory of its own."""
    array: Array = drawn.numpy().copy(order="K")
    return array


def recast(leaf: Any, dtype: torch.dtype) -> Any:
    """A tensor or an array in another floating-point type, its strides kept."""
    tensor = as_tensor(leaf)
    assert tensor is not None  # noqa: S101 - `is_float` has seen to it
    return like(leaf, cast(tensor, dtype))


def cast(tensor: Tensor, dtype: torch.dtype) -> Tensor:
    """The tensor in another floating-point type, its strides and offset kept: expanded stays
    expanded, transposed stays transposed."""
    flat = torch.as_strided(
        tensor, (tensor.untyped_storage().nbytes() // tensor.element_size(),), (1,), 0
    )
    return torch.as_strided(
        flat.to(dtype, copy=True), tensor.shape, tensor.stride(), tensor.storage_offset()
    )
