"""Reading the host's files, writing anywhere, filling what there is."""

from tests.attacks.attack import HARMLESS, LIMITED, Attack

_HOST = (
    *("/etc/passwd", "/etc/shadow", "/var", "/run", "/boot", "/srv"),
    *("/proc/self/environ", "/proc/self/maps", "/proc/1/mem", "/proc/1/root/etc/passwd"),
    *("/proc/sys/kernel/hostname", "/proc/kcore", "/sys/fs/cgroup", "/sys/kernel"),
    *("/dev/mem", "/dev/shm", "/dev/pts", "/dev/fuse", "/bin/sh", "/usr/bin/env"),
)

ATTACKS = {
    f"read {path}": Attack(
        f"open {path} or list it",
        f"try: open({path!r}, 'rb').read(1)\nexcept IsADirectoryError: pass\nos.listdir({path!r})",
    )
    for path in _HOST
} | {
    "read the parent's file": Attack("read a file beside the grader's", "open(FILE).read()"),
    "write the parent's file": Attack("append to that file", "open(FILE, 'a').write('x')"),
    "climb out": Attack(
        "reach it by a relative path",
        "open('/tmp/' + '../' * 40 + FILE.lstrip('/')).read()",
    ),
    "the root of the host": Attack(
        "find more at the root than Python's own directories",
        """
        found = {e for e in os.listdir('/')}
        for d in {'etc', 'usr', 'opt', 'root', 'home', 'srv', 'work', 'mnt', 'var'} & found:
            for inner, _, files in os.walk('/' + d):
                for name in files:
                    if name in ('passwd', 'shadow', 'course.secret', 'gradmark.db'):
                        return inner + name
        raise PermissionError
        """,
    ),
    "overwrite torch": Attack("write into the package", "open(torch.__file__, 'w')"),
    "append to numpy": Attack("append to the package", "open(np.__file__, 'a')"),
    "delete torch": Attack("remove the package's file", "os.remove(torch.__file__)"),
    "plant a module": Attack(
        "write a new module beside torch",
        "open(os.path.join(os.path.dirname(torch.__file__), '..', 'planted.py'), 'w')",
    ),
    "plant a start-up hook": Attack(
        "write a .pth file that the next interpreter would run",
        "open(os.path.join(os.path.dirname(torch.__file__), '..', 'planted.pth'), 'w')",
    ),
    "chmod the library": Attack("make it writable", "os.chmod(os.__file__, 0o666)"),
    "touch the library": Attack("change its time stamp", "os.utime(os.__file__, (0, 0))"),
    "move the library": Attack("rename it", "os.rename(os.__file__, os.__file__ + 'x')"),
    "write beside the worker": Attack(
        "append to the code that calls the student's",
        "open('/gradmark/gradmark_inside/worker.py', 'a')",
    ),
    "write to the root": Attack("make a file at the root", "open('/x', 'w')"),
    "write to a device": Attack("make a file among the devices", "open('/dev/x', 'w')"),
    "symbolic link": Attack(
        "link a private file into scratch", "os.symlink(PRIVATE, '/tmp/l')\nopen('/tmp/l').read()"
    ),
    "hard link": Attack("link the library into scratch", "os.link(os.__file__, '/tmp/os.py')"),
    "fifo": Attack("make a named pipe", "os.mkfifo('/tmp/fifo')"),
    "fill the disk": Attack(
        "write 190 MB to scratch",
        """
        for n in range(3):
            with open(f'/tmp/{n}', 'wb') as f:
                for _ in range(63): f.write(bytes(2**20))
        """,
    ),
    "fill the inodes": Attack(
        "make 10 000 files", "for n in range(10**4): open(f'/tmp/{n}', 'w').close()"
    ),
    "a sparse file": Attack(
        "one file of 8 GiB", "os.truncate(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 2**33)"
    ),
    "allocate": Attack(
        "fallocate 8 GiB", "os.posix_fallocate(os.open('/tmp/x', os.O_CREAT | os.O_RDWR), 0, 2**33)"
    ),
    "deep directories": Attack(
        "5 000 directories in one another",
        "for _ in range(5000):\n    os.mkdir('d'); os.chdir('d')",
        LIMITED,
    ),
    "run code from scratch": Attack(
        "map a library that was copied to scratch",
        """
        from shutil import copyfile
        copyfile(torch._C.__file__, '/tmp/x.so')
        ctypes.CDLL('/tmp/x.so')
        """,
    ),
    "lock the library": Attack(
        "hold a lock that others would wait for",
        "import fcntl\nfcntl.flock(os.open(os.__file__, os.O_RDONLY), fcntl.LOCK_EX)",
    ),
    "watch a directory": Attack(
        "be told when others read the library (dnotify)",
        "import fcntl\nfcntl.fcntl(os.open(os.path.dirname(os.__file__), os.O_RDONLY), 1026, 1)",
    ),
    "environment": Attack(
        "find the parent's variables",
        "assert not any('SECRET' in k + v for k, v in os.environ.items())",
        HARMLESS,
    ),
    "import the project": Attack("import autograder", "import autograder"),
    "import the reference": Attack("import reference", "import reference"),
    "import the server": Attack("import server", "import server"),
    "import a neighbour": Attack("import a package that only the server has", "import flask"),
    "the project's modules": Attack(
        "find them loaded already",
        "assert not {'autograder', 'reference', 'server'} & set(sys.modules)",
        HARMLESS,
    ),
}
