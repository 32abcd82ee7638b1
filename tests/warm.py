"""Programs in children of a process that has imported libraries, which takes seconds each time.

Nothing of Gradmark's is imported ahead: what a program needs of it, it finds as it does in a
process of its own. Run as a program, this is that process.
"""

from __future__ import annotations

import importlib
import json
import os
import runpy
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parents[1]
SECONDS = 600  # until a program that does not end is ended


class Warm:
    """What starts programs, one at a time, with these libraries imported."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self, arguments: Sequence[str], cwd: Path, env: Mapping[str, str]
    ) -> subprocess.CompletedProcess[str]:
        """As `python -m MODULE ...` or `-P -c CODE ...` there; its stdout holds both streams.

        The environment is what the program finds, not what its libraries were imported in.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with tempfile.NamedTemporaryFile("r") as output:
            wanted = [*arguments], str(cwd), dict(env), output.name
            self._process.stdin.write(json.dumps(wanted) + "\n")
            self._process.stdin.flush()
            code = int(self._process.stdout.readline())
            return subprocess.CompletedProcess([*arguments], code, output.read(), "")


@contextmanager
def warm(*libraries: str, env: Mapping[str, str] | None = None) -> Iterator[Warm]:
    command = [sys.executable, "-m", "tests.warm", *libraries]
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield Warm(process)
        process.communicate()  # no more is wanted: it ends


def main(libraries: list[str]) -> None:
    del sys.path[0]  # the checkout, where it was started
    for library in libraries:
        importlib.import_module(library)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            return _become(*json.loads(line))
        print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), flush=True)


def _become(arguments: list[str], cwd: str, env: dict[str, str], output: str) -> None:
    opened, nothing = os.open(output, os.O_WRONLY), os.open(os.devnull, os.O_RDONLY)
    for descriptor, source in enumerate((nothing, opened, opened)):
        os.dup2(source, descriptor)
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    signal.alarm(SECONDS)
    how, what, *sys.argv[1:] = arguments
    if how == "-m":
        sys.path[:0] = cwd, *filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        sys.argv[0] = how
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


if __name__ == "__main__":
    main(sys.argv[1:])
