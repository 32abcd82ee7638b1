"""Known by a JupyterHub, a real one: from its notebooks, and by its login."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import select

from autograder.cli import main
from server.storage.models import ApiToken, AuditEntry, Scope
from tests.server.client.conftest import Served, served  # noqa: F401 - a fixture
from tests.server.conftest import House, make_app
from tests.server.hub import SECRET, Hub, running

pytestmark = pytest.mark.slow

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture(scope="module")
def hub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    page = (DOCS / "single-sign-on.md").read_text()
    (said,) = re.findall(r"    (c\.Spawner\.environment.*?)\n\n(?=\S)", page, re.DOTALL)
    documented = re.sub(r"^    ", "", said, flags=re.MULTILINE)
    with running(tmp_path_factory.mktemp("hub"), documented) as found:
        yield found


def configure(house: House, hub: Hub, **settings: object) -> None:
    more: dict[str, object] = {"kind": "jupyterhub", "name": "hub", "title": "The hub"}
    more |= {"client_id": "service-gradmark", "client_secret": SECRET}
    house.configure_provider(hub.url, **more, **settings)


def ask(house: House, token: str, **more: str) -> tuple[int, dict[str, str]]:
    app = make_app(house)
    app.config["RATELIMIT_ENABLED"] = False
    answer = app.test_client().post("/api/v1/tokens", json={"token": token, **more})
    return answer.status_code, answer.get_json()


def browser(house: House) -> FlaskClient:
    app = make_app(house)
    app.config.update(WTF_CSRF_ENABLED=False, RATELIMIT_ENABLED=False)
    return app.test_client()


def test_a_notebook_hands_in_by_the_token_that_the_hub_gave_it(
    served: Served,  # noqa: F811
    hub: Hub,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    configure(served.house, hub, names_are_addresses=True, link_verified_email=True)
    served.restart()
    environment = hub.notebook("student@example.org")
    assert environment.pop("GRADMARK_URL") == "https://gradmark.example.org"  # as documented
    for name, value in {**environment, "GRADMARK_URL": served.url}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    file = tmp_path / "norm.py"
    file.write_text("def batch_norm(x):\n    return x\n")
    said = CliRunner().invoke(main, ["submit", "norm", str(file), "--no-wait"])
    assert said.exit_code == 0, said.output
    assert "Accepted by dl for norm, attempt 1" in said.output
    (row,) = served.house.rows()
    assert row.user_id == served.house.user("student").id
    with served.house.database.read() as session:
        lent = session.scalars(select(ApiToken)).one()
    assert set(lent.scopes) == {Scope.READ, Scope.SUBMIT}
    assert lent.expires_at is not None
    assert not list(tmp_path.rglob("login.json"))  # nothing of it is kept


def test_only_a_persons_token_for_this_server_opens_anything(
    house: House, hub: Hub, caplog: pytest.LogCaptureFixture
) -> None:
    configure(house, hub, names_are_addresses=True, link_verified_email=True)
    other = hub.token("student@example.org", "read:users:name!user")
    for token, why in {
        other: "lacks The hub's scope access:services!service=gradmark",
        SECRET: "is no person's",
        "0123456789abcdef": "does not know this token",
        "ä": "This is no token of a hub.",
    }.items():
        code, problem = ask(house, token)
        assert (code, why in problem["detail"]) == (403, True), problem
    with house.database.read() as session:
        assert session.scalars(select(ApiToken)).all() == []
    said = " ".join(record.getMessage() for record in caplog.records if "server" in record.name)
    assert "refused" in said
    assert "student" not in said
    assert other not in said


def test_a_hubs_user_without_an_address_is_linked_by_its_login(house: House, hub: Hub) -> None:
    configure(house, hub)
    token = hub.notebook("alice")["JUPYTERHUB_API_TOKEN"]
    code, problem = ask(house, token)
    assert code == 403
    assert "link the two on your account's page" in problem["detail"]
    client = house.log_in(browser(house), "student")
    with closing(hub.browser("alice")) as visitor:
        there = client.get("/account/identities/hub").headers["Location"]
        back = visitor.get(there)
    assert back.status_code == 302
    address = back.headers["Location"]
    assert client.get(address).status_code == 303
    assert ask(house, token)[0] == 201
    with house.database.read() as session:
        assert session.scalars(select(ApiToken)).one().user_id == house.user("student").id
        assert "identity.linked" in session.scalars(select(AuditEntry.action)).all()

    again = browser(house)
    assert again.get(address).status_code == 400  # it held once, in that browser
    with closing(hub.browser("alice")) as visitor:
        back = visitor.get(again.get("/login/hub").headers["Location"])
    assert again.get(back.headers["Location"]).status_code == 303
    assert "student@example.org" in again.get("/account").get_data(as_text=True)


def test_lent_tokens_end_and_do_not_pile_up(house: House, hub: Hub) -> None:
    configure(house, hub, names_are_addresses=True, link_verified_email=True)
    token = hub.notebook("student@example.org")["JUPYTERHUB_API_TOKEN"]
    client = browser(house)

    def lent() -> dict[str, str]:
        code, answer = ask(house, token)
        assert code == 201
        return {"Authorization": f"Bearer {answer['token']}"}

    first = lent()
    assert client.get("/api/v1/me", headers=first).status_code == 200
    assert client.get("/api/v1/courses/dl/grades", headers=first).status_code == 403
    house.clock.advance(3 * 3600)
    assert client.get("/api/v1/me", headers=first).status_code == 401
    lent()
    with house.database.read() as session:
        assert len(session.scalars(select(ApiToken)).all()) == 1


def test_a_hub_that_is_away_or_unknown_is_one_sentence(house: House, hub: Hub) -> None:
    assert ask(house, "x")[1]["detail"].startswith("No JupyterHub is known to this server")
    gone = Hub("http://127.0.0.1:9/hub", Path())
    configure(house, gone)
    assert ask(house, "x") == (502, ask(house, "x")[1])
    assert ask(house, "x")[1]["detail"] == "The hub cannot be reached just now."
    assert ask(house, "x", hub="another")[1]["detail"] == "There is no hub 'another': there is hub."
