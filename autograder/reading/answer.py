"""Answers of a process that read what somebody handed in, and that may therefore say anything."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import is_dataclass
from functools import cache
from types import NoneType, UnionType
from typing import Any, NoReturn, Union, get_args, get_origin, get_type_hints

from autograder.sandbox.inside import frame

MAX_HEADER = 2 * 2**20
MAX_SENTENCE = 300


class AnswerError(ValueError):
    """What came is no answer."""


def storable(text: str) -> str:
    """The text without what files, pages and databases cannot keep: lone surrogates and NULs."""
    return text.encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def receive(read: frame.Read, most_bytes: int) -> tuple[dict[str, Any], Texts]:
    """The header of an answer, and the long texts that it refers to: at most `most_bytes`.

    Raises:
        AnswerError: it is none.
        EOFError: the process is gone.
    """
    try:
        header, size = frame.read_header(read, MAX_HEADER)
    except frame.FrameError as error:
        raise AnswerError(str(error)) from None
    if size > most_bytes:
        raise AnswerError("the answer is too large")
    payload = bytearray(size)
    frame.fill(read, memoryview(payload))
    try:
        node = json.loads(header)
    except (ValueError, RecursionError):
        _refuse()
    if type(node) is not dict or len(node) != 1:
        _refuse()
    return node, Texts(payload)


class Texts:
    def __init__(self, payload: bytearray) -> None:
        self._payload = payload
        self._at = 0

    def take(self, length: Any) -> bytearray:
        if type(length) is not int or not 0 <= length <= len(self._payload) - self._at:
            _refuse()
        self._at += length
        return self._payload[self._at - length : self._at]


def decode(kind: Any, node: Any, texts: Texts) -> Any:
    """The node as a value of that type; the texts in it are storable.

    Raises:
        AnswerError: it is none.
    """
    if kind is str:
        if type(node) is dict and node.keys() == {"text"}:
            return storable(texts.take(node["text"]).decode("utf-8", "replace"))
        return storable(node) if type(node) is str else _refuse()
    if kind is bytes:
        if type(node) is not dict or node.keys() != {"bytes"}:
            _refuse()
        return bytes(texts.take(node["bytes"]))
    if kind in (int, bool, NoneType):
        return node if type(node) is kind else _refuse()
    if kind is float:
        return node if type(node) is float and math.isfinite(node) else _refuse()
    if isinstance(kind, type) and is_dataclass(kind):
        fields = _fields(kind)
        if type(node) is not dict or node.keys() != fields.keys():
            _refuse()
        return kind(**{name: decode(fields[name], node[name], texts) for name in fields})
    return _decode_many(kind, node, texts)


def _decode_many(kind: Any, node: Any, texts: Texts) -> Any:
    origin, arguments = get_origin(kind), get_args(kind)
    if origin is tuple and type(node) is list:
        if arguments[-1] is Ellipsis:
            return tuple(decode(arguments[0], item, texts) for item in node)
        if len(node) == len(arguments):
            return tuple(decode(k, item, texts) for k, item in zip(arguments, node, strict=True))
    elif origin in (dict, Mapping) and type(node) is dict:
        return {storable(name): decode(arguments[1], item, texts) for name, item in node.items()}
    elif origin in (Union, UnionType) and NoneType in arguments:
        (other,) = set(arguments) - {NoneType}
        return None if node is None else decode(other, node, texts)
    _refuse()


@cache
def _fields(kind: type) -> dict[str, Any]:
    return get_type_hints(kind)


def _refuse() -> NoReturn:
    raise AnswerError("the answer is not in the expected form")
