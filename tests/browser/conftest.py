"""A browser, a server with a grader to visit with it, and visitors who notice what goes wrong."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from babel.messages.pofile import read_po
from playwright.sync_api import Browser, Page, expect, sync_playwright

from server.web.languages import catalogue
from tests.server.conftest import PASSWORD, House, make_house
from tests.server.serving import serving

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# Texts of which something is outside of the window, or of a box that does not scroll.
CUT = """() => {
  const found = [], left_out = ".skip, .katex, svg, script, style, select, textarea";
  const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (texts.nextNode()) {
    const text = texts.currentNode, holder = text.parentElement;
    if (!text.data.trim() || holder.closest(left_out)) continue;
    if (!holder.checkVisibility({ visibilityProperty: true })) continue;
    let box = holder;
    while (box && getComputedStyle(box).overflowX === "visible") box = box.parentElement;
    if (box && ["auto", "scroll"].includes(getComputedStyle(box).overflowX)) continue;
    const range = document.createRange();
    range.selectNodeContents(text);
    const { left, right } = range.getBoundingClientRect();
    if (box?.clientWidth === 1) continue;  // for screen readers
    const room = box?.getBoundingClientRect() ?? { left: 0, right: window.innerWidth };
    if (left < room.left - 1 || right > room.right + 1) found.push(text.data.trim());
  }
  return found;
}"""
expect.set_options(timeout=30_000)  # CI's machine is busy with other tests


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    if not CHROMIUM.exists():
        reason = f"There is no {CHROMIUM}: `make browser` installs it."
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=str(CHROMIUM), args=FLAGS, chromium_sandbox=False
        )
        yield browser
        browser.close()


@dataclass
class Visitor:
    """Somebody at a page of the server."""

    page: Page
    errors: list[str] = field(default_factory=list)  # what the browser complained of

    def __post_init__(self) -> None:
        self.page.on("console", self._listen)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _listen(self, message: Any) -> None:
        where = message.location.get("url", "")
        refused = message.text.startswith("Failed to load") and where == self.page.url
        if message.type in ("error", "warning") and not refused:  # a refused page is one, too
            self.errors.append(f"{message.text} ({where})")

    def log_in(self, name: str) -> None:
        self.page.goto("/login")
        self.page.get_by_label("E-mail").fill(f"{name}@example.org")
        self.page.get_by_label("Password").fill(PASSWORD)
        press(self.page, "Log in")
        expect(self.page).not_to_have_url(re.compile("/login"))


def follow(page: Page, name: str) -> None:
    """Click the link of that name; what leads to one place may stand on a page twice."""
    page.get_by_role("link", name=name, exact=True).first.click()


Visit = Callable[..., Visitor]


def press(page: Page, name: str) -> None:
    """Click the button of that name."""
    page.get_by_role("button", name=name, exact=True).click()


def choose_file(page: Page, field: str, name: str, content: bytes) -> None:
    """With the file picker."""
    page.locator(f"input[type=file][name={field}]").set_input_files(
        {"name": name, "mimeType": "text/plain", "buffer": content}
    )


@pytest.fixture(scope="session")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    """One for all tests here, because a server takes seconds to start: what a test leaves in it is
    there for those that follow."""
    house = make_house(tmp_path_factory.mktemp("campus"))
    yield house
    house.database.close()


@pytest.fixture(scope="session")
def url(house: House) -> Iterator[str]:
    """The address of a server for the house, with one real grader. Its mail reaches nobody."""
    house.configure_mail(1)
    with serving(house.config.data) as address:
        yield address


@pytest.fixture
def visit(chromium: Browser, url: str) -> Iterator[Visit]:
    """`visit("student")`: a visitor, logged in; at the end nobody's browser had a complaint."""
    visitors: list[Visitor] = []

    with ExitStack() as left_open:

        def visit(name: str | None = None, **options: Any) -> Visitor:
            context = chromium.new_context(base_url=url, **options)
            left_open.callback(context.close)
            visitor = Visitor(context.new_page())
            visitors.append(visitor)
            if name is not None:
                visitor.log_in(name)
            return visitor

        yield visit
        assert [error for visitor in visitors for error in visitor.errors] == []


def lost_in_german_on_a_phone(visit: Visit, page: Page, *addresses: str) -> list[str]:
    """What somebody's pages say in English there, and what is cut off."""
    with catalogue("de").open("rb") as file:
        english = {message.id for message in read_po(file) if message.id != message.string}
    english -= {"Student", "Assistant", "Instructor"}  # what people of the tests are called as well
    phone = visit(
        storage_state=page.context.storage_state(),
        locale="de-DE",
        viewport={"width": 390, "height": 844},
    ).page
    found: list[str] = []
    for address in addresses:
        phone.goto(address)
        expect(phone.locator("html")).to_have_attribute("lang", "de")
        found += [f"{address} cuts: {text}" for text in phone.evaluate(CUT)]
        said = {line.strip() for line in phone.locator("body").inner_text().splitlines()} - {""}
        found += [f"{address} says in English: {text}" for text in said & english]
    return found
