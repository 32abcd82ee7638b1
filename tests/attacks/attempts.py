"""What student code might try. Each attempt is the body of a function.

It is *stopped* when it raises an ordinary exception, *harmless* when it may run to its end because
that gains nothing, and otherwise it must fail as the kind of failure given.
"""

from __future__ import annotations

PRELUDE = """
import atexit, ctypes, gc, mmap, os, signal, socket, struct, subprocess, sys, threading, time
import numpy as np, torch
libc = ctypes.CDLL(None, use_errno=True)
libc.syscall.restype = ctypes.c_long
def syscall(number, *arguments):
    plain = [ctypes.c_long(a) if isinstance(a, int) else a for a in arguments]
    result = libc.syscall(ctypes.c_long(number), *plain)
    if result < 0:
        raise OSError(ctypes.get_errno(), "denied")
    return result
def honest(x):
    return x * 2 + torch.matmul(x, x)
"""

READ_FILES = {
    f"read {path}": f"open({path!r}, 'rb').read(1); list(os.scandir({path!r}))"
    for path in (
        *("/etc/passwd", "/etc/shadow", "/proc/self/environ", "/proc/self/maps", "/proc/1/mem"),
        *("/proc/1/root/etc/passwd", "/proc/sys/kernel/hostname", "/dev/mem", "/dev/shm/x"),
        *("/bin/sh", "/usr/bin/env", "/home", "/var", "/run"),
    )
}

SOCKETS = {
    f"socket {family}": f"socket.socket(socket.{family}, socket.SOCK_{kind})"
    for family, kind in (
        *(("AF_INET", "STREAM"), ("AF_INET", "DGRAM"), ("AF_INET6", "STREAM")),
        *(("AF_UNIX", "STREAM"), ("AF_NETLINK", "RAW"), ("AF_PACKET", "RAW")),
        *(("AF_VSOCK", "STREAM"), ("AF_ALG", "SEQPACKET")),
    )
}

# By their numbers on x86-64, with arguments that would do something if they were allowed.
SYSCALLS = {
    f"system call {name}": f"syscall({arguments})"
    for name, arguments in {
        "ptrace": "101, 0, 0, 0, 0",
        "process_vm_readv": "310, 1, None, 0, None, 0, 0",
        "process_vm_writev": "311, 1, None, 0, None, 0, 0",
        "pidfd_open": "434, 1, 0",
        "kcmp": "312, 1, 1, 0, 0, 0",
        "unshare user": "272, 0x10000000",
        "unshare mount": "272, 0x00020000",
        "setns": "308, 0, 0",
        "mount": "165, b'none', b'/tmp', b'tmpfs', 0, None",
        "umount": "166, b'/tmp', 2",
        "pivot_root": "155, b'/tmp', b'/tmp'",
        "chroot": "161, b'/tmp'",
        "open_tree": "428, -100, b'/', 1",
        "fsopen": "430, b'tmpfs', 0",
        "mount_setattr": "442, -100, b'/', 0, bytes(32), 32",
        "mknod": "133, b'/tmp/mem', 0o20666, 0x101",
        "setuid": "105, 0",
        "setgid": "106, 0",
        "setgroups": "116, 0, None",
        "capset": "126, struct.pack('II', 0x20080522, 0), bytes(24)",
        "prctl": "157, 4, 1, 0, 0, 0",
        "seccomp": "317, 2, 0, 0",
        "personality": "135, 0x0040000",
        "keyctl": "250, 0, -3, 1",
        "add_key": "248, b'user', b'x', b'x', 1, -3",
        "io_uring_setup": "425, 1, bytes(120)",
        "bpf": "321, 0, bytes(128), 128",
        "perf_event_open": "298, bytes(128), 0, -1, -1, 0",
        "userfaultfd": "323, 0",
        "memfd_create": "319, b'x', 0",
        "memfd_secret": "447, 0",
        "shmget": "29, 0, 1 << 20, 0o1666",
        "msgget": "68, 0, 0o1666",
        "semget": "64, 0, 1, 0o1666",
        "mq_open": "240, b'x', 0o102, 0o600, None",
        "inotify_init": "294, 0",
        "fanotify_init": "300, 0, 0",
        "pipe": "293, bytes(8), 0",
        "eventfd": "290, 0, 0",
        "sched_setaffinity": "203, 0, 8, bytes(8)",
        "setpriority": "141, 0, 0, -20",
        "raise own limits": "302, 0, 9, struct.pack('QQ', 2**63, 2**63), None",
        "limits of others": "302, 1, 9, None, bytes(16)",
        "ioctl": "16, 0, 0x5412, b'x'",
        "init_module": "175, None, 0, b''",
        "kexec_load": "246, 0, 0, None, 0",
        "reboot": "169, 0xfee1dead, 672274793, 0, None",
        "sethostname": "170, b'x', 1",
        "settimeofday": "164, bytes(16), None",
        "iopl": "172, 3",
        "name_to_handle_at": "303, -100, b'/', bytes(200), bytes(4), 0",
        "open_by_handle_at": "304, -100, bytes(200), 0",
        "landlock": "444, None, 0, 1",
        "clone": "56, 17, 0, 0, 0, 0",
        "clone3": "435, bytes(88), 88",
        "vfork": "58",
        "execve": "59, sys.executable.encode(), None, None",
        "execveat": "322, -100, sys.executable.encode(), None, None, 0",
        "kill all": "62, -1, 9",
        "kill zygote's number": "62, 1, 9",
        "kill group": "62, 0, 9",
        "tgkill": "234, 1, 1, 9",
        "sendmsg": "46, 3, bytes(56), 0",
        "recvmsg": "47, 3, bytes(56), 0",
        "x32 getpid": "0x40000000 + 39",
        "x32 fork": "0x40000000 + 57",
    }.items()
}

