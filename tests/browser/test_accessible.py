"""Every page, as axe sees it: light and dark, at a desk and on a phone; it fits the phone, and the
Tab key leads to everything on it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from autograder.topics.catalogue import Catalogue
from server.mail.switches import Switches
from server.storage.config import Config
from server.storage.models import Kind, Pace
from server.web.app import create_app
from tests.browser.conftest import Visit, choose_file, press
from tests.server import engines
from tests.server.conftest import House

pytestmark = pytest.mark.slow

AXE = Path(__file__).with_name("axe") / "axe.min.js"
WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
SERIOUS = ("serious", "critical")
OF_COLOUR = ("color-contrast", "link-in-text-block")  # all that changes in the dark
COURSE = "/courses/dl/"
STAFF = f"{COURSE}staff/"
NO_PAGES = re.compile(  # what answers with a file or with data, and the ways of a sign-on
    r"static|health|metric|report_|status|file|everything|download|export_|^api\.(?!docs)|^admin\.export|openapi"
    r"|\.(badge|calendar|image|mark_next)$"
    r"|^instructor\.(by_hand|mark)$"  # in test_marking.py
    r"|^auth\.(start|callback|link)$|^lti\.(?!choose)"
)
# What can be used, and what of it has had the focus so that this was to be seen.
CONTROLS = """
[...document.querySelectorAll('a[href], button, input, select, textarea, summary')].filter(
    control => control.checkVisibility({visibilityProperty: true})
        && !control.disabled && !(control.type === 'radio' && !control.checked))
"""
# How often Tab is pressed at each: a moment has a stop for each of its parts and for its calendar.
STOPS = """
[...document.querySelectorAll('a[href], button, input, select, textarea, summary, [tabindex]')]
    .reduce((stops, control) => stops + (control.type === 'datetime-local' ? 8 : 1), 0)
"""
WATCH = """
window.reached = new Set();
document.addEventListener('focusin', ({target}) => {
    const {outlineStyle, boxShadow} = getComputedStyle(target);
    if (outlineStyle !== 'none' || boxShadow !== 'none') window.reached.add(target);
});
"""


@cache
def axe() -> str:
    return AXE.read_text("utf-8")


def problems(page: Page, *rules: str) -> list[str]:
    """What axe finds serious or critical, by all rules or by these alone, and whether the page is
    wider than its window."""
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found: dict[str, Any] = page.evaluate("options => axe.run(document, options)", options)
    serious = [
        f"{violation['id']}: {node['html'][:150]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
        serious.append("it is wider than the window")
    return serious


def out_of_reach(page: Page) -> list[str]:
    """What the Tab key does not lead to, or not visibly."""
    page.evaluate(WATCH)
    for _ in range(page.evaluate(STOPS)):
        page.keyboard.press("Tab")
    left = f"{CONTROLS}.filter(c => !window.reached.has(c)).map(c => c.outerHTML.slice(0, 150))"
    return [f"out of the keyboard's reach: {control}" for control in page.evaluate(left)]


def in_every_way(page: Page, address: str, status: int = 200) -> list[str]:
    """The problems of a page, in each width and colour scheme."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status == status, address
    page.evaluate(axe())
    found = [f"{address}: {problem}" for problem in out_of_reach(page)]
    for name, (width, height) in WIDTHS.items():
        page.set_viewport_size({"width": width, "height": height})
        for scheme, rules in (("light", ()), ("dark", OF_COLOUR)):
            page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            found += [f"{address} {name} {scheme}: {problem}" for problem in problems(page, *rules)]
    return found


def hand_in(page: Page, source: str) -> str:
    """Hand in to the losses; return the address of the report."""
    page.goto(f"{COURSE}assignments/losses/")
    choose_file(page, "file", "losses.py", source.encode())
    press(page, "Hand in")
    expect(page.get_by_role("region", name="Report")).to_be_visible(timeout=90_000)
    return urlsplit(page.url).path


def checked(page: Page, source: str) -> str:
    """Have the public cases of the losses run; return the address of what came of it."""
    page.goto(f"{COURSE}assignments/losses/")
    choose_file(page, "file", "losses.py", source.encode())
    press(page, "Check without grading")
    expect(page.get_by_text("not right yet")).to_be_visible(timeout=90_000)
    return urlsplit(page.url).path


