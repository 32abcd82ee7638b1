"""The way in: a platform sends a browser to `login`, which sends it back there to be told who it is
(`launch`).

That the browser which is told is the one that asked is proved by a secret in a cookie; where the
frame keeps none, by the same in the platform's own storage (Platform Storage 0.1). Where neither
is there, the person goes on in a tab of their own.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlencode

import flask_login
from flask import jsonify, make_response, redirect, render_template, request, session, url_for
from sqlalchemy import select
from werkzeug.wrappers import Response

from server.language import _
from server.lti import LtiError, keys, people, platforms
from server.lti.launch import Launch, check, check_deployment
from server.lti.registration import canvas
from server.people import identities
from server.people.accounts import AccountError
from server.storage.models import LtiContext, Platform, Role, User
from server.web import access, frames
from server.web.access import public
from server.web.auth.sessions import begin, limiter, local
from server.web.lti.blueprint import (
    addresses,
    home,
    kept,
    opened,
    pages,
    platform_of,
    refuse,
    signed,
    unsigned,
)
from server.web.services import services

_COOKIE = "gradmark_lti"
_ASKED, _TICKET = 600, 120  # seconds for which what is signed here holds
_COOKIE_LASTS = timedelta(hours=1)
_PASSED_ON = ("iss", "login_hint", "target_link_uri", "client_id", "lti_message_hint")
_LONGEST = 8000  # characters of what a platform passes through us


@pages.route("/login", methods=["GET", "POST"])
@limiter.limit("600 per minute")
@public
def login() -> Response:
    """A platform begins a launch (OpenID Connect Core 1.0, section 4)."""
    said = {name: request.values.get(name, "")[:_LONGEST] for name in _PASSED_ON}
    target = request.values.get("lti_storage_target", "")[:100]
    try:
        with services().database.read() as database:
            platform = platforms.find(database, said["iss"], said["client_id"])
        if not said["login_hint"]:
            raise LtiError(_("The course system does not say who comes."), "no login_hint")
        if not said["target_link_uri"].startswith(home()):
            raise LtiError(_("This link leads to another server."), "target")
    except LtiError as error:
        refuse("login", error)
    secret = request.cookies.get(_COOKIE, "")
    if len(secret) != 43:
        secret = secrets.token_urlsafe(32)
    nonce = secrets.token_urlsafe(24)
    asks = {
        "platform": platform.id,
        "nonce": nonce,
        "proof": _digest(secret),
        "storage": target,
        "again": said,
    }
    state = signed("state", asks)
    there = _authorization(platform, said, state, nonce)
    if target:
        frames.allow(platform.frames)
        answer = make_response(
            render_template(
                "lti/storage.html",
                action="put",
                target=target,
                origin=platforms.origin(platform.authorization_url),
                key=_digest(state),
                value=secret,
                there=there,
            )
        )
    else:
        answer = make_response(redirect(there, 302))
    answer.set_cookie(
        _COOKIE,
        secret,
        max_age=_COOKIE_LASTS,
        path="/lti",
        secure=True,
        httponly=True,
        samesite="None",
        partitioned=True,
    )
    return answer


def _authorization(platform: Platform, said: dict[str, str], state: str, nonce: str) -> str:
    asked = {
        "scope": "openid",
        "response_type": "id_token",
        "response_mode": "form_post",
        "prompt": "none",
        "client_id": platform.client_id,
        "redirect_uri": url_for(".launch", _external=True),
        "login_hint": said["login_hint"],
        "state": state,
        "nonce": nonce,
    }
    if said["lti_message_hint"]:
        asked["lti_message_hint"] = said["lti_message_hint"]
    joint = "&" if "?" in platform.authorization_url else "?"
    return f"{platform.authorization_url}{joint}{urlencode(asked)}"


@pages.post("/launch")
@limiter.limit("600 per minute")
@public
def launch() -> Response | str:
    """Where the platform tells who it is that comes, in a message that it has signed."""
    number = None
    try:
        if request.form.get("error"):
            raise LtiError(
                _("The course system did not let you in: open the link in your course again."),
                "the platform's error",
            )
        state = unsigned("state", request.form.get("state", ""), _ASKED)
        number, now = state["platform"], services().clock()
        with services().database.read() as database:
            platform = platform_of(database, number)
        claims = keys.verified(request.form.get("id_token", ""), platform.jwks_url)
        with services().database.write() as database:
            found = check(database, platform, claims, state["nonce"], tool=home(), at=now)
            allowed = check_deployment(database, platform, found, now)
        if not allowed:
            raise LtiError(
                _(
                    "This server does not know this deployment of your course system yet: its "
                    "administrators can allow it."
                ),
                "unknown deployment",
            )
    except LtiError as error:
        refuse("launch", error, number)
    frames.allow(platform.frames)
    if _is_proved(state["proof"]):
        return _arrive(found, state["proof"])
    again = _again(state["again"])
    if state["storage"]:
        return render_template(
            "lti/storage.html",
            action="get",
            target=state["storage"],
            origin=platforms.origin(platform.authorization_url),
            key=_digest(request.form["state"]),
            value="",
            there=url_for(".finish"),
            state=signed("proved", [state["proof"], found.platform_id, found.kept()]),
            again=again,
        )
    return render_template("lti/tab.html", again=again)


@pages.post("/finish")
@limiter.limit("600 per minute")
@public
def finish() -> Response | str:
    """The launch goes on with what the platform's storage has given back."""
    number = None
    try:
        proof, number, claims = unsigned("proved", request.form.get("state", ""), _TICKET)
        if not hmac.compare_digest(_digest(request.form.get("value", "")[:200]), proof):
            raise LtiError(_("This launch began in another browser."), "another browser")
        _once(f"finish {request.form['state']}")
    except LtiError as error:
        refuse("launch", error, number)
    return _arrive(Launch(number, claims), proof)


