"""The worker that is forked and confined ahead of its submission, and the scan that goes on beside
a session."""

import os
import select
import signal
import time
from contextlib import suppress
from dataclasses import replace

import pytest

from autograder.handin.submission import Source
from autograder.judging.call import Call
from autograder.sandbox import Limits, Sandbox, SandboxFault

CODE = """
import builtins, os
def mark(): builtins.marked = True; open('/tmp/marked', 'w').close()
def look(): return hasattr(builtins, 'marked'), tuple(os.listdir('/tmp')), os.getuid()
"""
SOURCES = [Source("submission", (CODE,))]
LIMITS = Limits(call_seconds=5, load_seconds=5, session_seconds=60)


@pytest.fixture
def sandbox():
    with Sandbox(limits=LIMITS) as sandbox:
        yield sandbox


def look(session):
    return session.call(Call("look", {}, 0)).value


def ahead(sandbox):
    worker = sandbox._ahead._worker
    assert worker is not None
    assert worker.waits
    return worker


def end(worker):
    """As a kernel short of memory would."""
    worker.born()
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(worker._pidfd, signal.SIGKILL)


def test_the_next_session_has_the_worker_that_was_ahead(sandbox):
    with sandbox.session(SOURCES) as one:
        next_one = ahead(sandbox)
        one.call(Call("mark", {}, 0))
    with sandbox.session(SOURCES) as two:
        assert two._worker is next_one
        assert look(two)[:2] == (False, ())
        assert ahead(sandbox) is not next_one


def test_it_has_a_user_id_of_its_own(sandbox):
    with sandbox.session(SOURCES) as one, sandbox.session(SOURCES) as two:
        ids = [look(one)[2], look(two)[2]]
        with sandbox.session(SOURCES) as three:
            ids.append(look(three)[2])
    if os.geteuid() == 0:
        assert len(set(ids)) == 3


def test_a_session_that_may_use_more_or_less_has_another_one(sandbox):
    with sandbox.session(SOURCES):
        other = ahead(sandbox)
    sandbox.limits = replace(LIMITS, memory_bytes=LIMITS.memory_bytes // 2)
    with sandbox.session(SOURCES) as session:
        assert session._worker is not other
        assert look(session)[0] is False


def test_one_that_has_ended_costs_nobody_anything(sandbox):
    with sandbox.session(SOURCES):
        end(ahead(sandbox))
    while sandbox._ahead._worker.waits:
        time.sleep(0.01)
    with sandbox.session(SOURCES) as session:
        assert session.loading.failure is None
        assert look(session)[0] is False


def test_after_the_zygote_has_ended_a_session_opens_all_the_same(sandbox):
    with sandbox.session(SOURCES):
        ahead(sandbox)
    sandbox._zygote.close()
    with sandbox.scan(SOURCES) as scan, sandbox.session(SOURCES) as session:
        assert look(session)[0] is False
        assert scan.statements


def test_a_scan_runs_nothing_and_says_what_is_used(sandbox):
    code = "import torch\nopen('/tmp/ran', 'w')\ndef f(x):\n    return torch.relu(x)\n"
    sources = [Source("a", (code,))]
    with sandbox.scan(sources) as scan, sandbox.session(SOURCES) as session:
        assert look(session)[1] == ()
        bound = {name for statement in scan.statements for name in statement.bound}
        uses = {path for statement in scan.statements for path, _, _ in statement.uses}
    assert {"torch", "f"} <= bound
    assert "torch.relu" in uses


def test_a_scan_that_ends_early_says_so_and_costs_no_call(sandbox):
    long = [Source("a", ("x = [" + "f(y), " * 200_000 + "]\n",))]
    with sandbox.scan(long) as scan, sandbox.session(SOURCES) as session:
        end(scan._worker)
        assert scan.statements is None
        assert look(session)[0] is False


def test_what_is_found_waits_until_it_is_asked_for(sandbox):
    with sandbox.scan(SOURCES) as scan:
        select.select([scan._worker._calls], [], [])
        scan._worker.deadline = 0.0
        assert scan.statements


def test_a_closed_sandbox_scans_nothing():
    with Sandbox(limits=LIMITS) as sandbox:
        pass
    with pytest.raises(SandboxFault), sandbox.scan(SOURCES):
        pass
