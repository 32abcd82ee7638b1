"""Asking a platform's addresses: no redirects, bounded in time and size, one sentence for each
failure."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from typing import Any

import httpx

from server.lti import LtiError
from server.people.providers import is_safe

_TIMEOUT = 10.0  # seconds, for each piece of an answer
_SECONDS = 30.0  # for all of it
_LARGEST = 4 * 2**20  # bytes of an answer


class Refusal(LtiError):
    """The platform answers that it does not do it.

    Attributes:
        status: of its answer; 0 where there was none.
        throttled: whether it only means not now.
    """

    def __init__(self, status: int, throttled: bool = False) -> None:
        words = f"answers {status}" if status else "cannot be reached"
        super().__init__(f"The course system {words}.", f"it {words}")
        self.status, self.throttled = status, throttled


def ask(
    method: str,
    url: str,
    *,
    headers: Mapping[str, str] | None = None,
    content: bytes | None = None,
    data: Mapping[str, str] | None = None,
) -> tuple[bytes, httpx.Headers]:
    """
    Raises:
        Refusal: it does not answer, or with an error.
        LtiError: the address is none to ask.
    """
    if not is_safe(url):
        raise LtiError("The course system names an address that is not https.", "address")
    deadline = time.monotonic() + _SECONDS
    try:
        with (
            httpx.Client(timeout=_TIMEOUT, follow_redirects=False, trust_env=True) as client,
            client.stream(
                method, url, headers=dict(headers or {}), content=content, data=data
            ) as answer,
        ):
            body = bytearray()
            for piece in answer.iter_bytes():
                if time.monotonic() > deadline:  # each piece may have come in time
                    raise Refusal(0, throttled=True)
                body += piece
                if len(body) > _LARGEST:
                    raise LtiError("The course system's answer is too long.", "length")
    except (httpx.HTTPError, httpx.InvalidURL):
        raise Refusal(0, throttled=True) from None
    if not answer.is_success:
        # Canvas says so by 403, too.
        rate = answer.headers.get("x-rate-limit-remaining", "")
        throttled = answer.status_code in (429, 500, 502, 503, 504) or (
            answer.status_code == 403 and rate.strip() in ("0", "0.0")
        )
        raise Refusal(answer.status_code, throttled)
    return bytes(body), answer.headers


def get_json(url: str, accept: str, token: str = "") -> Any:
    headers = {"Accept": accept} | ({"Authorization": f"Bearer {token}"} if token else {})
    return as_json(ask("GET", url, headers=headers)[0])


def as_json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise LtiError("The course system's answer is not JSON.", "no JSON") from None
