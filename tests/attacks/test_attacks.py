"""Every attack, as whoever runs the tests and as an ordinary user."""

import os
import re
from collections.abc import Iterator

import pytest

from tests import ordinary
from tests.attacks.arena import Arena, applies, open_arena
from tests.attacks.submissions import ATTACKS

APPLYING = [name for name, attack in ATTACKS.items() if applies(attack, os.geteuid())]


@pytest.fixture(scope="module")
def arena() -> Iterator[Arena]:
    with open_arena() as arena:
        yield arena


@pytest.mark.parametrize("name", APPLYING)
def test_attack_is_contained_and_the_grader_healthy(arena, name):
    verdict = arena.run(ATTACKS[name])
    assert verdict.wrong == []
    assert verdict.unhealthy == []


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")
def test_every_attack_is_contained_when_an_ordinary_user_grades():
    done = ordinary.run(["-m", "tests.attacks", "--ordinary"], capture_output=True, timeout=600)
    if "does not let Gradmark make namespaces" in done.stderr:
        pytest.skip("ordinary users may not make user namespaces here")
    assert done.returncode == 0, done.stdout + done.stderr
    run = re.search(r"(\d+) of \1 attacks contained as an ordinary user", done.stdout)
    assert run is not None
    assert int(run[1]) == sum(applies(attack, ordinary.NOBODY) for attack in ATTACKS.values())


def test_the_readme_tells_how_many_there_are():
    assert len(ATTACKS) >= 60
    readme = (ordinary.ROOT / "README.md").read_text("utf-8")
    assert f"runs {len(ATTACKS)} attacks" in readme
