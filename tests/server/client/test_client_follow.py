"""Following a submission: what is shown, and what happens when the server does not answer."""

from __future__ import annotations

from typing import Any

import pytest

from server.client import follow as following
from server.client.errors import Unreachable
from server.client.follow import follow


class Script:
    """A server that gives these answers, one after the other."""

    def __init__(self, *answers: dict[str, Any] | Exception) -> None:
        self._answers = list(answers)

    def get(self, path: str) -> dict[str, Any]:
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def state(
    state: str, position: int | None = None, exercise: str | None = None, done: int = 0
) -> dict[str, Any]:
    progress = {"exercise": exercise, "done": done, "total": 5 if exercise else 0}
    final = state not in {"waiting", "grading"}
    return {"state": state, "final": final, "position": position, "progress": progress}


@pytest.fixture
def slept(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long it slept; time passes by that alone."""
    sleeps: list[float] = []
    monkeypatch.setattr(following.time, "sleep", sleeps.append)
    monkeypatch.setattr(following.time, "monotonic", lambda: sum(sleeps))
    return sleeps


def test_it_tells_each_situation_until_the_end(slept: list[float]) -> None:
    told: list[tuple[str, int, int | None]] = []
    script = Script(
        state("waiting", 9),
        state("waiting", 1),
        state("grading"),
        Unreachable("no answer"),
        state("grading", None, "training, step 40 of 100", 3),
        state("graded"),
    )
    assert follow(script, "x", lambda *step: told.append(step))["state"] == "graded"  # type: ignore[arg-type]
    assert told == [
        ("waiting, 8 before yours", 0, None),
        ("yours is next", 0, None),
        ("grading has begun", 0, None),
        ("no answer; trying again", 0, None),
        ("training, step 40 of 100", 3, 5),
    ]
    assert slept[0] > slept[1]


def test_a_server_that_stays_away_ends_it(slept: list[float]) -> None:
    with pytest.raises(Unreachable):
        follow(Script(Unreachable("gone")), "x", lambda *_: None)  # type: ignore[arg-type]
    assert 60 < sum(slept) < 300
