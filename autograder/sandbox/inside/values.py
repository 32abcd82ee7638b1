"""The worker's side of values: arguments off the wire, results onto it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from . import wire


class TooLarge(Exception):
    """The result has more bytes than a reply may have."""


@dataclass
class Given:
    """A tensor argument with what is needed to tell whether the call changed it."""

    tensor: torch.Tensor
    memory: torch.Tensor  # the tensor's whole storage, as bytes
    pristine: torch.Tensor  # the same bytes as they arrived
    layout: tuple[Any, ...]

    def changed(self) -> bool:
        return self.layout != layout(self.tensor) or not torch.equal(
            self.memory.cpu(), self.pristine
        )


def layout(tensor: torch.Tensor) -> tuple[Any, ...]:
    where = tensor.untyped_storage().data_ptr(), tensor.storage_offset()
    return tensor.dtype, tuple(tensor.shape), tensor.stride(), where


def decode(node: Any, read: wire.Read, device: torch.device, given: list[Given]) -> Any:
    """A value of a request. Tensors arrive with the strides they had, and are listed in `given`."""
    if isinstance(node, list):
        return tuple(decode(item, read, device, given) for item in node)
    if not isinstance(node, dict):
        return node
    ((kind, content),) = node.items()
    if kind == "tensor":
        return _decode_tensor(content, read, device, given)
    if kind == "float":
        return float.fromhex(content)
    assert kind == "seed"  # noqa: S101
    return torch.Generator(device).manual_seed(content)


def _decode_tensor(
    content: list[Any], read: wire.Read, device: torch.device, given: list[Given]
) -> torch.Tensor:
    name, shape, strides, span = content
    dtype = wire.DTYPES[name]
    pristine = torch.empty(span * dtype.itemsize, dtype=torch.uint8)
    wire.fill(read, wire.octets(pristine))
    tensor = torch.empty_strided(shape, strides, dtype=dtype, device=device)
    memory = torch.empty(0, dtype=torch.uint8, device=device).set_(tensor.untyped_storage())
    memory.copy_(pristine)
    given.append(Given(tensor, memory, pristine, layout(tensor)))
    return tensor


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
