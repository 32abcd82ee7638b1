"""Sessions side by side, one after the other, and several graders at once."""

import os

import pytest

from autograder.handin.submission import Source
from autograder.judging.call import Call
from autograder.sandbox import Limits, Sandbox

CODE = """
import os, torch
import numpy as np
kept = []
def keep(text):
    kept.append(text)
    open('/tmp/kept', 'a').write(text)
    torch.kept = kept
    return len(kept)
def kept_here():
    return open('/tmp/kept').read(), tuple(kept), os.getuid(), len(os.listdir('/tmp'))
def look():
    return hasattr(torch, 'kept'), tuple(os.listdir('/tmp')), os.getuid()
def leave(): os._exit(0)
def empty(n):
    return int((np.empty(n, dtype=np.uint8) == 7).sum())
def dirty(n):
    return int((np.full(n, 7, dtype=np.uint8) == 7).sum())
"""
SOURCES = [Source("submission", (CODE,))]


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox(limits=Limits(call_seconds=10)) as sandbox:
        yield sandbox


def call(session, name, **arguments):
    return session.call(Call(name, arguments, len(arguments))).value


def test_sessions_side_by_side_keep_what_is_theirs(sandbox):
    names = "abcdefgh"
    sessions = [sandbox.session(SOURCES) for _ in names]
    try:
        for session in sessions:
            session.__enter__()
        for _ in range(3):
            for name, session in zip(names, sessions, strict=True):
                call(session, "keep", text=name)
        seen = [call(session, "kept_here") for session in sessions]
    finally:
        for session in sessions:
            session.close()
    assert [text for text, *_ in seen] == [name * 3 for name in names]
    assert [own for _, own, *_ in seen] == [(name,) * 3 for name in names]
    uids = [uid for *_, uid, _ in seen]
    if os.geteuid() == 0:
        assert len(set(uids)) == len(names)
        assert min(uids) > 0


def test_the_next_session_in_a_slot_finds_nothing(sandbox):
    for _ in range(5):
        with sandbox.session(SOURCES) as session:
            patched, files, _ = call(session, "look")
            assert not patched
            assert files == ()
            call(session, "keep", text="mine")


def test_not_even_one_s_own_next_worker_finds_anything(sandbox):
    with sandbox.session(SOURCES) as session:
        call(session, "keep", text="mine")
        call(session, "leave")
        assert call(session, "look")[:2] == (False, ())


def test_memory_comes_clean(sandbox):
    for n in (2**16, 2**20, 2**26):
        with sandbox.session(SOURCES) as session:
            assert call(session, "dirty", n=n) == n
        with sandbox.session(SOURCES) as session:
            assert call(session, "empty", n=n) < n / 16


def test_answers_do_not_depend_on_who_else_is_graded(sandbox):
    code = "import torch\ndef draw(x):\n    return torch.rand(3), x + torch.randn(3)"
    ours = Call("draw", {"x": 1}, 1, seed=5)
    with sandbox.session([Source("a", (code,))]) as alone:
        expected = alone.call(ours).value
    with sandbox.session([Source("a", (code,))]) as one, sandbox.session(SOURCES) as two:
        call(two, "dirty", n=2**20)
        for got, wanted in zip(one.call(ours).value, expected, strict=True):
            assert got.tolist() == wanted.tolist()


def test_loading_is_confined_as_well(sandbox):
    code = "import os\ntry: open('/etc/passwd')\nexcept OSError: os.fork()"
    with sandbox.session([Source("submission", (code,))]) as session:
        assert session.loading.problems[0].exception == "PermissionError"
