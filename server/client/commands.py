"""`gradmark login`, `submit`, `status`, `logout`."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from autograder.handin.submission import MAX_BYTES
from autograder.render.progress import Bar
from server.client import login as logins
from server.client.errors import Misuse, Refused, Unreachable
from server.client.follow import follow, situation
from server.client.hub import log_in
from server.client.login import Login
from server.client.server import Server, quoted

_INTERRUPTED = 130
_SHOWN_OF_ID = 8


@click.command()
@click.argument("url")
def login(url: str) -> None:
    """Log in to the server at URL with a token from its account page.

    The token is asked for without showing it, or read from standard input where that is no
    terminal. It is checked, and kept for the other commands, readable by you alone.
    """
    address = logins.address(url)
    if sys.stdin.isatty():
        click.echo(f"Make a token at {address}/account (it may read and hand in), and paste it.")
        token = click.prompt("Token", hide_input=True)
    else:
        token = sys.stdin.readline()
    made = Login(address, token.strip())
    if not made.token.isascii() or not made.token.isprintable() or not made.token:
        raise Misuse("This is no token: copy all of what the account page shows.")
    if made.in_the_clear:
        click.echo("gradmark: http does not hide the token: use https where you can.", err=True)
    with Server(made) as server:
        if server.get("").get("server") != "gradmark":
            raise Refused(f"What answers at {address} is no Gradmark server.")
        me = server.get("me")
    logins.save(made)
    click.echo(f"Logged in to {address} as {me['name']}, {me['email']}.")
    if "submit" not in me["token"]["scopes"]:
        click.echo("gradmark: this token may not hand in: make one that may.", err=True)


@click.command()
def logout() -> None:
    """Forget the token that `gradmark login` has kept."""
    try:
        url = logins.load().url
    except Misuse:
        url = None
    logins.forget()
    click.echo(
        f"Logged out. The token holds until it is revoked at {url}/account."
        if url
        else "You were not logged in."
    )


@click.command()
@click.argument("assignment")
@click.argument(
    "files",
    metavar="FILE...",
    nargs=-1,
    required=True,
    type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path),
)
@click.option("--course", help="The course, where you are in several; or COURSE/ASSIGNMENT.")
@click.option("--no-wait", is_flag=True, help="End when the server has it; do not wait for grades.")
@click.option("--check", is_flag=True, help="Only say what is seen in it; hand nothing in.")
def submit(
    assignment: str, files: Sequence[Path], course: str | None, no_wait: bool, check: bool
) -> None:
    """Hand FILE in for ASSIGNMENT, follow its grading and print the report.

    A FILE is a .py, a notebook or a .zip; several are kept together. Exits with 0 when the server
    has accepted it and, unless told not to wait, graded it, whatever the score; 2 on misuse; 3 when
    the server cannot be reached, refuses, or could not grade it.

    With --check nothing is handed in: it says which functions are found where.
    """
    if sum(file.stat().st_size for file in files) > MAX_BYTES:
        raise Misuse(f"This is larger than the {MAX_BYTES // 2**20} MiB that may be handed in.")
    with Server(log_in()) as server:
        slug, assignment = target(server, assignment, course)
        if check:
            _check(server, slug, assignment, files)
            return
        try:
            made, again = server.hand_in(slug, assignment, files)
        except Unreachable as error:
            raise Unreachable(f"{error} `gradmark status` shows whether it arrived.") from None
        short = made["id"][:_SHOWN_OF_ID]
        place = f"{slug} for {assignment}, attempt {made['number']}: {short}"
        if again:
            click.echo(f"You have handed this in already, byte for byte, to {place}")
        else:
            click.echo(f"Accepted by {place}")
        for sentence in made.get("look", []):
            click.echo(sentence)
        if not no_wait:
            _report(server, slug, made, wait=True)


def _check(server: Server, course: str, assignment: str, files: Sequence[Path]) -> None:
    """Print what the server sees in the files."""
    seen = server.look(course, assignment, files)
    if seen["refusal"] is not None:
        raise Refused(seen["refusal"])
    table = Table(box=None, pad_edge=False, show_header=False)
    for one in seen["functions"]:
        words = "" if one["written"] else "still to be written"
        table.add_row(Text(one["name"], "bold"), f"{one['place']}, line {one['line']}", words)
    Console().print(table)
    for sentence in seen["sentences"]:
        click.echo(sentence)
    if seen["again"]:
        click.echo("This is, byte for byte, what you have handed in before.")


@click.command()
@click.argument("submission", metavar="[ID]", required=False)
@click.option("--wait", is_flag=True, help="Follow its grading, as `gradmark submit` does.")
def status(submission: str | None, wait: bool) -> None:
    """What is due and handed in; or how far the submission ID is, and its report.

    The first letters of an ID are enough. Exits with 2 on misuse, 3 when the server cannot be
    reached or refuses, or could not grade the submission.
    """
    with Server(log_in()) as server:
        if submission is None:
            console = Console()
            for course in server.all("courses"):
                console.print(_overview(server, course))
        else:
            slug, found = _find(server, submission)
            _report(server, slug, found, wait=wait)


def target(
    server: Server, assignment: str, course: str | None, *, for_staff: bool = False
) -> tuple[str, str]:
    """The course and the assignment that are meant.

    Args:
        for_staff: whom no deadline holds.
    """
    before, slash, after = assignment.rpartition("/")
    if slash:
        if course not in (None, before):
            raise Misuse(f"{assignment} and --course {course} name two courses: leave one out.")
        course, assignment = before, after
    courses = [entry["slug"] for entry in server.all("courses")]
    if not courses:
        raise Refused(f"You are in no course at {server.url}: whoever teaches it adds you.")
    if course is None:
        if len(courses) > 1:
            raise Misuse(f"Say which course with --course: you are in {', '.join(courses)}.")
        (course,) = courses
    elif course not in courses:
        raise Misuse(f"You are in no course {course!r}: you are in {', '.join(courses)}.")
    there = {entry["slug"]: entry for entry in server.all(f"courses/{quoted(course)}/assignments")}
    if assignment not in there:
        known = f"it has {', '.join(there)}" if there else "none is open yet"
        raise Misuse(f"There is no assignment {assignment!r} in {course}: {known}.")
    if there[assignment]["refusal"] is not None and not for_staff:
        raise Refused(there[assignment]["refusal"])
    return course, assignment


def _find(server: Server, beginning: str) -> tuple[str, Any]:
    """The course and the one of one's own submissions whose id begins like this."""
    found = [
        (course["slug"], submission)
        for course in server.all("courses")
        for submission in server.all(f"courses/{quoted(course['slug'])}/submissions")
        if submission["id"].startswith(beginning.lower())
    ]
    if not found:
        raise Misuse(f"You have no submission {beginning!r}: `gradmark status` lists the latest.")
    if len(found) > 1:
        raise Misuse(f"{len(found)} of your submissions begin with {beginning!r}: give more of it.")
    return found[0]


