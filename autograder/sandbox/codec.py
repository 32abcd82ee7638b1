"""The parent's side of values: arguments are packed, and answers are read as hostile."""

from __future__ import annotations

import builtins
import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, NoReturn
from weakref import WeakKeyDictionary

import numpy as np
import torch

from autograder.judging.call import (
    Answer,
    Call,
    Failure,
    FailureKind,
    Foreign,
    Held,
    Ref,
    Results,
    Seed,
    Value,
)
from autograder.judging.tree import array_as_tensor
from autograder.sandbox.inside import trace, wire

MAX_DIMENSION = 2**40
MAX_PATH = 400  # characters of a file's path within a submission
_Octets = np.ndarray[Any, np.dtype[np.uint8]]
Key = tuple[str, int, int]  # a top-level statement: file, chunk, number
# The kinds that a worker may claim; the others are for the parent to find.
_CLAIMS: tuple[FailureKind, ...] = (
    *("missing", "signature", "unwritten", "exception"),
    *("memory", "device", "reply", "input"),
)
# A name or a number of a worker's own choice could carry a hidden input into a student's report.
_EXCEPTIONS = {
    name
    for name, kind in vars(builtins).items()
    if isinstance(kind, type) and issubclass(kind, BaseException)
}
MAX_LINE = 4096  # a problem further down is reported without its line


class ReplyError(ValueError):
    """The worker's answer is none."""


@dataclass(frozen=True)
class Statement:
    """A top-level statement of a submission: names that it binds ("*" when that cannot be told)
    and reads, and what it uses, as (path, place, line)."""

    bound: frozenset[str]
    reads: frozenset[str]
    uses: tuple[tuple[str, str, int], ...]


class _Packed:
    """A call as it crosses: its header's JSON, and the memory of its tensors."""

    def __init__(self, call: Call) -> None:
        self.buffers: list[memoryview] = []
        self.text = _JSON_OUT.encode(
            _node(call, [[name, _pack(v, self.buffers)] for name, v in call.arguments.items()])
        )
        self.size = sum(map(len, self.buffers))


# A case's calls are put to every submission, and nothing in them changes.
_packed: WeakKeyDictionary[Call, _Packed] = WeakKeyDictionary()


def _node(call: Call, arguments: list[list[Any]]) -> dict[str, Any]:
    node: dict[str, Any] = {
        "function": call.function,
        "arguments": arguments,
        "positional": call.positional,
        "seed": call.seed,
    }
    if call.traced:
        node["traced"] = True
    if call.held:
        node["held"] = call.held
    if call.silent:
        node["silent"] = True
    return node


class Request:
    """Calls on their way to a worker, in one frame, from the one of number `first` in their run."""

    def __init__(self, first: int) -> None:
        self.first = first
        self.end = first  # the number of the call after the last one
        self.buffers: list[memoryview] = []
        self.size = 0  # bytes of the payload
        self._calls: list[str | dict[str, Any]] = []  # those that refer to others as nodes
        self._keep: dict[int, dict[int | str | None, int]] = {}  # what is referred to, how often
        self._awaited: list[tuple[Ref, dict[str, Any], int]] = []  # with their nodes and buffers

    def __len__(self) -> int:
        return len(self._calls)

    def add(self, call: Call) -> None:
        """Add the next call. It may refer to calls of this request, and to earlier ones until the
        request is complete.

        Raises TypeError when an argument is nothing that a call can take.
        """
        if call.refs:
            old = len(self.buffers)
            arguments = [[name, self._pack(value)] for name, value in call.arguments.items()]
            self.size += sum(len(buffer) for buffer in self.buffers[old:])
            self._take(_node(call, arguments))
            return
        packed = _packed.get(call)
        if packed is None:
            packed = _packed[call] = _Packed(call)
        self.buffers += packed.buffers
        self.size += packed.size
        self._take(packed.text)

    def _take(self, call: str | dict[str, Any]) -> None:
        self._calls.append(call)
        self.end += 1

    def complete(self, results: Results) -> bool:
        """Take in what earlier calls gave. False when one of them gave no such value: the request
        is of no use then."""
        for ref, node, at in self._awaited:
            found = results.follow(ref)
            if found is None:
                return False
            buffers: list[memoryview] = []
            node["value"] = _pack(found, buffers)
            if buffers:
                self.buffers[at] = buffers[0]
        self._awaited.clear()
        return True

    @property
    def header(self) -> str:
        """As JSON."""
        calls = ",".join(
            call if isinstance(call, str) else _JSON_OUT.encode(call) for call in self._calls
        )
        keep = _JSON_OUT.encode([[at, [*uses.items()]] for at, uses in self._keep.items()])
        return f'{{"first":{self.first},"keep":{keep},"calls":[{calls}]}}'

    def _pack(self, value: Value) -> Any:
        if not isinstance(value, Ref):
            return _pack(value, self.buffers)
        if value.call < self.first:
            node: dict[str, Any] = {"value": None}
            self._awaited.append((value, node, len(self.buffers)))
            self.buffers.append(memoryview(b""))
            return node
        at = value.call - self.first
        uses = self._keep.setdefault(at, {})
        uses[value.item] = uses.get(value.item, 0) + 1
        return {"result": [at, value.item, value.shape]}


