"""A worker may send anything: the parent takes it for an answer or refuses, and never fails."""

import json
import socket
import struct
from contextlib import suppress

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from autograder.judging.call import Call
from autograder.sandbox.codec import ReplyError, read_reply
from autograder.sandbox.inside import wire

CALL = Call("f", {"x": 1}, 1)
MOST = 2**20


def answer_to(frame: bytes):
    """What the parent makes of these bytes, sent by a worker that then leaves."""
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.settimeout(5)
        theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 2**22)
        theirs.sendall(frame)
        theirs.shutdown(socket.SHUT_WR)
        return read_reply(ours.recv_into, CALL, MOST)


def frame(header, payload: bytes = b"", length: int | None = None) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    length = len(payload) if length is None else length
    return wire.PREFIX.pack(wire.MAGIC, len(text), length) + text + payload


def reply(value, **more):
    return {"value": value, "changed": {}, "output": "", **more}


def test_an_honest_answer_is_taken():
    octets = struct.pack("<2f", 1.5, -2)
    answer = answer_to(frame(reply([{"tensor": ["float32", [1, 2]]}, 3]), octets))
    assert torch.equal(answer.value[0], torch.tensor([[1.5, -2]]))
    assert answer.value[1] == 3
    assert answer.arguments == {"x": 1}


def tensor(dtype, shape, octets=b"", **more):
    return frame(reply({"tensor": [dtype, shape]}), octets, **more)


@pytest.mark.parametrize(
    "hostile",
    [
        pytest.param(b"nonsense" * 4, id="no-frame"),
        pytest.param(wire.PREFIX.pack(wire.MAGIC, 2**32 - 1, 0), id="endless-header"),
        pytest.param(frame(b"{" * 100), id="no-json"),
        pytest.param(frame(b"[" * 100_000), id="deep-json"),
        pytest.param(frame(b'{"a":' * 100_000), id="deep-objects"),
        pytest.param(frame(b"\xff\xfe"), id="no-utf8"),
        pytest.param(frame(b'{"value": 1, "value": 2, "changed": {}, "output": ""}'), id="twice"),
        pytest.param(frame(b"1" * 5000), id="huge-integer"),
        pytest.param(frame([]), id="list"),
        pytest.param(frame({}), id="empty"),
        pytest.param(frame(reply(1.5)), id="raw-float"),
        pytest.param(frame(reply(float("nan"))), id="raw-nan"),
        pytest.param(frame(reply(2**63)), id="large-integer"),
        pytest.param(frame(reply({"float": "1" * 10_000})), id="long-float"),
        pytest.param(frame(reply({"float": "zero"})), id="no-float"),
        pytest.param(frame(reply({"float": "0x1p99999"})), id="overflowing-float"),
        pytest.param(frame(reply({"pickle": "gASV"})), id="unknown-kind"),
        pytest.param(frame(reply({"seed": -1})), id="negative-seed"),
        pytest.param(frame(reply([1] * 2000)), id="too-many"),
        pytest.param(frame(reply([[[[[[[[[[1]]]]]]]]]])), id="too-deep"),
        pytest.param(frame(reply(1, extra=1)), id="extra-field"),
        pytest.param(frame(reply(1, output=None)), id="no-output"),
        pytest.param(frame(reply(1, changed=[])), id="no-names"),
        pytest.param(frame(reply(1, changed={"y": 1})), id="other-argument"),
        pytest.param(frame(reply(1), b"x"), id="left-over-payload"),
        pytest.param(frame(reply(1), length=2**63), id="endless-payload"),
        pytest.param(tensor("float32", [10**9] * 5), id="billions"),
        pytest.param(tensor("float32", [-1]), id="negative-size"),
        pytest.param(tensor("float32", [-1, -1], b"1234"), id="two-negatives"),
        pytest.param(tensor("float32", [True], b"1234"), id="bool-size"),
        pytest.param(tensor("float32", ["1"], b"1234"), id="text-size"),
        pytest.param(tensor("float32", [10**400]), id="astronomic-size"),
        pytest.param(tensor("float32", [2**40] * 6 + [0]), id="overflow-but-empty"),
        pytest.param(tensor("float32", [1] * 100, b"1234"), id="many-dims"),
        pytest.param(tensor("float32", [2], b"1234"), id="short-payload"),
        pytest.param(tensor("object", [1], b"12345678"), id="object-dtype"),
        pytest.param(tensor("complex64", [1], b"12345678"), id="complex"),
        pytest.param(tensor("float32", 4, b"1234"), id="no-shape"),
        pytest.param(tensor(["float32"], [1], b"1234"), id="no-dtype"),
        pytest.param(tensor("float32", [2**18 + 1], length=2**20 + 4), id="too-large"),
        pytest.param(frame({"failure": {"kind": "budget"}, "output": ""}), id="parts"),
        pytest.param(
            frame(
                {
                    "failure": {"kind": "timeout", "message": "", "exception": "", "line": 0},
                    "output": "",
                }
            ),
            id="a-kind-only-we-may-claim",
        ),
    ],
)
def test_a_hostile_answer_is_refused(hostile):
    with pytest.raises(ReplyError):
        answer_to(hostile)


@pytest.mark.parametrize("cut", [0, 5, 16, 30, -1])
def test_an_answer_that_breaks_off(cut):
    with pytest.raises(EOFError):
        answer_to(tensor("float32", [1], b"1234")[:cut])


def test_texts_are_made_storable():
    failure = {
        "kind": "exception",
        "message": "\ud800\0" + "m" * 5000,
        "exception": "<script>",
        "line": 3,
    }
    answer = answer_to(frame({"failure": failure, "output": "a\0b\udfff"}))
    assert answer.output == "a\ufffdb?"
    assert answer.failure.message.startswith("?\ufffdmm")
    assert len(answer.failure.message) <= 600
    assert answer.failure.exception == "Exception"


nodes = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["tensor", "float", "seed", "foreign", "changed", "kind"]),
            inner,
            max_size=2,
        )
        | st.tuples(st.sampled_from(sorted(wire.DTYPES)), st.lists(st.integers(-2, 2**41))).map(
            lambda pair: {"tensor": list(pair)}
        )
    ),
    max_leaves=8,
)


@settings(max_examples=400, deadline=None)
@given(value=nodes, arguments=nodes, payload=st.binary(max_size=40), length=st.integers(0, 64))
def test_fuzzed_values(value, arguments, payload, length):
    header = {"value": value, "changed": {"x": arguments}, "output": ""}
    with suppress(ReplyError, EOFError):
        answer_to(frame(header, payload, length))


@settings(max_examples=300, deadline=None)
@given(st.data())
def test_fuzzed_bytes(data):
    good = bytearray(tensor("float64", [1, 1], b"12345678"))
    for _ in range(data.draw(st.integers(1, 4))):
        good[data.draw(st.integers(0, len(good) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ReplyError, EOFError):
        answer_to(bytes(good))
