"""Say in one sentence what was found: the only place where evidence becomes prose.

Two voices: `explain` says everything and serves public cases and instructors; `hint_at` serves
students about hidden cases and says nothing from which a hidden input or an expected value
could be computed, nor anything that the submission itself chose to say there.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from .crashes import crash_of
from .finding import Finding

_STUB = "not implemented yet"


def explain(finding: Finding) -> str:
    """The finding in full, for someone who may see the case."""
    e = finding.evidence
    match finding.problem:
        case "":
            return "right"
        case "failure":
            return _failure(e, reveal=True)
        case "value" if "error" in e:
            return (
                f"{_where(finding)}: got {_got(e)}, off by {e['error']:.3g} where "
                f"{e['tolerance']:.2g} is allowed{_only(e)}"
            )
        case "value" | "nonfinite":
            return f"{_where(finding)}: got {_got(e)}{_only(e)}"
        case "refused":
            return f"must raise {e['expected']} here, but {_failure(e, reveal=True)}"
        case "type":
            return f"{_output(finding)} should be {e['expected']} but is {e['got']}"
        case "length":
            return f"{_output(finding)} has {e['got']} items where {e['expected']} are expected"
        case "shape":
            got, expected = _shape(e["got"]), _shape(e["expected"])
            return f"{_output(finding)} has shape {got} where {expected} is expected"
        case "parted":
            return _parted(e, reveal=True)
        case "slow":
            took = f"{e['seconds']:.3g} s where the reference takes {e['reference']:.3g} s"
            return f"{hint_at(finding)}; {took}, {e['ratio']:.3g} times as long"
        case _:
            return hint_at(finding)


def places(where: dict[str, Any]) -> str:
    """Where a tensor is wrong, "in channels 1 and 3 of 0–3" say; empty where there is no pattern.

    Args:
        where: the evidence that `where.located` gives.
    """
    parts = []
    for name, size, shares in zip(
        axes(where["shape"]), where["shape"], where["shares"], strict=True
    ):
        wrong = [index for index, share in enumerate(shares) if share]
        if len(wrong) < len(shares) == size:
            parts.append(f"in {_indices(name, wrong, size)}")
    rim_said = any(0 in shares for shares in where["shares"][-2:])
    if where["border"] and not rim_said:
        parts.append("on the border of the image")
    return ", ".join(parts)


def axes(shape: list[int]) -> list[str]:
    """What the indices along each axis count."""
    known = {1: ["element"], 2: ["row", "column"], 4: ["item", "channel", "row", "column"]}
    return known.get(len(shape)) or [f"index of dim {dim}" for dim in range(len(shape))]


def plural(name: str) -> str:
    return f"{name}s" if name.isalpha() else name.replace("index", "indices", 1)


def _indices(name: str, wrong: list[int], size: int) -> str:
    first, last = wrong[0], wrong[-1]
    if wrong in ([0], [size - 1], [0, size - 1]):
        ends = [word for word, at in (("first", 0), ("last", size - 1)) if at in wrong]
        return f"the {' and the '.join(ends)} {name}"
    if len(wrong) == 1:
        return f"{name} {first} of 0–{size - 1}"
    if len(wrong) == size - 1 > 2:
        (right,) = set(range(size)) - set(wrong)
        return f"every {name} but {right} of 0–{size - 1}"
    for start, word in ((0, "even"), (1, "odd")):
        if len(wrong) > 2 and wrong == list(range(start, size, 2)):
            return f"the {word} {plural(name)}"
    if len(wrong) > 2 and wrong == list(range(first, last + 1)):
        return f"{plural(name)} {first} to {last} of 0–{size - 1}"
    if len(wrong) > 6:
        return f"{len(wrong)} of {size} {plural(name)}"
    listed = f"{', '.join(map(str, wrong[:-1]))} and {last}"
    return f"{plural(name)} {listed} of 0–{size - 1}"


def hint_at(finding: Finding) -> str:
    """The finding for a student, about a case that stays hidden."""
    e = finding.evidence
    output = _output(finding)
    match finding.problem:
        case "":
            return "right"
        case "failure":
            return _failure(e, reveal=False)
        case "count":
            return f"must return {len(e['expected'])} values ({', '.join(e['expected'])})"
        case "type":
            return f"{output} should be {e['expected']} but is something else"
        case "keys":
            lacks = f"lacks {', '.join(e['missing'])}" if e["missing"] else ""
            more = "has keys that nobody asked for" if "more" in e else ""
            return f"{output} {' and '.join(filter(None, (lacks, more)))}"
        case "length":
            return f"{output} has the wrong number of items"
        case "shape":
            return f"{output} has the wrong shape"
        case "dtype":
            return f"{output} is {e['got']} where the input is {e['expected']}"
        case "value" if "relative" in e:
            return f"{output} is wrong in {_portion(e)}, off by {_magnitude(e['relative'])}"
        case "value":
            return f"{output} is wrong in {_portion(e)}"
        case "nonfinite":
            return (
                f"{output} has NaN or infinity where it should not, or lacks it, in {_portion(e)}"
            )
        case "changed":
            return f"{e['function']} changes its argument {e['argument']}: work on a copy"
        case "reused":
            return (
                f"what was given as {output} changes with the next call: memory that is used again "
                "must not be handed out"
            )
        case "accepted":
            return f"must raise {e['expected']} here, but accepts the input"
        case "refused":
            return f"must raise {e['expected']} here, but {_failure(e, reveal=False, kind=False)}"
        case "difference":
            change, promise = _few(e["change"]), _few(e["promise"])
            says = (
                promise if promise != change else f"nearly {promise}, but not as nearly as it can"
            )
            return (
                f"{output} does not fit your own {e['function']}: along a random direction that "
                f"changes by {change}, while the gradient says {says}"
            )
        case "forward":
            return f"{e['function']} does not return what {output} could be held against"
        case "law":
            return _law(output, e)
        case "parted":
            return _parted(e, reveal=False)
        case "drift":
            return (
                f"{_at(e)}: by now the run is off by more than rounding, although no call alone is "
                "far enough off to be named: does something compute in lower precision?"
            )
        case "band":
            return (
                f"{e['place']}: {e['what']} is {_few(e['times'])} times the usual, where correct "
                f"runs have {e['low']:.2g} to {e['high']:.2g} times"
            )
        case "metric" if e["measured"] is None:
            return f"{output} cannot be measured: what is returned has another type or shape"
        case "metric":
            return (
                f"{output} is {_few(e['measured'])} where at least {e['at_least']:g} is asked for"
            )
        case "slow":
            least = f"right, but not within {e['best']:g} times the reference's own time"
            if e["within"] is None:
                return f"{least}, nor near enough for a part of the points"
            return f"{least}: within {e['within']:g} times, for {e['share']:.0%} of the points"
        case "unsettled":
            return "counts once the rest of this exercise is right"


def follows(beneath: Sequence[str], right: bool, cost: float) -> str:
    """Whose error it is when a function is wrong that calls others of the same submission.

    Args:
        right: whether all else is right, as far as what they give can show.
        cost: the share of its points that a line loses for it.
    """
    names, s = _listed(beneath), "" if len(beneath) > 1 else "s"
    if not right:
        return f"follows from your own {names}, which leave{s} nothing to judge here"
    costs = "nothing" if cost == 0 else f"{cost:.0%} of its points" if cost < 1 else "its points"
    return f"right for what your own {names} give{s}: the error is there, and costs {costs} here"


def follows_from(beneath: Sequence[str]) -> str:
    """The name of such a diagnosis."""
    return f"follows-from-{'-and-'.join(beneath)}"


def mend_first(beneath: Sequence[str]) -> str:
    """The hint that goes with it."""
    names = _listed(beneath)
    return f"What is off here comes from your own {names}, which this calls: mend that first."


def not_right_yet(beneath: Sequence[str]) -> str:
    """What the self-check says of a function that calls these."""
    verb = "is" if len(beneath) == 1 else "are"
    return f"it calls your own {_listed(beneath)}, which {verb} not right yet: mend that first"


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _few(value: Any, digits: int = 3) -> str:
    """A number that the submission had in hand while it met something hidden: a few digits, within
    six decades, which is little to carry anything out with."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        return "not finite"
    near = math.copysign(min(max(abs(value), 1e-3), 1e3), value) if value else 0.0
    beyond = "more than " if abs(value) > 1e3 else "less than " if 0 < abs(value) < 1e-3 else ""
    return f"{beyond}{near:.{digits}g}"