def _pack(value: Value, buffers: list[memoryview]) -> Any:
    if isinstance(value, torch.Tensor):
        return _pack_tensor(value.detach().cpu(), buffers)
    if isinstance(value, tuple):
        return [_pack(item, buffers) for item in value]
    if isinstance(value, Seed):
        return {"seed": value.value}
    if isinstance(value, Held):
        return {"held": value.back}
    if isinstance(value, float):
        return {"float": value.hex()}
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, np.ndarray):
        return {"array": _pack_tensor(array_as_tensor(value), buffers)["tensor"]}
    if isinstance(value, list):
        return {"list": [_pack(item, buffers) for item in value]}
    if isinstance(value, dict):
        if not all(isinstance(key, str) for key in value):
            raise TypeError("the keys of a dict must be strings")
        return {"dict": [[key, _pack(item, buffers)] for key, item in value.items()]}
    raise TypeError(f"no argument of a call can be a {type(value).__name__}")


def _pack_tensor(tensor: torch.Tensor, buffers: list[memoryview]) -> Any:
    if tensor.dtype not in wire.NAMES:
        raise TypeError(f"no argument of a call can have the dtype {tensor.dtype}")
    tensor = tensor.resolve_neg()
    flat = _memory_image(tensor)
    buffers.append(wire.octets(flat))
    layout = [list(tensor.shape), list(tensor.stride()), flat.numel()]
    return {"tensor": [wire.NAMES[tensor.dtype], *layout]}


def _memory_image(tensor: torch.Tensor) -> torch.Tensor:
    """The stretch of memory that the tensor's strides span, with zeros in its gaps.

    The gaps of a view belong to some other tensor, perhaps to one that must stay hidden.
    """
    if tensor.is_contiguous():
        return tensor.as_strided((tensor.numel(),), (1,))
    shape, stride = tensor.shape, tensor.stride()
    span = 1 + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
    once = tensor[tuple(slice(0, 1) if step == 0 else slice(None) for step in stride)]
    image = torch.zeros(span, dtype=tensor.dtype)
    try:
        image.as_strided(once.shape, once.stride()).copy_(once)
    except RuntimeError:  # its elements overlap, as sliding windows do, and so leave no gaps
        image = tensor.as_strided((span,), (1,)).clone()
    return image


def read_reply(
    read: wire.Read, call: Call, most_bytes: int, take: wire.Read = lambda _: 0
) -> Answer:
    """Read the answer to `call` from a process that may send anything.

    Args:
        take: what lies on the shelf.

    Raises:
        ReplyError: it is no answer to this call.
        EOFError: the process is gone.
    """
    header, payload = _read_header(read)
    if payload > wire.ASIDE:
        read, payload = take, payload - wire.ASIDE
    output = _text(header.pop("output", None), wire.MAX_REPLY_HEADER)
    operators = _names(header.pop("operators", []), trace.MOST)
    try:
        reader = _Reader(payload, most_bytes)
        if header.keys() == {"failure"}:
            answer = Answer(failure=_failure(header["failure"]), output=output)
        elif header.keys() == {"value", "changed"}:
            value = reader.value(header["value"])
            arguments = _arguments(header["changed"], call.arguments, reader)
            answer = Answer(
                value, arguments, output=output, size=payload, operators=tuple(operators)
            )
        else:
            _refuse()
    except (TypeError, RuntimeError, OverflowError, RecursionError, MemoryError):
        raise ReplyError("the answer's values are malformed") from None
    reader.fill(read)
    return answer


@dataclass(frozen=True)
class Place:
    """Where a submission defines a function."""

    file: str  # its path in what was handed in
    place: str  # the same, or of a notebook which cell
    line: int


@dataclass(frozen=True)
class Loaded:
    """How loading ended: the problems that it met (place, exception, message, line, names), where
    each function is from and where else it is defined, and what was printed."""

    problems: list[dict[str, Any]]
    found: dict[str, tuple[Place, ...]]
    output: str


