"""Under a GPU's profile every attack fares as on the CPU, but for what the profile allows."""

from dataclasses import replace

import pytest

from autograder.sandbox.profiles.cuda import cuda
from tests.attacks.arena import ALLOWED, open_arena
from tests.attacks.submissions import ATTACKS
from tests.attacks.test_attacks import APPLYING
from tests.devices.machine import machine


@pytest.mark.slow
def test_a_gpus_profile_opens_what_it_names_and_nothing_else(tmp_path_factory):
    host = machine(tmp_path_factory.mktemp("host"))
    profile = replace(cuda("0", host), device="cpu", context=False, sessions=64)
    got_through = set()
    with open_arena(profile) as arena:
        for name in APPLYING:
            verdict = arena.run(ATTACKS[name])
            assert verdict.unhealthy == [], name
            if verdict.wrong:
                assert all("returned" in what for what in verdict.wrong), (name, verdict.wrong)
                got_through.add(name)
    assert got_through == ALLOWED["cuda"] & set(APPLYING)
