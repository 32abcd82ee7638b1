"""The API against its own description: whatever is sent, the answer is one that it announces."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
    unsupported_method,
)

from server.storage.models import Scope
from server.web.app import create_app
from tests.server import engines
from tests.server.conftest import House, make_house


@dataclass
class Api:
    house: House
    document: schemathesis.BaseSchema
    there: dict[str, str]  # what the addresses name
    headers: dict[str, dict[str, str]]


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Api]:
    house = make_house(tmp_path_factory.mktemp("api"))
    app = create_app(house.config, engines.ENGINE, house.clock)
    app.config.update(RATELIMIT_ENABLED=False)
    there = {"course": "dl", "assignment": "norm", "public_id": house.graded()}
    house.accept()
    headers = {
        name: {"Authorization": f"Bearer {house.token(name, *Scope)}"}
        for name in ("student", "assistant")
    }
    yield Api(house, schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app), there, headers)
    house.database.close()


CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    unsupported_method,
]


@pytest.mark.parametrize("mode", GenerationMode, ids=lambda mode: f"{mode.value} requests")
def test_every_answer_is_one_that_is_announced(api: Api, mode: GenerationMode) -> None:
    """For a student and for staff; at addresses that name what there is, and at any others."""
    operations = [found.ok() for found in api.document.get_all_operations()]
    assert len(operations) >= 12
    if mode is GenerationMode.NEGATIVE:  # only what is asked with something can be asked wrongly
        operations = [o for o in operations if o.query or o.body]
    for operation in operations:

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck))
        def ask(case: schemathesis.Case) -> None:
            anywhere = dict(case.path_parameters)
            there = {name: api.there.get(name, value) for name, value in anywhere.items()}
            for headers in api.headers.values():
                for parameters in (anywhere, there):
                    case.path_parameters = parameters
                    case.call_and_validate(headers=headers, checks=CHECKS)

        ask()
