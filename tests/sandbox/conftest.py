from collections.abc import Callable, Iterator

import pytest

from autograder.handin.submission import Source
from autograder.judging.call import Answer, Call
from autograder.sandbox import Limits, Sandbox

LIMITS = Limits(call_seconds=5, load_seconds=5, session_seconds=60)


@pytest.fixture(scope="session")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=LIMITS) as sandbox:
        yield sandbox


@pytest.fixture
def run(sandbox: Sandbox) -> Callable[..., Answer]:
    """Run one call of `f` in a session of its own."""

    def run(code: str, *, seconds: float | None = None, seed: int = 0, **arguments) -> Answer:
        with sandbox.session([Source("submission", (code,))]) as session:
            return session.call(Call("f", arguments, 0, seed), seconds)

    return run
