"""Answers calls of a submission's functions, in a process that is already confined."""

from __future__ import annotations

import gc
import inspect
import io
import json
import linecache
import os
import random
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch

from . import wire
from .confine import CALL_FD
from .device import Device
from .loading.loader import Key, Submission
from .loading.source import Source
from .operations import operation
from .scan import scan
from .shelf import Shelf
from .trace import Operators
from .values import Decoder, Encoder, TooLarge
from .warm import warm_up, warm_up_more
from .zygote import settle

__all__ = ["serve", "warm_up", "warm_up_more"]  # a zygote's program

Reply = tuple[dict[str, Any], list[memoryview]]


class Output(io.TextIOBase):
    """Takes the place of stdout and stderr: keeps the beginning and silently drops the rest."""

    def __init__(self, most: int) -> None:
        self._left = most
        self._parts: list[str] = []

    encoding = "utf-8"

    def writable(self) -> bool:
        return True

    def reconfigure(self, **_: Any) -> None:
        """As a terminal's: there is nothing to change."""

    @property
    def buffer(self) -> Output:
        return self

    def write(self, text: str | bytes | bytearray | memoryview) -> int:
        if not isinstance(text, str):
            text = bytes(text).decode("utf-8", "replace")
        kept = text[: self._left]
        if kept:
            self._left -= len(kept)
            self._parts.append(kept)
        return len(text)

    def take(self) -> str:
        text = "".join(self._parts)
        self._parts.clear()
        return text


def serve(shelf: Shelf) -> None:
    """Answer the requests on CALL_FD until it is closed."""

    def read(buffer: memoryview) -> int:
        return os.readv(CALL_FD, [buffer])

    def write(buffers: Sequence[memoryview]) -> int:
        return os.writev(CALL_FD, buffers)

    device = None
    while True:
        text, _ = wire.read_header(read, 2**31)
        request = json.loads(text)
        if "scan" in request:
            gc.disable()
            wire.send(write, {"statements": scan(_sources(request["scan"]))}, [])
            return
        if "try" not in request:
            break
        device = device or Device(request["try"])
        wire.send(write, {"wrong": device.try_out()}, [])
    output = Output(request["output_chars"])
    sys.stdout = sys.stderr = output

    def announce(key: Key) -> None:
        wire.send(write, {"at": key}, [])

    skip = {(path, chunk, number): why for path, chunk, number, why in request["skip"]}
    gc.disable()  # parsing makes many objects and no garbage
    submission = Submission(_sources(request["sources"]), request["homes"], skip, announce)
    settle()
    submission.load()
    device = device or Device(request["device"])
    worker = Worker(submission, device, request["reply_bytes"])
    loaded = {"problems": submission.problems[:50], "found": submission.found()}
    wire.send(write, {**loaded, "output": output.take()}, [])
    while True:
        try:
            text, size = wire.read_header(read, 2**31)
        except EOFError:
            return
        shelf.clear()
        # All of it at once: nobody reads the answers before the whole request is sent.
        payload = torch.empty(size, dtype=torch.uint8)
        wire.fill(read, wire.octets(payload))
        decoder = Decoder(payload, worker.device, worker.objects)
        request = json.loads(text)
        keep, first = dict(request["keep"]), request["first"]
        for at, call in enumerate(request["calls"]):
            call |= {"number": first + at, "keep": keep.get(at, ())}
            header, buffers = worker.answer(at, call, decoder)
            header["output"] = output.take()
            wire.send(write, header, buffers, shelf)


def _sources(nodes: list[dict[str, Any]]) -> list[Source]:
    return [Source(**node) for node in nodes]


