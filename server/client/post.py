"""`gradmark post`: what `gradmark grade` found for a class, put into its course on a server."""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.render.progress import Bar
from server.client.commands import target
from server.client.errors import Misuse, Refused
from server.client.hub import log_in
from server.client.server import Server, quoted


@dataclass(frozen=True)
class Given:
    """Somebody's hand-in among the results."""

    slug: str
    owner: Mapping[str, str]
    at: datetime | None
    late: bool
    filename: str
    file: Path
    report: Path

    @property
    def label(self) -> str:
        return next(filter(None, (self.owner[k] for k in ("name", "login", "email", "key"))))


@click.command()
@click.argument("assignment")
@click.argument("results", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--course", help="The course, where you are in several; or COURSE/ASSIGNMENT.")
@click.option(
    "--people",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A CSV file with the columns key and email: whose is what cannot be placed.",
)
@click.option("--yes", is_flag=True, help="Do not ask whether the proposal is right.")
def post(
    assignment: str, results: Path, course: str | None, people: Path | None, yes: bool
) -> None:
    """Put the folder RESULTS, which `gradmark grade` wrote for a class, into ASSIGNMENT.

    It shows first whose results these are in the course, and who could not be placed; nothing is
    changed until you agree. What is there already stays as it is, so it can be run again. Your
    token must be one that may manage.
    """
    given, ungraded = _read(results)
    by_hand = {} if people is None else _by_hand(people)
    with Server(log_in()) as server:
        slug, assignment = target(server, assignment, course, for_staff=True)
        path = f"courses/{quoted(slug)}"
        zone = ZoneInfo(server.get(path)["timezone"])
        placed, open_ = _propose(server, path, given, by_hand)
        _show(given, placed, open_, ungraded)
        if not placed:
            raise Refused("None of these results has a place in the course.")
        if not yes:
            if not sys.stdin.isatty():
                raise Misuse("Nothing is posted: --yes says that the proposal is right.")
            click.confirm(f"Post {len(placed)} results to {slug}/{assignment}?", abort=True)
        _post(server, f"{path}/assignments/{quoted(assignment)}/results", given, placed, zone)
        left = len(given) - len(placed)
        if left:
            click.echo(f"{left} could not be placed: name them with --people and run it again.")


def _read(folder: Path) -> tuple[list[Given], list[str]]:
    """The hand-ins with a report, and the labels of those without.

    Raises:
        Misuse: `gradmark grade` has not written this folder, or not all of it is there.
    """
    try:
        said = json.loads((folder / "results.json").read_text("utf-8"))
        entries = [
            (
                Given(
                    str(entry["slug"]),
                    {name: str(value) for name, value in entry["owner"].items()},
                    None if entry["at"] is None else datetime.fromisoformat(entry["at"]),
                    bool(entry["late"]),
                    str(entry["filename"]),
                    folder / "files" / Path(entry["slug"]).name,
                    folder / "reports" / f"{Path(entry['slug']).name}.json",
                ),
                bool(entry["graded"]),
            )
            for entry in said["results"]
        ]
        labels = [given.label for given, graded in entries if not graded]
    except (OSError, ValueError, KeyError, TypeError, AttributeError, StopIteration):
        raise Misuse(
            f"{folder} holds no results of a class: `gradmark grade ASSIGNMENT PATH` writes them."
        ) from None
    found = [given for given, graded in entries if graded]
    for given in found:
        if not given.file.is_file() or not given.report.is_file():
            raise Misuse(f"{folder} is not whole: run `gradmark grade` again, it only fills it up.")
    return found, labels


def _by_hand(path: Path) -> dict[str, str]:
    """Addresses by the key of whom somebody has placed by hand."""
    try:
        rows = list(csv.DictReader(path.read_text("utf-8-sig").splitlines()))
        return {row["key"].strip(): row["email"].strip().lower() for row in rows if row["email"]}
    except (OSError, UnicodeDecodeError, KeyError, AttributeError, csv.Error):
        raise Misuse(f"{path} is no CSV file in UTF-8 with the columns key and email.") from None


def _propose(
    server: Server, path: str, given: Sequence[Given], by_hand: Mapping[str, str]
) -> tuple[dict[str, Any], dict[str, str]]:
    """By the owners' keys: who they are in the course, and why the others are nobody."""
    owners = {one.owner["key"]: one.owner for one in given}
    asked = [
        {
            **{name: owner.get(name, "") for name in ("key", "name", "login", "identifier")},
            "email": by_hand.get(key, owner.get("email", "")),
            **({"name": "", "login": "", "identifier": ""} if key in by_hand else {}),
        }
        for key, owner in owners.items()
    ]
    answer = server.post(f"{path}/people/match", people=asked)
    placed = {entry["key"]: entry for entry in answer if entry["user"] is not None}
    return placed, {e["key"]: e["problem"] for e in answer if e["user"] is None}


def _show(
    given: Sequence[Given],
    placed: Mapping[str, Any],
    open_: Mapping[str, str],
    ungraded: Sequence[str],
) -> None:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for heading in ("handed in by", "key", "in the course", ""):
        table.add_column(heading)
    for key, one in {one.owner["key"]: one for one in given}.items():
        if key in open_:
            table.add_row(Text(one.label), Text(key), Text("nobody", "yellow"), Text(open_[key]))
        else:
            who = placed[key]["user"]
            said = placed[key]["problem"] or ""
            table.add_row(
                Text(one.label), Text(key), Text(f"{who['name']}, {who['email']}"), Text(said)
            )
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    for label in ungraded:
        click.echo(f"{label}: without a report, so there is nothing to post")
    vague = [one.label for one in given if one.late and one.at is None]
    if vague:
        click.echo(
            f"Late, but nobody knows how late, so it counts as in time: {', '.join(vague)}. "
            f"Points can be taken on their pages."
        )


def _post(
    server: Server, path: str, given: Sequence[Given], placed: Mapping[str, Any], zone: ZoneInfo
) -> None:
    counts = {"new": 0, "again": 0}
    differing: list[str] = []
    chosen = sorted(
        (one for one in given if one.owner["key"] in placed),
        key=lambda one: (one.at is not None, one.at.isoformat() if one.at else ""),
    )
    with Bar(Console()) as bar:
        for number, one in enumerate(chosen):
            bar(one.label, number, len(chosen))
            whose = placed[one.owner["key"]]["user"]["id"]
            query = {}
            if one.at is not None:
                at = one.at if one.at.tzinfo else one.at.replace(tzinfo=zone)
                query["received_at"] = at.isoformat()
            report = json.dumps(json.loads(one.report.read_text("utf-8"))["report"]).encode()
            files = {
                "file": (one.filename, one.file.read_bytes()),
                "report": ("report.json", report),
            }
            try:
                answer = server.post_result(f"{path}/{whose}", files, **query)
            except Refused as error:
                raise type(error)(
                    f"{one.label}: {error.message} Posted before: {sum(counts.values())}."
                ) from None
            counts["again" if answer["again"] else "new"] += 1
            if answer["differs"]:
                differing.append(one.label)
    click.echo(f"{counts['new']} posted, {counts['again']} were there already.")
    if differing:
        click.echo(
            f"There with another result, which stays: {', '.join(differing)}. A regrade there "
            f"grades them anew."
        )
