"""A launch in a real browser: in a frame of another site, in a tab, and with third-party cookies
blocked."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect
from werkzeug.serving import make_server

from server.lti import platforms
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.server.conftest import House, make_app, make_house
from tests.server.platform import CourseSystem, Person, running


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CourseSystem]:
    """A platform at `localhost`, connected with a tool at `127.0.0.1`."""
    house = make_house(tmp_path_factory.mktemp("lti"))
    app = make_app(house)
    app.wsgi_app = _forgetting(app.wsgi_app)  # type: ignore[method-assign]
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = Thread(target=server.serve_forever)
    thread.start()
    with running(CourseSystem(tool=f"http://127.0.0.1:{server.port}")) as system:
        _register(house, system)
        yield system
    server.shutdown()
    thread.join()
    server.server_close()
    house.database.close()


def _register(house: House, system: CourseSystem) -> None:
    with house.database.write() as session:
        platforms.register(
            session,
            title="Platform",
            issuer=system.url,
            client_id=system.client_id,
            authorization_url=f"{system.url}/authorize",
            token_url=f"{system.url}/token",
            jwks_url=f"{system.url}/keys",
            deployments=[system.deployment],
            trust_addresses=True,
            at=house.clock(),
            actor=None,
        )
    system.links["norm"] = {"custom": {"assignment": "norm"}, "lineItem": {"label": "norm"}}
    system.people = {
        "teacher": Person("teacher", "Instructor", "instructor@example.org", ("Instructor",)),
        "pupil": Person("pupil", "Pupil One", "pupil@example.org"),
    }


_keeps = {"frames": True}


def _forgetting(app: Any) -> Any:
    """As a browser that keeps no cookie in a frame, where it is told to be one: Chromium, with
    whatever flags, keeps partitioned ones."""

    def asked(environ: dict[str, Any], start: Any) -> Any:
        forget = environ.get("HTTP_SEC_FETCH_DEST") == "iframe" and not _keeps["frames"]

        def answer(status: str, headers: list[tuple[str, str]], *rest: Any) -> Any:
            kept = [pair for pair in headers if not (forget and pair[0] == "Set-Cookie")]
            return start(status, kept, *rest)

        return app(environ, answer)

    return asked


@pytest.fixture
def forgetful() -> Iterator[None]:
    _keeps["frames"] = False
    yield
    _keeps["frames"] = True


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    yield context.new_page()
    context.close()


def test_in_a_frame_one_connects_chooses_and_works(system: CourseSystem, page: Page) -> None:
    page.goto(f"{system.url}/course?link=norm&who=teacher")
    frame = page.frame_locator("iframe")
    frame.get_by_role("button", name="Connect").click()
    expect(frame.get_by_role("heading", name="Normalization layers")).to_be_visible()
    page.goto(f"{system.url}/course?link=none&who=teacher&kind=deep")
    frame = page.frame_locator("iframe")
    frame.get_by_label("Losses").check()
    frame.get_by_role("button", name="Put them into the course").click()
    expect(frame.get_by_text("2 links")).to_be_visible()
    page.goto(f"{system.url}/course?link=losses&who=pupil")
    frame = page.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Losses")).to_be_visible()
    frame.locator("summary", has_text="Or paste your code").click()
    frame.get_by_label("Python code").fill("def mse(x):\n    return x\n")
    frame.get_by_role("button", name="Hand in").click()
    expect(frame.get_by_text("Nothing is being graded")).to_be_visible()  # there is no grader


def test_in_a_tab_of_its_own(system: CourseSystem, page: Page) -> None:
    page.goto(f"{system.url}/course?link=norm&who=pupil&tab=1")
    with page.context.expect_page() as opened:
        page.get_by_role("link", name="Open the tool").click()
    expect(opened.value.get_by_role("heading", name="Normalization layers")).to_be_visible()


def test_no_other_site_holds_our_pages_in_a_frame(system: CourseSystem, page: Page) -> None:
    page.goto(f"{system.url}/course?link=norm&who=pupil")
    expect(page.frame_locator("iframe").get_by_role("heading", level=1)).to_be_visible()
    page.goto(system.url.replace("localhost", "127.0.0.1") + "/keys")
    page.evaluate(
        "u => { document.body.innerHTML = `<iframe src='${u}'></iframe>` }",
        f"{system.tool}/courses/dl/",
    )
    page.wait_for_timeout(500)
    assert not page.frames[1].evaluate("document.body.innerText").count("Normalization")


def test_with_third_party_cookies_blocked_the_frame_keeps_its_own(
    system: CourseSystem, chromium: Browser, tmp_path: Path
) -> None:
    """Partitioned ones: nothing of them is seen elsewhere."""
    context = chromium.browser_type.launch_persistent_context(
        str(tmp_path),
        executable_path=str(CHROMIUM),
        args=[*FLAGS, "--test-third-party-cookie-phaseout"],
        chromium_sandbox=False,
    )
    page = context.new_page()
    page.goto(f"{system.url}/course?link=norm&who=pupil")
    heading = page.frame_locator("iframe").get_by_role("heading", name="Normalization layers")
    expect(heading).to_be_visible()
    page.goto(f"{system.tool}/")
    expect(page).to_have_url(re.compile("/login"))
    context.close()


@pytest.mark.parametrize("storage", [True, False], ids=["platform storage", "no storage"])
def test_where_a_frame_keeps_no_cookie_it_goes_on_in_a_tab(
    system: CourseSystem, forgetful: None, page: Page, storage: bool
) -> None:
    page.goto(f"{system.url}/course?link=norm&who=pupil{'&storage=1' if storage else ''}")
    frame = page.frame_locator("iframe")
    button = frame.get_by_text("Open Gradmark in a new tab")
    expect(button).to_be_visible()
    # With the platform's storage the launch is done, and a ticket leads on; else it begins anew.
    assert ("/lti/arrived" in page.frames[1].url) is storage
    with page.context.expect_page() as opened:
        button.click()
    expect(opened.value.get_by_role("heading", name="Normalization layers")).to_be_visible()
