"""Assignments of classes, modules and text on a running server: handed in right, wrong and copied,
compared, graded anew, and looked at on every page, at a desk and on a phone."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect

from autograder.topics.catalogue import Catalogue, Topic
from server import courses, engine
from server.storage.config import Config
from tests.browser.conftest import Visit, press
from tests.browser.test_accessible import WIDTHS
from tests.browser.test_walk import regrade
from tests.server.conftest import House, open_house
from tests.server.serving import serving

pytestmark = pytest.mark.slow

MORE = Path(__file__).parents[2] / "reference" / "_more"
ASSIGNMENTS = {"layers": "layer_objects", "model": "transformer", "text": "tokenizer"}
COURSE = "/courses/dl/"
STAFF = f"{COURSE}staff/"
BOTH = re.compile("student.*copyist|copyist.*student", re.IGNORECASE | re.DOTALL)
MOST_PAGES = 14
NUMBER = re.compile(r"(?<=/)(\d+|[\w-]{10,})(?=/)")  # pages that differ by it alone are alike
WIDER = "document.documentElement.scrollWidth > window.innerWidth + 1"


def spec(house: House) -> courses.CourseSpec:
    now = house.clock()
    text = '[course]\nslug = "dl"\ntitle = "Course dl"\ntimezone = "Europe/Berlin"\n'
    for slug, topic in ASSIGNMENTS.items():
        title = "Losses" if slug == "layers" else slug.title()  # as other walks call theirs
        text += (
            f'[[assignments]]\nslug = "{slug}"\ntopic = "{topic}"\ntitle = "{title}"\npoints = 10\n'
            f"opens = {now - timedelta(days=1):%Y-%m-%dT%H:%M:%SZ}\n"
            f"due = {now + timedelta(days=7):%Y-%m-%dT%H:%M:%SZ}\n"
        )
    return courses.read(text, engine.load(MORE).topics)


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = open_house(Config(tmp_path_factory.mktemp("second-course")))
    house.database.migrate()
    house.furnish(spec(house))
    house.student("copyist")
    yield house
    house.database.close()


@pytest.fixture(scope="module")
def url(house: House) -> Iterator[str]:
    with serving(house.config.data, "--reference", str(MORE)) as address:
        yield address


@pytest.fixture(scope="module")
def topics() -> dict[str, Topic]:
    catalogue = Catalogue.load(MORE)
    return {slug: catalogue[topic].topics[0] for slug, topic in ASSIGNMENTS.items()}


def hand_in(page: Page, slug: str, source: str) -> str:
    """Hand in by pasting; what the report says."""
    page.goto(f"{COURSE}assignments/{slug}/")
    page.get_by_text("Or paste your code").click()
    page.get_by_label("Python code").fill(source)
    press(page, "Hand in")
    report = page.get_by_role("region", name="Report", exact=True)
    expect(report).to_be_visible(timeout=90_000)
    return report.inner_text()


def copied(source: str) -> str:
    return source.replace("self._", "self._my_").replace("token", "piece") + "\n# my own work\n"


def walked(page: Page, start: str) -> set[str]:
    """Every page that links lead to from here, and what is wrong with none of them."""
    waiting, seen, found = deque([start]), {start}, set()
    while waiting and len(found) < MOST_PAGES:
        address = waiting.popleft()
        answer = page.request.get(address)
        assert answer.status == 200, address
        if "text/html" not in answer.headers["content-type"]:
            continue
        page.goto(address)
        found.add(address)
        for name, (width, height) in WIDTHS.items():
            page.set_viewport_size({"width": width, "height": height})
            assert not page.evaluate(WIDER), f"{address} is wider than a {name}"
        links = page.evaluate("[...document.querySelectorAll('main a[href]')].map(a => a.href)")
        for link in links:
            path = urlsplit(link).path
            kind = NUMBER.sub("*", path)
            if path.startswith(COURSE) and kind not in seen:
                seen.add(kind)
                waiting.append(path)
    return found


def test_classes_from_the_hand_in_to_the_regrade(
    visit: Visit, house: House, topics: dict[str, Topic]
) -> None:
    student, classmate = visit("student").page, visit("classmate").page
    names: dict[str, str] = {}
    for slug, topic in topics.items():
        right = topic.solution()
        bug = topic.exercises[-1].misconceptions[0]
        assert "10 of 10 points" in hand_in(student, slug, right)
        said = hand_in(classmate, slug, topic.solution(bug))
        assert "10 of 10 points" not in said
        assert bug.name in said or bug.hint[:30] in said
        assert "Traceback" not in said
        house.accept(f"{slug}.py", copied(right).encode(), user="copyist", assignment=slug)
        names[slug] = bug.name

    lecturer = visit("instructor").page
    for slug, name in names.items():
        lecturer.goto(f"{STAFF}assignments/{slug}/similarity")
        press(lecturer, "Search")
        pair = lecturer.get_by_role("row").filter(has_text=BOTH).first
        expect(pair).to_be_visible(timeout=90_000)
        pair.get_by_role("link", name="side by side").click()
        assert lecturer.locator("mark").count() > 2
        lecturer.goto(STAFF)
        expect(lecturer.get_by_text(name).first).to_be_attached()

    regrade(lecturer, "The classes are looked at anew")
    scores = {row.score for row in house.rows() if row.user_id == house.user("student").id}
    assert len(scores) == len(ASSIGNMENTS)  # each is full marks of its own topic's points

    for page, start in ((lecturer, STAFF), (student, COURSE)):
        seen = walked(page, start)
        assert len(seen) >= 5, seen
