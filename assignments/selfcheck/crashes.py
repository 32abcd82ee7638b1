"""What kind of error a call ended with, in our own words.

Only the kind is told, never the exception's text: it comes from the submission's side, which knows
the hidden input by then.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Crash:
    """`what` completes "it raised RuntimeError: ..."; `hint` says what to look at."""

    slug: str
    what: str
    hint: str


_KINDS: tuple[tuple[str, str, Crash], ...] = (
    # (built-in exceptions, pattern of the text, kind): the first that fits
    (
        "RuntimeError|ValueError",
        r"view size is not compatible|view.*(stride|contiguous)",
        Crash(
            "view-of-strided",
            "a view of numbers that do not lie side by side",
            "`view` needs numbers that lie side by side, and those of a transposed or expanded "
            "tensor do not; `reshape` copies where it must",
        ),
    ),
    (
        "RuntimeError",
        r"single memory location|unsupported operation: more than one element",
        Crash(
            "written-into-expanded",
            "a write into an expanded tensor",
            "an expanded tensor shows one number in many places, and cannot be written to: work "
            "on a copy",
        ),
    ),
    (
        "RuntimeError|TypeError|ValueError",
        r"converted to (a )?(Python )?[Ss]calar|truth value of an array|more than one value",
        Crash(
            "one-number-needed",
            "several numbers stand where one is needed",
            "`if`, `float` and functions of `math` take one number: which one of the tensor's?",
        ),
    ),
    (
        "RuntimeError|TypeError|ValueError",
        r"same device|devices?,|expected device|device type",
        Crash(
            "devices-do-not-fit",
            "tensors of two devices meet",
            "make new tensors on the device of x (`x.new_zeros`, `torch.zeros_like`)",
        ),
    ),
    (
        "IndexError|RuntimeError",
        r"[Dd]imension out of range|dimension specified as|number of dims|dims don't match|"
        r"too many indices|axis \d+ is out of bounds",
        Crash(
            "dimension-missing",
            "a dimension is named that is not there",
            "a tensor has fewer dimensions here than that line expects",
        ),
    ),
    (
        "IndexError|KeyError|RuntimeError",
        r"out of (range|bounds)|index \S+ is out",
        Crash("index-out-of-range", "an index is out of range", "an index is beyond what is there"),
    ),
    (
        "RuntimeError|TypeError|ValueError",
        r"dtype|scalar type|not implemented for '|can't be cast|with (two )?bool|Boolean|"
        r"only (Tensors of )?floating|integer|must be of type",
        Crash(
            "types-do-not-fit",
            "numbers of two types meet",
            "look at the dtype of what meets in that line: a mask is bool, classes are int64, and "
            "x may be float64",
        ),
    ),
    (
        "RuntimeError|ValueError",
        r"negative dimension|must be non-negative",
        Crash(
            "size-negative",
            "a size comes out negative",
            "work the size of the result out by hand for one of the cases: what is added, what is "
            "taken away?",
        ),
    ),
    (
        "ValueError",
        r"values to unpack",
        Crash(
            "unpacked-otherwise",
            "something is unpacked into another number of names than it has parts",
            "`a, b = x.shape` takes two dimensions and no other number: which numbers of "
            "dimensions are allowed here?",
        ),
    ),
    (
        "RuntimeError|ValueError|IndexError",
        r"size|shape|mat1|dimension|broadcast|expand|numel|elements|einsum|stack|repeat|pad",
        Crash(
            "shapes-do-not-fit",
            "two shapes do not fit together",
            "print the shapes of what meets in that line, for images and kernels that are not "
            "square and for sizes of one",
        ),
    ),
    (
        "TypeError|AttributeError",
        r"NoneType",
        Crash("none-used", "None is used as a value", "an argument that may be None is None here"),
    ),
    (
        "ZeroDivisionError",
        r"",
        Crash("division-by-zero", "a division by zero", "what is divided by may be zero here"),
    ),
    (
        "NameError|UnboundLocalError",
        r"",
        Crash(
            "name-without-value",
            "a name that has no value",
            "a variable that another branch sets, or an import, is missing here",
        ),
    ),
    (
        "AssertionError|ValueError|NotImplementedError",
        r"",
        Crash(
            "valid-input-refused",
            "valid input is refused",
            "what is asked for here is allowed: is a condition too strict?",
        ),
    ),
    (
        "RecursionError",
        r"",
        Crash("endless-recursion", "a function calls itself for ever", "where does it end?"),
    ),
    (
        "TypeError|AttributeError",
        r"",
        Crash(
            "another-type",
            "a value of another type than that line expects",
            "an argument may be a number or a pair, a tensor or None: which one is it here?",
        ),
    ),
)


def crash_of(evidence: Mapping[str, Any]) -> Crash | None:
    """The kind of exception that a finding tells of, if it is known."""
    if evidence.get("kind") != "exception":
        return None
    text = str(evidence.get("text", ""))
    for exceptions, pattern, crash in _KINDS:
        if evidence["exception"] in exceptions.split("|") and re.search(pattern, text):
            return crash
    return None
