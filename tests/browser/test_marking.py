"""Marking by hand in a browser: thirty answers by keyboard, without JavaScript, as axe sees it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator

import pytest
from playwright.sync_api import expect
from sqlalchemy import func, select
from werkzeug.serving import make_server

from server.storage.models import Answer, Mark
from tests.browser.conftest import Visit, follow, press
from tests.browser.test_accessible import in_every_way
from tests.server.conftest import House, make_app, make_house
from tests.server.test_parts import answer, ask

pytestmark = pytest.mark.slow

BY_HAND = "/courses/dl/staff/assignments/norm/by-hand/"
NORM = "/courses/dl/assignments/norm/"
THIRTY = 30


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One of its own: other tests' assignment has no parts."""
    house = make_house(tmp_path_factory.mktemp("marking"))
    ask(house, anonymous_marking=True)
    for n in range(THIRTY - 2):
        answer(house, f"Answer {n}: $x_{{{n}}} > 0$, since $\\frac{{1}}{{n}}$ vanishes.", f"s{n}")
    for name in ("student", "classmate"):
        answer(house, f"What {name} thinks.\n\n$$\\sigma^2 + \\epsilon$$", name)
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
        expect(page.get_by_text(re.compile(rf", {left} waits? for you"))).to_be_visible()
        page.keyboard.press("1")
        if number % 3 == 0:
            page.keyboard.press("2")
        expect(page.locator("#total")).to_have_text("2" if number % 3 == 0 else "3")
        page.keyboard.press("j")
    expect(page.get_by_text("Why: nothing waits for you any more.")).to_be_visible()
    expect(page.get_by_text("30 of 30")).to_be_visible()
    expect(page.get_by_role("cell", name="Assistant 30")).to_be_visible()
    with house.database.read() as session:
        found = dict(session.execute(select(Mark.points, func.count()).group_by(Mark.points)).all())
    assert found == {2.0: 10, 3.0: 20}


def test_going_back_changes_what_was_given(house: House, visit: Visit) -> None:
    page = visit("assistant").page
    page.goto(address(house))
    expect(page.get_by_role("checkbox", name="Names the reason")).to_be_checked()
    page.keyboard.press("c")
    page.keyboard.type("See the lesson: $x$.")
    page.keyboard.press("Escape")
    page.keyboard.press("k")  # saves, and goes back
    expect(page).not_to_have_url(re.compile(address(house)))
    page.goto(address(house))
    expect(page.get_by_label("Comment to the student")).to_have_value("See the lesson: $x$.")


def address(house: House) -> str:
    """Where the last answer in the order of marking is marked."""
    with house.database.read() as session:
        last = session.scalars(select(Answer.public_id).order_by(Answer.public_id.desc())).first()
    return f"{BY_HAND}why/{last}"


def test_it_works_without_javascript(house: House, visit: Visit) -> None:
    page = visit("instructor", java_script_enabled=False).page
    page.goto(address(house))
    page.get_by_role("checkbox", name="Unclear").check()
    page.get_by_label("Points beside the rubric").fill("0.5")
    press(page, "Save")
    expect(page.locator("#total")).to_have_text("2.5")
    page.get_by_text("Change the rubric").click()
    page.get_by_label("Points of item 2").fill("-0.5")
    press(page, "Change Unclear")
    expect(page.locator("#total")).to_have_text("3")


def test_axe_finds_nothing(house: House, visit: Visit) -> None:
    staff, student = visit("instructor").page, visit("student").page
    found = [problem for at in (BY_HAND, address(house)) for problem in in_every_way(staff, at)]
    found += in_every_way(student, NORM)
    assert found == []
