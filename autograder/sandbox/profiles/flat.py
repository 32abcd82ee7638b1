"""The profile for containers that forbid namespaces, as Gradescope's and Docker's defaults do.

It is weaker than the full one: names and sizes of files are to be seen, and so are the numbers of
other processes; between a worker and the rest of the container stand its own user id, Landlock or
a changed root, and the system-call filter. It is never chosen silently: an operator asks for it by
`GRADMARK_CONTAINER=flat`, and it refuses where the full sandbox would work.
"""

from __future__ import annotations

import os

from autograder.sandbox.limits import SandboxUnavailable
from autograder.sandbox.profiles.profile import Profile

ASKED_BY = "GRADMARK_CONTAINER"
JAIL = "GRADMARK_JAIL"


def asked_for() -> bool:
    """Whether the environment asks for the flat profile.

    Raises:
        SandboxUnavailable: it asks for something that there is not.
    """
    asked = os.environ.get(ASKED_BY, "")
    if asked not in {"", "flat"}:
        raise SandboxUnavailable(f"{ASKED_BY} is {asked!r}: it may be 'flat', or be left out.")
    return bool(asked)


def flat() -> Profile:
    """The profile, with the jail that the environment names."""
    return Profile("flat", isolation="flat", jail=os.environ.get(JAIL, ""))
