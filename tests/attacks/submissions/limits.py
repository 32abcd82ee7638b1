"""Not coming to an end, and flooding what is read."""

from tests.attacks.attack import HARMLESS, LIMITED, Attack

TIMEOUT = frozenset({"timeout"})

ATTACKS = {
    "endless loop": Attack(
        "loop in Python", "end = time.monotonic() + 20\nwhile time.monotonic() < end: pass", TIMEOUT
    ),
    "endless loop in C": Attack("loop where no signal is looked at", "10 ** 10 ** 8 + 1", TIMEOUT),
    "sleep": Attack("wait", "time.sleep(20)", TIMEOUT),
    "swallow everything": Attack(
        "catch whatever would end it",
        """
        for _ in range(20):
            try: time.sleep(1)
            except BaseException: pass
        """,
        TIMEOUT,
    ),
    "wait for input": Attack(
        "read the next request itself, which does not come", "os.read(3, 1)", TIMEOUT
    ),
    "close the call socket": Attack(
        "close it and go on",
        "os.close(3)\ntime.sleep(20)",
        frozenset({"timeout", "crash"}),
    ),
    "flood stdout": Attack(
        "print 100 MB",
        "for _ in range(1000): print('x' * 10**5)",
        HARMLESS,
    ),
    "flood descriptor 1": Attack(
        "write it past Python",
        "for _ in range(99): os.write(1, bytes(2**20)); os.write(2, b'x' * 999)",
        HARMLESS,
    ),
    "close the standard streams": Attack(
        "and print no more", "sys.stdout.close(); sys.stderr = None; os.close(0)", HARMLESS
    ),
    "exit": Attack("leave with status 0 and no answer", "os._exit(0)", frozenset({"crash"})),
    "exit politely": Attack("SystemExit", "raise SystemExit(0)"),
    "interrupt": Attack("KeyboardInterrupt", "raise KeyboardInterrupt"),
    "close a generator": Attack("GeneratorExit", "raise GeneratorExit"),
    "raise at every turn": Attack(
        "an exception whose text raises",
        "class E(ValueError):\n    def __str__(self): raise E\nraise E",
    ),
    "a huge exception": Attack("100 MB of text in it", "raise ValueError('x' * 10**8)"),
    "raise the limits": Attack(
        "lift them again", "resource.setrlimit(resource.RLIMIT_AS, (-1, -1))"
    ),
    "flood the answer": Attack(
        "send without end", "for _ in range(2000): os.write(3, bytes(2**20))", LIMITED
    ),
    "an answer that trickles": Attack(
        "one byte at a time",
        "for _ in range(200): os.write(3, b'G'); time.sleep(0.1)",
        frozenset({"timeout", "reply"}),
    ),
    "a large result": Attack(
        "4 TB by stride", "return torch.ones(1).expand(10**12)", frozenset({"reply"})
    ),
    "a result within the limit": Attack(
        "200 MB in every case, of another shape",
        "return torch.ones(1, dtype=torch.uint8).expand(200 * 2**20)",
        HARMLESS | TIMEOUT,
    ),
}