class Worker:
    def __init__(self, submission: Submission, device: Device, reply_bytes: int) -> None:
        self._submission = submission
        self.device = device
        self._reply_bytes = reply_bytes
        self.objects: dict[int, Any] = {}  # that calls of this run gave, by their numbers
        self._last: dict[int, int] = {}  # the last call that may ask for each

    def answer(self, at: int, request: dict[str, Any], decoder: Decoder) -> Reply:
        """Make the call; what later ones of the request refer to is kept by the decoder."""
        try:
            return self._answer(at, request, decoder)
        except TooLarge:
            return _failure("reply", f"the result is larger than {self._reply_bytes} bytes")
        except BaseException as error:
            return self._describe(error)

    def _answer(self, at: int, request: dict[str, Any], decoder: Decoder) -> Reply:
        number = request["number"]
        self._let_go(number)
        arguments = decoder.arguments(number, request["arguments"])
        if decoder.lacking:
            return _failure("input")
        function = operation(request["function"], self._submission.find)
        if function is None:
            return _failure("missing")

        values = [value for value, _ in arguments.values()]
        count = request["positional"]
        by_name = dict(zip(list(arguments)[count:], values[count:], strict=True))
        _seed(request["seed"], self.device)
        try:
            with Operators() if request.get("traced") else nullcontext() as operators:
                result = function(*values[:count], **by_name)
        except TypeError:
            if _accepts(function, values[:count], by_name):
                raise
            return _failure("signature", str(inspect.signature(function))[: wire.MAX_MESSAGE])

        self._hold(number, request.get("held", 0), result)
        encoder = Encoder(self._reply_bytes)
        value = None if request.get("silent") else encoder.encode(result)
        for item, uses in request["keep"]:
            if isinstance(item, str):
                own = Encoder(self._reply_bytes)
                decoder.keep((at, item), uses, own.encode(arguments[item][0]), own)
            else:
                decoder.keep((at, item), uses, _at(value, item), encoder)
        changed = {
            name: encoder.encode(left)
            for name, (left, given) in arguments.items()
            if any(tensor.changed() for tensor in given)
        }
        header = {"value": value, "changed": changed}
        if operators is not None:
            header["operators"] = operators.names
        return header, encoder.buffers

    def _let_go(self, number: int) -> None:
        """Drop what no call from this one on may ask for; the first of a run asks for nothing."""
        for held in [held for held, last in self._last.items() if last < number or number == 0]:
            del self.objects[held], self._last[held]

    def _hold(self, number: int, calls: int, result: Any) -> None:
        """Keep what a call gave for as many calls as may ask for it, and no longer."""
        if calls:
            self.objects[number] = result
            self._last[number] = number + calls

    def _describe(self, error: BaseException) -> Reply:
        found = self._submission.describe(error)
        message = found["text"][: wire.MAX_MESSAGE]
        out_of_memory = isinstance(error, MemoryError | torch.OutOfMemoryError)
        if out_of_memory or "allocate memory" in message:
            return _failure("memory", message)
        if self.device.is_broken():
            return _failure("device", message)
        if found["cell"]:
            message += f" ({found['place']})"
        kind = "unwritten" if _is_stub(error) else "exception"
        fields = {"message": message, "exception": found["exception"], "line": found["line"]}
        return {"failure": {"kind": kind, **fields}}, []


def _at(node: Any, item: int | None) -> Any:
    if item is None:
        return node
    return node[item] if isinstance(node, list) and item < len(node) else None


def _failure(kind: str, message: str = "") -> Reply:
    return {"failure": {"kind": kind, "message": message, "exception": "", "line": 0}}, []


def _accepts(function: Any, positional: list[Any], by_name: dict[str, Any]) -> bool:
    try:
        signature = inspect.signature(function)
    except (TypeError, ValueError):
        return True  # written in C: only the call can tell
    try:
        signature.bind(*positional, **by_name)
    except TypeError:
        return False
    return True


def _is_stub(error: BaseException) -> bool:
    """Whether the submission says `raise NotImplementedError`: torch raises that class as well."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    if not isinstance(error, NotImplementedError) or trace is None:
        return False
    return "raise" in linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)


def _seed(seed: int, device: Device) -> None:
    # torch.manual_seed costs milliseconds more: it goes round all kinds of devices.
    torch.default_generator.manual_seed(seed)
    device.seed(seed)
    np.random.seed(seed % 2**32)
    random.seed(seed)