def read_loading(read: wire.Read, homes: Collection[str]) -> Key | Loaded:
    """Which statement is being loaded now, or how loading ended.

    Args:
        homes: the names of the functions that are asked for.
    """
    header, payload = _read_header(read)
    if payload:
        _refuse()
    if header.keys() == {"at"}:
        return _key(header["at"])
    problems, found = header.get("problems"), header.get("found")
    if header.keys() != {"problems", "found", "output"} or type(problems) is not list:
        _refuse()
    if type(found) is not dict or not found.keys() <= set(homes):
        _refuse()
    return Loaded(
        [_problem(problem) for problem in problems],
        {name: _places(places) for name, places in found.items()},
        _text(header["output"], wire.MAX_REPLY_HEADER),
    )


def _key(node: Any) -> Key:
    if type(node) is not list or len(node) != 3:
        _refuse()
    path, chunk, number = node
    return _text(path, MAX_PATH), _integer(chunk, 0, 10**7), _integer(number, 0, 10**7)


def _places(node: Any) -> tuple[Place, ...]:
    if type(node) is not list or len(node) > 20:
        _refuse()
    if any(type(place) is not list or len(place) != 3 for place in node):
        _refuse()
    return tuple(
        Place(_text(file, MAX_PATH), _text(place, 2 * MAX_PATH), _line(line))
        for file, place, line in node
    )


def read_statements(read: wire.Read) -> tuple[Statement, ...]:
    """What the submission's source uses, found before it ran."""
    header, payload = _read_header(read)
    facts = header.get("statements")
    if payload or header.keys() != {"statements"} or type(facts) is not list:
        _refuse()
    return tuple(_statement(fact) for fact in facts)


def _statement(node: Any) -> Statement:
    if type(node) is not dict or node.keys() != {"bound", "reads", "uses"}:
        _refuse()
    uses = node["uses"]
    if type(uses) is not list or any(type(use) is not list or len(use) != 3 for use in uses):
        _refuse()
    return Statement(
        frozenset(_names(node["bound"], 200)),
        frozenset(_names(node["reads"], 1000)),
        tuple((_text(p, 200), _text(at, 200), _integer(n, 0, 10**7)) for p, at, n in uses),
    )


def _names(node: Any, most: int) -> list[str]:
    if type(node) is not list or len(node) > most:
        _refuse()
    return [_text(name, 200) for name in node]


def _read_header(read: wire.Read) -> tuple[dict[str, Any], int]:
    try:
        text, payload = wire.read_header(read, wire.MAX_REPLY_HEADER)
        header = _JSON.decode(text.decode())
    except (ValueError, RecursionError):
        raise ReplyError("the answer is not in the expected form") from None
    if type(header) is not dict:
        _refuse()
    return header, payload


def _refuse(*_: object) -> NoReturn:
    raise ReplyError("the answer is not in the expected form")


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result = dict(pairs)
    if len(result) != len(pairs):
        _refuse()
    return result


_JSON_OUT = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_JSON = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse, object_pairs_hook=_object)


def _text(node: Any, most: int) -> str:
    if type(node) is not str:
        _refuse()
    if node.isascii() and "\0" not in node:
        return node[:most]
    # Lone surrogates and NULs are nothing that files, pages or databases can keep.
    return node[:most].encode("utf-8", "replace").decode().replace("\0", "\ufffd")


def _integer(node: Any, least: int, most: int) -> int:
    if type(node) is not int or not least <= node <= most:
        _refuse()
    return node


def _identifier(node: Any) -> str:
    name = _text(node, 80)
    return name if re.fullmatch(r"[A-Za-z_][\w.]*", name, re.ASCII) else "object"


def _failure(node: Any) -> Failure:
    if type(node) is not dict or node.keys() != {"kind", "message", "exception", "line"}:
        _refuse()
    kind = next((claim for claim in _CLAIMS if claim == node["kind"]), None)
    if kind is None:
        _refuse()
    message = _text(node["message"], wire.MAX_MESSAGE + 100)
    return Failure(
        kind=kind,
        message="" if kind == "missing" else message,  # why it is missing, the session knows
        exception=_exception(node["exception"]) if node["exception"] else "",
        line=_line(node["line"]),
    )


def _exception(node: Any) -> str:
    name = _text(node, 80)
    return name if name in _EXCEPTIONS else "Exception"


def _line(node: Any) -> int:
    line = _integer(node, 0, 10**7)
    return line if line <= MAX_LINE else 0


