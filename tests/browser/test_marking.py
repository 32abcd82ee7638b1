"""Marking in a browser: thirty answers and a list of submissions by keyboard, without JavaScript,
as axe sees it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import func, select
from werkzeug.serving import make_server

from server.courses.spec import PartSpec
from server.storage.models import Answer, Comment, Mark, Part, PartKind
from tests.browser.conftest import Visit, follow, lost_in_german_on_a_phone, press
from tests.browser.test_accessible import in_every_way
from tests.server.conftest import House, make_app, make_house
from tests.server.test_desk import SOURCE
from tests.server.test_parts import PLOT, WHY, answer, ask, item

pytestmark = pytest.mark.slow

STAFF = "/courses/dl/staff/"
BY_HAND = f"{STAFF}assignments/norm/by-hand/"
NORM = "/courses/dl/assignments/norm/"
THIRTY = 30
HOW = PartSpec("how", PartKind.TEXT, "How", "How would you find out?", 3.0)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One of its own: other tests' assignment has no parts."""
    house = make_house(tmp_path_factory.mktemp("marking"))
    ask(house, WHY, PLOT, HOW, anonymous_marking=True)
    for n in range(THIRTY - 2):
        answer(house, f"Answer {n}: $x_{{{n}}} > 0$, since $\\frac{{1}}{{n}}$ vanishes.", f"s{n}")
    for name in ("student", "classmate"):
        answer(house, f"What {name} thinks.\n\n$$\\sigma^2 + \\epsilon$$", name)
        answer(house, f"How {name} would do it.", name, "how")
    yield house
    house.database.close()


