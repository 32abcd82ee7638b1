"""The profile for a GPU, on nodes that are none: what is allowed works, and the rest is closed."""

import os
from collections.abc import Iterator
from dataclasses import replace

import pytest

from autograder.judging.call import Call
from autograder.sandbox import Limits, Sandbox, SandboxUnavailable
from autograder.sandbox.inside.loading.source import Source
from autograder.sandbox.profiles import FULL, Profile, profile_for
from autograder.sandbox.profiles.cuda import cuda
from tests.devices.machine import machine

PROBE = """
import ctypes, fcntl, mmap, os, threading

def opened(path):
    os.close(os.open(path, os.O_RDWR))

def command(path, number):
    node = os.open(path, os.O_RDWR)
    try:
        fcntl.ioctl(node, number)
    except OSError as error:
        return error.errno
    finally:
        os.close(node)

def names_a_thread():
    seen = []
    def name():
        path = f"/proc/self/task/{threading.get_native_id()}/comm"
        with open(path, "w") as file:
            file.write("worker-thread")
        seen.append(open(path).read().strip())
    thread = threading.Thread(target=name)
    thread.start()
    thread.join()
    return seen[0]

def entries(path):
    return tuple(sorted(os.listdir(path)))

def text(path):
    with open(path) as file:
        return file.read()

def written(path):
    with open(path, "w") as file:
        file.write("1")

def reserves(size):
    mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000, prot=0).close()
    return True

def memory_file():
    node = os.memfd_create("x")
    os.write(node, b"1")
    return True

def clones(flags):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(56, flags, 0, 0, 0, 0) < 0:
        raise OSError(ctypes.get_errno(), "denied")
"""


@pytest.fixture(scope="module")
def gpu(tmp_path_factory) -> Profile:
    """The profile of a machine with two GPUs, for the first; what runs in it runs on the CPU."""
    host = machine(tmp_path_factory.mktemp("host"))
    return replace(cuda("0", host), device="cpu", context=False, sessions=64)


@pytest.fixture(scope="module")
def ask(gpu) -> Iterator:
    limits = Limits(call_seconds=20, load_seconds=20)
    with (
        Sandbox(profile=gpu, limits=limits) as sandbox,
        sandbox.session([Source("a", (PROBE,))]) as session,
    ):

        def ask(function: str, *arguments: object):
            names = {f"a{at}": value for at, value in enumerate(arguments)}
            answer = session.call(Call(function, names, len(names)))
            return answer.value if answer.failure is None else answer.failure.exception

        yield ask


@pytest.mark.parametrize("node", ["nvidiactl", "nvidia0", "nvidia-uvm", "nvidia-uvm-tools"])
def test_the_gpus_nodes_can_be_opened(ask, node):
    assert ask("opened", f"/dev/{node}") is None


def test_a_gpu_is_one_sandboxs_at_a_time(gpu):
    alone = replace(gpu, sessions=1)
    busy = pytest.raises(SandboxUnavailable, match="in use by another")
    with Sandbox("cuda:0", profile=alone), busy:
        Sandbox("cuda:0", profile=alone)
    Sandbox("cuda:0", profile=alone).close()


def test_no_other_device_is_there(ask):
    assert ask("entries", "/dev") == (
        *("null", "nvidia-uvm", "nvidia-uvm-tools", "nvidia0", "nvidiactl"),
        *("random", "urandom", "zero"),
    )
    assert ask("opened", "/dev/nvidia1") == "FileNotFoundError"
    assert ask("opened", "/dev/zero") == "PermissionError"


@pytest.mark.parametrize(
    ("number", "errno"),
    [
        (0xC020462A, 25),  # RM control: it reaches the node, which is none and does not know it
        (0xC00046C8, 25),
        (0x30000001, 25),
        (62, 1),  # the driver's way to read another process' memory
        (63, 1),
        (0xC0204611, 1),
        (0x5412, 1),  # TIOCSTI
        (0x5401, 1),
        (0x8933, 1),  # a network interface's number
    ],
)
def test_ioctls_are_let_through_by_command(ask, number, errno):
    assert ask("command", "/dev/nvidiactl", number) == errno


def test_a_thread_can_be_made_and_named(ask):
    assert ask("names_a_thread") == "worker-thread"


