"""System calls that no solution needs, by their numbers on x86-64.

Their arguments are such that a kernel which took the call would say something else than EPERM, or
do nothing that matters.
"""

from tests.attacks.attack import Attack

_CALLS = {
    "ptrace": "101, 16, PARENT, 0, 0",
    "process_vm_readv": "310, PARENT, None, 0, None, 0, 0",
    "process_vm_writev": "311, PARENT, None, 0, None, 0, 0",
    "process_madvise": "440, -1, None, 0, 0, 0",
    "pidfd_open": "434, 1, 0",
    "pidfd_getfd": "438, 3, 0, 0",
    "pidfd_send_signal": "424, 3, 0, None, 0",
    "kcmp": "312, 1, 1, 0, 0, 0",
    "unshare user": "272, 0x10000000",
    "unshare mount": "272, 0x00020000",
    "setns": "308, 0, 0",
    "mount": "165, b'none', b'/nowhere', b'tmpfs', 0, None",
    "umount": "166, b'/nowhere', 2",
    "pivot_root": "155, b'/nowhere', b'/nowhere'",
    "chroot": "161, b'/nowhere'",
    "open_tree": "428, -100, b'/', 0",
    "move_mount": "429, -100, b'/nowhere', -100, b'/nowhere', 0",
    "fsopen": "430, b'tmpfs', 0",
    "mount_setattr": "442, -100, b'/nowhere', 0, bytes(32), 32",
    "mknod": "133, b'/nowhere/mem', 0o20666, 0x101",
    "setuid": "105, 0",
    "setgid": "106, 0",
    "setresuid": "117, 0, 0, 0",
    "setgroups": "116, 0, None",
    "capset": "126, struct.pack('II', 0x20080522, 0), bytes(24)",
    "prctl": "157, 3, 0, 0, 0, 0",
    "arch_prctl": "158, 0x1003, bytes(8)",
    "seccomp": "317, 2, 0, 0",
    "personality": "135, 0xffffffff",
    "keyctl": "250, 0, -3, 1",
    "add_key": "248, b'user', b'x', b'x', 1, -3",
    "request_key": "249, b'user', b'x', None, 0",
    "io_uring_setup": "425, 1, bytes(120)",
    "io_setup": "206, 1, bytes(8)",
    "bpf": "321, 0, bytes(128), 128",
    "perf_event_open": "298, bytes(128), 0, -1, -1, 0",
    "userfaultfd": "323, 0",
    "memfd_create": "319, b'x', 0",
    "memfd_secret": "447, 0",
    "shmget": "29, 0, 1 << 20, 0o666",
    "msgget": "68, 0, 0o666",
    "semget": "64, 0, 1, 0o666",
    "mq_open": "240, b'x', 0o102, 0o600, None",
    "inotify_init": "294, 0",
    "fanotify_init": "300, 0, 0",
    "pipe": "293, bytes(8), 0",
    "eventfd": "290, 0, 0",
    "signalfd": "289, -1, bytes(8), 8, 0",
    "timerfd_create": "283, 0, 0",
    "epoll_create": "291, 0",
    "splice": "275, 0, None, 1, None, 1, 0",
    "vmsplice": "278, 1, None, 0, 0",
    "sendfile": "40, 1, 0, None, 1",
    "copy_file_range": "326, 0, None, 1, None, 1, 0",
    "mincore": "27, 0, 0, None",
    "mlockall": "151, 1",
    "set_mempolicy": "238, 0, None, 0",
    "move_pages": "279, 0, 0, None, None, None, 0",
    "sched_setaffinity": "203, 0, 8, bytes(8)",
    "sched_setscheduler": "144, 0, 1, bytes(4)",
    "setpriority": "141, 0, 0, -20",
    "ioprio_set": "251, 1, 0, 0",
    "raise own limits": "302, 0, 9, struct.pack('QQ', 2**63, 2**63), None",
    "limits of others": "302, 1, 9, None, bytes(16)",
    "ioctl": "16, 0, 0x5401, bytes(64)",
    "init_module": "175, None, 0, b''",
    "finit_module": "313, -1, b'', 0",
    "kexec_load": "246, 0, 0, None, 0xffff",
    "reboot": "169, 0, 0, 0, None",
    "swapon": "167, b'/nowhere', 0",
    "acct": "163, b'/nowhere'",
    "syslog": "103, 10, None, 0",
    "quotactl": "179, 0, None, 0, None",
    "sethostname": "170, None, 1",
    "settimeofday": "164, None, None",
    "clock_adjtime": "305, 0, bytes(208)",
    "iopl": "172, 0",
    "modify_ldt": "154, 0, bytes(16), 16",
    "name_to_handle_at": "303, -100, b'/', bytes(200), bytes(4), 0",
    "open_by_handle_at": "304, -100, bytes(200), 0",
    "landlock": "444, None, 0, 1",
    "clone": "56, 17, 0, 0, 0, 0",
    "clone3": "435, bytes(88), 88",
    "vfork in C": "58",
    "execve": "59, b'/nowhere', None, None",
    "execveat": "322, -100, b'/nowhere', None, None, 0",
    "tgkill": "234, 1, 1, 0",
    "socket in C": "41, 2, 1, 0",
    "sendmsg": "46, 3, bytes(56), 0",
    "recvmsg": "47, 3, bytes(56), 0",
    "sendto": "44, 3, b'x', 0, 0, None, 0",
    "x32 getpid": "0x40000000 + 39",
    "x32 fork": "0x40000000 + 57",
    "a number that no call has": "1000",
}

ATTACKS = {
    f"system call {name}": Attack(
        f"make the call {name}",
        f"refused({arguments})",
        frozenset({"exception", "crash"}),
        x86=True,
    )
    for name, arguments in _CALLS.items()
} | {
    "32-bit system call": Attack(
        "call by the 32-bit table, where numbers differ",
        # mov eax, 20; int 0x80; ret
        """
        code = mmap.mmap(-1, 4096, prot=7)
        code.write(bytes.fromhex('b814000000cd80c3'))
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        if ctypes.CFUNCTYPE(ctypes.c_int)(address)() < 0: raise PermissionError
        """,
        frozenset({"exception", "crash"}),
        x86=True,
    ),
    "system call instruction": Attack(
        "fork by machine code of its own",
        # mov eax, 57; syscall; ret
        """
        code = mmap.mmap(-1, 4096, prot=7)
        code.write(bytes.fromhex('b8390000000f05c3'))
        address = ctypes.addressof(ctypes.c_char.from_buffer(code))
        pid = ctypes.CFUNCTYPE(ctypes.c_int)(address)()
        if not pid: os._exit(0)
        if pid < 0: raise PermissionError
        """,
        x86=True,
    ),
}
