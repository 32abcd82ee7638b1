"""A student's way with the keyboard alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Visit, press
from tests.server.conftest import PASSWORD

pytestmark = pytest.mark.slow

SOURCE = "def l1_loss(x, target):\n    return (x - target).abs().mean()\n"


def go_to(page: Page, selector: str) -> None:
    """Press Tab until the focus is there, and see that it shows."""
    for _ in range(40):
        page.keyboard.press("Tab")
        if page.evaluate("wanted => document.activeElement?.matches(wanted)", selector):
            outline = page.evaluate(
                """() => {
                  const focused = document.activeElement;
                  const shown = (element) => getComputedStyle(element).outlineStyle !== "none";
                  return shown(focused) || shown(focused.parentElement);
                }"""
            )
            assert outline, f"nobody sees that {selector} has the focus"
            return
    raise AssertionError(f"Tab does not lead to {selector}")


def test_pages_are_in_the_language_of_the_browser(visit: Visit) -> None:
    page = visit(locale="de-DE", timezone_id="UTC").page
    page.goto("/login")
    page.get_by_label("E-Mail").fill("student@example.org")
    page.get_by_label("Passwort").fill(PASSWORD)
    press(page, "Anmelden")
    expect(page.get_by_role("heading", name="Aufgaben")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "de")
    expect(page.locator("time .own").first).to_contain_text("Ihre Zeit")


def test_a_student_needs_no_mouse(visit: Visit, tmp_path: Path) -> None:
    page = visit().page
    press = page.keyboard.press
    page.goto("/login")
    go_to(page, "input[name=email]")
    page.keyboard.type("student@example.org")
    press("Tab")
    page.keyboard.type(PASSWORD)
    press("Enter")
    expect(page.get_by_role("heading", name="Course dl")).to_be_visible()

    go_to(page, "a.skip")
    press("Enter")
    go_to(page, "a[href$='/assignments/losses/']")
    press("Enter")
    expect(page.get_by_role("heading", name="Losses")).to_be_visible()

    go_to(page, "input[type=file]")
    go_to(page, "summary:not(.menu > *)")
    press("Enter")
    go_to(page, "textarea")
    page.keyboard.insert_text(SOURCE)
    go_to(page, "button[type=submit]")
    press("Enter")
    expect(page.get_by_role("region", name="Report")).to_be_visible(timeout=90_000)

    go_to(page, ".menu.user summary")
    press("Enter")
    expect(page.get_by_role("link", name="Your account")).to_be_visible()
    press("Escape")
    expect(page.get_by_role("link", name="Your account")).to_be_hidden()
    go_to(page, "a[href$='/assignments/losses/']")
    press("Enter")
    expect(page.get_by_role("row").filter(has_text="losses.py").first).to_be_visible()
