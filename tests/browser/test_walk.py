"""Through a course with a browser, nothing replaced: from the roster to the exported grade."""

from __future__ import annotations

import csv
import io
import re
import zipfile

import pytest
from playwright.sync_api import Locator, Page, expect

from autograder.topics.catalogue import Catalogue, Topic
from tests.browser.conftest import Visit, choose_file, follow, lost_in_german_on_a_phone, press
from tests.server.conftest import PASSWORD, wait_for

pytestmark = pytest.mark.slow

LOSSES = "/courses/dl/assignments/losses/"
WORTH = 10  # of the assignment
ROSTER = b"email,name,section\nnew.student@example.org,New Student,Group A\n"


@pytest.fixture(scope="module")
def losses(catalogue: Catalogue) -> Topic:
    return catalogue["losses"].topics[0]


def test_from_the_roster_to_the_exported_grade(visit: Visit, losses: Topic) -> None:
    exercise = losses.exercises[0]
    bug = exercise.misconceptions[0]
    lecturer = visit("instructor").page
    invitation = invite(lecturer)

    student = visit().page
    accept(student, invitation)
    student.get_by_role("link", name=re.compile("^Losses")).click()
    read_what_is_asked(student, losses)
    download_everything(student)
    checked = check_without_grading(student, losses.solution(bug), exercise.name)
    hand_in_a_file(student, "losses.py", losses.solution(bug))
    expect_report(student, right=False)
    (failing,) = student.locator("details.part[open]").all()
    expect(failing.get_by_text(bug.hint).first).to_be_visible()
    expect(failing.locator(".written")).to_contain_text(f"def {bug.function.__name__}(")
    ask_about(failing, "the book says so")

    find_misconception(lecturer, bug.name)
    lecturer.get_by_role("link", name="New Student").click()
    expect(lecturer.get_by_role("heading", name="What was handed in")).to_be_visible()
    written = lecturer.locator("details.part[open] .source")  # what is not right yet is open
    expect(written.filter(has_text=f"def {bug.function.__name__}(").first).to_be_visible()
    answer(lecturer, "The book has another sign.")
    comment(lecturer, "Look at the first exercise again.")
    adjust(lecturer, "0.5", "Explained it well at the board")

    student.reload()
    expect(student.get_by_text("Look at the first exercise again.")).to_be_visible()
    expect(student.locator(".question")).to_contain_text("The book has another sign.")
    paste(student, losses.solution())
    expect_report(student, right=True)
    see_what_changed(student, exercise.name, bug.name)
    student.goto(LOSSES)
    own = student.locator("main a[href*='/submissions/'], main a[href$='compare']").all()
    links = [link.get_attribute("href") or "" for link in own]
    assert lost_in_german_on_a_phone(visit, student, LOSSES, "/courses/dl/", checked, *links) == []

    regrade(lecturer, "The hidden cases are looked at anew")
    (row,) = [row for row in exported(lecturer) if row["email"] == "new.student@example.org"]
    assert float(row["losses"]) == 10.5
    log(lecturer)


def invite(page: Page) -> str:
    """Import the roster; return the link for its only new student."""
    page.goto("/courses/dl/")  # who leads several courses is elsewhere
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


def read_what_is_asked(page: Page, losses: Topic) -> None:
    """The lesson is on the page once it is made: every exercise, and the code to start from."""

    def is_there() -> bool:
        page.reload()
        return page.locator("article.lesson").count() > 0

    wait_for(is_there)
    lesson = page.locator("article.lesson")
    expect(lesson.locator(".katex").first).to_be_visible()
    expect(page.locator(".exercises .state.none")).to_have_count(len(losses.exercises))
    for exercise in losses.exercises:
        follow(page, exercise.name)
        asked = lesson.locator(f"#exercise-{exercise.name}")
        expect(asked).to_be_in_viewport()
        asked.get_by_text("What to write").click()
        expect(asked.locator(".source")).to_contain_text(f"def {exercise.name}(")


def download_everything(page: Page) -> None:
    with page.expect_download() as download:
        follow(page, "Download everything")
    with zipfile.ZipFile(download.value.path()) as archive:
        names = {name.rpartition("/")[2] for name in archive.namelist()}
    assert {"losses.py", "losses.ipynb", "selfcheck.py", "README.md"} <= names


def check_without_grading(page: Page, source: str, exercise: str) -> str:
    """It says what is wrong, and is no attempt; the address of what it says."""
    choose_file(page, "file", "losses.py", source.encode())
    press(page, "Check without grading")
    expect(page.get_by_text("not right yet")).to_be_visible(timeout=90_000)
    wrong = page.locator(".checked").filter(has=page.locator(".not-there"))
    expect(wrong.get_by_role("heading")).to_have_text([exercise])
    address = page.url
    follow(page, "Hand in, or check again")
    expect(page.get_by_role("heading", name="Hand in")).to_be_visible()
    expect(page.get_by_role("heading", name="Your attempts")).to_have_count(0)
    return address


def ask_about(part: Locator, why: str) -> None:
    """Ask about the first check of an exercise that has lost marks."""
    part.get_by_text("I think this is right, because …").first.click()
    part.get_by_label("I think this is right, because").first.fill(why)
    part.get_by_role("button", name="Ask").first.click()
    expect(part.locator(".question")).to_contain_text(why)


def answer(page: Page, text: str, *choices: str, how: str = "Answer") -> None:
    """What a student has asked, on the desk."""
    asked = page.locator(".question")
    asked.get_by_label("Answer", exact=True).fill(text)
    for choice in choices:
        asked.get_by_label(choice).check()
    asked.get_by_role("button", name=how, exact=True).click()
    expect(asked).to_contain_text(text)


def see_what_changed(page: Page, exercise: str, misconception: str) -> None:
    """Between the two attempts: on the assignment's page in short, and side by side."""
    follow(page, "Losses")
    expect(page.locator(".lead")).to_contain_text(f"Your grade: {WORTH + 0.5} of {WORTH} points")
    expect(page.locator(".exercises .state.right")).to_have_count(
        page.locator(".exercises li").count()
    )
    expect(page.locator(".changed")).to_contain_text(exercise)
    follow(page, "Compare two attempts")
    expect(page.get_by_text(re.compile(f"From .* to {WORTH} of {WORTH}"))).to_be_visible()
    expect(page.get_by_text(f"Settled: {exercise}, {misconception}.")).to_be_visible()
    expect(page.locator(".diff .added").first).to_be_visible()


def hand_in_a_file(page: Page, name: str, source: str) -> None:
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
    page.goto("/courses/dl/")  # who leads several courses is elsewhere
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
        page.goto(LOSSES)
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
    page.goto("/courses/dl/")  # who leads several courses is elsewhere
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
    page.goto("/courses/dl/")  # who leads several courses is elsewhere
    follow(page, "Staff")
    follow(page, "Audit log")
    for said in ("Enrolled as student.", "points by hand for", "was applied", "were exported as"):
        expect(page.get_by_role("cell", name=said).first).to_be_visible()
