"""The worker's side of values: arguments off the wire, results onto it."""

from __future__ import annotations

import ctypes
import math
import sys
from collections import defaultdict
from typing import Any

import numpy as np
import torch

from . import wire
from .device import Device

_CPU = Device("cpu")


class TooLarge(Exception):
    """The result has more bytes than a reply may have."""


ABSENT = object()  # stands for a value that an earlier call should have given, and did not


class Given:
    """A tensor argument, and what is needed to tell whether the call changed it."""

    def __init__(
        self,
        tensor: torch.Tensor,
        pristine: torch.Tensor,
        start: int = 0,
        memory: torch.Tensor | None = None,
    ) -> None:
        """Args:
        pristine: has, from its octet `start` on, the tensor's whole storage as it arrived.
        memory: all of it, where the storage cannot be looked at.
        """
        self._tensor = tensor
        self._memory = memory
        self._storage = tensor.untyped_storage()  # which the call may exchange
        self._pristine = pristine
        self._start = start
        self._layout = self._at_present()

    def changed(self) -> bool:
        if self._layout != self._at_present():
            return True
        ours = self._storage if self._memory is None else self._memory.cpu().untyped_storage()
        if ours.device.type != "cpu":
            ours = ours.cpu()  # type: ignore[no-untyped-call]
        # A training run compares thousands of tensors: torch.equal takes many times as long.
        pristine = self._pristine.data_ptr() + self._start
        return bool(_memcmp(ours.data_ptr(), pristine, ours.nbytes()))

    def _at_present(self) -> tuple[Any, ...]:
        tensor = self._tensor
        layout = tensor.dtype, tensor.shape, tensor.stride(), tensor.storage_offset()
        if self._memory is not None:
            return layout
        storage = tensor.untyped_storage()
        return *layout, storage.data_ptr(), storage.nbytes()


class GivenMore:
    """An array, a list or a dict, and what stood in it: its memory and its parts are looked at on
    their own."""

    def __init__(self, value: Any) -> None:
        self._value = value
        self._before = self._at_present()

    def changed(self) -> bool:
        before, now = self._before, self._at_present()
        return len(before) != len(now) or any(a is not b for a, b in zip(before, now, strict=True))

    def _at_present(self) -> list[Any]:
        value = self._value
        if isinstance(value, np.ndarray):
            return [value.dtype, sys.intern(str((value.shape, value.strides, value.ctypes.data)))]
        if isinstance(value, dict):
            return [part for pair in value.items() for part in pair]
        return list(value)


_memcmp = ctypes.CDLL(None).memcmp
_memcmp.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


Place = tuple[int, int | str | None]  # of a result: its call, and what of that


class Decoder:
    """Turns the nodes of one request into values: its payload, and what its calls gave so far."""

    def __init__(self, payload: torch.Tensor, device: Device, objects: dict[int, Any]) -> None:
        """Args: objects: what earlier calls of the run gave and the worker holds, by number."""
        self._payload = payload
        self._taken = 0
        self._device = device
        self._objects = objects
        self._number = 0  # of the call whose arguments are decoded
        self.lacking = False  # whether a held object that one of them is, is not there
        self._results: dict[Place, torch.Tensor | float] = {}
        self._uses: dict[Place, int] = defaultdict(int)  # that are still to come

    def arguments(
        self, number: int, nodes: list[list[Any]]
    ) -> dict[str, tuple[Any, list[Given | GivenMore]]]:
        """The arguments of the call of that number, each with what tells whether it changed."""
        self._number, self.lacking = number, False
        arguments: dict[str, tuple[Any, list[Given | GivenMore]]] = {}
        for name, node in nodes:
            given: list[Given | GivenMore] = []
            arguments[name] = self.decode(node, given), given
            self.lacking |= arguments[name][0] is ABSENT
        return arguments

    def decode(self, node: Any, given: list[Given | GivenMore]) -> Any:
        """A value, or ABSENT. Tensors have the strides they had, and are listed in `given`."""
        if isinstance(node, list):
            return tuple(self.decode(item, given) for item in node)
        if not isinstance(node, dict):
            return node
        ((kind, content),) = node.items()
        if kind == "tensor":
            return self._tensor(content, self._device, given)
        if kind == "value":
            return self.decode(content, given)
        if kind == "float":
            return float.fromhex(content)
        if kind == "result":
            call, item, shape = content
            return self._result((call, item), shape, given)
        if kind == "seed":
            return self._device.generator(content)
        return self._with_more(kind, content, given)

    def _with_more(self, kind: str, content: Any, given: list[Given | GivenMore]) -> Any:
        """What is neither a tensor nor plain: an array, or a container that the call may change."""
        value: Any
        if kind == "array":
            value = self._tensor(content, _CPU, given).numpy()  # which shares its memory
        elif kind == "held":
            value = self._objects.get(self._number - content, ABSENT)
            self.lacking |= value is ABSENT
            return value
        elif kind == "list":
            value = [self.decode(item, given) for item in content]
        else:
            assert kind == "dict"  # noqa: S101
            value = {key: self.decode(item, given) for key, item in content}
        given.append(GivenMore(value))
        return value

    def _tensor(self, content: Any, device: Device, given: list[Given | GivenMore]) -> torch.Tensor:
        name, shape, strides, span = content
        dtype, start = wire.DTYPES[name], self._taken
        size = span * dtype.itemsize
        self._taken += size
        tensor, memory = device.tensor(self._payload, start, dtype, shape, strides, size)
        given.append(Given(tensor, self._payload, start, memory))
        return tensor

    def keep(self, at: Place, uses: int, node: Any, encoder: Encoder) -> None:
        """Remember a number or a tensor, as the encoder gave it, which nothing changes later, for
        as long as it is of use."""
        self._uses[at] = uses
        if isinstance(node, dict) and "tensor" in node:
            self._results[at] = encoder.tensor(node).clone()
        elif isinstance(node, dict) and "float" in node:
            self._results[at] = float.fromhex(node["float"])
        elif type(node) is int:
            self._results[at] = node

    def _result(self, at: Place, shape: list[int] | None, given: list[Given | GivenMore]) -> Any:
        found = self._results.get(at, ABSENT)
        self._uses[at] -= 1
        if not self._uses[at]:
            self._results.pop(at, None)
        if not isinstance(found, torch.Tensor):
            return found if shape is None else ABSENT
        if shape is not None:
            if math.prod(shape) != found.numel():
                return ABSENT
            found = found.view(shape)
        layout = found.dtype, found.shape, found.stride()
        tensor, memory = self._device.tensor(found, 0, *layout, found.nbytes)
        given.append(Given(tensor, found, 0, memory))
        return tensor


