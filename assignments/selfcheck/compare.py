"""Hold the answer of a deterministic call against its expectation."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeGuard

import numpy as np
import torch
from torch import Tensor

from .call import Answer, Call, Foreign, Held, Ref, Seed, Value
from .finding import Finding
from .tree import as_tensor

_Bounds = tuple[np.ndarray[Any, Any], np.ndarray[Any, Any], np.ndarray[Any, Any]]
NUMBER = 1e-9  # how near a number of Python must be, where nothing more was measured


@dataclass(frozen=True)
class Expected:
    """One output's truth, and how far an answer may be from it, element by element.

    `low` and `high` (float64) bound the truth: they differ only at kinks, where every value between
    the one-sided derivatives is right. For integers, bools, text and None only `value` counts, and
    must be met exactly; numbers of Python that nothing was measured of, to 1e-9. Where the output
    is a tuple or a dict, `value` is one of what is expected in it.
    """

    value: Any
    low: Tensor | None = None
    high: Tensor | None = None
    tolerance: Tensor | None = None

    @cached_property
    def bounds(self) -> _Bounds | None:
        """What an answer is held against, as arrays; None where it must be met exactly."""
        if self.low is None or self.high is None or self.tolerance is None:
            return None
        low = self.low.numpy()
        return low, low if self.low is self.high else self.high.numpy(), self.tolerance.numpy()


@dataclass(frozen=True)
class ValueExpectation:
    """The truth of one call: returned values in order, and arguments that it must update."""

    returns: Mapping[str, Expected]
    updates: Mapping[str, Expected]

    @property
    def outputs(self) -> tuple[str, ...]:
        return (*self.returns, *self.updates)

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        """One finding per output, in the order of `outputs`."""
        (answer,) = answers
        if answer.failure is not None:
            return [failed(output, answer) for output in self.outputs]
        findings = [
            compare(output, self.updates[output], answer.arguments.get(output))
            for output in self.updates
        ]
        values = returned(answer, len(self.returns))
        if values is None:
            got = len(answer.value) if isinstance(answer.value, tuple) else 1
            evidence = {"expected": list(self.returns), "got": got}
            return [Finding(output, "count", evidence) for output in self.returns] + findings
        return [
            compare(output, expected, value)
            for (output, expected), value in zip(self.returns.items(), values, strict=True)
        ] + findings


def failed(output: str, answer: Answer) -> Finding:
    """The finding that the call gave no value at all."""
    failure = answer.failure
    assert failure is not None  # noqa: S101 - the caller's promise
    evidence = {
        "kind": failure.kind,
        "exception": failure.exception,
        "text": failure.message,
        "line": failure.line,
    }
    return Finding(output, "failure", evidence)


def returned(answer: Answer, count: int) -> tuple[Value, ...] | None:
    """The returned values, or None when there are not `count` of them."""
    if count == 1 and not (isinstance(answer.value, tuple) and len(answer.value) == 1):
        return (answer.value,)
    if isinstance(answer.value, tuple) and len(answer.value) == count:
        return answer.value
    return None


def compare(output: str, expected: Expected, got: Value) -> Finding:
    """Type, shape, dtype, then the values."""
    truth = expected.value
    if isinstance(truth, tuple | dict):
        return _compare_parts(output, truth, got)
    if isinstance(truth, float) and expected.tolerance is not None and _is_number(got):
        truth, got = torch.tensor(truth).double(), torch.tensor(float(got)).double()
    wanted, given = truth, got
    truth, got = as_tensor(truth), as_tensor(got)
    if truth is None:
        return _compare_plain(output, wanted, given)
    if got is None or isinstance(wanted, Tensor) is not isinstance(given, Tensor):
        types = {"expected": describe_type(wanted), "got": describe_type(given)}
        return Finding(output, "type", types)
    if got.shape != truth.shape:
        return Finding(output, "shape", {"expected": list(truth.shape), "got": list(got.shape)})
    if got.dtype != truth.dtype:
        return Finding(
            output, "dtype", {"expected": dtype_name(truth.dtype), "got": dtype_name(got.dtype)}
        )
    if expected.bounds is None:
        return _compare_exactly(output, truth, got)
    return _compare_closely(output, expected.bounds, got)


def _is_number(value: Value) -> TypeGuard[int | float]:
    return type(value) in {int, float}


def _compare_parts(
    output: str, truth: tuple[Expected, ...] | dict[str, Expected], got: Value
) -> Finding:
    """The first part that is wrong, or the right one that came nearest to being wrong."""
    if isinstance(truth, dict):
        if not isinstance(got, dict):
            return Finding(output, "type", {"expected": "a dict", "got": describe_type(got)})
        if got.keys() != truth.keys():
            keys = {"missing": sorted(truth.keys() - got.keys())}
            if got.keys() - truth.keys():
                keys["more"] = [str(len(got.keys() - truth.keys()))]
            return Finding(output, "keys", keys)
        parts = [(f"[{key!r}]", truth[key], got[key]) for key in truth]
    else:
        if not isinstance(got, tuple | list):
            return Finding(output, "type", {"expected": "a sequence", "got": describe_type(got)})
        if len(got) != len(truth):
            return Finding(output, "length", {"expected": len(truth), "got": len(got)})
        parts = [
            (f"[{at}]", part, one) for at, (part, one) in enumerate(zip(truth, got, strict=True))
        ]
    nearest = Finding(output)
    for place, part, one in parts:
        found = replace(compare(output, part, one), output=output)
        if not found.passed:
            place += found.evidence.get("part", "")
            return replace(found, evidence={**found.evidence, "part": place})
        if found.evidence.get("excess", -1.0) > nearest.evidence.get("excess", -1.0):
            nearest = found
    return nearest


def _compare_plain(output: str, truth: Value, got: Value) -> Finding:
    same_type = type(got) is type(truth) or (isinstance(truth, float) and type(got) in {int, float})
    if not same_type:
        evidence = {"expected": describe_type(truth), "got": describe_type(got)}
        return Finding(output, "type", evidence)
    if isinstance(truth, float) and isinstance(got, int | float):
        allowed = NUMBER * max(1.0, abs(truth)) if math.isfinite(truth) else 0.0
        if abs(got - truth) <= allowed or got == truth or (math.isnan(got) and math.isnan(truth)):
            error = 0.0 if allowed == 0.0 else abs(got - truth)
            return Finding(output, evidence={"error": error, "tolerance": allowed})
    elif got == truth:
        return Finding(output)
    return Finding(output, "value", {"wrong": 1, "total": 1, "got": got, "expected": truth})


def _compare_exactly(output: str, truth: Tensor, got: Tensor) -> Finding:
    if torch.equal(got, truth):
        return Finding(output)
    wrong = got != truth
    if not wrong.any():
        return Finding(output)
    index = greatest(wrong)
    return Finding(
        output,
        "value",
        {
            "wrong": int(wrong.sum()),
            "total": truth.numel(),
            "index": index,
            "got": got[tuple(index)].item(),
            "expected": truth[tuple(index)].item(),
        },
        _all_or_nothing(wrong),
    )


def _compare_closely(output: str, bounds: _Bounds, answer: Tensor) -> Finding:
    if answer.numel() == 0:
        return Finding(output, evidence={"error": 0.0, "tolerance": 0.0, "excess": 0.0})
    # By numpy: most answers are small, and there its steps take a fifth of the time of torch's.
    got = answer.to(torch.float64).numpy()
    low, high, tolerance = bounds
    with np.errstate(all="ignore"):
        if low is high:
            error = np.abs(got - low)
        else:
            error = np.maximum(low - got, 0) + np.maximum(got - high, 0)
        # How many times the tolerance each element is off; where nothing is allowed, any error is
        # too much, however small.
        excess = error / np.maximum(tolerance, 1e-300)
        place = int(excess.argmax())
        if not math.isfinite(excess.item(place)):
            finite = np.isfinite(low)
            misplaced = np.where(finite, ~np.isfinite(got), ~_same_nonfinite(got, low))
            if misplaced.any():
                return _misplaced(output, *map(torch.as_tensor, (misplaced, low, got)))
            error = np.where(finite, error, 0.0)
            excess = np.where(error > 0, error / np.maximum(tolerance, 1e-300), 0.0)
            place = int(excess.argmax())
    evidence: dict[str, Any] = {
        "error": error.item(place),
        "tolerance": tolerance.item(place),
        "excess": excess.item(place),
    }
    if evidence["excess"] <= 1:
        return Finding(output, evidence=evidence)
    scale = float(np.abs(np.nan_to_num(low, nan=0.0, posinf=0.0, neginf=0.0)).max())
    evidence |= {
        "wrong": int((excess > 1).sum()),
        "total": got.size,
        "index": [int(at) for at in np.unravel_index(place, got.shape)],
        "got": got.item(place),
        "expected": low.item(place),
        "relative": evidence["error"] / max(scale, 1e-300),
    }
    return Finding(output, "value", evidence, torch.as_tensor(excess))


def _misplaced(output: str, misplaced: Tensor, truth: Tensor, got: Tensor) -> Finding:
    index = greatest(misplaced)
    at = tuple(index)
    evidence = {
        "wrong": int(misplaced.sum()),
        "total": got.numel(),
        "index": index,
        "got": repr(got[at].item()),
        "expected": repr(truth[at].item()),
    }
    return Finding(output, "nonfinite", evidence, _all_or_nothing(misplaced))


def _all_or_nothing(wrong: Tensor) -> Tensor:
    """The excess where an element is right, or wrong beyond measure."""
    return torch.where(wrong, math.inf, 0.0)


def _same_nonfinite(got: np.ndarray[Any, Any], truth: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    same: np.ndarray[Any, Any] = (np.isnan(got) & np.isnan(truth)) | (got == truth)
    return same


def unchanged(
    calls: Sequence[Call], answers: Sequence[Answer], updates: Collection[str]
) -> Finding:
    """Whether each call left the arguments alone that it has no leave to update."""
    for call, answer in zip(calls, answers, strict=True):
        if answer.failure is not None:
            return failed("unchanged", answer)
        for name, before in call.arguments.items():
            if name not in updates and _changed(before, answer.arguments.get(name)):
                return Finding(
                    "unchanged", "changed", {"argument": name, "function": call.function}
                )
    return Finding("unchanged")


def changed_arguments(calls: Sequence[Call], answers: Sequence[Answer]) -> frozenset[str]:
    """The names of the arguments that some call changed."""
    return frozenset(
        name
        for call, answer in zip(calls, answers, strict=True)
        for name, before in call.arguments.items()
        if answer.failure is None and _changed(before, answer.arguments.get(name))
    )


def _changed(before: Value, after: Value) -> bool:
    return not isinstance(before, Ref | Held) and not same_values(before, after)


def same_values(before: Any, after: Any) -> bool:
    """Whether two values are the same, number by number, and of the same types."""
    if before is after:  # a worker that says nothing of an argument: what was sent stands
        return True
    if isinstance(before, Tensor):
        return isinstance(after, Tensor) and _identical_numbers(before, after)
    if isinstance(before, np.ndarray):
        arrays = isinstance(after, np.ndarray)
        return arrays and _identical_numbers(torch.from_numpy(before), torch.from_numpy(after))
    if isinstance(before, tuple | list):
        same = isinstance(after, tuple | list) and len(before) == len(after)
        return same and all(same_values(a, b) for a, b in zip(before, after, strict=True))
    if isinstance(before, dict):
        same = isinstance(after, dict) and before.keys() == after.keys()
        return same and all(same_values(before[key], after[key]) for key in before)
    if isinstance(before, Seed | Held):  # a generator is there to be drawn from
        return True
    return type(before) is type(after) and (before == after or before != before)


def _identical_numbers(before: Tensor, after: Tensor) -> bool:
    if before.shape != after.shape or before.dtype != after.dtype:
        return False
    if torch.equal(before, after):
        return True
    return bool(((before == after) | ((before != before) & (after != after))).all())


def greatest(amount: Tensor) -> list[int]:
    """Where the amount is greatest."""
    flat, index = int(amount.to(torch.float64).argmax()), []
    for size in reversed(amount.shape):
        flat, at = divmod(flat, size)
        index.append(at)
    return index[::-1]


def dtype_name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def describe_type(value: Value) -> str:
    if isinstance(value, Foreign):
        return value.type_name
    if isinstance(value, Tensor):
        return "a tensor"
    if isinstance(value, np.ndarray):
        return "an array of numpy"
    if isinstance(value, tuple | list):
        return f"{len(value)} values"
    return "None" if value is None else type(value).__name__
