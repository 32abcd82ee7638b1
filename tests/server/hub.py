"""A JupyterHub, a real one, without a proxy: nobody here visits its notebooks."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.server.services import free_port

SECRET = "generated-for-a-test-and-long"
_OPERATOR = "the-operators-token-in-a-test"
CALLBACK = "http://localhost/login/hub/callback"
_CONFIG = """
from jupyterhub.proxy import Proxy

class NoProxy(Proxy):
    should_start = False
    routes = {{}}
    async def add_route(self, routespec, target, data):
        self.routes[routespec] = dict(routespec=routespec, target=target, data=data)
    async def delete_route(self, routespec):
        self.routes.pop(routespec, None)
    async def get_all_routes(self):
        return dict(self.routes)

c.JupyterHub.proxy_class = NoProxy
c.JupyterHub.bind_url = "http://127.0.0.1:{unused}"
c.JupyterHub.hub_bind_url = "{hub}"
c.JupyterHub.db_url = "sqlite:///:memory:"
c.JupyterHub.cookie_secret_file = "{folder}/cookie_secret"
c.JupyterHub.authenticator_class = "dummy"
c.Authenticator.allow_all = True
c.JupyterHub.spawner_class = "simple"
c.SimpleLocalProcessSpawner.home_dir_template = "{folder}/{{username}}"
c.Spawner.cmd = {notebook}
operator = dict(name="operator", api_token="{operator}")
gradmark = dict(name="gradmark", api_token="{secret}", oauth_redirect_uri="{callback}")
gradmark["oauth_no_confirm"] = True
c.JupyterHub.services = [operator, gradmark]
own = ["admin:users", "admin:servers", "tokens", "access:services"]
c.JupyterHub.load_roles = [dict(name="operator", services=["operator"], scopes=own)]

# As in docs/students.md.
{documented}
"""
# In the place of a notebook server: it answers, and keeps what the hub gave it.
_NOTEBOOK = """
import http.server, json, os, urllib.parse
at = urllib.parse.urlsplit(os.environ["JUPYTERHUB_SERVICE_URL"])
class Answer(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
with open(os.path.join({folder!r}, os.environ["JUPYTERHUB_USER"] + ".json"), "w") as file:
    json.dump(dict(os.environ), file)
http.server.HTTPServer((at.hostname, at.port), Answer).serve_forever()
"""


class Hub:
    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self._folder = folder

    def ask(self, method: str, path: str, **content: object) -> httpx.Response:
        headers = {"Authorization": f"token {_OPERATOR}"}
        return httpx.request(method, f"{self.url}/api/{path}", headers=headers, **content)  # type: ignore[arg-type]

    def notebook(self, name: str) -> dict[str, str]:
        """What stands in the environment of that person's notebook, once it runs."""
        path = self._folder / f"{name}.json"
        if not path.exists():
            self.ask("POST", f"users/{quote(name)}")
            self.ask("POST", f"users/{quote(name)}/server").raise_for_status()
        deadline = time.monotonic() + 60
        while True:
            try:
                found: dict[str, str] = json.loads(path.read_text())
            except (OSError, ValueError):
                assert time.monotonic() < deadline, "no notebook"
                time.sleep(0.05)
            else:
                return {k: v for k, v in found.items() if k.startswith(("JUPYTERHUB", "GRADMARK"))}

    def token(self, name: str, *scopes: str) -> str:
        """A token that this person made, for these scopes."""
        self.ask("POST", f"users/{quote(name)}")
        made = self.ask("POST", f"users/{quote(name)}/tokens", json={"scopes": list(scopes)})
        made.raise_for_status()
        return str(made.json()["token"])

    def browser(self, name: str) -> httpx.Client:
        """That person's, logged in at the hub."""
        client = httpx.Client()
        form = client.get(f"{self.url}/login").text
        (xsrf,) = re.findall(r'name="_xsrf" value="([^"]+)"', form)
        sent = {"username": name, "password": "x", "_xsrf": xsrf}
        assert client.post(f"{self.url}/login", data=sent).status_code == 302
        return client


@contextmanager
def running(folder: Path, documented: str) -> Iterator[Hub]:
    """
    Args:
        documented: what an operator writes into the hub's configuration for Gradmark's sake.
    """
    if importlib.util.find_spec("jupyterhub") is None:
        (pytest.fail if os.environ.get("CI") else pytest.skip)("JupyterHub is not installed")
    url = f"http://127.0.0.1:{free_port()}/hub"
    notebook = folder / "notebook.py"
    notebook.write_text(_NOTEBOOK.format(folder=str(folder)))
    config = folder / "jupyterhub_config.py"
    config.write_text(
        _CONFIG.format(
            unused=free_port(),
            hub=url.removesuffix("/hub"),
            folder=folder,
            notebook=[sys.executable, str(notebook)],
            operator=_OPERATOR,
            secret=SECRET,
            callback=CALLBACK,
            documented=documented,
        )
    )
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "jupyterhub", "-f", str(config)],
            cwd=folder,
            stdout=log,
            stderr=log,
        )
    try:
        hub = Hub(url, folder)
        deadline = time.monotonic() + 90
        while True:
            try:
                hub.ask("GET", "").raise_for_status()
                break
            except httpx.HTTPError:
                assert process.poll() is None, (folder / "log").read_text()
                assert time.monotonic() < deadline, "the hub does not start"
                time.sleep(0.1)
        yield hub
    finally:
        process.terminate()  # it ends its notebooks, too
        process.wait(30)
