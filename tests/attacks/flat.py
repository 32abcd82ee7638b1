"""Run every attack under the profile that the environment asks for: what came of each, as JSON."""

import json
import os

from tests.attacks.arena import applies, open_arena
from tests.attacks.submissions import ATTACKS


def main() -> None:
    found = {}
    with open_arena() as arena:
        for name, attack in ATTACKS.items():
            if applies(attack, os.geteuid()):
                verdict = arena.run(attack)
                found[name] = {"wrong": verdict.wrong, "unhealthy": verdict.unhealthy}
    print(json.dumps(found))


if __name__ == "__main__":
    main()
