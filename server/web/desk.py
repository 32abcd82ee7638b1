"""A submission on the desk: beside the code of each exercise what was found of it, and what was
said at a line below that line. Staff's page, the student's and its reading are one component."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import get_template_attribute
from markupsafe import Markup

from server.engine import AtCheck, Report
from server.storage.models import Comment, Question
from server.web import code
from server.web.code import Function, Piece
from server.web.services import services

Place = tuple[str, int]  # a piece's title and a line's number in it


@dataclass(frozen=True)
class Stretch:
    """Lines of code, and what is said of the last of them."""

    html: Markup
    flags: Sequence[str] = ()
    comments: Sequence[Comment] = ()


@dataclass(frozen=True)
class Listing:
    """A function, or a whole file or cell."""

    id: str
    name: str
    piece: str
    first: int
    last: int
    stretches: Sequence[Stretch]
    cut: bool = False


@dataclass(frozen=True)
class Part:
    """An exercise."""

    name: str
    score: float
    max_score: float
    right: bool
    open: bool
    listings: Sequence[Listing]
    left_out: int
    found: Markup
    misconceptions: Sequence[str]
    new: int  # comments that their student has not read

    @property
    def pieces(self) -> list[str]:
        """Where its lines are."""
        return list(dict.fromkeys(listing.piece for listing in self.listings))


@dataclass(frozen=True)
class Desk:
    """
    Args:
        whole: all that was handed in; a comment is at a line of it where no part shows that line.
        lost: comments at lines that are not shown.
    """

    head: Markup | None
    parts: Sequence[Part]
    whole: Sequence[Listing]
    comments: Sequence[Comment]  # on all of it
    lost: Sequence[Comment]

    @property
    def in_whole(self) -> int:
        """How many comments stand in the whole code alone."""
        return sum(len(s.comments) for listing in self.whole for s in listing.stretches)


@dataclass
class _Notes:
    """What is said of lines, and what of it has been put somewhere."""

    comments: Mapping[Place, list[Comment]]
    flags: Mapping[Place, list[str]]
    placed: set[int] = field(default_factory=set)

    def stretches(
        self, piece: str, first: int, lines: Sequence[str], *, again: bool
    ) -> list[Stretch]:
        """The lines, cut below each that something is said of.

        Args:
            again: whether comments that stand elsewhere already are shown here, too.
        """
        found, begin = [], 0
        last = first + len(lines) - 1
        places = {n for p, n in (*self.comments, *self.flags) if p == piece and first <= n <= last}
        for n in sorted(places):
            said = [
                c for c in self.comments.get((piece, n), ()) if again or c.id not in self.placed
            ]
            flags = self.flags.get((piece, n), ())
            if not said and not flags:
                continue
            self.placed |= {comment.id for comment in said}
            end = n - first + 1
            html = code.numbered(lines[begin:end], first + begin, (n,))
            found.append(Stretch(html, flags, said))
            begin = end
        if begin < len(lines) or not found:
            found.append(Stretch(code.numbered(lines[begin:], first + begin)))
        return found


def asking(
    questions: Iterable[Question],
    show: Callable[[Question], Markup],
    ask: Callable[[str, str], Markup] = lambda exercise, check: Markup(""),
) -> tuple[AtCheck, list[Question]]:
    """What stands at the lines of checks for questions, and those that stand at none: they leave
    the list while the desk is made.

    Args:
        ask: given an exercise and a check of it that has lost marks, how to ask about it.
    """
    left = list(questions)

    def at(exercise: str, line: str, checks: Sequence[Mapping[str, Any]]) -> Markup:
        names = {check["name"] for check in checks}
        here = [one for one in left if one.exercise == exercise and one.check_name in names]
        for one in here:
            left.remove(one)
        lost = [check["name"] for check in checks if check["score"] < check["max_score"]]
        if lost and not here:
            return ask(exercise, lost[0])
        return Markup("").join(show(one) for one in here)

    return at, left


def desk(
    pieces: Sequence[Piece],
    view: Report | None,
    topic: str,
    comments: Iterable[Comment],
    *,
    only: str = "",
    at_check: AtCheck | None = None,
) -> Desk:
    """
    Args:
        view: of the report, with the points that are shown; None: there is none.
        comments: those that whoever looks may read.
        only: the exercise that is open, if the report has it; else those that are not right.
        at_check: what else stands at a line of the checks.
    """
    general = [comment for comment in comments if comment.place is None]
    notes = _notes(pieces, view, [comment for comment in comments if comment.place is not None])
    parts: list[Part] = []
    head = None
    if view is not None:
        written = code.by_exercise(pieces, view, code.asked(topic))
        named = {one.exercise: one.functions for one in written}
        link = get_template_attribute("_desk.html", "to_code")

        def at(exercise: str, line: str, checks: Sequence[Mapping[str, Any]]) -> Markup:
            found = _answering(named.get(exercise, ()), checks)
            said = Markup(link(exercise, found.name)) if found else Markup("")  # noqa: S704
            return said + at_check(exercise, line, checks) if at_check else said

        shown = services().engine.parts(view, at)
        head = shown.head
        wanted = only if only in shown.exercises else ""
        for one, exercise in zip(written, view["exercises"], strict=True):
            right = _is_right(exercise)
            listings = _listings(notes, one.exercise, one.functions)
            parts.append(
                Part(
                    one.exercise,
                    exercise["score"],
                    exercise["max_score"],
                    right,
                    one.exercise == wanted if wanted else not right,
                    listings,
                    one.left_out,
                    shown.exercises[one.exercise],
                    [entry["name"] for entry in exercise["diagnosis"]],
                    sum(
                        not comment.read_at and not comment.for_staff
                        for listing in listings
                        for stretch in listing.stretches
                        for comment in stretch.comments
                    ),
                )
            )
    whole = [
        Listing(
            f"piece-{number}",
            piece.title,
            piece.title,
            1,
            len(piece.lines),
            notes.stretches(piece.title, 1, piece.lines, again=False),
            piece.cut,
        )
        for number, piece in enumerate(pieces, 1)
    ]
    lost = [
        comment
        for said in notes.comments.values()
        for comment in said
        if comment.id not in notes.placed
    ]
    return Desk(head, parts, whole, general, lost)


def _listings(notes: _Notes, exercise: str, functions: Sequence[Function]) -> list[Listing]:
    seen: Counter[str] = Counter()
    found = []
    for function in reversed(functions):  # what is defined last counts, and has the plain name
        seen[function.name] += 1
        again = f"-{seen[function.name]}" if seen[function.name] > 1 else ""
        found.append(
            Listing(
                f"code-{exercise}-{function.name}{again}",
                function.name,
                function.piece,
                function.first,
                function.first + len(function.lines) - 1,
                notes.stretches(function.piece, function.first, function.lines, again=True),
            )
        )
    return found[::-1]


def _answering(
    functions: Sequence[Function], checks: Sequence[Mapping[str, Any]]
) -> Function | None:
    """The function that checks of this kind are about."""
    wanted = any(
        check.get("kind") == "gradients" or check["name"].rpartition(": ")[2].startswith("grad_")
        for check in checks
    )
    fitting = [one for one in functions if one.name.endswith("_backward") == wanted]
    return next(iter(fitting or functions), None)


def _is_right(exercise: Mapping[str, Any]) -> bool:
    passed = all(check["passed"] for check in exercise["checks"])
    return passed and bool(exercise["score"] >= exercise["max_score"])


def _notes(pieces: Sequence[Piece], view: Report | None, comments: Iterable[Comment]) -> _Notes:
    said: defaultdict[Place, list[Comment]] = defaultdict(list)
    for comment in comments:
        said[comment.place or "", comment.line or 0].append(comment)
    flags: defaultdict[Place, list[str]] = defaultdict(list)
    for exercise in view["exercises"] if view else ():
        for flag in exercise.get("policy", ()):
            title = _piece_of(pieces, flag["place"])
            if title and flag["what"] not in flags[title, flag["line"]]:
                flags[title, flag["line"]].append(flag["what"])
    return _Notes(said, flags)


def _piece_of(pieces: Sequence[Piece], place: str) -> str | None:
    """The title of what a report calls so: `losses.py`, or `cell 3` of the only notebook."""
    titles = [p.title for p in pieces if p.title == place or p.title.endswith(f", {place}")]
    return titles[0] if len(titles) == 1 else None
