"""A course system of our own, on another host name: it checks every signature and refuses what
Canvas and Moodle refuse. It stands in for them, where none is at hand.

Tokens are made and checked with PyJWT and jwcrypto, not with the library that the server uses.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Thread
from typing import Any
from urllib.parse import urlencode

import httpx
import jwt
from flask import Flask, Response, abort, jsonify, render_template_string, request
from jwcrypto import jwk
from werkzeug.serving import make_server

CLAIM = "https://purl.imsglobal.org/spec/lti/claim/"
DEEP = "https://purl.imsglobal.org/spec/lti-dl/claim/"
AGS = "https://purl.imsglobal.org/spec/lti-ags/"
NRPS = "https://purl.imsglobal.org/spec/lti-nrps/"
ROLE = "http://purl.imsglobal.org/vocab/lis/v2/membership#"
SCORE = "application/vnd.ims.lis.v1.score+json"
MEMBERS = "application/vnd.ims.lti-nrps.v2.membershipcontainer+json"

_FRAME = """<!doctype html><title>Course</title>
{% if storage %}<script>
const kept = {};
window.addEventListener("message", (e) => {
  const d = e.data, answer = {subject: d.subject + ".response", message_id: d.message_id};
  if (e.origin !== "{{ tool }}") return;
  if (d.subject === "lti.put_data") kept[d.key] = d.value;
  if (d.subject === "lti.get_data") answer.value = kept[d.key];
  e.source.postMessage({...answer, key: d.key}, e.origin);
});
</script>{% endif %}
<h1>Course</h1><iframe name="tool" width="1000" height="800" src="{{ start }}"></iframe>"""
_POST = """<!doctype html><form id="f" method="post" action="{{ url }}">
{% for name, value in fields.items() %}<input type="hidden" name="{{ name }}" value="{{ value }}">
{% endfor %}</form><script>document.getElementById("f").submit()</script>"""


@dataclass
class Person:
    subject: str
    name: str
    email: str = ""
    roles: tuple[str, ...] = ("Learner",)
    status: str = "Active"

    @property
    def is_gradable(self) -> bool:
        return "Learner" in self.roles and self.status == "Active"


CLOCKS = 120  # seconds by which the tool's clock, which tests turn, may differ from this one's


def _key() -> jwk.JWK:
    return jwk.JWK.generate(kty="RSA", size=2048, kid=secrets.token_hex(8), use="sig", alg="RS256")


@dataclass
class CourseSystem:
    """One course, whose links lead to a tool."""

    tool: str = ""  # its address, without a slash at the end
    url: str = ""
    client_id: str = "client-1"
    deployment: str = "deployment-1"
    keys: list[jwk.JWK] = field(default_factory=lambda: [_key()])
    people: dict[str, Person] = field(default_factory=dict)
    links: dict[str, dict[str, Any]] = field(default_factory=dict)  # what the course holds
    scores: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    sent: list[dict[str, Any]] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)  # what scores get, before they are looked at
    tokens: dict[str, set[str]] = field(default_factory=dict)
    assertions: set[str] = field(default_factory=set)
    token_requests: int = 0
    page_size: int = 2
    registered: dict[str, Any] = field(default_factory=dict)
    change: dict[str, Any] = field(default_factory=dict)  # of the claims of the next message

    def start(self, link: str, subject: str, *, storage: bool = False, kind: str = "") -> str:
        """The address by which a browser begins a launch."""
        asked = {
            "iss": self.url,
            "login_hint": subject,
            "lti_message_hint": json.dumps([link, kind]),
            "target_link_uri": f"{self.tool}/lti/launch",
            "client_id": self.client_id,
        }
        if storage:
            asked["lti_storage_target"] = "_parent"
        return f"{self.tool}/lti/login?{urlencode(asked)}"

    def message(self, link: str, subject: str, nonce: str, kind: str = "") -> str:
        """The signed message."""
        person, now = self.people[subject], int(time.time())
        claims: dict[str, Any] = {
            "iss": self.url,
            "aud": self.client_id,
            "sub": subject,
            "iat": now,
            "exp": now + 300,
            "nonce": nonce,
            "name": person.name,
            f"{CLAIM}version": "1.3.0",
            f"{CLAIM}deployment_id": self.deployment,
            f"{CLAIM}message_type": "LtiResourceLinkRequest",
            f"{CLAIM}target_link_uri": f"{self.tool}/lti/launch",
            f"{CLAIM}roles": [ROLE + role for role in person.roles],
            f"{CLAIM}context": {"id": "course-1", "title": "Deep Learning at the platform"},
            f"{NRPS}claim/namesroleservice": {
                "context_memberships_url": f"{self.url}/members?course=1",
                "service_versions": ["2.0"],
            },
        }
        if person.email:
            claims["email"] = person.email
        if kind == "deep":
            claims[f"{CLAIM}message_type"] = "LtiDeepLinkingRequest"
            claims[f"{DEEP}deep_linking_settings"] = {
                "deep_link_return_url": f"{self.url}/deep",
                "accept_types": ["ltiResourceLink"],
                "accept_presentation_document_targets": ["iframe", "window"],
                "accept_multiple": True,
                "data": "kept by the tool",
            }
        else:
            claims[f"{CLAIM}resource_link"] = {"id": link, "title": link}
            claims[f"{CLAIM}custom"] = self.links.get(link, {}).get("custom", {})
            if "lineItem" in self.links.get(link, {}):
                claims[f"{AGS}claim/endpoint"] = {
                    "scope": [f"{AGS}scope/score"],
                    "lineitems": f"{self.url}/lineitems",
                    "lineitem": f"{self.url}/lineitems/{link}/lineitem?type_id=3",
                }
        claims |= self.change
        self.change = {}
        claims = {name: value for name, value in claims.items() if value is not None}
        return self.sign(claims)

    def sign(self, claims: dict[str, Any], key: jwk.JWK | None = None) -> str:
        key = key or self.keys[-1]
        pem = key.export_to_pem(private_key=True, password=None)
        headers = {"kid": key["kid"]}
        return jwt.encode(claims, pem, algorithm="RS256", headers=headers)

    def tool_says(self, token: str, **options: Any) -> dict[str, Any]:
        """The claims of what the tool has signed, by the keys that it publishes."""
        published = jwt.PyJWKSet.from_dict(httpx.get(f"{self.tool}/lti/keys").json())
        key = published[jwt.get_unverified_header(token)["kid"]]
        found: dict[str, Any] = jwt.decode(
            token, key.key, algorithms=["RS256"], leeway=CLOCKS, **options
        )
        return found


def make(system: CourseSystem) -> Flask:
    app = Flask("platform")

    @app.get("/course")
    def course() -> str:
        storage = "storage" in request.args
        kind = request.args.get("kind", "")
        start = system.start(request.args["link"], request.args["who"], storage=storage, kind=kind)
        if "tab" in request.args:
            return f'<!doctype html><a href="{start}" target="_blank">Open the tool</a>'
        return render_template_string(_FRAME, start=start, storage=storage, tool=system.tool)

    @app.get("/authorize")
    def authorize() -> str:
        asked = request.args
        wanted = {
            "scope": "openid",
            "response_type": "id_token",
            "response_mode": "form_post",
            "prompt": "none",
            "client_id": system.client_id,
            "redirect_uri": f"{system.tool}/lti/launch",
        }
        for name, value in wanted.items():
            if asked.get(name) != value:
                abort(400, f"{name} is {asked.get(name)}")
        link, kind = json.loads(asked["lti_message_hint"])
        token = system.message(link, asked["login_hint"], asked["nonce"], kind)
        fields = {"state": asked["state"], "id_token": token}
        return render_template_string(_POST, url=asked["redirect_uri"], fields=fields)

    @app.get("/keys")
    def keys() -> Response:
        return jsonify(keys=[key.export_public(as_dict=True) for key in system.keys])

    @app.post("/token")
    def token() -> Response:
        system.token_requests += 1
        said = request.form
        if said["grant_type"] != "client_credentials":
            abort(400)
        claims = system.tool_says(
            said["client_assertion"],
            audience=f"{system.url}/token",
            issuer=system.client_id,
            options={"require": ["iss", "sub", "aud", "iat", "exp", "jti"]},
        )
        if claims["sub"] != system.client_id or claims["jti"] in system.assertions:
            abort(401)
        system.assertions.add(claims["jti"])
        made = secrets.token_hex(16)
        system.tokens[made] = set(said["scope"].split())
        return jsonify(access_token=made, token_type="Bearer", expires_in=3600, scope=said["scope"])

    def authorised(scope: str) -> None:
        sent = request.headers.get("Authorization", "").removeprefix("Bearer ")
        if scope not in system.tokens.get(sent, set()):
            abort(401)

    @app.get("/members")
    def members() -> Response:
        authorised(f"{NRPS}scope/contextmembership.readonly")
        if request.headers["Accept"] != MEMBERS:
            abort(406)
        page = int(request.args.get("page", 0))
        listed = list(system.people.values())
        first, last = page * system.page_size, (page + 1) * system.page_size
        answer = jsonify(
            id=request.url,
            context={"id": "course-1"},
            members=[
                {
                    "user_id": p.subject,
                    "name": p.name,
                    "roles": [ROLE + r for r in p.roles],
                    "status": p.status,
                    **({"email": p.email} if p.email else {}),
                }
                for p in listed[first:last]
            ],
        )
        answer.mimetype = MEMBERS
        if last < len(listed):
            answer.headers["Link"] = f'</members?course=1&page={page + 1}>; rel="next"'
        return answer

    @app.post("/lineitems/<link>/lineitem/scores")
    def score(link: str) -> Response:
        """As Moodle's `scores` service does, and Canvas's."""
        if system.answers:
            status = system.answers.pop(0)
            if status == 403:
                return Response("slow down", 403, {"X-Rate-Limit-Remaining": "0"})
            abort(status)
        authorised(f"{AGS}scope/score")
        if request.mimetype != SCORE:
            abort(415)
        if request.args.get("type_id") != "3":
            abort(404, "the query of the line item belongs behind /scores")
        said = json.loads(request.data)
        for name in ("userId", "timestamp", "gradingProgress", "activityProgress"):
            if name not in said:
                abort(400, name)
        if "scoreGiven" in said and said.get("scoreMaximum", 0) <= 0:
            abort(400, "scoreMaximum")
        person = system.people.get(said["userId"])
        if person is None or not person.is_gradable:
            abort(400, "not gradable")
        column = system.scores.setdefault(link, {})
        before = column.get(said["userId"])
        if before is not None and said["timestamp"] <= before["timestamp"]:
            abort(409)
        column[said["userId"]] = said
        system.sent.append({"link": link, **said})
        return jsonify(resultUrl=f"{system.url}/results/1")

    @app.post("/deep")
    def deep() -> str:
        claims = system.tool_says(request.form["JWT"], audience=system.url, issuer=system.client_id)
        assert claims[f"{CLAIM}message_type"] == "LtiDeepLinkingResponse"
        assert claims[f"{CLAIM}version"] == "1.3.0"
        assert claims[f"{CLAIM}deployment_id"] == system.deployment
        assert claims[f"{DEEP}data"] == "kept by the tool"
        assert claims["nonce"]
        for item in claims[f"{DEEP}content_items"]:
            assert item["type"] == "ltiResourceLink"
            system.links[item["custom"]["assignment"]] = item
        return f"<!doctype html><title>Course</title><p>{len(system.links)} links</p>"

    @app.get("/configuration")
    def configuration() -> Response:
        return jsonify(
            issuer=system.url,
            authorization_endpoint=f"{system.url}/authorize",
            token_endpoint=f"{system.url}/token",
            jwks_uri=f"{system.url}/keys",
            registration_endpoint=f"{system.url}/register",
            **{
                "https://purl.imsglobal.org/spec/lti-platform-configuration": {
                    "product_family_code": "a platform of the tests"
                }
            },
        )

    @app.post("/register")
    def register() -> Response:
        if request.headers.get("Authorization") != "Bearer once":
            abort(401)
        said = request.get_json()
        assert said["initiate_login_uri"] == f"{system.tool}/lti/login"
        assert said["redirect_uris"] == [f"{system.tool}/lti/launch"]
        assert httpx.get(said["jwks_uri"]).json()["keys"]
        assert said["token_endpoint_auth_method"] == "private_key_jwt"
        system.registered = said
        tool = "https://purl.imsglobal.org/spec/lti-tool-configuration"
        given = {**said[tool], "deployment_id": system.deployment}
        return jsonify({**said, "client_id": system.client_id, tool: given})

    return app


@contextmanager
def running(system: CourseSystem) -> Iterator[CourseSystem]:
    """At `localhost`, where the tool is at `127.0.0.1`: to a browser these are two sites."""
    server = make_server("localhost", 0, make(system), threaded=True)
    system.url = f"http://localhost:{server.port}"
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield system
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
