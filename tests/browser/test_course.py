"""An instructor's way: a course is made, an assignment in it with a part that is marked by hand,
scores are released, a question is answered, the course is copied to the next term."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Page, expect

from autograder.topics.catalogue import Catalogue
from server.people import accounts
from server.storage.models import Course, Role, User
from tests.browser.conftest import Visit, choose_file, follow, lost_in_german_on_a_phone, press
from tests.browser.test_walk import answer, ask_about
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
    title, *_ = page.get_by_label("Title", exact=True).all()
    title.fill("Losses by hand")
    page.get_by_label("Name in addresses").fill("by-hand")
    page.get_by_label("What is graded").select_option("losses")
    page.get_by_label("Opens").fill(f"{now - timedelta(days=1):%Y-%m-%dT%H:%M}")
    page.get_by_label("Due", exact=True).fill(f"{now + timedelta(days=7):%Y-%m-%dT%H:%M}")
    page.get_by_label("Group", exact=True).select_option("homework")
    page.get_by_label("Scores and reports", exact=True).select_option("when I publish them")
    write_a_part(page)
    press(page, "Save")
    expect(page.get_by_role("link", name="Losses by hand")).to_be_visible()

    with house.database.write() as session:
        made = session.query(Course).filter_by(slug="made").one()
        student = session.get_one(User, house.user("classmate").id)
        accounts.enrol(session, made, student, Role.STUDENT, at=house.clock(), actor=None)
    own = visit("classmate").page
    own.goto("/courses/made/assignments/by-hand/")
    expect(own.get_by_text("Scores are shown once the staff publish them.")).to_be_visible()
    topic = catalogue["losses"].topics[0]
    wrong = topic.solution(topic.exercises[0].misconceptions[0])
    own.get_by_label("Markdown; formulas between").fill("Since $x > 0$.")
    press(own, "Keep the answer to Why")
    expect(own.get_by_role("region", name="Your answer to Why")).to_contain_text("not marked yet")
    choose_file(own, "file", "losses.py", wrong.encode())
    press(own, "Hand in")
    expect(own.get_by_role("heading", name="Graded")).to_be_visible(timeout=90_000)
    report = own.url
    own.goto("/courses/made/")
    expect(own.get_by_text("Your total")).not_to_be_visible()

    page.goto("/courses/made/staff/assignments/by-hand/")
    mark_the_part(page)
    page.goto("/courses/made/staff/assignments/by-hand/")
    press(page, "Publish scores")
    expect(page.get_by_text("Students see scores now.")).to_be_visible()
    own.reload()
    expect(own.get_by_role("heading", name="Your total")).to_be_visible()
    expect(own.get_by_text("100 % × 100 = 100")).not_to_be_visible()

    own.goto("/courses/made/assignments/by-hand/")
    before = grade(own)
    own.goto(report)
    ask_about(own.locator("details.part[open]"), "the book says so")
    follow(page, "Questions")
    follow(page, "Go through them")
    page.get_by_label("Points to give, where it is accepted").fill("0.5")
    anew = "Grade the student's attempts anew"
    answer(page, "The book is right.", anew, how="Accept")
    apply_the_regrade(page)
    own.reload()
    expect(own.locator(".question")).to_contain_text("The book is right.")
    expect(own.locator(".question")).to_contain_text("It is accepted")
    follow(own, "Losses by hand")
    assert grade(own) == pytest.approx(before + 0.5)
    assert lost_in_german_on_a_phone(visit, own, own.url, report) == []

    follow(page, "Course")
    follow(page, "Copy to another term")
    page.get_by_label("Name in addresses").fill("made-again")
    page.get_by_label("Its first assignment opens on").fill(f"{now + timedelta(days=180):%Y-%m-%d}")
    press(page, "Copy")
    expect(page).to_have_url(re.compile("/courses/made-again/staff/course"))
    follow(page, "Losses by hand")
    expect(page.get_by_text("Why, 2 points")).to_be_visible()
    page.go_back()
    with page.expect_download() as download:
        follow(page, "Download course.toml")
    assert download.value.suggested_filename == "made-again.toml"


def grade(page: Page) -> float:
    """On the page of an assignment of 10 points."""
    lead = page.locator(".lead")
    expect(lead).to_contain_text("Your grade")
    found = re.search(r"Your grade: ([\d.]+) of 10 points", lead.inner_text())
    assert found
    return float(found[1])


def write_a_part(page: Page) -> None:
    """Into the form of an assignment: a text that people mark."""
    page.get_by_text("Another part").click()
    part = page.get_by_role("group", name="Parts that people mark")
    part.get_by_label("Title", exact=True).fill("Why")
    part.get_by_label("Points", exact=True).fill("2")
    part.get_by_label("What is asked").fill("Why is $x$ positive?")


def mark_the_part(page: Page) -> None:
    follow(page, "Marked by hand")
    follow(page, "Mark 1 of Why")
    expect(page.locator(".answer-read .katex")).to_be_visible()
    page.get_by_label("New item").fill("Names the reason")
    page.get_by_label("Points", exact=True).fill("2")
    press(page, "Save")
    expect(page.locator("#total")).to_have_text("2")


def apply_the_regrade(page: Page) -> None:
    """The one that an answer has started."""
    follow(page, "Regrades")
    page.get_by_role("link", name=re.compile("Losses by hand")).first.click()
    apply = page.get_by_role("button", name="Apply the new results")
    expect(apply).to_be_visible(timeout=90_000)
    apply.click()
    expect(page.get_by_text("It was applied")).to_be_visible()