class Encoder:
    """Turns results into header nodes, and collects the tensors' bytes in `buffers`."""

    def __init__(self, most_bytes: int) -> None:
        self.buffers: list[memoryview] = []
        self._tensors: dict[int, torch.Tensor] = {}  # by the identity of their nodes
        self._left = most_bytes

    def tensor(self, node: Any) -> torch.Tensor:
        """What this encoder made a node of: contiguous, and on the CPU."""
        return self._tensors[id(node)]

    def encode(self, value: Any, depth: int = 0) -> Any:
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if isinstance(value, np.ndarray) and value.ndim:
            return self._array(value)
        if isinstance(value, np.generic | np.ndarray):  # numpy's numbers are numbers
            value = value.item()
        if value is None or isinstance(value, bool):
            return value
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
        if fits and isinstance(value, dict) and len(value) <= wire.MAX_ITEMS:
            return self._dict(value, depth)
        return _foreign(type(value).__name__)

    def _dict(self, value: dict[Any, Any], depth: int) -> Any:
        pairs = list(dict.items(value))
        if not all(type(key) is str and len(key) <= wire.MAX_KEY for key, _ in pairs):
            return _foreign("dict")
        return {"dict": [[key, self.encode(item, depth + 1)] for key, item in pairs]}

    def _array(self, array: np.ndarray[Any, Any]) -> Any:
        """Arrays of the numbers that tensors have."""
        if array.dtype.name not in wire.DTYPES:
            return _foreign("ndarray")
        self._left -= array.size * array.dtype.itemsize
        if self._left < 0:
            raise TooLarge
        plain = np.array(array, dtype=array.dtype.newbyteorder("="), order="C", subok=False)
        self._left += array.size * array.dtype.itemsize
        node = self._tensor(torch.from_numpy(plain))
        return {"array": node["tensor"]} if "tensor" in node else node

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
            if _is_plain(tensor):  # each of the steps below costs as much as asking this
                plain = tensor
            else:
                with torch._C.DisableTorchFunctionSubclass():
                    plain = tensor.detach().cpu().contiguous().resolve_neg()
            octets = wire.octets(plain)
        except (RuntimeError, TypeError, NotImplementedError) as error:
            if "allocate memory" in str(error):
                raise
            return _foreign(type(tensor).__name__)  # meta, fake and wrapped tensors
        node = {"tensor": [wire.NAMES[dtype], list(plain.shape)]}
        self._tensors[id(node)] = plain
        self.buffers.append(octets)
        return node


def _is_plain(tensor: torch.Tensor) -> bool:
    """Whether its numbers lie in the CPU's memory as they are, in order."""
    if type(tensor) is not torch.Tensor or tensor.requires_grad or not tensor.is_cpu:
        return False
    return tensor.is_contiguous() and not tensor.is_neg()


def _foreign(name: str) -> dict[str, str]:
    return {"foreign": name[:80]}