@pytest.fixture(scope="module")
def url(house: House) -> Iterator[str]:
    """Nothing is graded here: the pages alone are served."""
    server = make_server("127.0.0.1", 0, make_app(house), threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join()


def arrive(page: Page, text: str | re.Pattern[str]) -> None:
    """On the page that has this text: its script, which listens to the keys, runs last."""
    expect(page.get_by_text(text)).to_be_visible()
    page.wait_for_load_state()


def test_an_assistant_marks_thirty_by_keyboard(house: House, visit: Visit) -> None:
    page = visit("assistant").page
    page.goto("/courses/dl/staff/assignments/norm/")
    follow(page, "Marked by hand")
    page.get_by_role("link", name="Mark 30 of Why").click()
    expect(page.locator(".katex").first).to_be_visible()
    assert "s0" not in page.locator("main").inner_text().split()
    for text, points in (("Names the reason", "3"), ("Unclear", "-1")):
        page.keyboard.press("n")
        page.keyboard.type(text)
        page.keyboard.press("Tab")
        page.keyboard.type(points)
        page.keyboard.press("Escape")
        press(page, "Save")
        expect(page.get_by_role("checkbox", name=text)).to_be_checked()
    expect(page.locator("#total")).to_have_text("2")
    page.keyboard.press("j")
    for number in range(1, THIRTY):
        left = THIRTY - number
        arrive(page, re.compile(rf", {left} waits? for you"))
        page.keyboard.press("1")
        if number % 3 == 0:
            page.keyboard.press("2")
        expect(page.locator("#total")).to_have_text("2" if number % 3 == 0 else "3")
        page.keyboard.press("j")
    expect(page.get_by_text("Why: nothing waits for you any more.")).to_be_visible()
    expect(page.get_by_text("30 of 30")).to_be_visible()
    expect(page.get_by_role("cell", name="Assistant 30")).to_be_visible()
    with house.database.read() as session:
        given = select(Mark.points, func.count()).join(Answer).join(Part)
        found = dict(session.execute(given.where(Part.slug == "why").group_by(Mark.points)).all())
    assert found == {2.0: 10, 3.0: 20}


def test_going_back_changes_what_was_given(house: House, visit: Visit) -> None:
    item(house, "Says it shortly", 1, "how")
    page = visit("instructor").page
    last = address(house, "how")
    page.goto(last)
    page.get_by_role("checkbox", name="Says it shortly").check()
    press(page, "Save")
    expect(page.locator("#total")).to_have_text("1")
    page.keyboard.press("c")
    page.keyboard.type("See the lesson: $x$.")
    page.keyboard.press("Escape")
    page.keyboard.press("k")  # saves, and goes back
    expect(page).not_to_have_url(re.compile(last))
    page.goto(last)
    expect(page.get_by_role("checkbox", name="Says it shortly")).to_be_checked()
    expect(page.get_by_label("Comment to the student")).to_have_value("See the lesson: $x$.")


def test_an_assistant_goes_through_submissions_by_keyboard(house: House, visit: Visit) -> None:
    """Those with one misconception: a word at a line of each, kept for the others and taken from
    there; an instructor gives points."""
    for name in ("s0", "s1", "student"):
        house.accept("mine.py", SOURCE, user=name)
    house.grade_all()
    page = visit("assistant").page
    page.goto(f"{STAFF}submissions?assignment=norm&misconception=interleaved-groups")
    page.get_by_role("link", name="Go through them").focus()
    page.keyboard.press("Enter")
    arrive(page, "1 of 3:")

    part = page.locator("#exercise-group_norm")
    page.keyboard.press("c")
    page.keyboard.type("5")
    expect(part.locator(".line.chosen")).to_have_text("    y = x")
    page.keyboard.press("Tab")
    page.keyboard.type("Why a copy?")
    page.keyboard.press("Tab")  # only for staff
    page.keyboard.press("Tab")
    page.keyboard.type("interleaved")  # kept for who has it
    page.keyboard.press("Control+Enter")
    expect(part.locator(".at-line")).to_contain_text("Why a copy?")

    for number in (2, 3):
        page.keyboard.press("d")
        arrive(page, f"{number} of 3:")
        page.keyboard.press("c")
        page.keyboard.type("6")
        page.keyboard.press("Tab")
        page.keyboard.type("interleaved")  # the saved comment
        expect(part.get_by_label("Comment", exact=True)).to_have_value("Why a copy?")
        page.keyboard.press("Control+Enter")
        expect(part.locator(".at-line")).to_contain_text("Why a copy?")
    page.keyboard.press("d")
    arrive(page, "That was the last one of this list.")
    page.keyboard.press("k")
    arrive(page, "2 of 3:")
    page.keyboard.press("j")
    arrive(page, "3 of 3:")
    page.keyboard.press("?")
    expect(page.get_by_text("next and previous of the list")).to_be_visible()
    expect(page.get_by_text("give or take points")).to_have_count(0)  # an instructor's
    with house.database.read() as session:
        written = session.execute(select(Comment.line, Comment.text).order_by(Comment.id)).all()
    assert [tuple(one) for one in written] == [(n, "Why a copy?") for n in (5, 6, 6)]

    desk, through = page.url, f"{STAFF}submissions?misconception=interleaved-groups"
    assert lost_in_german_on_a_phone(visit, page, desk, through, BY_HAND) == []

    lecturer = visit("instructor").page
    lecturer.goto(desk)
    lecturer.keyboard.press("a")
    lecturer.keyboard.type("1.5")
    lecturer.keyboard.press("Tab")
    lecturer.keyboard.type("Right at the board")
    lecturer.keyboard.press("Control+Enter")
    expect(lecturer.get_by_text("+1.5 by hand: group_norm: Right at the board")).to_be_visible()


def address(house: House, part: str, *, first: bool = False) -> str:
    """Where the last answer in the order of marking is marked, or the first."""
    with house.database.read() as session:
        query = select(Answer.public_id).join(Part).where(Part.slug == part)
        ids = sorted(session.scalars(query))
    return f"{BY_HAND}{part}/{ids[0 if first else -1]}"


def test_it_works_without_javascript(house: House, visit: Visit) -> None:
    item(house, "Says where from", 1, "how")
    page = visit("instructor", java_script_enabled=False).page
    page.goto(address(house, "how", first=True))
    page.get_by_role("checkbox", name="Says where from").check()
    page.get_by_label("Points beside the rubric").fill("0.5")
    press(page, "Save")
    expect(page.locator("#total")).to_have_text("1.5")
    page.get_by_text("Change the rubric").click()
    change = page.get_by_role("button", name="Change Says where from")
    page.locator("form").filter(has=change).locator("[name=points]").fill("-0.5")
    change.click()
    expect(page.locator("#total")).to_have_text("0")


def test_axe_finds_nothing(house: House, visit: Visit) -> None:
    staff, student = visit("instructor").page, visit("student").page
    found = [
        problem for at in (BY_HAND, address(house, "why")) for problem in in_every_way(staff, at)
    ]
    found += in_every_way(student, NORM)
    found += lost_in_german_on_a_phone(visit, student, NORM)
    assert found == []
