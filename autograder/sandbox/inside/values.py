"""The worker's side of values: arguments off the wire, results onto it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from . import wire


class TooLarge(Exception):
    """The result has more bytes than a reply may have."""


ABSENT = object()  # stands for a value that an earlier call should have given, and did not


@dataclass
class Given:
    """A tensor argument with what is needed to tell whether the call changed it."""

    tensor: torch.Tensor
    memory: torch.Tensor  # the tensor's whole storage, as bytes
    pristine: torch.Tensor  # the same bytes as they arrived
    layout: tuple[Any, ...]

    def changed(self) -> bool:
        # numpy compares bytes many times faster than torch.equal does.
        return self.layout != layout(self.tensor) or not np.array_equal(
            self.memory.cpu().numpy(), self.pristine.numpy()
        )


def layout(tensor: torch.Tensor) -> tuple[Any, ...]:
    where = tensor.untyped_storage().data_ptr(), tensor.storage_offset()
    return tensor.dtype, tuple(tensor.shape), tensor.stride(), where


Sent = tuple[str, list[int], torch.Tensor]  # dtype, shape and bytes of a tensor in a reply


class Decoder:
    """Turns the nodes of one request into values: its payload, and what its calls gave so far."""

    def __init__(self, payload: torch.Tensor, device: torch.device) -> None:
        self._payload = payload
        self._taken = 0
        self._device = device
        self._results: dict[tuple[int, int | str | None], Sent | float] = {}

    def decode(self, node: Any, given: list[Given]) -> Any:
        """A value, or ABSENT. Tensors have the strides they had, and are listed in `given`."""
        if isinstance(node, list):
            return tuple(self.decode(item, given) for item in node)
        if not isinstance(node, dict):
            return node
        ((kind, content),) = node.items()
        if kind == "tensor":
            name, shape, strides, span = content
            size = span * wire.DTYPES[name].itemsize
            pristine = self._payload[self._taken : self._taken + size]
            self._taken += size
            return self._tensor(name, shape, strides, pristine, given)
        if kind == "float":
            return float.fromhex(content)
        if kind == "result":
            call, item, shape = content
            return self._result(call, item, shape, given)
        assert kind == "seed"  # noqa: S101
        return torch.Generator(self._device).manual_seed(content)

    def keep(self, call: int, item: int | str | None, value: Any, encoder: Encoder) -> None:
        """Remember a number, or the bytes of a tensor, which nothing changes later."""
        node = encoder.encode(value)
        if isinstance(node, dict) and "tensor" in node:
            name, shape = node["tensor"]
            octets = torch.empty(math.prod(shape) * wire.DTYPES[name].itemsize, dtype=torch.uint8)
            wire.octets(octets)[:] = encoder.buffers[0]
            self._results[call, item] = name, shape, octets
        elif isinstance(node, dict) and "float" in node:
            self._results[call, item] = float.fromhex(node["float"])
        elif type(node) is int:
            self._results[call, item] = node

    def _result(
        self, call: int, item: int | str | None, shape: list[int] | None, given: list[Given]
    ) -> Any:
        found = self._results.get((call, item), ABSENT)
        if not isinstance(found, tuple):
            return found if shape is None else ABSENT
        name, sent_shape, octets = found
        shape = sent_shape if shape is None else shape
        if math.prod(shape) != math.prod(sent_shape):
            return ABSENT
        return self._tensor(name, shape, _row_major(shape), octets, given)

    def _tensor(
        self,
        name: str,
        shape: list[int],
        strides: list[int],
        pristine: torch.Tensor,
        given: list[Given],
    ) -> torch.Tensor:
        tensor = torch.empty_strided(shape, strides, dtype=wire.DTYPES[name], device=self._device)
        memory = torch.empty(0, dtype=torch.uint8, device=self._device)
        memory.set_(tensor.untyped_storage())
        memory.copy_(pristine)
        given.append(Given(tensor, memory, pristine, layout(tensor)))
        return tensor


def _row_major(shape: list[int]) -> list[int]:
    strides = [1] * len(shape)
    for at in range(len(shape) - 1, 0, -1):
        strides[at - 1] = strides[at] * max(shape[at], 1)
    return strides


class Encoder:
    """Turns results into header nodes, and collects the tensors' bytes in `buffers`."""

    def __init__(self, most_bytes: int) -> None:
        self.buffers: list[memoryview] = []
        self._left = most_bytes

    def encode(self, value: Any, depth: int = 0) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.generic):  # numpy's numbers are numbers; its arrays, no tensors
            value = value.item()
        if isinstance(value, int):
            number = int(value)
            return number if -(2**63) <= number < 2**63 else _foreign("int")
        if isinstance(value, float):
            return {"float": float(value).hex()}
        if isinstance(value, str):
            return str(value)[: wire.MAX_TEXT]
        if isinstance(value, torch.Generator):
            return {"seed": value.initial_seed()}
        fits = depth < wire.MAX_NESTING
        if fits and isinstance(value, tuple | list) and len(value) <= wire.MAX_ITEMS:
            return [self.encode(item, depth + 1) for item in value]
        return _foreign(type(value).__name__)

    def _tensor(self, tensor: torch.Tensor) -> Any:
        dtype = tensor.dtype
        if dtype not in wire.NAMES:
            return _foreign(str(dtype))
        if tensor.layout is not torch.strided or tensor.dim() > wire.MAX_DIMS:
            return _foreign(type(tensor).__name__)
        # Expanded tensors are small until they are written out, so ask before.
        self._left -= tensor.numel() * dtype.itemsize
        if self._left < 0:
            raise TooLarge
        try:
            with torch.no_grad(), torch._C.DisableTorchFunctionSubclass():
                plain = tensor.detach().cpu().contiguous().resolve_neg()
                octets = wire.octets(plain)
        except (RuntimeError, TypeError, NotImplementedError) as error:
            if "allocate memory" in str(error):
                raise
            return _foreign(type(tensor).__name__)  # meta, fake and wrapped tensors
        self.buffers.append(octets)
        return {"tensor": [wire.NAMES[dtype], list(plain.shape)]}


def _foreign(name: str) -> dict[str, str]:
    return {"foreign": name[:80]}
