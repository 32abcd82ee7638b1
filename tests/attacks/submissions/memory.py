"""Taking all memory, and breaking one's own."""

from tests.attacks.attack import LIMITED, Attack

MEMORY = frozenset({"memory"})
SLOWLY = frozenset({"memory", "timeout"})

ATTACKS = {
    "bytearray": Attack("100 GB of bytes", "bytearray(10**11)", MEMORY),
    "tensor": Attack("100 GB of numbers", "torch.zeros(10**11)", MEMORY),
    "array": Attack("the same with numpy", "np.ones(10**11, dtype=np.uint8)", MEMORY),
    "list": Attack("a list that doubles", "a = [0]\nfor _ in range(29): a += a", SLOWLY),
    "many tensors": Attack(
        "64 MiB again and again, written to",
        "a = []\nfor _ in range(40): a.append(torch.ones(2**24))",
        SLOWLY,
    ),
    "text": Attack("text that doubles", "a = 'x'\nfor _ in range(33): a += a", SLOWLY),
    "shared memory": Attack(
        "anonymous maps, shared", "a = [mmap.mmap(-1, 2**30) for _ in range(4)]", LIMITED
    ),
    "shared tensors": Attack(
        "torch's shared memory",
        "a = [torch.ones(2**24).share_memory_() for _ in range(40)]",
        LIMITED,
    ),
    "grow the heap": Attack(
        "sbrk 8 GiB",
        """
        libc.sbrk.restype = ctypes.c_void_p
        libc.sbrk.argtypes = [ctypes.c_long]
        if libc.sbrk(2**33) in (None, 2**64 - 1): raise MemoryError
        """,
        MEMORY,
    ),
    "recursion": Attack("recurse until Python objects", "def f(): f()\nf()"),
    "recursion without limit": Attack(
        "recurse until the stack ends",
        """
        sys.setrecursionlimit(10**9)
        class A:
            def __repr__(self): return repr(self) + ''
        repr(A())
        """,
        LIMITED,
    ),
    "segfault": Attack("read address 0", "ctypes.string_at(0)", frozenset({"crash"})),
    "abort": Attack("abort()", "os.abort()", frozenset({"crash"})),
    "a wild jump": Attack("call address 8", "ctypes.CFUNCTYPE(None)(8)()", frozenset({"crash"})),
    "overwrite the interpreter": Attack(
        "write over Python's own objects",
        "ctypes.memset(id(None), 255, 16)\nctypes.memset(id(x), 255, 32)\nreturn x",
        frozenset({"crash", "timeout", "reply"}),
    ),
}