def _failure(e: dict[str, Any], *, reveal: bool, kind: bool = True) -> str:
    line = f" in line {e['line']}" if e.get("line") else ""
    text = f": {e['text']}" if reveal and e.get("text") else ""
    match e["kind"]:
        case "missing":
            return "the function is not in the submission" + (
                f" ({e['text']})" if e.get("text") else ""
            )
        case "signature":
            return "the function cannot be called as the exercise says" + text
        case "unwritten":
            return _STUB
        case "exception":
            crash = crash_of(e) if kind and not reveal else None
            what = f": {crash.what}" if crash else ""
            return f"it raised {e['exception']}{line}{text or what}"
        case "timeout":
            return (
                "it took too long and was stopped: either a loop does not end, or it goes over "
                "single numbers where whole tensors could be multiplied"
            )
        case "memory":
            return "it ran out of memory"
        case "device":
            return (
                "what it did on the GPU ended in an error there, such as an index out of range or "
                "memory that is not its own"
            )
        case "crash":
            return "its process ended before it answered" + text
        case "reply":
            return "it returned something that is no answer" + text
        case "budget":
            return (
                "not run: the submission had used up its time; multiply whole windows or rows "
                "instead of looping over single numbers"
            )
        case "unjudged":
            return "not judged: what the submission gives takes too long, or too much, to compare"
        case "input":
            return "not run: an earlier call did not give what this one takes"
        case other:
            return str(other)


