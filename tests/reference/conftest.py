"""What the topics' tests share."""

import ctypes
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

torch.set_num_threads(1)  # the tensors are small

_CUDA, _META = 1, 14  # c10::DeviceType


@pytest.fixture(scope="session")
def _device_guards():
    """Give CUDA a guard that does nothing, that of the meta device, in a build without CUDA.

    FakeTensorMode does this itself in a build with CUDA and no GPU; in a build for CPUs indexing
    and in-place operations of fake CUDA tensors would fail for want of a guard.
    """
    if torch.version.cuda is None and torch.version.hip is None:
        c10 = ctypes.CDLL(next((Path(torch.__file__).parent / "lib").glob("libc10.*")))
        guards = (ctypes.c_void_p * (_META + 1)).in_dll(
            c10, "_ZN3c104impl26device_guard_impl_registryE"
        )
        guards[_CUDA] = guards[_CUDA] or guards[_META]


@pytest.fixture
def cuda(_device_guards):
    """A device on which tensors have no data, and mixing devices is an error."""
    with FakeTensorMode():
        yield torch.device("cuda")
