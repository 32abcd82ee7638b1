"""An attack: a submission whose function, when it is called, tries something it must not do.

It has got through when its code comes to its end, unless `ends` says that this is harmless. Every
attack is bounded: where nothing stops it, it still harms nothing (signals that are ignored, a few
forks, mounts on paths that do not exist, some gigabytes at most).
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from dataclasses import dataclass

from autograder.handin.submission import Source

DENIED = frozenset({"exception"})
LIMITED = frozenset({"timeout", "memory", "crash", "reply", "exception"})
HARMLESS = frozenset({"returned"})
# Mistakes of an attack, which must not pass for its being stopped.
BLUNDERS = {"NameError", "SyntaxError", "IndentationError", "AttributeError", "TypeError"}

PRELUDE = """
import atexit, ctypes, gc, mmap, os, resource, signal, socket, struct, subprocess, sys, threading
import time
import numpy as np, torch
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def syscall(number, *arguments):
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *plain)
    if result < 0:
        raise OSError(ctypes.get_errno(), 'denied')
    return result
def refused(number, *arguments):
    # The filter says EPERM or ENOSYS; anything else comes from a kernel that took the call.
    try:
        return syscall(number, *arguments)
    except OSError as error:
        if error.errno in (1, 38): raise
        return error.errno
def is_open(descriptor):
    try: os.fstat(descriptor)
    except OSError: return False
    return True
"""


@dataclass(frozen=True)
class Attack:
    tries: str
    code: str  # the body of the graded function; `x` is what it was given
    ends: frozenset[str] = DENIED
    x86: bool = False  # speaks of system calls by their numbers on x86-64
    root: bool = False  # shows something only where root started the grader

    def source(self, world: Mapping[str, object]) -> Source:
        """The submission. `world` is what of this machine the attack aims at, by name."""
        aims = "".join(f"{name} = {value!r}\n" for name, value in world.items())
        body = textwrap.indent(textwrap.dedent(self.code).strip("\n"), "    ")
        return Source("scaling", (f"{PRELUDE}{aims}def scale(x):\n{body}\n",))