STOPPED = {
    **SOCKETS,
    "socketpair": "socket.socketpair()",
    "fork": "os.fork()",
    "exec": "os.execv(sys.executable, [sys.executable])",
    "subprocess": "subprocess.run(['/bin/sh', '-c', 'true'])",
    "multiprocessing": "import multiprocessing as m; m.Pool(1)",
    "thread": "threading.Thread(target=print).start()",
    "overwrite torch": "open(torch.__file__, 'w')",
    "append to numpy": "open(np.__file__, 'a')",
    "delete torch": "os.remove(torch.__file__)",
    "chmod the library": "os.chmod(os.__file__, 0o666)",
    "write beside the worker": "open('/gradmark/gradmark_inside/worker.py', 'a')",
    "write to the root": "open('/x', 'w')",
    "symbolic link": "os.symlink('/etc', '/tmp/etc')",
    "hard link": "os.link(os.__file__, '/tmp/os.py')",
    "fifo": "os.mkfifo('/tmp/fifo')",
    "fill the disk": "\n".join(
        f"with open('/tmp/{n}', 'wb') as f:\n  for _ in range(63): f.write(bytes(2**20))"
        for n in range(3)
    ),
    "fill the inodes": "for n in range(10**5): open(f'/tmp/{n}', 'w').close()",
    "a sparse file": "os.truncate(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 2**33)",
    "run code from scratch": "\n".join(
        (
            "open('/tmp/x.so', 'wb').write(open(torch._C.__file__, 'rb').read())",
            "ctypes.CDLL('/tmp/x.so')",
        )
    ),
    "import the project": "import autograder",
    "import the reference": "import reference",
    "import the server": "import server",
    "import a neighbour": "import flask",
    "raise KeyboardInterrupt": "raise KeyboardInterrupt",
    "raise SystemExit": "raise SystemExit(0)",
    "raise GeneratorExit": "raise GeneratorExit",
    "deep recursion": "def f(): f()\nf()",
}

