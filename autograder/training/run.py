"""A run as its author describes it, and the calls that it consists of."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from autograder.case import Arguments, Case, On, Recipe
from autograder.errors import AuthoringError
from autograder.judging.call import Ref, Value
from autograder.training.data import Data
from autograder.training.layers import Layer
from autograder.training.program import EVALUATION, Program, Tape, Unit, require


@dataclass(frozen=True)
class Optimiser:
    """A function that makes a new weight, and new tensors of its own, out of weight and gradient.

    Args:
        function: called with weight, grad, what it keeps, lr, and the settings; with `step`, from
            1, if it takes that.
        state: the names of what it keeps: zeros of the weight's shape at first.
        settings: arguments that stay.
    """

    function: str
    state: tuple[str, ...] = ()
    settings: Mapping[str, Value] = field(default_factory=dict)


def sgd(weight_decay: float = 0.0) -> Optimiser:
    return Optimiser("sgd_step", (), {"weight_decay": weight_decay})


def sgd_momentum(momentum: float = 0.9, weight_decay: float = 0.0) -> Optimiser:
    settings = {"momentum": momentum, "weight_decay": weight_decay}
    return Optimiser("sgd_momentum_step", ("velocity",), settings)


def adamw(weight_decay: float = 0.01) -> Optimiser:
    return Optimiser("adamw_step", ("m", "v"), {"weight_decay": weight_decay})


@dataclass(frozen=True)
class Schedule:
    """The learning rate of each step: `base_lr`, or what a function makes of it."""

    base_lr: float
    function: str = ""
    settings: Mapping[str, Value] = field(default_factory=dict)


def constant(lr: float) -> Schedule:
    return Schedule(lr)


def cosine(base_lr: float, warmup_steps: int = 0) -> Schedule:
    return Schedule(base_lr, "cosine_schedule", {"warmup_steps": warmup_steps})


@dataclass(frozen=True, eq=False)
class Run:
    """One training run, from given initial weights, over given batches.

    Args:
        network: its layers; the last one gives one number per class.
        batch: images per step; each epoch goes once through a shuffle, and leaves out the rest
            that fills no batch.
        steps: how many there are; evaluation on the hidden images follows.
        whole: how many steps the whole experiment has, of which students take the first `steps`.
        loss: a function of the network's output and the classes, with its backward.
        predict: a function from the output to the classes.
        on: where it is graded, if not everywhere: see `Case`.
    """

    name: str
    network: Sequence[Layer]
    data: Data
    optimiser: Optimiser
    schedule: Schedule
    batch: int
    steps: int
    whole: int = 0
    loss: str = "cross_entropy"
    predict: str = "predict"
    on: On = ""

    @property
    def whole_steps(self) -> int:
        """The steps of the whole experiment."""
        return max(self.whole, self.steps)

    @property
    def functions(self) -> frozenset[str]:
        """The names of all functions that it calls."""
        names = {self.loss, f"{self.loss}_backward", self.predict, self.optimiser.function}
        for layer in self.network:
            names |= {layer.function, f"{layer.function}_backward", *layer.clipped.values()}
        return frozenset(names | {self.schedule.function}) - {""}

    def case(self) -> Case:
        """What is drawn from the course's secret: weights, masks, the order of the images."""
        count, batch = self.data.count, self.batch
        if not 0 < batch <= count:
            raise AuthoringError(f"{self.name}: a batch of {batch} out of {count} images")
        arguments: dict[str, Any] = dict(self.data.drawn)
        arguments["order"] = Recipe(lambda g, _: _batches(count, batch, self.steps, g))
        for label, layer, shape in self._layers():
            for name, recipe in layer.drawn(shape, self.steps, batch).items():
                arguments[f"{label}: {name}"] = recipe
        return Case(self.name, arguments, on=self.on)

    def program(
        self,
        drawn: Arguments,
        parameters: Callable[[str], Sequence[str]],
        seed: Callable[[str], int],
        dtype: torch.dtype,
    ) -> Program:
        """The calls of the run.

        Args:
            drawn: what `case` describes.
            parameters: from a function's name to the names of its parameters.
            seed: seeds by purpose.
        """
        split = self.data.split(drawn)
        images, hidden = split.images.to(dtype), split.hidden_images.to(dtype)
        order = drawn["order"]
        assert isinstance(order, Tensor)  # noqa: S101 - the recipe's
        tape = Tape(parameters, seed)
        units = [
            (layer, self._unit(tape, label, layer, shape, drawn, dtype))
            for label, layer, shape in self._layers()
        ]
        moments: dict[tuple[str, str], dict[str, Value]] = {}
        losses = []
        for step in range(self.steps):
            tape.step = step
            rate = self._rate(tape)
            x: Value = images[order[step]]
            for layer, unit in units:
                x = layer.forward(tape, unit, x, training=True)
            given = self._loss_arguments(tape, x, split.targets[order[step]])
            losses.append(tape.call(self.loss, given, ("loss",), where="the loss"))
            given["grad_y"] = torch.ones((), dtype=dtype)
            backward = f"{self.loss}_backward"
            at = tape.call(backward, given, ("grad_logits",), where="the loss")
            grad: Value = Ref(at, None, (self.batch, *self._output))
            for layer, unit in reversed(units):
                grad = layer.backward(tape, unit, grad)
            for layer, unit in units:
                if layer.trained:
                    for name in unit.parameters:
                        self._update(tape, layer, unit, name, rate, moments)
        tape.step = self.steps
        x = hidden
        for layer, unit in units:
            x = layer.forward(tape, unit, x, training=False)
        (logits,) = tape.parameters(self.predict)[:1]
        predictions = tape.call(
            self.predict,
            {logits: self._flat(x, len(hidden))},
            ("predictions",),
            where="the prediction",
            row=EVALUATION,
        )
        return Program(
            tuple(tape.operations), self.steps, tuple(losses), predictions, split.hidden_targets
        )

    def _layers(self) -> Iterator[tuple[str, Layer, tuple[int, ...]]]:
        """Each layer with its label and the shape of its input."""
        shape = self.data.shape
        functions = [layer.function for layer in self.network]
        for at, layer in enumerate(self.network):
            name = layer.function
            nth = functions[: at + 1].count(name)
            yield (f"{name} {nth}" if functions.count(name) > 1 else name), layer, shape
            shape = layer.output(shape)

    @property
    def _output(self) -> tuple[int, ...]:
        """The shape of the network's output for one image."""
        *_, (_, last, shape) = self._layers()
        return last.output(shape)

    def _unit(
        self,
        tape: Tape,
        label: str,
        layer: Layer,
        shape: tuple[int, ...],
        drawn: Arguments,
        dtype: torch.dtype,
    ) -> Unit:
        settings = layer.settings_for(shape)
        require(tuple(settings), tape.parameters(layer.function), layer.function)
        names = layer.drawn(shape, self.steps, self.batch)
        values = {name: _as(drawn[f"{label}: {name}"], dtype) for name in names}
        return Unit(
            label, settings, tuple(layer.parameters(shape)), tuple(layer.state(shape)), values
        )

    def _rate(self, tape: Tape) -> Value:
        schedule = self.schedule
        if not schedule.function:
            return schedule.base_lr
        given = {
            "step": tape.step,
            "total_steps": self.whole_steps,
            "base_lr": schedule.base_lr,
            **schedule.settings,
        }
        return Ref(tape.call(schedule.function, given, ("lr",), where="the schedule"))

    def _loss_arguments(self, tape: Tape, x: Value, targets: Tensor) -> dict[str, Value]:
        logits, target = tape.parameters(self.loss)[:2]
        return {logits: self._flat(x, self.batch), target: targets}

    def _flat(self, x: Value, count: int) -> Value:
        assert isinstance(x, Ref)  # noqa: S101 - a network has layers
        return Ref(x.call, x.item, (count, self._output[0]))

    def _update(
        self,
        tape: Tape,
        layer: Layer,
        unit: Unit,
        name: str,
        rate: Value,
        moments: dict[tuple[str, str], dict[str, Value]],
    ) -> None:
        weight = unit.values[name]
        if (unit.label, name) not in moments:
            assert isinstance(weight, Tensor)  # noqa: S101 - before the first step
            zeros = {kept: torch.zeros_like(weight) for kept in self.optimiser.state}
            moments[unit.label, name] = dict(zeros)
        kept = moments[unit.label, name]
        given = {
            "weight": weight,
            "grad": unit.gradients[name],
            "lr": rate,
            "step": tape.step + 1,
            **kept,
            **self.optimiser.settings,
        }
        returns = ("weight", *self.optimiser.state)
        where = f"the update of {unit.label}'s {name}"
        at = tape.call(self.optimiser.function, given, returns, where=where)
        new = Ref(at, 0 if len(returns) > 1 else None)
        for item, moment in enumerate(self.optimiser.state):
            kept[moment] = Ref(at, item + 1)
        if name in layer.clipped:
            function = layer.clipped[name]
            (clipped,) = tape.parameters(function)[:1]
            new = Ref(tape.call(function, {clipped: new}, (name,), where=where))
        unit.values[name] = new


def _batches(count: int, batch: int, steps: int, generator: torch.Generator) -> Tensor:
    """Indices of images, (steps, batch): shuffle after shuffle, as many whole batches as fit."""
    per_epoch = count // batch
    epochs = -(-steps // per_epoch)
    shuffles = [torch.randperm(count, generator=generator) for _ in range(epochs)]
    whole = torch.cat([shuffle[: per_epoch * batch] for shuffle in shuffles])
    return whole.reshape(-1, batch)[:steps]


def _as(value: Any, dtype: torch.dtype) -> Value:
    if isinstance(value, Tensor) and value.is_floating_point():
        return value.to(dtype)
    return value  # type: ignore[no-any-return]
