"""The layers of a network: how a run calls each, forward and backward.

By the contract's conventions one record serves every layer: `X(x, <parameters>, <settings>)` has
`X_backward(grad_y, <what the forward received>)`, which returns `grad_x` and then a gradient for
each parameter. Which arguments a function takes, and in which order, its signature says.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

import torch

from autograder.case import Recipe, normal
from autograder.judging.call import Ref, Seed, Value
from autograder.training.program import EVALUATION, TRAINING, OwnMask, Tape, Unit

Shape: TypeAlias = tuple[int, ...]  # of one image: (C, H, W), without the batch
Recipes: TypeAlias = Callable[[Shape], Mapping[str, Recipe]]


def _none(shape: Shape) -> dict[str, Recipe]:
    return {}


def _same(shape: Shape) -> Shape:
    return shape


@dataclass(frozen=True)
class Layer:
    """A function `X` and its backward.

    Args:
        function: the name of X; the backward is `X_backward`.
        settings: arguments that stay: `{"stride": 2}`.
        parameters: from the shape of the layer's input to what is trained, in the order of the
            gradients that the backward returns after grad_x.
        state: the same for tensors that X updates in place when training, such as running
            statistics.
        trained: whether the parameters are updated, or stay what they are.
        output: from the shape of the input to that of the output.
        clipped: of parameters, the function that puts them back into their range after each update.
    """

    function: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    parameters: Recipes = _none
    state: Recipes = _none
    trained: bool = True
    output: Callable[[Shape], Shape] = _same
    clipped: Mapping[str, str] = field(default_factory=dict)

    def drawn(self, shape: Shape, steps: int, batch: int) -> Mapping[str, Recipe]:
        """What is drawn for this layer from the course's secret before the run starts."""
        return {**self.parameters(shape), **self.state(shape)}

    def settings_for(self, shape: Shape) -> Mapping[str, Value]:
        """The settings where the input has this shape."""
        return self.settings

    def forward(self, tape: Tape, unit: Unit, x: Value, *, training: bool) -> Value:
        """Call X; return its output."""
        unit.given = {"x": x, **unit.values, **unit.settings, "training": training}
        updates = tuple(unit.state) if training else ()
        row = TRAINING if training else EVALUATION
        at = tape.call(self.function, unit.given, ("y",), updates, where=unit.label, row=row)
        for name in updates:
            unit.values[name] = Ref(at, name)
        return Ref(at)

    def backward(self, tape: Tape, unit: Unit, grad_y: Value) -> Value:
        """Call X_backward with what the forward received; return grad_x."""
        given = {**unit.given, "grad_y": grad_y}
        returns = ("grad_x", *(f"grad_{name}" for name in unit.parameters))
        at = tape.call(f"{self.function}_backward", given, returns, where=unit.label)
        unit.gradients = {name: Ref(at, item + 1) for item, name in enumerate(unit.parameters)}
        return Ref(at, 0 if unit.parameters else None)


@dataclass(frozen=True)
class Dropout(Layer):
    """Dropout under masks that are given, so that every run is the same.

    Whatever mask is drawn, dropout is the linear map that `dropout_backward(x, mask, p)` applies:
    in training it serves forward and backward. The function itself is called as well, and held
    against the mask that it returns; in evaluation it is part of the network, as the identity.
    """

    p: float = field(kw_only=True)

    def drawn(self, shape: Shape, steps: int, batch: int) -> Mapping[str, Recipe]:
        size = (steps, batch, *shape)
        keep = 1 - self.p
        return {"mask": Recipe(lambda g, _: torch.rand(size, generator=g) < keep)}

    def forward(self, tape: Tape, unit: Unit, x: Value, *, training: bool) -> Value:
        given = {"x": x, "p": self.p, "training": training, "generator": None}
        if not training:
            at = tape.call(self.function, given, ("y", "mask"), where=unit.label, row=EVALUATION)
            return Ref(at, 0)
        given["generator"] = Seed(tape.seed(f"{unit.label} {tape.step}"))
        own = OwnMask(f"{self.function}_backward", self.p)
        tape.call(self.function, given, ("y", "mask"), where=unit.label, own_mask=own)
        return self._masked(tape, unit, x)

    def backward(self, tape: Tape, unit: Unit, grad_y: Value) -> Value:
        return self._masked(tape, unit, grad_y)

    def _masked(self, tape: Tape, unit: Unit, value: Value) -> Value:
        masks = unit.values["mask"]
        assert isinstance(masks, torch.Tensor)  # noqa: S101 - the recipe's
        given = {"grad_y": value, "mask": masks[tape.step], "p": self.p, "training": True}
        return Ref(tape.call(f"{self.function}_backward", given, ("grad_x",), where=unit.label))


