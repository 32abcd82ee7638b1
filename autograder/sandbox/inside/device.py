"""The device that a worker computes on."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from typing import Any

import torch

_SIDE = 64  # of the matrices that a device is tried with


class Device:
    """A torch device, and what differs from one kind to the next.

    Args:
        name: as torch knows it. The device is not touched before `try_out`.
    """

    def __init__(self, name: str) -> None:
        self.torch = torch.device(name)
        self._is_cpu = self.torch.type == "cpu"
        self._module: Any = None if self._is_cpu else getattr(torch, self.torch.type, None)

    def try_out(self) -> str:
        """Set the device up, if that has not been done, and let it multiply two matrices.

        Returns what is wrong, nothing when all is well.
        """
        try:
            if self.torch.type == "cuda":
                _exact()
            ones = torch.ones(_SIDE, _SIDE, dtype=torch.float64, device=self.torch)
            if float((ones @ ones).sum()) != float(_SIDE**3):
                return "it multiplies wrongly"
        except Exception as error:
            return str(error).split("\n")[0][:300] or type(error).__name__
        return ""

    def is_broken(self) -> bool:
        """Whether what ran on it has left it unusable for this process, as an access to memory
        that is not its own does."""
        try:
            self.synchronize()
        except Exception:
            return True
        return False

    def synchronize(self) -> None:
        """Wait for all that was started on it. Raises what went wrong there."""
        wait = getattr(self._module, "synchronize", None)
        if wait is not None:
            wait()

    def seed(self, seed: int) -> None:
        own = getattr(self._module, "manual_seed", None)
        if own is not None:
            own(seed)

    def generator(self, seed: int) -> torch.Generator:
        """A device without generators of its own draws from the CPU's."""
        try:
            generator = torch.Generator(self.torch)
        except (RuntimeError, NotImplementedError):
            generator = torch.Generator()
        return generator.manual_seed(seed)

    def tensor(
        self,
        source: torch.Tensor,
        start: int,
        dtype: torch.dtype,
        shape: Sequence[int],
        strides: Sequence[int],
        size: int,
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """A copy of `size` octets of a contiguous tensor, from `start` on, as a tensor, which is no
        view of anything; and its whole memory as another one where it has no storage that could be
        looked at (on a device written in Python)."""
        if self._is_cpu:
            tensor = torch.empty_strided(shape, strides, dtype=dtype, device=self.torch)
            _memmove(tensor.data_ptr(), source.data_ptr() + start, size)
            return tensor, None
        octets = source.reshape(-1).view(torch.uint8)[start : start + size]
        empty = torch.empty(0, dtype=dtype, device=self.torch)
        if type(empty) is torch.Tensor:
            memory = octets.to(self.torch, copy=True).untyped_storage()
            return empty.set_(memory, 0, shape, strides), None
        flat = octets.clone().view(dtype).to(self.torch)
        return flat.as_strided(shape, strides), flat


_memmove = ctypes.memmove
_memmove.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_size_t)


def _exact() -> None:
    """What is asked for in float32 shall be computed in float32, and the same way each time."""
    torch.backends.cuda.matmul.allow_tf32 = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_fp16_reduced_precision_reduction = False
    torch.backends.cuda.matmul.allow_bf16_reduced_precision_reduction = False
    torch.backends.cudnn.benchmark = False
