"""An instructor's way: a course is made, an assignment in it, scores are released, the course is
copied to the next term."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import expect

from autograder.topics.catalogue import Catalogue
from server.people import accounts
from server.storage.models import Course, Role, User
from tests.browser.conftest import Visit, choose_file, follow, press
from tests.server.conftest import House

pytestmark = pytest.mark.slow


def test_a_course_from_nothing_to_its_next_term(
    visit: Visit, catalogue: Catalogue, house: House
) -> None:
    page = visit("instructor").page
    page.goto("/new-course")
    page.get_by_label("Title").fill("Made on a page")
    page.get_by_label("Name in addresses").fill("made")
    page.get_by_label("Time zone").select_option("Europe/Berlin")
    press(page, "Make the course")
    expect(page.get_by_text("The course is made")).to_be_visible()

    page.get_by_label("Title of group 1").fill("Homework")
    page.get_by_label("Weight of group 1").fill("100")
    press(page, "Save")
    expect(page.get_by_text("Saved.")).to_be_visible()

    follow(page, "New assignment")
    now = datetime.now(ZoneInfo("Europe/Berlin"))
    page.get_by_label("Title", exact=True).fill("Losses by hand")
    page.get_by_label("Name in addresses").fill("by-hand")
    page.get_by_label("What is graded").select_option("losses")
    page.get_by_label("Opens").fill(f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}")
    page.get_by_label("Due", exact=True).fill(f"{now + timedelta(days=7):%Y-%m-%dT%H:%M}")
    page.get_by_label("Group", exact=True).select_option("homework")
    page.get_by_label("Scores and reports", exact=True).select_option("when I publish them")
    press(page, "Save")
    expect(page.get_by_role("link", name="Losses by hand")).to_be_visible()

    with house.database.write() as session:
        made = session.query(Course).filter_by(slug="made").one()
        student = session.get_one(User, house.user("student").id)
        accounts.enrol(session, made, student, Role.STUDENT, at=house.clock(), actor=None)
    own = visit("student").page
    own.goto("/courses/made/assignments/by-hand/")
    expect(own.get_by_text("Scores are shown once the staff publish them.")).to_be_visible()
    solution = catalogue["losses"].topics[0].solution()
    choose_file(own, "file", "losses.py", solution.encode())
    press(own, "Hand in")
    expect(own.get_by_role("heading", name="Graded")).to_be_visible(timeout=90_000)
    own.goto("/courses/made/")
    expect(own.get_by_text("Your total")).not_to_be_visible()

    page.goto("/courses/made/staff/assignments/by-hand/")
    press(page, "Publish scores")
    expect(page.get_by_text("Students see scores now.")).to_be_visible()
    own.reload()
    expect(own.get_by_role("heading", name="Your total")).to_be_visible()
    expect(own.get_by_text("100 % × 100 = 100")).to_be_visible()

    follow(page, "Course")
    follow(page, "Copy to another term")
    page.get_by_label("Name in addresses").fill("made-again")
    page.get_by_label("Its first assignment opens on").fill(f"{now + timedelta(days=180):%Y-%m-%d}")
    press(page, "Copy")
    expect(page).to_have_url(re.compile("/courses/made-again/staff/course"))
    expect(page.get_by_role("link", name="Losses by hand")).to_be_visible()
    with page.expect_download() as download:
        follow(page, "Download course.toml")
    assert download.value.suggested_filename == "made-again.toml"