def regraded(page: Page) -> str:
    """Grade the losses anew; return the address of what came out."""
    page.goto(f"{STAFF}regrades")
    page.get_by_label("Assignment", exact=True).select_option(label="Losses")
    page.get_by_label("Reason").fill("To be looked at")
    press(page, "Grade anew")
    expect(page.get_by_role("button", name="Apply the new results")).to_be_visible(timeout=90_000)
    return urlsplit(page.url).path


def compared(page: Page) -> str:
    """Search the losses for likeness; return the address of a pair."""
    page.goto(f"{STAFF}assignments/losses/similarity")
    press(page, "Search")
    link = page.get_by_role("link", name="side by side").first
    expect(link).to_be_visible(timeout=90_000)
    return link.get_attribute("href") or ""


@pytest.fixture
def left_out(house: House, tmp_path: Path) -> Callable[[Iterable[str]], set[str]]:
    """Which of the server's pages are not among these addresses."""
    rules = create_app(Config(tmp_path), engines.ENGINE).url_map
    pages = {
        rule.endpoint
        for rule in rules.iter_rules()
        if "GET" in (rule.methods or ()) and not NO_PAGES.search(rule.endpoint)
    }
    place = rules.bind("localhost")
    return lambda addresses: pages - {place.match(urlsplit(a).path)[0] for a in addresses}


def test_no_page_shuts_anybody_out(
    visit: Visit,
    catalogue: Catalogue,
    house: House,
    left_out: Callable[[Iterable[str]], set[str]],
) -> None:
    topic = catalogue["losses"].topics[0]
    bugs = [exercise.misconceptions[0] for exercise in topic.exercises]
    stranger, student, lecturer = visit().page, visit("student").page, visit("instructor").page
    wrong, right = hand_in(student, topic.solution(*bugs)), hand_in(student, topic.solution())
    hand_in(visit("classmate").page, topic.solution())
    with house.database.write() as session:
        timed = house.row(right.rstrip("/").rpartition("/")[2]).id
        session.add(Pace(submission_id=timed, exercise="l1_loss", name="speed", within=1.3))
        session.merge(house.assignment("losses")).team_size = 2
    invited = house.invitation("newcomer")
    links = Switches(house.database.key("session"))
    switches = f"/mail/{links.token(house.user('student'), Kind.COMMENT)}"
    someone = house.user("student").id
    regrade = regraded(lecturer)
    assignment = "assignments/losses/"
    tables = ("gradebook", "submissions", "questions", "regrades", "log", "exports")
    tables += ("announcements", f"announcements/{house.announcement()}")
    staff = ("", "people", "lms", *tables)
    reports = [report.replace(COURSE, STAFF) for report in (wrong, right)]
    pages: dict[Page, list[str]] = {
        stranger: ["/login", "/login/forgotten", switches, invited, "/api/v1/docs"],
        student: [wrong, right, checked(student, topic.solution(bugs[0])), "/account"]
        + [
            COURSE + place
            for place in ("", assignment, f"{assignment}compare", f"{assignment}fastest")
        ],
        lecturer: [*reports, regrade, compared(lecturer)]
        + [
            STAFF + place
            for place in (*staff, assignment, f"students/{someone}/", f"{assignment}similarity")
        ]
        + [f"{STAFF}{assignment}{place}" for place in ("statistics", "teams")]
        + ["/lti/courses/dl/choose", "/new-course"]
        + [
            STAFF + place
            for place in ("course", "new-assignment", "copy", "extensions", f"{assignment}edit")
        ],
        visit("admin").page: ["/", f"/admin/users/{someone}"]
        + [f"/admin/{place}" for place in ("users", "outbox", "platforms")],
    }
    found = in_every_way(stranger, "/nowhere", 404)
    for page, addresses in pages.items():
        for address in addresses:
            found += in_every_way(page, address)
    lecturer.goto(regrade)
    press(lecturer, "Discard")  # an assignment has one open regrade at a time
    assert found == []
    assert left_out(address for addresses in pages.values() for address in addresses) == set()