@pages.get("/arrived")
@limiter.limit("600 per minute")
@public
def arrived() -> Response | str:
    """Whether the frame has kept the session; where it has not, on in a tab of its own."""
    if flask_login.current_user.is_authenticated:
        return redirect(local(request.args.get("to")) or url_for("student.home"), 303)
    ticket = request.args.get("ticket", "")
    try:
        number = unsigned("ticket", ticket, _TICKET)["platform"]
        with services().database.read() as database:
            platform = platform_of(database, number)
    except LtiError as error:
        refuse("arrival", error)
    frames.allow(platform.frames)
    return render_template("lti/tab.html", ticket=ticket)


@pages.post("/enter")
@limiter.limit("600 per minute")
@public
def enter() -> Response:
    """The tab: a ticket that holds once, from a page of ours."""
    try:
        if request.headers.get("Origin") != home().rstrip("/"):
            raise LtiError(_("This did not come from a page of this server."), "origin")
        ticket = unsigned("ticket", request.form.get("ticket", ""), _TICKET)
        _once(f"ticket {request.form['ticket']}")
        with services().database.read() as database:
            user = database.scalar(
                select(User).where(User.session_key == ticket["session"], User.disabled.is_(False))
            )
        if user is None:
            raise LtiError(_("This link does not hold any more."), "ticket")
    except LtiError as error:
        refuse("ticket", error)
    begin(user)
    return redirect(local(ticket["to"]) or url_for("student.home"), 303)


@pages.get("/keys")
@public
def jwks() -> Response:
    """What this server signs with."""
    now = services().clock()
    with services().database.read() as database:
        found = keys.published(database)
    if not found["keys"]:
        with services().database.write() as database:
            keys.signing(database, now)
            found = keys.published(database)
    return jsonify(found)


@pages.get("/canvas.json")
@public
def canvas_json() -> Response:
    """What Canvas's form for a developer key reads."""
    return jsonify(canvas(addresses()))


@pages.get("/waiting")
@access.signed_in
def waiting() -> str:
    """After logging in: the launch that was kept waiting."""
    try:
        found, proof = opened(request.args.get("launch", ""))
        _same_browser(proof)
        with services().database.read() as database:
            platform = platform_of(database, found.platform_id)
    except LtiError as error:
        refuse("launch", error)
    return _connect(platform, found, proof, own=True)


