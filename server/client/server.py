"""A server, asked through its API."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

import httpx

from server.client.errors import Refused, Unreachable
from server.client.login import Login

_PATIENCE = httpx.Timeout(30, connect=10)


class Server:
    """
    Every method raises `Unreachable` when the server does not answer, and `Refused` with its
    sentence when it does not do what it is asked.
    """

    def __init__(self, login: Login) -> None:
        self.url = login.url
        self._http = httpx.Client(
            base_url=f"{login.url}/api/v1",
            headers={"Authorization": f"Bearer {login.token}"} if login.token else {},
            timeout=_PATIENCE,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._http.close()

    def get(self, path: str, **query: str) -> Any:
        return _content(self._ask("GET", path, params=query))

    def post(self, path: str, **content: Any) -> Any:
        return _content(self._ask("POST", path, json=content))

    def post_result(self, path: str, files: Mapping[str, tuple[str, bytes]], **query: str) -> Any:
        return _content(self._ask("POST", path, files=files, params=query))

    def all(self, path: str) -> Iterator[Any]:
        """The entries of a list, page after page."""
        page: int | None = 1
        while page is not None:
            answer = self._ask("GET", path, params={"page": page})
            yield from _content(answer)
            page = json.loads(answer.headers.get("X-Pagination", "{}")).get("next_page")

    def look(self, course: str, assignment: str, files: Sequence[Path]) -> Any:
        """What the server sees in the files, without taking them."""
        sent = [("file", (file.name, file.read_bytes())) for file in files]
        path = f"courses/{quoted(course)}/assignments/{quoted(assignment)}/look"
        return _content(self._ask("POST", path, files=sent))

    def hand_in(self, course: str, assignment: str, files: Sequence[Path]) -> tuple[Any, bool]:
        """The submission, and whether it is one that was there already."""
        sent = [("file", (file.name, file.read_bytes())) for file in files]
        path = f"courses/{quoted(course)}/assignments/{quoted(assignment)}/submissions"
        answer = self._ask("POST", path, files=sent)
        return _content(answer), answer.status_code == HTTPStatus.OK

    def _ask(self, method: str, path: str, **content: Any) -> httpx.Response:
        try:
            answer = self._http.request(method, path, **content)
        except httpx.TransportError as error:
            reason = "it takes too long" if isinstance(error, httpx.TimeoutException) else error
            raise Unreachable(f"The server {self.url} cannot be reached: {reason}.") from None
        if answer.is_success:
            return answer
        if answer.is_redirect:
            raise Refused(
                f"{self.url} sends on to {answer.headers.get('Location', 'nowhere')}: "
                "log in there with `gradmark login URL`."
            )
        problem = _problem(answer)
        if answer.status_code == 401 and problem is not None:
            raise Refused(f"{problem} Log in again: `gradmark login {self.url}`.")
        kind = Unreachable if answer.status_code == 429 or answer.is_server_error else Refused
        raise kind(problem or f"{self.url} answers {answer.status_code} {answer.reason_phrase}.")


def quoted(name: str) -> str:
    """As one part of a path."""
    return quote(name, safe="")


def _problem(answer: httpx.Response) -> str | None:
    """The sentence of a problem document."""
    if not answer.headers.get("Content-Type", "").startswith("application/problem+json"):
        return None
    problem = answer.json()
    fields = [f"{entry['field']}: {entry['detail']}" for entry in problem.get("errors", [])]
    return " ".join([str(problem["detail"]), *fields])


def _content(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        raise Refused(
            f"What answers at {answer.url.copy_with(path='/', query=None)} is no Gradmark server."
        ) from None
