"""A zygote's program: do one job, answer, end."""

from __future__ import annotations

import gc
import os
from collections.abc import Sequence
from dataclasses import is_dataclass
from typing import Any

from autograder.handin.submission import SubmissionError
from autograder.reading.inside.jobs import JOBS
from autograder.sandbox.inside import frame
from autograder.sandbox.inside.confine import CALL_FD
from autograder.sandbox.inside.shelf import Shelf

LONG = 64  # characters; a longer text travels beside the header
MAX_REQUEST_HEADER = 2**16


def warm_up(*jobs: str) -> None:
    """Do these once with a sample, so that what they import and set up is there."""
    for name in jobs:
        JOBS[name].work(*JOBS[name].sample)


def serve(_: Shelf) -> None:
    gc.disable()  # one job, and the end: parsing makes many objects and no circles
    text, size = frame.read_header(_receive, MAX_REQUEST_HEADER)
    request = frame.decode(text)
    payload = bytearray(size)
    frame.fill(_receive, memoryview(payload))
    files, at = [], 0
    for name, length in request["files"]:
        files.append((name, bytes(payload[at : at + length])))
        at += length
    texts: list[memoryview] = []
    try:
        result = JOBS[request["job"]].work(*files, **request["arguments"])
        header = {"result": _encode(result, texts)}
    except SubmissionError as error:
        header, texts = {"refused": str(error)}, []
    except MemoryError:
        header, texts = {"over": "memory"}, []
    frame.send(_send, header, texts)


def _encode(value: Any, texts: list[memoryview]) -> Any:
    if isinstance(value, bytes):
        texts.append(memoryview(value))
        return {"bytes": len(value)}
    if isinstance(value, str) and len(value) > LONG:
        texts.append(memoryview(value.encode("utf-8", "replace")))
        return {"text": len(texts[-1])}
    if isinstance(value, tuple | list):
        return [_encode(item, texts) for item in value]
    if is_dataclass(value):
        return {name: _encode(item, texts) for name, item in vars(value).items()}
    if isinstance(value, dict):
        return {name: _encode(item, texts) for name, item in value.items()}
    return value


def _receive(buffer: memoryview) -> int:
    return os.readv(CALL_FD, [buffer])


def _send(buffers: Sequence[memoryview]) -> int:
    return os.writev(CALL_FD, buffers)
