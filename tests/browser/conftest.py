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
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.server.conftest import PASSWORD, make_house
from tests.server.serving import serving

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
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
        self.page.get_by_role("button", name="Log in").click()
        expect(self.page).not_to_have_url(re.compile("/login"))


def follow(page: Page, name: str) -> None:
    """Click the link of that name; what leads to one place may stand on a page twice."""
    page.get_by_role("link", name=name, exact=True).first.click()


Visit = Callable[..., Visitor]


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a server with the house's people and courses, and one real grader."""
    data = tmp_path_factory.mktemp("campus")
    make_house(data).database.close()
    with serving(data) as address:
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
