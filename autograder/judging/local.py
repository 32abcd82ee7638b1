"""Answer calls with plain functions in this process: for code that is trusted."""

from __future__ import annotations

import builtins
import inspect
import random
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from .call import Answer, Call, Failure, FailureKind, Held, Results, Seed, Value
from .operations import operation
from .travel import leave
from .tree import leaves, mapped

MODULE = "reference_"  # what the catalogue has the names of topics' modules begin with
# A solution is asked odd things on purpose, of which torch would warn whoever grades.
warnings.filterwarnings("ignore", category=UserWarning, module=MODULE)


class LocalSession:
    """Calls the functions of a mapping, such as `vars(module)`."""

    def __init__(self, functions: Mapping[str, Any], device: str = "cpu") -> None:
        self._functions = functions
        self._device = device

    def call(self, call: Call) -> Answer:
        """Call with copies of the arguments; an exception becomes the answer's failure."""
        return Steps(self).take(call)

    def run(self, calls: Sequence[Call]) -> Iterator[Answer]:
        """Call one after the other; a call may refer to what earlier ones gave."""
        results, steps = Results(calls), Steps(self)
        for call in calls:
            resolved = results.resolve(call)
            answer = steps.take(resolved) if resolved else steps.miss()
            results.add(answer)
            yield answer

    def find(self, name: str) -> Any:
        """What stands under that name; None when nothing does."""
        return self._functions.get(name)

    def has(self, function: str) -> bool:
        return function in self._functions

    def parameters(self, function: str) -> tuple[str, ...]:
        """The names of a function's parameters, in order."""
        return tuple(inspect.signature(self._functions[function]).parameters)

    def home(self, function: str) -> str:
        """The name of the topic that a function is from: its file's, or its folder's."""
        module: str = self._functions[function].__module__
        return module.partition(".")[0].removeprefix(MODULE)

    def arrive(self, value: Value) -> Any:
        """A leaf of an argument as a call gets it."""
        if isinstance(value, Tensor):
            return copy_with_strides(value).to(self._device)
        if isinstance(value, np.ndarray):
            return copy_with_strides(torch.from_numpy(value)).numpy()
        if isinstance(value, Seed):
            return torch.Generator(self._device).manual_seed(value.value)
        return value


class Steps:
    """The calls of one run, one after the other, and the objects that they hold."""

    def __init__(self, session: LocalSession) -> None:
        self._session = session
        self._objects: dict[int, tuple[Any, int]] = {}  # with the last call that may ask for them
        self.number = 0  # of the next call

    def object(self, number: int) -> Any:
        """What that call gave, if it is still held."""
        return self._objects[number][0]

    def miss(self) -> Answer:
        """Go on without a call that cannot be made."""
        self.number += 1
        return Answer(failure=Failure("input"))

    def take(self, call: Call) -> Answer:
        """Make the next call."""
        session = self._session
        function = operation(call.function, session.find)
        absent = [
            leaf
            for value in call.arguments.values()
            for _, leaf in leaves(value)
            if isinstance(leaf, Held) and self.number - leaf.back not in self._objects
        ]
        if absent:
            return self.miss()
        if function is None:
            self.number += 1
            return Answer(failure=Failure("missing"))
        arguments = {name: mapped(self._arrive, value) for name, value in call.arguments.items()}
        names = list(arguments)
        positional = [arguments[name] for name in names[: call.positional]]
        named = {name: arguments[name] for name in names[call.positional :]}
        began = time.perf_counter()
        states = _States(numpys=_may_draw_by_numpy(function))
        states.seed(call.seed)
        try:
            result = function(*positional, **named)
        except NotImplementedError as error:
            return self._failed("unwritten", error)
        except Exception as error:
            return self._failed("exception", error)
        finally:
            states.restore()
        seconds = time.perf_counter() - began
        after = {
            name: call.arguments[name] if _holds(call.arguments[name]) else leave(value)
            for name, value in arguments.items()
        }
        if call.held:
            self._objects[self.number] = result, self.number + call.held
        answer = Answer(None if call.silent else leave(result), after, seconds=seconds)
        self._advance()
        return answer

    def _advance(self) -> None:
        for number in [n for n, (_, last) in self._objects.items() if last <= self.number]:
            del self._objects[number]
        self.number += 1

    def _failed(self, kind: FailureKind, error: BaseException) -> Answer:
        self._advance()
        return _failed(kind, error)

    def _arrive(self, leaf: Any) -> Any:
        if isinstance(leaf, Held):
            return self.object(self.number - leaf.back)
        return self._session.arrive(leaf)


class _States:
    """The global generators as they are, to be put back."""

    # The one that `random`'s functions draw from, by the methods of the class beneath, which do not
    # go through 625 numbers one by one.
    _pythons: Any = random.seed.__self__  # type: ignore[attr-defined]
    _beneath: Any = random.Random.__base__

    def __init__(self, *, numpys: bool) -> None:
        self._of_torch = torch.default_generator.get_state()
        self._of_python = self._beneath.getstate(self._pythons), self._pythons.gauss_next
        self._of_numpy = np.random.get_state() if numpys else None

    def seed(self, seed: int) -> None:
        torch.default_generator.manual_seed(seed)
        random.seed(seed)
        if self._of_numpy is not None:
            np.random.seed(seed % 2**32)

    def restore(self) -> None:
        torch.default_generator.set_state(self._of_torch)
        state, self._pythons.gauss_next = self._of_python
        self._beneath.setstate(self._pythons, state)
        if self._of_numpy is not None:
            np.random.set_state(self._of_numpy)


def _may_draw_by_numpy(function: Any) -> bool:
    """False for plain functions of files without numpy: its state takes long to keep."""
    known = getattr(function, "__globals__", {"np": np})
    return "np" in known or "numpy" in known


def _holds(value: Value) -> bool:
    return any(isinstance(leaf, Held) for _, leaf in leaves(value))


def copy_with_strides(tensor: Tensor) -> Tensor:
    """A copy that is expanded, transposed or sliced as the original is."""
    flat = torch.as_strided(
        tensor, (tensor.untyped_storage().nbytes() // tensor.element_size(),), (1,), 0
    )
    return torch.as_strided(flat.clone(), tensor.shape, tensor.stride(), tensor.storage_offset())


def _failed(kind: FailureKind, error: BaseException) -> Answer:
    builtin = next(c.__name__ for c in type(error).__mro__ if getattr(builtins, c.__name__, 0) is c)
    return Answer(failure=Failure(kind, str(error)[:500], builtin, _line(error)))


def _line(error: BaseException) -> int:
    """Where the exception was raised, in the file that defines the called function."""
    traceback = error.__traceback__
    traceback = traceback.tb_next if traceback is not None else None
    if traceback is None:
        return 0
    file, line = traceback.tb_frame.f_code.co_filename, traceback.tb_lineno
    while traceback is not None:
        if traceback.tb_frame.f_code.co_filename == file:
            line = traceback.tb_lineno
        traceback = traceback.tb_next
    return line
