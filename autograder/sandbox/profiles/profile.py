"""A profile: the one object that every wall is built from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# "namespaces": user, mount, pid, network, ipc, uts and cgroup namespaces, and every other wall.
# "flat": where a container forbids namespaces: a user id per worker, no capability, Landlock or a
# jail, the system-call filter, the limits.
# "none": the same processes without walls, for code that the caller wrote.
Isolation = Literal["namespaces", "flat", "none"]

MAX_SESSIONS = 64  # open at the same time: each has a user id of its own


@dataclass(frozen=True)
class Profile:
    """What a worker may see, open and do beside the Python runtime and its own scratch space.

    The defaults are the tightest: each field opens what its name says, and nothing else does.

    Attributes:
        name: what reports call it.
        device: what torch calls the device inside, which may differ from what it is called
            outside: the only GPU that is to be seen is the first one.
        nodes: devices that may be opened for reading and writing, and take ioctls: the path
            inside, and the host's.
        trees: more of the host's files to be seen, read-only: the path inside, and the host's.
        path: what `sys.path` needs for the imports.
        imports: modules that make the device known to torch, imported before the first fork.
        environment: variables of the zygote, and so of every worker.
        own_proc: whether `/proc/self` is to be seen: of a worker's own threads, and no others.
        system_calls: by name, beside those of every worker.
        ioctls: which commands an ioctl may have, as (mask, value) of the command.
        threads: how many a worker may have; with 1, it can make none.
        address_space: whether memory is limited by address space. If not, because a driver
            reserves far more of it than there is memory, the parent watches what is resident.
        sessions: how many may be open at the same time.
        clock: by what a call's time is taken: by its worker's processor time, whatever else the
            machine does, where that does all the work; by the parent's clock ("wall") where a
            device works beside it.
        context: whether a worker must set the device up, which takes a while: one is then kept
            ready for the next session.
        jail: a folder with the runtime alone, by hard links, which becomes a flat worker's root.
    """

    name: str
    isolation: Isolation = "namespaces"
    device: str = "cpu"
    nodes: Mapping[str, str] = field(default_factory=dict)
    trees: Mapping[str, str] = field(default_factory=dict)
    path: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    own_proc: bool = False
    system_calls: tuple[str, ...] = ()
    ioctls: tuple[tuple[int, int], ...] = ()
    threads: int = 1
    address_space: bool = True
    sessions: int = MAX_SESSIONS
    clock: Literal["processor", "wall"] = "processor"
    context: bool = False
    jail: str = ""

    @property
    def confined(self) -> bool:
        return self.isolation != "none"


FULL = Profile("full")
NONE = Profile("none", isolation="none")
