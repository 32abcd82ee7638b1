"""What answers hold lies in memory that both sides see."""

import os

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.handin.submission import Source
from autograder.judging.call import Call
from autograder.sandbox.codec import ReplyError, read_reply
from autograder.sandbox.inside import shelf, wire
from tests.sandbox.test_sandbox_replies import frame, reply

CODE = """
import torch

def f(count):
    return torch.arange(count, dtype=torch.float64)
"""


@pytest.fixture
def memory():
    descriptor = shelf.make()
    yield descriptor
    os.close(descriptor)


@pytest.mark.parametrize("size", [0, shelf.BYTES - 1, shelf.BYTES + 1])
def test_nobody_can_cut_it_under_the_one_who_reads(memory, size):
    with pytest.raises(PermissionError):
        os.ftruncate(memory, size)


@given(st.lists(st.lists(st.binary(max_size=50), max_size=4), max_size=6))
def test_what_is_put_is_taken_in_the_same_order(answers):
    descriptor = shelf.make()
    theirs, ours = shelf.Shelf(descriptor), shelf.Shelf(descriptor)
    os.close(descriptor)
    for answer in answers:
        assert theirs.put([memoryview(part) for part in answer], sum(map(len, answer)))
    for answer in answers:
        taken = bytearray(sum(map(len, answer)))
        assert ours.take(memoryview(taken)) == len(taken)
        assert taken == b"".join(answer)


def test_it_holds_no_more_than_it_has_room_for(memory):
    own = shelf.Shelf(memory)
    most = memoryview(bytes(shelf.BYTES))
    assert not own.put([most, most[:1]], shelf.BYTES + 1)
    assert own.put([most], shelf.BYTES)
    assert not own.put([most[:1]], 1)
    own.clear()
    assert own.put([most[:1]], 1)


@pytest.mark.parametrize("length", [8, 2**40])
def test_an_answer_that_claims_more_than_is_there_is_refused(memory, length):
    ours = shelf.Shelf(memory)
    ours.take(memoryview(bytearray(shelf.BYTES - 4)))
    claim = frame(reply({"tensor": ["float64", [1]]}), length=wire.ASIDE + length)

    def read(buffer):
        nonlocal claim
        count = min(len(buffer), len(claim))
        buffer[:count], claim = claim[:count], claim[count:]
        return count

    with pytest.raises((ReplyError, EOFError)):
        read_reply(read, Call("f", {}, 0), 2**20, ours.take)


def test_answers_beyond_its_room_arrive_all_the_same(sandbox):
    counts = [10, 3_000_000, 7, 2_000_000, 5, 10]  # of 8 bytes each: 24 MB, then 16 MB
    with sandbox.session([Source("submission", (CODE,))]) as session:
        answers = list(session.run([Call("f", {"count": count}, 1) for count in counts]))
    for count, answer in zip(counts, answers, strict=True):
        assert torch.equal(answer.value, torch.arange(count, dtype=torch.float64))