def kaiming(fan_in: int, fan_out: int) -> float:
    """The standard deviation of He et al. 2015, equation 10."""
    return math.sqrt(2 / fan_in)


def xavier(fan_in: int, fan_out: int) -> float:
    """The standard deviation of Glorot & Bengio 2010, equation 12."""
    return math.sqrt(2 / (fan_in + fan_out))


def layer(function: str, **settings: Value) -> Layer:
    """A layer that has nothing to train, such as `layer("elu", alpha=0.5)`."""
    return Layer(function, settings)


def relu() -> Layer:
    return layer("relu")


def conv(
    filters: int,
    kernel: int,
    stride: int = 1,
    padding: int = 0,
    weights: Callable[[int, int], float] = kaiming,
) -> Layer:
    """`conv2d` with square kernels and a bias. A kernel of the image's size, or of 1 on one pixel,
    makes a fully connected layer.

    Args:
        weights: from fan-in and fan-out to the standard deviation of the initial weights.
    """

    def parameters(shape: Shape) -> dict[str, Recipe]:
        area = kernel * kernel
        std = weights(shape[0] * area, filters * area)
        weight = normal(filters, shape[0], kernel, kernel, std=std)
        return {"weight": weight, "bias": _filled(0.0, filters)}

    def output(shape: Shape) -> Shape:
        return filters, *((size + 2 * padding - kernel) // stride + 1 for size in shape[1:])

    settings = {"stride": stride, "padding": padding}
    return Layer("conv2d", settings, parameters, output=output)


@dataclass(frozen=True)
class Average(Layer):
    """A convolution of each channel with a kernel of the image's size, all of one weight."""

    def settings_for(self, shape: Shape) -> Mapping[str, Value]:
        return {"groups": shape[0]}


def average() -> Layer:
    """The mean of each channel's pixels, by `conv2d` with weights that stay."""

    def parameters(shape: Shape) -> dict[str, Recipe]:
        filters, height, width = shape
        weight = _filled(1 / (height * width), filters, 1, height, width)
        return {"weight": weight, "bias": _filled(0.0, filters)}

    return Average(
        "conv2d", parameters=parameters, trained=False, output=lambda shape: (shape[0], 1, 1)
    )


def batch_norm(momentum: float = 0.1, eps: float = 1e-5) -> Layer:
    settings = {"momentum": momentum, "eps": eps}
    return Layer("batch_norm", settings, _affine, _running)


def group_norm(num_groups: int, eps: float = 1e-5) -> Layer:
    return Layer("group_norm", {"num_groups": num_groups, "eps": eps}, _affine)


def instance_norm(eps: float = 1e-5) -> Layer:
    return Layer("instance_norm", {"eps": eps}, _affine)


def batch_instance_norm(momentum: float = 0.1, eps: float = 1e-5) -> Layer:
    """Batch-instance norm whose gates start in the middle and are kept in [0, 1]."""

    def parameters(shape: Shape) -> dict[str, Recipe]:
        return {"rho": _filled(0.5, shape[0]), **_affine(shape)}

    settings = {"momentum": momentum, "eps": eps}
    clipped = {"rho": "clip_rho_"}
    return Layer("batch_instance_norm", settings, parameters, _running, clipped=clipped)


def dropout(p: float) -> Layer:
    return Dropout("dropout", p=p)


def _affine(shape: Shape) -> dict[str, Recipe]:
    return {"weight": _filled(1.0, shape[0]), "bias": _filled(0.0, shape[0])}


def _running(shape: Shape) -> dict[str, Recipe]:
    return {"running_mean": _filled(0.0, shape[0]), "running_var": _filled(1.0, shape[0])}


def _filled(value: float, *size: int) -> Recipe:
    return Recipe(lambda _, __: torch.full(size, value, dtype=torch.float64))
