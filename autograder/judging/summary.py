"""What is right and what is off, in words: what every face of an exercise leads with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any


def in_words(rows: Iterable[tuple[str, bool]]) -> str:
    """ "Right: grad_weight, y (training). Off: grad_x, y (float32; large mean)."

    An output that is as right, or as wrong, in every check of it is named alone.

    Args:
        rows: name and whether it passed, one per output of each check: "training: y", or the name
            of a check that has one output only.
    """
    checks: dict[str, dict[bool, list[str]]] = {}
    for name, passed in rows:
        check, _, output = name.rpartition(": ")
        checks.setdefault(output, {}).setdefault(passed, []).append(check)
    sentences = []
    for passed, word in ((True, "Right"), (False, "Off")):
        named = [
            output if len(by_state) == 1 else f"{output} ({'; '.join(by_state[passed])})"
            for output, by_state in sorted(checks.items(), key=lambda item: len(item[1]))
            if passed in by_state
        ]
        if named:
            sentences.append(f"{word}: {', '.join(named)}.")
    return " ".join(sentences)


def folded(names: Iterable[str]) -> str:
    """Row names with their checks said once, "training: y, running_mean; evaluation: y", or with
    their one output: "y (training; evaluation)"."""
    outputs: dict[str, list[str]] = {}
    for name in names:
        check, _, output = name.rpartition(": ")
        outputs.setdefault(check, []).append(output)
    first, *others = outputs.values()
    if others and len(first) == 1 and all(other == first for other in others) and "" not in outputs:
        return f"{first[0]} ({'; '.join(outputs)})"
    return "; ".join(
        f"{check}: {', '.join(members)}" if check else ", ".join(members)
        for check, members in outputs.items()
    )


def off_as(beneath: Sequence[str], rows: Iterable[str]) -> str:
    """What is off because functions beneath are."""
    return f"Off as your own {' and '.join(beneath)}: {folded(rows)}."


def looks_like(diagnoses: Sequence[str]) -> str:
    """What is off together."""
    return f"It looks like {' with '.join(diagnoses)}."


def say_flag(flag: Mapping[str, Any]) -> str:
    """What a submission uses and may not, in one sentence."""
    if flag["rule"] == "dispatched":
        return f"not allowed: {flag['what']}, seen while it ran"
    unseen = flag["what"].startswith("not looked at")
    said = flag["what"] if unseen else f"not allowed: {flag['what']}"
    if not flag["line"]:
        return said
    text = f": {flag['text']}" if flag["text"] else ""
    return f"{said} ({flag['place']}, line {flag['line']}{text})"