@pytest.mark.parametrize("flags", [0x11, 0x00010F00, 0x003D0F00 | 0x40000000])
def test_nothing_but_threads_can_be_made(ask, flags):
    assert ask("clones", flags) == "PermissionError"


def test_proc_shows_the_worker_itself_and_what_the_driver_reads(ask):
    assert set(ask("entries", "/proc")) <= {
        *("1", "cpuinfo", "driver", "meminfo", "own", "self", "thread-self")
    }
    assert ask("entries", "/proc/own") == ("1", "self", "thread-self")
    assert ask("text", "/proc/driver/nvidia/params") == "ModifyDeviceFiles: 0\n"
    for path in ("/proc/sys/kernel/hostname", "/proc/own/2/comm", "/proc/own/meminfo"):
        assert ask("text", path) == "FileNotFoundError", path
    for path in ("/proc/driver/nvidia/params", "/proc/cpuinfo"):
        assert ask("written", path) in {"PermissionError", "OSError"}, path
    # Its own memory and environment are closed where root has started it; where they are the user's
    # own, there is nothing in them but what a zygote is given.
    assert ask("text", "/proc/self/mem") in {"PermissionError", "OSError"}
    environment = ask("text", "/proc/self/environ")
    names = {part.partition("=")[0] for part in environment.split("\0") if "=" in part}
    assert not names & {"HOME", "PATH", "USER", "PYTEST_CURRENT_TEST"}  # of who has started it


def test_address_space_is_not_what_bounds_memory(ask):
    assert ask("reserves", 2**38) is True
    assert ask("memory_file") is True


def test_the_driver_is_told_not_to_cache_and_how_to_find_its_libraries(tmp_path):
    folder = tmp_path / "usr/local/nvidia/lib64"
    folder.mkdir(parents=True)
    profile = cuda("0", machine(tmp_path))
    assert profile.trees["/usr/local/nvidia/lib64"] == str(folder)
    assert profile.environment["LD_LIBRARY_PATH"] == "/usr/local/nvidia/lib64"
    assert profile.device == "cuda:0"


def test_the_second_gpu_is_the_first_that_its_worker_sees(tmp_path):
    profile = cuda("1", machine(tmp_path))
    assert "/dev/nvidia1" in profile.nodes
    assert "/dev/nvidia0" not in profile.nodes
    assert profile.device == "cuda:0"


def test_a_slice_brings_the_two_nodes_that_allow_it(tmp_path):
    host = machine(tmp_path)
    minors = host / "proc/driver/nvidia-caps/mig-minors"
    minors.parent.mkdir(parents=True)
    minors.write_text("config 1\nmonitor 2\ngpu0/gi1/access 12\ngpu0/gi1/ci0/access 13\n")
    for minor in (1, 2, 12, 13):
        (host / f"dev/nvidia-caps/nvidia-cap{minor}").symlink_to("/dev/null")
    nodes = cuda("0/1/0", host).nodes
    assert {name for name in nodes if "caps" in name} == {
        *("/dev/nvidia-caps/nvidia-cap12", "/dev/nvidia-caps/nvidia-cap13")
    }
    with pytest.raises(SandboxUnavailable, match="gpu0/gi2/access"):
        cuda("0/2/0", host)
    with pytest.raises(SandboxUnavailable, match="MIG is not enabled"):
        cuda("0/1/0", machine(tmp_path / "other"))


@pytest.mark.skipif(os.geteuid() == 0, reason="root may open everything")
def test_a_node_that_may_not_be_opened_is_named(tmp_path):
    host = machine(tmp_path)
    node = host / "dev/nvidia0"
    node.unlink()
    node.touch(0o000)
    with pytest.raises(SandboxUnavailable, match="may not be opened"):
        cuda("0", host)


@pytest.mark.parametrize("device", ["cuda:7", "cuda:x", "cuda:0/1", "cpu:3", "abacus:0", ""])
def test_a_device_that_is_not_there_is_refused_by_name(tmp_path, device):
    with pytest.raises(SandboxUnavailable, match="device"):
        profile_for(device)


def test_the_cpu_has_the_tightest_profile():
    assert profile_for("cpu") is FULL
    assert Profile("full") == FULL
    assert profile_for("cpu", confined=False).isolation == "none"
