"""Making processes and threads, and reaching those of others."""

from tests.attacks.attack import HARMLESS, LIMITED, Attack

ATTACKS = {
    "fork": Attack("make another process", "if not os.fork(): os._exit(0)"),
    "fork bomb": Attack(
        "eight processes", "for _ in range(8):\n    if not os.fork(): time.sleep(3); os._exit(0)"
    ),
    "double fork": Attack(
        "leave a daemon behind",
        """
        if not os.fork():
            os.setsid()
            if not os.fork(): time.sleep(5)
            os._exit(0)
        """,
    ),
    "exec": Attack("run Python", "os.execv(sys.executable, [sys.executable, '-c', ''])"),
    "shell": Attack("run a shell", "subprocess.run(['/bin/sh', '-c', 'true'])"),
    "spawn": Attack("posix_spawn", "os.posix_spawn(sys.executable, [sys.executable], {})"),
    "system": Attack("the C library's system()", "if os.system('true'): raise PermissionError"),
    "multiprocessing": Attack("a pool of processes", "import multiprocessing as m; m.Pool(1)"),
    "thread": Attack("start a thread", "threading.Thread(target=print).start()"),
    "more torch threads": Attack(
        "have torch start some",
        """
        torch.set_num_threads(8)
        a = torch.rand(400, 400)
        (a @ a).sum()
        threading.Thread(target=print).start()
        """,
        LIMITED,
    ),
    "signal everybody": Attack("kill(-1), with a signal that is ignored", "os.kill(-1, 23)"),
    "signal the group": Attack("kill(0), with a signal that is ignored", "os.kill(0, 23)"),
    "signal the zygote": Attack("kill(1)", "os.kill(1, 23)"),
    "signal a process of the host": Attack("kill one by its number", "os.kill(VICTIM, 9)"),
    "signal the grader": Attack("kill it, with a signal that is ignored", "os.kill(PARENT, 23)"),
    "stop": Attack("SIGSTOP to itself", "os.kill(os.getpid(), signal.SIGSTOP)"),
    "setsid": Attack(
        "leave the session: it leads one already",
        "assert os.getsid(0) == os.getpid()",
        HARMLESS,
    ),
    "see other processes": Attack(
        "find another number than its own that can be asked about",
        """
        for n in [*range(2, 3000), PARENT, VICTIM]:
            try: return os.getpgid(n)
            except ProcessLookupError: pass
        raise ProcessLookupError
        """,
    ),
    "who am I": Attack(
        "be somebody, or a member of groups",
        # An ordinary user cannot leave groups, but what they are called inside is nobody's.
        "assert os.getuid() == os.geteuid() and {*os.getgroups()} <= {os.getgid(), 65534}",
        HARMLESS,
    ),
    "not root": Attack("be root", "assert os.getuid() > 0", HARMLESS, root=True),
    "host name": Attack(
        "learn what the machine is called", "assert os.uname().nodename != HOSTNAME", HARMLESS
    ),
    "inherited descriptors": Attack(
        "find one open beside the call socket",
        "assert not [n for n in range(4, 1024) if is_open(n)]",
        HARMLESS,
    ),
    "standard streams": Attack(
        "find more than /dev/null behind them",
        "assert {os.fstat(n).st_rdev for n in (0, 1, 2)} == {os.stat('/dev/null').st_rdev}",
        HARMLESS,
    ),
    "ignore signals": Attack(
        "be unkillable, then loop",
        """
        for n in {*range(1, 32)} - {9, 19}: signal.signal(n, signal.SIG_IGN)
        end = time.monotonic() + 20
        while time.monotonic() < end: pass
        """,
        frozenset({"timeout"}),
    ),
    "leave an atexit": Attack(
        "run something at the end", "atexit.register(open, FILE, 'w')", HARMLESS
    ),
    "an alarm": Attack(
        "a timer signal after the call", "signal.setitimer(signal.ITIMER_REAL, 0.1)"
    ),
}