_PROBLEM = {"place", "exception", "message", "line", "names"}


def _problem(node: Any) -> dict[str, Any]:
    if type(node) is not dict or node.keys() != _PROBLEM:
        _refuse()
    return {
        "names": tuple(_names(node["names"], 50)),
        "place": _text(node["place"], 200),
        "exception": _exception(node["exception"]) if node["exception"] else "",
        "message": _text(node["message"], wire.MAX_MESSAGE),
        "line": _line(node["line"]),
    }


def _arguments(changed: Any, sent: Mapping[str, Value], reader: _Reader) -> dict[str, Value]:
    """The arguments as they stand after the call."""
    if type(changed) is not dict or not changed.keys() <= sent.keys():
        _refuse()
    return {**sent, **{name: reader.value(node) for name, node in changed.items()}}


class _Reader:
    """Builds values from a reply's nodes: their tensors lie in its payload, which is read at the
    end."""

    def __init__(self, payload: int, most: int) -> None:
        if payload > most:
            raise ReplyError("the answer is too large")
        self._octets = np.empty(payload, np.uint8)
        self._taken = 0
        self._bools: list[_Octets] = []
        self._apart: list[tuple[torch.Tensor, _Octets]] = []  # what does not lie as it should

    def fill(self, read: wire.Read) -> None:
        """Read the payload, which must be just what the values have taken of it."""
        if self._taken != len(self._octets):
            _refuse()
        wire.fill(read, self._octets.data)
        for tensor, octets in self._apart:
            tensor.copy_(torch.from_numpy(octets))
        for octets in self._bools:  # any other byte than 0 and 1 is no bool, and behaves like none
            np.minimum(octets, 1, out=octets)

    def value(self, node: Any, depth: int = 0) -> Value:
        if node is None or type(node) is bool:
            return node
        if type(node) is int:
            return _integer(node, -(2**63), 2**63 - 1)
        if type(node) is str:
            return _text(node, wire.MAX_TEXT)
        if type(node) is list and len(node) <= wire.MAX_ITEMS and depth < wire.MAX_NESTING:
            return tuple(self.value(item, depth + 1) for item in node)
        if type(node) is not dict or len(node) != 1:
            _refuse()
        ((kind, content),) = node.items()
        if kind == "tensor":
            return self._tensor(content)
        if kind == "array" and content[:1] != ["bfloat16"]:
            return self._tensor(content).numpy()
        if kind == "dict" and depth < wire.MAX_NESTING:
            return self._dict(content, depth)
        if kind == "float" and type(content) is str and len(content) <= 32:
            return _float(content)
        if kind == "seed":
            return Seed(_integer(content, 0, 2**64 - 1))
        if kind == "foreign":
            return Foreign(_identifier(content))
        _refuse()

    def _dict(self, content: Any, depth: int) -> dict[str, Value]:
        if type(content) is not list or len(content) > wire.MAX_ITEMS:
            _refuse()
        if any(type(pair) is not list or len(pair) != 2 for pair in content):
            _refuse()
        found = {_text(key, wire.MAX_KEY): self.value(item, depth + 1) for key, item in content}
        if len(found) != len(content):
            _refuse()
        return found

    def _tensor(self, content: Any) -> torch.Tensor:
        if type(content) is not list or len(content) != 2 or type(content[0]) is not str:
            _refuse()
        name, shape = content
        if name not in wire.DTYPES or type(shape) is not list or len(shape) > wire.MAX_DIMS:
            _refuse()
        dtype = wire.DTYPES[name]
        count = 1
        for length in shape:
            count *= _integer(length, 0, MAX_DIMENSION)
        start, size = self._taken, count * dtype.itemsize
        if size > len(self._octets) - start:
            _refuse()
        self._taken += size
        if not count:
            return torch.empty(shape, dtype=dtype)
        if start % dtype.itemsize:
            apart = torch.empty(size, dtype=torch.uint8)
            self._apart.append((apart, self._octets[start : start + size]))
            return apart.view(dtype).reshape(shape)
        if dtype is torch.bool:
            self._bools.append(self._octets[start : start + size])
        if dtype is torch.bfloat16:  # which numpy does not have
            flat = torch.frombuffer(self._octets, dtype=dtype, count=count, offset=start)
            return flat.reshape(shape)
        return torch.from_numpy(np.ndarray(shape, name, self._octets, start))  # in half the time


def _float(text: str) -> float:
    try:
        return float.fromhex(text)
    except (ValueError, OverflowError):
        _refuse()
