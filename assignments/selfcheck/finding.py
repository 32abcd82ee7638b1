"""What was found when an answer was held against an expectation: evidence as data.

`wording` turns it into sentences; nothing here is prose, except what a submission itself said.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import Tensor  # not imported for pages, which word findings as well

Problem = Literal[
    "",  # none: passed
    "failure",  # the call gave no value; evidence: kind, exception, text, line
    "count",  # not the number of values that the contract names; evidence: expected, got
    "type",  # not a tensor (or number, or None) as the contract says; evidence: expected, got
    "keys",  # a dict lacks keys, or has more than it should; evidence: missing, more
    "length",  # a sequence has another length; evidence: expected, got
    "shape",  # evidence: expected, got
    "dtype",  # evidence: expected, got
    "value",  # evidence: see `compare`
    "nonfinite",  # NaN or infinity misplaced; evidence: wrong, total, index
    "changed",  # an argument was modified; evidence: argument
    "reused",  # what was given first is another one after the next call
    "accepted",  # input that must be refused was not; evidence: expected
    "refused",  # refused with another exception; evidence: expected, exception, text
    "difference",  # a gradient does not fit its forward; evidence: function, change, promise
    "forward",  # nothing that a gradient could be held against; evidence: function
    "law",  # random numbers not as the law says; evidence: test, and what it measured
    "parted",  # a training run went wrong at a call; evidence: step, where, function, output, cause
    "drift",  # a training run is off by more than rounding, though no single call is
    "band",  # a measured number is where no correct run would be; evidence: place, what, times
    "metric",  # what was trained is not good enough; evidence: measured, at_least
    "slow",  # right, but not fast enough; evidence: ratio, within, share, best, ...
    "unsettled",  # counts only once something else of the exercise is right
]


@dataclass(frozen=True)
class Finding:
    """One output of one case: right, or what is wrong with it.

    Evidence is JSON: numbers, strings, lists. `features` are the measured figures by which two
    wrong answers of a random function are told apart. `excess` says of each element of a wrong
    tensor how many times what is allowed it is off; `where.located` makes evidence of it.
    """

    output: str
    problem: Problem = ""
    evidence: dict[str, Any] = field(default_factory=dict)
    excess: Tensor | None = field(default=None, compare=False, repr=False)

    @property
    def passed(self) -> bool:
        return not self.problem
