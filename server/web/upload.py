"""What arrives in one hand-in, as the one file that is kept and graded."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from sqlalchemy import select

from autograder.handin.look import Look, complete, refusal, sentences
from autograder.handin.submission import SubmissionError
from autograder.reading import reader
from server.grades import teams
from server.grades.attempts import same
from server.grading.accepting import Accepted
from server.language import _
from server.parts import answers
from server.parts.answers import Picture
from server.storage.models import Assignment, PartKind, Submission
from server.web.access import Seat
from server.web.reading import on_behalf_of
from server.web.services import services

_LONGEST_NAME = 120
_ALWAYS = (1980, 1, 1, 0, 0, 0)  # the same files make the same bytes, whenever they are packed


@dataclass(frozen=True)
class Seen:
    """What a look at the files of one hand-in found: `sentences` for the student, and why they are
    not accepted, or an empty `refusal`. With `complete` there is nothing to mend."""

    content: bytes
    look: Look
    asked: Sequence[str]  # the assignment's functions
    refusal: str

    @property
    def sentences(self) -> list[str]:
        return sentences(self.look, self.asked)

    @property
    def complete(self) -> bool:
        return complete(self.look, self.asked)


def look(seat: Seat, assignment: Assignment, files: Sequence[tuple[str, bytes]]) -> Seen:
    """Look at the files before they count; nothing of them is run.

    Raises:
        SubmissionError: what was sent cannot be read.
        TooManyRequests: the user has sent several at a time.
    """
    name, content = one_file(files, assignment.topic)
    asked, everything = services().engine.homes(assignment.topic)
    with on_behalf_of(seat.user):
        seen = reader().run("look", (name, content), homes={**everything, **asked})
    refused = refusal(seen, assignment.title, asked, everything)
    return Seen(content, seen, tuple(asked), refused)


def known(seat: Seat, assignment: Assignment, seen: Seen) -> bool:
    """Whether it is what the student has handed in before, byte for byte."""
    mine = select(Submission).where(
        Submission.assignment_id == assignment.id, teams.theirs(seat.user.id)
    )
    with services().database.ask() as session:
        return same(assignment, session.scalars(mine).all(), seen.look.digest) is not None


def hand_in(
    seat: Seat, assignment: Assignment, files: Sequence[tuple[str, bytes]]
) -> tuple[Accepted, Seen]:
    """Accept the files as one submission of the user's. It is on the disk when this returns.
    Neither deadlines nor limits hold for staff.

    Raises:
        SubmissionError: what was sent cannot be read, or holds nothing of the assignment.
        NotAllowed: the assignment's deadlines or limits forbid it.
        TooManyRequests: the user has sent several at a time.
    """
    seen = look(seat, assignment, files)
    if seen.refusal:
        raise SubmissionError(seen.refusal + " " + _("It was not handed in, and uses no attempt."))
    accepted = services().queue.accept(
        assignment.id,
        seat.user.id,
        seen.look,
        seen.content,
        unlimited=seat.is_staff,
        answered=_answered(seat, assignment, seen),
    )
    return accepted, seen


def check(seat: Seat, assignment: Assignment, files: Sequence[tuple[str, bytes]]) -> str:
    """Have the public cases run on the files; return the public id by which to ask for the result.

    Raises:
        SubmissionError: what was sent cannot be read, or holds nothing of the assignment.
        TooManyRequests: the user has sent several at a time.
    """
    seen = look(seat, assignment, files)
    if seen.refusal:
        raise SubmissionError(seen.refusal + " " + _("There is nothing to check."))
    return services().queue.check(assignment.id, seat.user.id, seen.look, seen.content)


def _answered(seat: Seat, assignment: Assignment, seen: Seen) -> dict[str, str | Picture]:
    """What cells of a notebook answer to the parts that people mark: texts, and images that they
    show, made anew by the reading process."""
    if not assignment.hand_points:
        return {}
    with services().database.read() as session:
        names = answers.wanted(session, assignment)
    file = (seen.look.filename, seen.content)
    found: dict[str, str | Picture] = {}
    with on_behalf_of(seat.user):
        if names[PartKind.TEXT]:
            found |= reader().run("answers", file, names=names[PartKind.TEXT])
        if names[PartKind.IMAGE]:
            shown = reader().run("plots", file, names=names[PartKind.IMAGE])
            found |= {slug: Picture(**vars(plot)) for slug, plot in shown.items()}
    return found


def one_file(files: Sequence[tuple[str, bytes]], topic: str) -> tuple[str, bytes]:
    """A single file as it is, several packed into a zip.

    Args:
        files: names, as the sender gave them, and contents.
        topic: what is handed in, after which a zip is called.

    Raises:
        SubmissionError: there is none, or they do not fit together.
    """
    named = [(_printable(name), content) for name, content in files]
    if not named:
        raise SubmissionError(_("Choose the file that you want to hand in, or paste your code."))
    if len(named) == 1:
        return named[0]
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in named:
            if name.lower().endswith(".zip"):
                raise SubmissionError(
                    _("%(name)s is a zip: hand it in alone, or the files in it.", name=repr(name))
                )
            if name in archive.namelist():
                raise SubmissionError(
                    _("There are two files %(name)s: keep the one that counts.", name=repr(name))
                )
            member = zipfile.ZipInfo(name, _ALWAYS)
            archive.writestr(member, content, zipfile.ZIP_DEFLATED)
    return f"{topic}.zip", buffer.getvalue()


def _printable(filename: str) -> str:
    """The last part of the name, without control and direction characters, its end (the suffix)
    kept when it is long."""
    last = PurePosixPath(filename.replace("\\", "/")).name
    return "".join(character for character in last if character.isprintable())[-_LONGEST_NAME:]
