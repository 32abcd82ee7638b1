"""A student's scores over their attempts as a picture: where its points and lines are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from server.storage.models import State, Submission

_LEFT, _RIGHT, _TOP, _BOTTOM = 54, 16, 14, 26
_STEP = 72  # from one attempt to the next
_WIDEST = 640


@dataclass(frozen=True)
class Dot:
    x: float
    y: float
    submission: Submission


class Chart:
    """The geometry, in the pixels of the picture."""

    height = 150

    def __init__(self, submissions: Iterable[Submission]) -> None:
        graded = sorted((s for s in submissions if s.state is State.GRADED), key=lambda s: s.number)
        step = min(_STEP, (_WIDEST - _LEFT - _RIGHT) / max(1, len(graded) - 1))
        self.width = round(_LEFT + _RIGHT + step * max(1, len(graded) - 1))
        self.left, self.right = _LEFT - 10, self.width - _RIGHT + 10
        self.top, self.bottom = _TOP, self.height - _BOTTOM
        self.dots = [
            Dot(round(_LEFT + step * place, 1), self._y(_share(submission)), submission)
            for place, submission in enumerate(graded)
        ]
        self.path = " ".join(f"{dot.x:g},{dot.y:g}" for dot in self.dots)
        self.rules = [(self._y(share), f"{share:.0%}") for share in (0.0, 0.5, 1.0)]

    @property
    def labelled(self) -> list[Dot]:
        """The dots whose number has room below them."""
        every = 1 + len(self.dots) // 24
        return self.dots[::every]

    def _y(self, share: float) -> float:
        return round(self.bottom - share * (self.bottom - self.top), 1)


def _share(submission: Submission) -> float:
    return (submission.score or 0.0) / submission.max_score if submission.max_score else 0.0