def _report(server: Server, course: str, submission: Any, *, wait: bool) -> None:
    """Print what has become of a submission."""
    path = f"courses/{quoted(course)}/submissions/{submission['id']}"
    console = Console()
    try:
        with Bar(console) as bar:
            found = follow(server, path, bar) if wait else server.get(path)
    except KeyboardInterrupt:
        short = submission["id"][:_SHOWN_OF_ID]
        click.echo(f"It is being graded all the same: `gradmark status {short}`.", err=True)
        sys.exit(_INTERRUPTED)
    match found["state"]:
        case "graded":
            from autograder.render.text import render

            if not found.get("scores_shown", True):
                click.echo("It is graded. Its report is not shown yet.")
                return
            render(server.get(f"{path}/report", view="student"), console)
        case "superseded":
            click.echo("It was not graded: you handed in a newer one before its turn came.")
        case "failed":
            raise Refused(
                "Grading broke down on the server's side: the file is kept, it cost no attempt, "
                "and the staff can see the fault."
            )
        case _:
            name, done, total = situation(found)
            click.echo(f"{name}, {done} of {total} exercises done" if total else name)


def _overview(server: Server, course: Any) -> Table:
    """A course's assignments: when they are due, and the latest that was handed in for each."""
    path = f"courses/{quoted(course['slug'])}"
    latest = {
        submission["assignment"]: submission
        for submission in reversed(server.get(f"{path}/submissions", page_size="200"))
    }
    table = Table(
        title=Text(f"{course['title']} ({course['slug']})", "bold"),
        title_justify="left",
        box=None,
        pad_edge=False,
        header_style="dim",
    )
    for heading in ("assignment", "", "due", "left", "grade", "latest", ""):
        table.add_column(heading)
    for entry in server.all(f"{path}/assignments"):
        points = entry["grade"] and entry["grade"]["points"]
        left = [
            left
            for left in (entry["attempts_left"], entry["attempts_left_today"])
            if left is not None
        ]
        table.add_row(
            Text(entry["slug"], "bold"),
            Text(entry["state"], "green" if entry["refusal"] is None else "dim"),
            Text(_local(entry["due_at"])),
            str(min(left)) if left else "",
            f"{_number(points)} of {_number(entry['points'])}",
            *_latest(latest.get(entry["slug"])),
        )
    return table


def _latest(submission: Any) -> tuple[str, str]:
    if submission is None:
        return "", ""
    state = submission["state"]
    if state == "graded" and submission["score"] is not None:
        state = f"{_number(submission['score'])} of {_number(submission['max_score'])}"
    return submission["id"][:_SHOWN_OF_ID], state


def _number(value: float | None) -> str:
    return "–" if value is None else f"{round(value, 2):g}"


def _local(moment: str) -> str:
    local = datetime.fromisoformat(moment).astimezone()
    return f"{local.day} {local:%b %Y, %H:%M %Z}"