def _law(output: str, e: dict[str, Any]) -> str:
    test = e["test"]
    measured, wanted = e.get("measured"), e.get("wanted")
    match test:
        case "fixed draw":
            return "two draws that should differ are equal: do not set a seed inside the function"
        case "other source":
            return "the same generator gives another result: draw only from `generator`"
        case "finite":
            return f"{output} holds NaN or infinity"
        case "spread":
            return f"{output} has {_few(measured)} times the standard deviation that it should have"
        case "mean":
            mean = _few(measured, 2)
            return f"{output} has a mean of {mean} standard deviations where 0 is expected"
        case "exactness":
            return f"{output} has a mean too exact for a sample: leave the numbers as drawn"
        case "shape":
            return f"{output} follows another distribution than it should"
        case "extremes":
            return f"{output}: its largest number does not fit (tails cut, or too long)"
        case "share kept":
            if measured is None:
                return "nothing, or everything, is kept in every draw"
            return f"{measured:.1%} of the elements are kept where {wanted:.1%} are expected"
        case _ if test.startswith("evenness"):
            return (
                f"{output} is too uneven, or too even, over {test.removeprefix('evenness over ')}: "
                "each element should be drawn on its own"
            )
        case _:
            return f"{output} is not independent ({test}): each element should be drawn on its own"


def _parted(e: dict[str, Any], *, reveal: bool) -> str:
    """Where a training run first goes wrong, how, and when the losses show it."""
    cause = Finding(e["output"], e["cause"], e)
    if "ratio" in e:
        digits = 3 if abs(e["ratio"] - 1) > 0.01 else 6
        how = f"{e['output']} is {_few(e['ratio'], digits)} times what it should be"
    elif e["cause"] == "failure" and e["kind"] == "missing":
        how = f"the function is not in the submission: hand in {e['file']}.py with the others"
    else:
        how = explain(cause) if reveal else hint_at(cause)
    text = f"{_at(e)}: {e['function']}: {how}"
    if "visible" in e:
        text += f"; {_visible(e['visible'])}"
    if e["also"]:
        text += f"; look also at {', '.join(e['also'])}"
    return text


def _at(e: dict[str, Any]) -> str:
    when = "in evaluation" if e["evaluation"] else f"step {e['step']}"
    return f"{when}, {e['layer']}"


def _visible(step: int | None) -> str:
    """What the first step whose loss is off tells about a bug."""
    match step:
        case None:
            return "no loss shows it, so training alone would not have told you"
        case 0:
            return "the first loss shows it, as it does errors of a forward or of the loss"
        case 1:
            return "the second loss is the first to show it, as with errors of a gradient or a rate"
        case _:
            return (
                f"the loss of step {step} is the first to show it, as with errors of momentum, of "
                "decay or of a schedule"
            )


def _output(finding: Finding) -> str:
    """The output, or the part of it that is meant: grads['W1']."""
    part: str = finding.evidence.get("part", "")
    step = finding.evidence.get("repeat")
    return finding.output + part + (f" of step {step}" if step else "")


def _where(finding: Finding) -> str:
    e = finding.evidence
    if e["total"] == 1:
        return f"{_output(finding)} is wrong"
    return (
        f"{_output(finding)} is wrong in {e['wrong']} of {e['total']} elements; at {e.get('index')}"
    )


def _only(e: dict[str, Any]) -> str:
    pattern = places(e["where"]) if "where" in e else ""
    return f"; wrong only {pattern}" if pattern else ""


def _got(e: dict[str, Any]) -> str:
    """Both numbers, with as many digits as it takes to tell them apart."""
    got, expected = e["got"], e["expected"]
    if not (isinstance(got, float) and isinstance(expected, float)):
        return f"{got}, expected {expected}"
    digits = 4
    apart = abs(got / expected - 1) or 1e-16 if expected else math.inf
    if got != expected and math.isfinite(apart):
        digits = min(max(4, 2 - math.floor(math.log10(apart))), 17)
    return f"{got:.{digits}g}, expected {expected:.{digits}g}"


def _portion(e: dict[str, Any]) -> str:
    share = e["wrong"] / max(e["total"], 1)
    if share == 1:
        return "every element"
    return "most elements" if share > 0.5 else "some elements" if share > 0.1 else "a few elements"


def _magnitude(relative: float) -> str:
    """The size of an error against the largest expected value, to a decade: no more may leak."""
    if not math.isfinite(relative) or relative > 3:
        return "several times its size"
    if relative > 0.3:
        return "about its own size"
    if relative > 0.03:
        return "about a tenth of its size"
    if relative > 0.003:
        return "about a hundredth of its size"
    return "less than a hundredth of its size, but more than rounding"


def _shape(shape: list[int]) -> str:
    return "(" + ", ".join(map(str, shape)) + ("," if len(shape) == 1 else "") + ")"
