"""The profile for an NVIDIA GPU, or a MIG slice of one.

No NVIDIA driver has run under it yet. Where each permission comes from:

- nodes, and the one for tools without which driver 570 and newer refuse to start: the driver's
  documentation and reports from other sandboxes;
- ioctls: what gVisor lets through for computing (its nvproxy), without the two commands by which
  the driver copies another process' memory;
- `/proc/self/task/*/comm`: drivers from 570 on name their threads there, and fail if they cannot;
- `memfd_create`, `eventfd2` and the calls on memory policies: reports from other sandboxes.

`gradmark gpu-check` takes each away alone and tells whether CUDA still starts.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from autograder.sandbox.limits import SandboxUnavailable
from autograder.sandbox.profiles.profile import Profile

NODES = ("nvidiactl", "nvidia-uvm", "nvidia-uvm-tools")
# Where a container's runtime puts the driver's libraries, if not among the system's.
DRIVER_FOLDERS = ("/usr/local/nvidia/lib64", "/usr/local/nvidia/lib")
# What the driver reads about the machine and itself.
FACTS = (
    *("/proc/driver/nvidia", "/proc/driver/nvidia-uvm", "/proc/driver/nvidia-caps"),
    *("/proc/meminfo", "/sys/devices/system/node", "/sys/module/nvidia", "/sys/module/nvidia_uvm"),
)
SYSTEM_CALLS = (
    *("memfd_create", "eventfd2", "pipe2", "mbind", "get_mempolicy", "set_mempolicy"),
    *("sched_getscheduler", "sched_getparam"),
)
ENVIRONMENT = {
    "CUDA_MODULE_LOADING": "LAZY",
    "CUDA_CACHE_DISABLE": "1",  # no kernel that one submission compiled for the next one
    "CUBLAS_WORKSPACE_CONFIG": ":4096:8",  # or cuBLAS is not deterministic
    "NVIDIA_TF32_OVERRIDE": "0",
    "PYTORCH_NVML_BASED_CUDA_CHECK": "1",  # asking whether there is a GPU must not start CUDA
}
THREADS = 64

# _IOWR('F', number, any size): the kernel's way to write an ioctl's command.
_FRONTEND_MASK, _FRONTEND = 0xC000_FFFF, 0xC000_0000 | ord("F") << 8
_FRONTEND_NUMBERS = (
    *(0x27, 0x29, 0x2A, 0x2B, 0x34, 0x35, 0x4A, 0x4E, 0x4F, 0x5E),  # RM: memory, objects, control
    *(200, 201, 206, 207, 210, 212, 214, 218),  # card info, descriptors, events, version, ...
)
_UVM_NUMBERS = (
    *(0x3000_0001, 0x3000_0002),  # initialize, deinitialize
    *(23, 24, 25, 26, 27, 28, 29, 30, 31, 33, 34, 37, 38, 39, 42, 43, 45, 47, 51, 53, 65, 66, 68),
    *(72, 73, 75),
)
IOCTLS = (
    *((_FRONTEND_MASK, _FRONTEND | number) for number in _FRONTEND_NUMBERS),
    *((0xFFFF_FFFF, number) for number in _UVM_NUMBERS),
)


def cuda(which: str, host: Path = Path("/")) -> Profile:
    """The profile for GPU `which` ("0"), or for a slice of it ("0/1/0": GPU, instances).

    Args:
        host: the machine's root folder.

    Raises:
        SandboxUnavailable: this machine has no such GPU, or its nodes cannot be opened.
    """
    device = f"cuda:{which}" if which else "cuda"
    match = re.fullmatch(r"(\d+)(?:/(\d+)/(\d+))?", which or "0")
    if match is None:
        raise SandboxUnavailable(
            f"{device!r} is no device: name a GPU ('cuda:0') or a MIG slice ('cuda:0/1/0')."
        )
    gpu, instance, compute = match.groups()
    names = (*NODES, f"nvidia{gpu}", *(_slice(gpu, instance, compute, host) if instance else ()))
    nodes = {f"/dev/{name}": str(host / "dev" / name) for name in names}
    for name, path in nodes.items():
        if not os.path.exists(path):
            raise SandboxUnavailable(
                f"the device {device!r} is not there, for {name} is missing: install NVIDIA's "
                "driver and load nvidia and nvidia_uvm (nvidia-modprobe -u -c 0), or, in a "
                "container, give it the GPU."
            )
        if not os.access(path, os.R_OK | os.W_OK):
            raise SandboxUnavailable(
                f"the device {device!r} may not be opened by this user: allow reading and writing "
                f"{name}, say by adding the user to its group."
            )
    read = (*DRIVER_FOLDERS, *FACTS, *_bus(gpu, host))
    trees = {path: str(host / path[1:]) for path in read if (host / path[1:]).exists()}
    folders = [path for path in DRIVER_FOLDERS if path in trees]
    libraries = {"LD_LIBRARY_PATH": ":".join(folders)} if folders else {}
    return Profile(
        "cuda",
        device="cuda:0",  # the only one to be seen
        nodes=nodes,
        trees=trees,
        environment={**ENVIRONMENT, **libraries},
        own_proc=True,
        system_calls=SYSTEM_CALLS,
        ioctls=IOCTLS,
        threads=THREADS,
        address_space=False,
        sessions=1,
        clock="wall",
        context=True,
    )


def gpus(host: Path = Path("/")) -> list[str]:
    """The GPUs of this machine, as devices."""
    found = (re.fullmatch(r"nvidia(\d+)", name) for name in os.listdir(host / "dev"))
    return sorted(f"cuda:{match[1]}" for match in found if match is not None)


def _slice(gpu: str, instance: str, compute: str, host: Path) -> Iterator[str]:
    """The nodes that stand for the right to use one MIG slice."""
    try:
        minors = (host / "proc/driver/nvidia-caps/mig-minors").read_text()
    except OSError:
        raise SandboxUnavailable(
            f"'cuda:{gpu}/{instance}/{compute}' is not there: MIG is not enabled on this machine."
        ) from None
    for right in (f"gpu{gpu}/gi{instance}/access", f"gpu{gpu}/gi{instance}/ci{compute}/access"):
        match = re.search(rf"^{right} (\d+)$", minors, re.M)
        if match is None:
            raise SandboxUnavailable(
                f"'cuda:{gpu}/{instance}/{compute}' is not there: there is no {right}."
            )
        yield f"nvidia-caps/nvidia-cap{match[1]}"


def _bus(gpu: str, host: Path) -> Iterator[str]:
    """Where /sys describes the GPU, by the address that its driver gives."""
    for path in sorted((host / "proc/driver/nvidia/gpus").glob("*/information")):
        if re.search(rf"^Device Minor:\s*{gpu}\s*$", path.read_text(), re.M):
            yield f"/sys/bus/pci/devices/{path.parent.name}"
