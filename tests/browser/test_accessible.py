"""Every page, as axe sees it: light and dark, at a desk and on a phone; and it fits the phone."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from autograder.catalogue import Catalogue
from tests.browser.conftest import Visit

pytestmark = pytest.mark.slow

AXE = Path(__file__).with_name("axe") / "axe.min.js"
WIDTHS = {"desk": (1280, 900), "phone": (390, 844)}
SERIOUS = ("serious", "critical")
COURSE = "/courses/dl/"
STAFF = f"{COURSE}staff/"


@cache
def axe() -> str:
    return AXE.read_text("utf-8")


def problems(page: Page) -> list[str]:
    """What axe finds serious or critical, and whether the page is wider than its window."""
    page.evaluate(axe())
    found: dict[str, Any] = page.evaluate("axe.run(document, { resultTypes: ['violations'] })")
    serious = [
        f"{violation['id']}: {node['html'][:150]} {node['failureSummary'][:300]}"
        for violation in found["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]
    if page.evaluate("document.documentElement.scrollWidth > window.innerWidth + 1"):
        serious.append("it is wider than the window")
    return serious


def hand_in(page: Page, source: str) -> str:
    """Hand in to the losses; return the address of the report."""
    page.goto(f"{COURSE}assignments/losses/")
    page.locator("input[type=file]").set_input_files(
        {"name": "losses.py", "mimeType": "text/x-python", "buffer": source.encode()}
    )
    page.get_by_role("button", name="Hand in").click()
    expect(page.get_by_role("region", name="Report")).to_be_visible(timeout=90_000)
    return page.url


def test_no_page_shuts_anybody_out(visit: Visit, catalogue: Catalogue) -> None:
    topic = catalogue["losses"].topics[0]
    bugs = [exercise.misconceptions[0] for exercise in topic.exercises]
    stranger, student, lecturer = visit().page, visit("student").page, visit("instructor").page
    admin = visit("admin").page
    wrong = hand_in(student, topic.solution(*bugs))
    right = hand_in(student, topic.solution())
    staffs = [report.replace(COURSE, STAFF) for report in (wrong, right)]
    pages = {
        stranger: ["/login", "/nowhere", "/invitations/none"],
        student: [COURSE, f"{COURSE}assignments/losses/", wrong, right, "/account"],
        lecturer: [*staffs, STAFF, f"{STAFF}people"],
        admin: ["/"],
    }
    found = []
    for page, addresses in pages.items():
        for address in addresses:
            page.goto(address)
            for name, (width, height) in WIDTHS.items():
                page.set_viewport_size({"width": width, "height": height})
                for scheme in ("light", "dark"):
                    page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                    where = f"{page.url} {name} {scheme}"
                    found += [f"{where}: {problem}" for problem in problems(page)]
    assert found == []
