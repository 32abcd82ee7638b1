"""Through a course with a browser, nothing replaced: from the roster to the exported grade."""

from __future__ import annotations

import csv
import io
import re

import pytest
from playwright.sync_api import Page, expect

from autograder.topics.catalogue import Catalogue, Topic
from tests.browser.conftest import Visit, choose_file, follow, press
from tests.server.conftest import PASSWORD

pytestmark = pytest.mark.slow

WORTH = 10  # of the assignment
ROSTER = b"email,name,section\nnew.student@example.org,New Student,Group A\n"


@pytest.fixture(scope="module")
def losses(catalogue: Catalogue) -> Topic:
    return catalogue["losses"].topics[0]


def test_from_the_roster_to_the_exported_grade(visit: Visit, losses: Topic) -> None:
    bug = losses.exercises[0].misconceptions[0]
    lecturer = visit("instructor").page
    invitation = invite(lecturer)

    student = visit().page
    accept(student, invitation)
    hand_in_a_file(student, "losses.py", losses.solution(bug))
    expect_report(student, right=False)
    expect(student.get_by_text(bug.hint).first).to_be_visible()

    find_misconception(lecturer, bug.name)
    lecturer.get_by_role("link", name="New Student").click()
    expect(lecturer.get_by_role("heading", name="What was handed in")).to_be_visible()
    written = lecturer.locator("details.part[open] .source")  # what is not right yet is open
    expect(written.filter(has_text=f"def {bug.function.__name__}(").first).to_be_visible()
    comment(lecturer, "Look at the first exercise again.")
    adjust(lecturer, "0.5", "Explained it well at the board")

    student.reload()
    expect(student.get_by_text("Look at the first exercise again.")).to_be_visible()
    paste(student, losses.solution())
    expect_report(student, right=True)

    regrade(lecturer, "The hidden cases are looked at anew")
    (row,) = [row for row in exported(lecturer) if row["email"] == "new.student@example.org"]
    assert float(row["losses"]) == 10.5
    log(lecturer)


def invite(page: Page) -> str:
    """Import the roster; return the link for its only new student."""
    follow(page, "Staff")
    follow(page, "People")
    choose_file(page, "roster", "roster.csv", ROSTER)
    press(page, "Import")
    expect(page.get_by_role("heading", name="Added: 1")).to_be_visible()
    press(page, "Apply what is chosen")
    expect(page.get_by_text("1 added")).to_be_visible()
    press(page, "Make invitation links")
    return page.get_by_role("row", name="new.student@example.org").locator(".code").inner_text()


def accept(page: Page, invitation: str) -> None:
    page.goto(invitation)
    page.get_by_label("Your name").fill("New Student")
    page.get_by_label("New password").fill(PASSWORD)
    press(page, "Set password and log in")
    expect(page.get_by_role("heading", name="Course dl")).to_be_visible()


def hand_in_a_file(page: Page, name: str, source: str) -> None:
    page.get_by_role("link", name=re.compile("^Losses")).click()
    choose_file(page, "file", name, source.encode())
    expect(page.locator(".drop-text")).to_have_text(name)
    expect(page.get_by_role("heading", name=f"What is seen in {name}")).to_be_visible()
    press(page, "Hand in")


def paste(page: Page, source: str) -> None:
    follow(page, "Hand in a new version")
    page.get_by_text("Or paste your code").click()
    page.get_by_label("Python code").fill(source)
    press(page, "Hand in")


def expect_report(page: Page, *, right: bool) -> None:
    """It comes by itself, by way of the live status."""
    report = page.get_by_role("region", name="Report", exact=True)
    expect(report).to_be_visible(timeout=90_000)
    words = f"{WORTH} of {WORTH} points"  # the assignment's, whatever the report's own scale is
    (expect(report).to_contain_text if right else expect(report).not_to_contain_text)(words)


def find_misconception(page: Page, name: str) -> None:
    follow(page, "Staff")
    expect(page.get_by_role("heading", name="What the class has misunderstood")).to_be_visible()
    page.get_by_role("link", name=re.compile(f"Counting submissions with {name}")).click()
    expect(page.get_by_role("heading", name="Submissions")).to_be_visible()


def test_a_browser_makes_a_token_with_the_scopes_it_chose(visit: Visit) -> None:
    page = visit("student").page
    page.goto("/account")
    page.get_by_label("Name", exact=True).fill("My laptop")
    press(page, "Create token")  # as the form stands: no scope of staff
    expect(page.get_by_text("Your new token. Copy it now")).to_be_visible()
    expect(page.get_by_text("read, submit")).to_be_visible()


def test_both_clocks_are_shown_where_they_differ(visit: Visit) -> None:
    for zone, own in (("Europe/Berlin", 0), ("America/New_York", 1)):
        page = visit("student", timezone_id=zone).page
        page.goto("/courses/dl/assignments/losses/")
        due = page.locator("p.lead time").first
        expect(due).to_contain_text("CE")  # CET or CEST: the course's
        expect(due.get_by_text("your time")).to_have_count(own)


def comment(page: Page, text: str) -> None:
    page.get_by_role("textbox", name="Comment").fill(text)
    press(page, "Comment")
    expect(page.get_by_role("article").get_by_text(text)).to_be_visible()


def adjust(page: Page, points: str, reason: str) -> None:
    points_of_all = page.get_by_role("region", name="Points", exact=True)
    points_of_all.get_by_label("Points to give or take").fill(points)
    points_of_all.get_by_label("Reason").fill(reason)
    points_of_all.get_by_role("button", name="Adjust").click()
    expect(page.locator(".flash")).to_be_visible()


def regrade(page: Page, reason: str) -> None:
    """Grade the assignment anew as a set and apply what comes out."""
    follow(page, "Staff")
    follow(page, "Regrades")
    page.get_by_label("Assignment", exact=True).select_option(label="Losses")
    page.get_by_label("Reason").fill(reason)
    press(page, "Grade anew")
    apply = page.get_by_role("button", name="Apply the new results")
    expect(apply).to_be_visible(timeout=90_000)
    apply.click()
    expect(page.get_by_text("It was applied")).to_be_visible()


def exported(page: Page) -> list[dict[str, str]]:
    follow(page, "Exports")
    with page.expect_download() as download:
        page.get_by_role("link", name=re.compile("^CSV")).click()
    text = download.value.path().read_text("utf-8-sig")
    return list(csv.DictReader(io.StringIO(text)))


def log(page: Page) -> None:
    """What was done is in the audit log."""
    follow(page, "Staff")
    follow(page, "Audit log")
    for said in ("Enrolled as student.", "points by hand for", "was applied", "were exported as"):
        expect(page.get_by_role("cell", name=said).first).to_be_visible()
