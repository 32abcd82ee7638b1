"""The API's own description: an OpenAPI document made from the views, and a page to read it."""

from __future__ import annotations

from http import HTTPStatus
from importlib import metadata
from typing import Any

from flask import Flask, Response, current_app, jsonify, render_template
from flask_smorest import Api as Smorest
from flask_smorest.pagination import PaginationMetadataSchema

from server.web.access import public
from server.web.api import schemas
from server.web.api.blueprint import pages
from server.web.problems import MEDIA_TYPE


class Api(Smorest):  # type: ignore[misc]
    """Flask-smorest with this server's errors: problem documents, made in `server.web.errors`."""

    ERROR_SCHEMA = schemas.Problem
    DEFAULT_ERROR_RESPONSE_NAME = None  # each view says which errors it may answer

    def __init__(self, app: Flask) -> None:
        super().__init__(
            app,
            spec_kwargs={
                "title": "Gradmark",
                "version": "1",
                "openapi_version": "3.1.0",
                "info": {"description": "Hand in, follow the grading, read reports and grades."},
                "servers": [{"url": "/"}],
            },
        )
        self.spec.components.security_scheme("token", {"type": "http", "scheme": "bearer"})

    def _register_error_handlers(self) -> None:
        """They are there already, for pages and API."""

    def _register_responses(self) -> None:
        content = {MEDIA_TYPE: {"schema": self.ERROR_SCHEMA}}
        for status in HTTPStatus:
            if status >= 400:
                refused = {"description": status.phrase, "content": content}
                self.spec.components.response(status.name, refused, lazy=True)

    def _register_pagination_header(self) -> None:
        content = {"application/json": {"schema": PaginationMetadataSchema}}
        header = {"description": "Where this page is, as JSON.", "content": content}
        self.spec.components.header("PAGINATION", header, lazy=True)


@pages.get("/")
@public
@pages.response(200, schemas.About)
def about() -> dict[str, str]:
    """Which server this is"""
    return {"server": "gradmark", "version": metadata.version("gradmark")}


@pages.get("/openapi.json")
@public
@pages.response(200, {"type": "object"}, description="OpenAPI 3.1")
def openapi() -> Response:
    """This document"""
    return jsonify(_document())


@pages.get("/docs")
@public
@pages.response(200, {"type": "string"}, content_type="text/html")
def docs() -> str | Response:
    """This document as a page"""
    return current_app.make_response(render_template("api/docs.html", document=_document()))


def _document() -> dict[str, Any]:
    apis = current_app.extensions["flask-smorest"]["apis"]
    document: dict[str, Any] = apis[""]["ext_obj"].spec.to_dict()
    return document