@pages.post("/connect")
@access.signed_in
def connect() -> Response | str:
    """This account is the launch's person; and the course that it came from is this one here."""
    try:
        found, proof = opened(request.form.get("launch", ""))
        _same_browser(proof)
        now = services().clock()
        slug = request.form.get("course", "")
        led = {seat.course.slug for seat in access.seats(access.user()) if seat.is_instructor}
        if slug and slug not in led:
            raise LtiError(_("This course is not yours to connect."), "not the instructor")
        with services().database.write() as database:
            platform = platform_of(database, found.platform_id)
            own = database.get_one(User, access.user().id)
            identities.link(database, own, platform.key, found.subject, at=now, actor=own)
            if slug:
                people.connect(database, found, slug, at=now, actor=own)
    except (LtiError, AccountError) as error:
        refuse("connection", error)
    return _arrive(found, proof)


def _arrive(found: Launch, proof: str) -> Response | str:
    """Log the person in and go where the launch leads."""
    now = services().clock()
    try:
        with services().database.write() as database:
            platform = platform_of(database, found.platform_id)
            place = people.context(database, found)
            user = _person(database, platform, place, found)
            slug = place.course.slug if place is not None else ""
            assignment = None
            if user is not None and place is not None:
                assignment = people.sit(database, place, user, found, now)
    except (LtiError, AccountError) as error:
        refuse("launch", error, found.platform_id)
    framed = request.headers.get("Sec-Fetch-Dest") == "iframe"
    if user is None:  # they have an account here, and prove that by its password
        session.clear()
    else:
        begin(user)
    if framed:
        frames.begin(platform)
    if user is None:
        return render_template("lti/link.html", platform=platform, launch=kept(found, proof))
    if place is None:
        return _connect(platform, found, proof)
    if found.is_deep_linking:
        to = url_for(".choose", course=slug, launch=kept(found, proof))
    elif assignment is not None:
        to = url_for("student.assignment", course=slug, assignment=assignment.slug)
    else:
        to = url_for("student.course", course=slug)
    if not framed:
        return redirect(to, 303)
    ticket = signed("ticket", {"session": user.session_key, "to": to, "platform": platform.id})
    return redirect(url_for(".arrived", to=to, ticket=ticket), 303)


def _person(
    database: Any, platform: Platform, place: LtiContext | None, found: Launch
) -> User | None:
    """The user; None where there is an account that its owner has to link first."""
    if place is None and found.role is not Role.INSTRUCTOR:
        raise LtiError(
            _(
                "This course is not connected with one here yet: those who teach it do that by "
                "opening this link themselves."
            ),
            "not connected",
        )
    now = services().clock()
    return people.person(database, platform, found, now, make=place is not None)


def _connect(platform: Platform, found: Launch, proof: str, own: bool = False) -> str:
    """
    Args:
        own: whether it is asked first if the launch's person is who has logged in.
    """
    led = [seat.course for seat in access.seats(access.user()) if seat.is_instructor]
    title = str(found.context.get("title") or found.context.get("label") or "the course")
    return render_template(
        "lti/connect.html",
        platform=platform,
        launch=kept(found, proof),
        courses=led,
        title="" if own else title[:200],
        whose=access.user(),
        name=found.name,
    )


def _is_proved(proof: str) -> bool:
    return hmac.compare_digest(_digest(request.cookies.get(_COOKIE, "")), proof)


def _same_browser(proof: str) -> None:
    """Nobody else's launch is taken for one's own."""
    if not _is_proved(proof):
        raise LtiError(
            _(
                "This launch began in another browser, or yours keeps nothing for a page in a "
                "frame: open the link in your course again, in a new tab."
            ),
            "another browser",
        )


def _once(what: str) -> None:
    now = services().clock()
    with services().database.write() as database:
        until = now + timedelta(seconds=2 * _TICKET)
        if not keys.use_once(database, what, at=now, until=until):
            raise LtiError(
                _("This was used before: open the link in your course again."), "replayed"
            )


def _again(said: dict[str, str]) -> str:
    """The same launch from its beginning, in a tab of its own."""
    given = {name: value for name, value in said.items() if value}
    return f"{url_for('.login')}?{urlencode(given)}"


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