HARMLESS = {
    "ignore signals": "for n in {*range(1, 20)} - {9, 19}: signal.signal(n, signal.SIG_IGN)",
    "leave an atexit": "atexit.register(print, 'bye')",
    "flood stdout": "for _ in range(1000): print('x' * 10**5)",
    "flood descriptor 1": "for _ in range(99): os.write(1, bytes(2**20)); os.write(2, b'x' * 999)",
    "close the standard streams": "sys.stdout.close(); sys.stderr = None; os.close(0)",
    "patch torch": "torch.equal = torch.allclose = torch.Tensor.__eq__ = lambda *_: True",
    "patch numpy": "np.array_equal = np.allclose = lambda *_: True",
    "setsid": "os.getsid(0) == os.getpid() or 1 / 0",
    "environment": "assert not any('SECRET' in k + v for k, v in os.environ.items())",
    "who am I": "assert os.getuid() == os.geteuid() and os.getgroups() in ([], [65534])",
    "open descriptors": "assert not [n for n in range(4, 300) if is_open(n)]",
    "the project's modules": "assert not {'autograder', 'reference', 'server'} & set(sys.modules)",
}

FAILING = {
    "endless loop": ("while True: pass", {"timeout"}),
    "endless loop in C": ("10 ** 10 ** 9 + 1", {"timeout"}),
    "sleep": ("time.sleep(1000)", {"timeout"}),
    "swallow everything": (
        "while True:\n try: time.sleep(1)\n except BaseException: pass",
        {"timeout"},
    ),
    "close the call socket": ("os.close(3)\nwhile True: pass", {"crash", "timeout"}),
    "bytearray": ("bytearray(10**11)", {"memory"}),
    "tensor": ("torch.zeros(10**11)", {"memory"}),
    "array": ("np.ones(10**11)", {"memory"}),
    "list": ("a = [0]\nwhile True: a += a", {"memory"}),
    "many tensors": ("a = []\nwhile True: a.append(torch.ones(2**24))", {"memory"}),
    "shared memory": (
        "a = []\nwhile True: a.append(mmap.mmap(-1, 2**30))",
        {"memory", "exception"},
    ),
    "patch builtins": (
        "import builtins\nbuiltins.len = lambda _: 0",
        {"crash", "reply", "exception", "timeout"},
    ),
    "exit": ("os._exit(0)", {"crash"}),
    "segfault": ("ctypes.string_at(0)", {"crash"}),
    "abort": ("os.abort()", {"crash"}),
    "a wild jump": ("ctypes.CFUNCTYPE(None)(8)()", {"crash"}),
    "recursion without limit": (
        "sys.setrecursionlimit(10**9)\nclass A:\n def __repr__(s): return repr(s) + ''\nrepr(A())",
        {"crash", "exception", "memory", "timeout"},
    ),
    "32-bit system call": (
        # mov eax, 20; int 0x80; ret
        "code = mmap.mmap(-1, 4096, prot=7); code.write(bytes.fromhex('b814000000cd80c3'))\n"
        "address = ctypes.addressof(ctypes.c_char.from_buffer(code))\n"
        "r = ctypes.CFUNCTYPE(ctypes.c_int)(address)()\nassert r < 0\nraise OSError",
        {"crash", "exception"},
    ),
    "garbage for an answer": ("os.write(3, b'x' * 100)", {"reply"}),
    "an endless answer": (
        "os.write(3, struct.pack('<4sIQ', b'GMK1', 2, 2**62) + b'{}')\nos._exit(0)",
        {"reply", "crash"},
    ),
    "flood the answer": ("while True: os.write(3, bytes(2**20))", {"reply", "crash", "timeout"}),
    "a large result": ("return torch.ones(1).expand(10**12)", {"reply"}),
    "stop": ("os.kill(os.getpid(), signal.SIGSTOP)", {"exception"}),
}

# What a function may return: it must come back as what it is, and never as something that
# compares or counts as anything else.
RESULTS = {
    "always equal": "class E:\n __eq__ = lambda s, o: True\nreturn E()",
    "lazy": "class L:\n def __getattr__(s, n): return lambda *_: True\nreturn L()",
    "a class": "return torch.Tensor",
    "a function": "return honest",
    "a generator": "return (i for i in range(9))",
    "itself inside": "a = []\na.append(a)\nreturn a",
    "objects": "return np.array([print])",
    "a module": "return torch",
}
