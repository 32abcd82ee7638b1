"""The parts of an assignment that people mark, as rows of its form: an empty row is none."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from flask_babel import lazy_gettext as _

from server.courses import CourseError
from server.courses.spec import MOST_PARTS
from server.storage.models import PartKind
from server.web.instructor import fields
from server.web.instructor.fields import Field, Kind, Typed

SENT = "parts"  # the form's field that says that it has parts
_FIELDS = (
    Field("title", _("Title")),
    Field(
        "slug",
        _("Name in files"),
        help=_("Also that of a notebook's cell. Empty: made of the title. It stays as it is."),
    ),
    Field(
        "kind",
        _("Answered with"),
        Kind.CHOICE,
        choices=[(PartKind.TEXT, _("a text")), (PartKind.IMAGE, _("an image, such as a plot"))],
    ),
    Field("points", _("Points"), Kind.NUMBER, _("Of the assignment's.")),
    Field("prompt", _("What is asked"), Kind.AREA, _("Markdown, with formulas between $ signs.")),
    Field("deducts", _("Marking begins with all points, and items take some away"), Kind.FLAG),
    Field("place", _("Place in the order"), Kind.COUNT),
)
_REMOVE = Field("remove", _("Remove this part"), Kind.FLAG, _("While nobody has answered it."))


@dataclass(frozen=True)
class Row:
    """
    Attributes:
        fields: named as the form names them, as is what is typed and saved.
        slug: of a part that is there; it is not asked for.
        saved: what is there now, where somebody else has saved meanwhile.
    """

    number: int
    fields: Sequence[Field]
    said: Typed
    slug: str
    saved: Typed | None

    @property
    def title(self) -> str:
        return self.said[_named(self.number, "title")]

    @property
    def points(self) -> str:
        return self.said[_named(self.number, "points")]


def typed(form: Mapping[str, str]) -> list[dict[str, str]] | None:
    """What was typed, a row each; None where the form has no parts."""
    if SENT not in form:
        return None
    found = []
    for number in range(MOST_PARTS + 1):
        every = (*_FIELDS, _REMOVE)
        named = [replace(one, name=_named(number, one.name)) for one in every]
        said = fields.typed(named, form)
        row = {one.name: said[_named(number, one.name)] for one in every}
        if row["title"].strip() or row["prompt"].strip() or row["slug"].strip():
            found.append(row)
    return found


def tables(rows: Sequence[Mapping[str, str]]) -> list[dict[str, Any]]:
    """What a file would say of them, in their order.

    Raises:
        CourseError: something is no number.
    """
    placed = []
    for number, row in enumerate(rows):
        if row["remove"]:
            continue
        try:
            table = fields.table(_FIELDS, row)
        except CourseError as error:
            raise CourseError(
                _("Part %(part)s: %(error)s", part=row["title"] or number + 1, error=error), SENT
            ) from None
        place = table.pop("place", number + 1)
        table.setdefault("slug", _slug(row["title"]))
        placed.append((place, number, table))
    return [table for _, _, table in sorted(placed, key=lambda one: one[:2])]


def rows(
    said: Sequence[Mapping[str, str]] | None,
    there: Sequence[Mapping[str, Any]],
    *,
    conflict: bool = False,
) -> list[Row]:
    """Those of the form, with one more to be filled in.

    Args:
        said: what was typed; None: nothing yet.
        there: the parts that are there, as tables of the file.
        conflict: whether somebody else has saved them: what is not typed is listed, too.
    """
    saved = {table["slug"]: _filled(number, table) for number, table in enumerate(there)}
    shown = list(saved.values()) if said is None else list(said)
    if conflict:
        typed_here = {row["slug"] for row in shown}
        shown += [row for slug, row in saved.items() if slug not in typed_here]
    shown.append(_filled(len(shown), {}))
    return [
        _row(number, row, saved.get(row["slug"]), conflict=conflict)
        for number, row in enumerate(shown)
    ]


def _row(
    number: int, said: Mapping[str, str], saved: Mapping[str, str] | None, *, conflict: bool
) -> Row:
    asked = [one for one in _FIELDS if saved is None or one.name != "slug"]
    asked += [] if saved is None else [_REMOVE]

    def named(row: Mapping[str, str]) -> dict[str, str]:
        return {_named(number, name): value for name, value in row.items()}

    return Row(
        number,
        [replace(one, name=_named(number, one.name)) for one in asked],
        named(said),
        "" if saved is None else said["slug"],
        named(saved) if saved is not None and conflict else None,
    )


def _filled(number: int, table: Mapping[str, Any]) -> dict[str, str]:
    said = fields.filled(_FIELDS, {"kind": PartKind.TEXT.value, **table})
    return said | {"place": str(number + 1), "remove": ""}


def _named(number: int, name: str) -> str:
    return f"part-{number}-{name}"


def _slug(title: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")[:64]
