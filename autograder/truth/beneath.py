"""The reference's functions with a submission's own ones beneath them.

What a right function gives that calls a wrong one says whose error an answer is. The submission
only ever answers calls of its own functions; nothing of the reference goes to it, and of what it
answers the reference works with what has the form of the right answer alone.
"""

from __future__ import annotations

import builtins
import hashlib
import inspect
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import torch
from torch import Tensor

from autograder.judging.call import Answer, Call, Failure, Session
from autograder.judging.local import LocalSession
from autograder.judging.travel import untravelled
from autograder.judging.tree import as_tensor, leaves, plain
from autograder.truth.trial import Trial

Functions: TypeAlias = dict[str, Any]
Key: TypeAlias = tuple[Any, ...]
Form: TypeAlias = tuple[Any, ...]

MOST_CALLS = 20_000  # of the submission's functions, for all that is asked here
MOST_BYTES = 64 * 2**20  # of what they give


class Lost(Exception):
    """What the submission gave cannot be worked with, so nothing is known of who calls it."""


class Beneath:
    """Answers the calls that the reference makes of some of its functions with a submission's.

    Args:
        solution: the reference's functions.
        session: the submission, that has met nothing that it could have prepared for.
    """

    def __init__(self, solution: Mapping[str, Any], session: Session) -> None:
        self._right = LocalSession(solution)
        self._solution = solution
        self._session = session
        self._known: dict[Key, tuple[Answer, Answer]] = {}
        self._bytes = 0
        self._lost = False
        self._most = 1  # elements of one tensor of the case
        self._forms: set[Form] = set()  # what the reference's own run has
        self.seconds = 0.0  # that the submission took

    def run(
        self, functions: Functions, names: Collection[str], trial: Trial
    ) -> Sequence[Answer] | None:
        """What these functions answer to a case when the named ones are the submission's; None when
        that cannot be told.

        Args:
            functions: the reference's, in a namespace of their own, which is changed for good.
        """
        self._lost = False
        self._most = max((_count(part) for part in _parts(trial.arguments)), default=1)
        self._forms = {_form(part) for part in _parts(trial.arguments)}
        functions |= {name: self._stand_in(name) for name in names}
        answers = list(LocalSession(functions).run(trial.calls))
        return None if self._lost else answers

    def _stand_in(self, name: str) -> Callable[..., Any]:
        signature = inspect.signature(self._solution[name])

        def answered(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            self._forms |= {_form(part) for part in _parts(bound.arguments)}
            given = {key: _sent(value) for key, value in bound.arguments.items()}
            if any(untravelled(value) for value in given.values()):
                raise self._loss("what it is called with stays here")
            unseen = any(isinstance(part, _Unseen) for part in _parts(bound.arguments))
            right, ours = self._ask(Call(name, given, len(args)), unseen)
            if ours.failure is not None:
                raise _raised(ours.failure) or self._loss("what lies beneath has no end")
            value = self._formed(right, ours.value)
            _update(given, ours.arguments)
            return value

        return answered

    def _loss(self, why: str) -> Lost:
        self._lost = True
        return Lost(why)

    def _ask(self, call: Call, unseen: bool) -> tuple[Answer, Answer]:
        """The right answer and the submission's, each asked for once. Where an argument has another
        form than the reference's own, none is right."""
        key = (call.function, call.positional, *map(_key, call.arguments.items()))
        if key not in self._known:
            if len(self._known) >= MOST_CALLS or self._bytes >= MOST_BYTES:
                raise self._loss("too much is asked")
            ours = self._session.call(call)
            self.seconds += ours.seconds
            self._bytes += ours.size
            right = Answer(failure=Failure("input")) if unseen else self._right.call(call)
            self._known[key] = right, ours
        return self._known[key]

    def _formed(self, right: Answer, value: Any) -> Any:
        """The value as the reference may see it: what has not the form of the right answer, it can
        only hand on. Where there is no right answer, of forms that its run has."""
        if right.failure is not None:
            if not all(self._is_known(part) for _, part in leaves(value)):
                raise self._loss("what lies beneath has another form")
            return _copied(value)
        self._forms |= {_form(part) for _, part in leaves(right.value)}
        if _alike(right.value, value, self._most):
            return _copied(value)
        wanted = right.value
        if not isinstance(wanted, tuple) or not isinstance(value, tuple):
            raise self._loss("what lies beneath has another form")
        if len(wanted) != len(value):
            raise self._loss("what lies beneath gives another number of values")
        return tuple(
            _copied(part) if _alike(one, part, self._most) else _Unseen(part)
            for one, part in zip(wanted, value, strict=True)
        )

    def _is_known(self, part: Any) -> bool:
        is_small = type(part) is not int or abs(part) <= self._most  # it may become a size
        return is_small and _form(part) in self._forms


@dataclass(frozen=True, eq=False)
class _Unseen:
    """Something of the submission's own making, such as a cache for its backward."""

    value: Any


def _key(item: tuple[str, Any]) -> Key:
    name, value = item
    return name, tuple((where, _exactly(leaf)) for where, leaf in leaves(value))


def _exactly(leaf: Any) -> Any:
    tensor = as_tensor(leaf)
    if tensor is None:
        return type(leaf), leaf
    content = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().tobytes()
    digest = hashlib.sha256(content).digest()
    return type(leaf), tensor.dtype, tuple(tensor.shape), tensor.stride(), digest


def _raised(failure: Failure) -> Exception | None:
    """The exception that whoever calls the function meets; None when nobody goes on after that."""
    known = {"missing": "NameError", "unwritten": "NotImplementedError"}
    kind = getattr(builtins, known.get(failure.kind, failure.exception), None)
    if failure.kind not in {"exception", *known} or not isinstance(kind, type):
        return None
    return kind("raised beneath") if kind in _RAISED else RuntimeError("raised beneath")


# Those that are made of a message.
_RAISED = {
    kind
    for kind in vars(builtins).values()
    if isinstance(kind, type)
    and issubclass(kind, Exception)
    and not issubclass(kind, UnicodeError | BaseExceptionGroup)
}


def _sent(value: Any) -> Any:
    if isinstance(value, torch.Size):
        return tuple(value)
    if isinstance(value, tuple | list):
        return type(value)(_sent(part) for part in value)
    return value.value if isinstance(value, _Unseen) else plain(value)


def _parts(given: Mapping[str, Any]) -> list[Any]:
    return [leaf for value in given.values() for _, leaf in leaves(value)]


def _count(leaf: Any) -> int:
    tensor = as_tensor(leaf)
    return 1 if tensor is None else tensor.numel()


def _alike(right: Any, ours: Any, most: int) -> bool:
    if isinstance(right, tuple | list):
        fits = isinstance(ours, tuple | list) and len(ours) == len(right)
        return fits and all(_alike(a, b, most) for a, b in zip(right, ours, strict=True))
    if isinstance(right, dict):
        fits = isinstance(ours, dict) and ours.keys() == right.keys()
        return fits and all(_alike(right[key], ours[key], most) for key in right)
    if type(right) is int:  # it may become a size
        return type(ours) is int and abs(ours) <= max(most, abs(right))
    return _form(right) == _form(ours)


def _form(leaf: Any) -> Form:
    """A tensor's type and shape, and a number's type."""
    if isinstance(leaf, Tensor | np.ndarray):
        return type(leaf), leaf.dtype, tuple(leaf.shape)
    return (type(leaf),)


def _copied(value: Any) -> Any:
    """The value in memory of its own, for whoever changes it in place."""
    if isinstance(value, tuple | list):
        return type(value)(_copied(item) for item in value)
    if isinstance(value, dict):
        return {key: _copied(item) for key, item in value.items()}
    if isinstance(value, Tensor):
        return value.clone()
    return value.copy() if isinstance(value, np.ndarray) else value


def _update(given: Mapping[str, Any], after: Mapping[str, Any]) -> None:
    """Change the arguments as the submission's function has changed its copies of them."""
    for name, value in given.items():
        for (_, mine), (_, changed) in zip(leaves(value), leaves(after.get(name)), strict=False):
            target, source = as_tensor(mine), as_tensor(changed)
            if target is None or source is None or _form(mine) != _form(changed):
                continue
            if not torch.equal(target, source):
                target.copy_(source)
