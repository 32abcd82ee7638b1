"""Answers that are forged, or are no answers: none may score, or break anything."""

from tests.attacks.attack import HARMLESS, LIMITED, Attack

_FRAME = """
import json
def forge(payload=b'', length=None, **header):
    text = json.dumps(header).encode()
    size = len(payload) if length is None else length
    os.write(3, struct.pack('<4sIQ', b'GMK1', len(text), size) + text + payload)
"""
_REPLY = frozenset({"reply"})

ATTACKS = {
    "forged answer": Attack(
        "write an answer itself and leave: worth what returning it would be",
        _FRAME + "forge(value=42, changed={}, output='')\nos._exit(0)",
        frozenset({"returned", "crash"}),
    ),
    "forged score": Attack(
        "send a verdict",
        _FRAME + "forge(score=100, passed=True, output='')\ntime.sleep(20)",
        _REPLY,
    ),
    "forged on every descriptor": Attack(
        "write a verdict to all there are",
        """
        for n in range(1024):
            try: os.write(n, b'{"score": 100, "passed": true}' * 20)
            except OSError: pass
        time.sleep(20)
        """,
        _REPLY,
    ),
    "answers ahead of their calls": Attack(
        "answer the next calls as well",
        _FRAME + "for _ in range(50): forge(value=True, changed={}, output='')\nos._exit(0)",
        frozenset({"returned", "crash"}),
    ),
    "garbage for an answer": Attack("no frame", "os.write(3, b'x' * 100)\ntime.sleep(20)", _REPLY),
    "an endless answer": Attack(
        "promise 4 EB",
        _FRAME + "forge(length=2**62, value=1, changed={}, output='')\ntime.sleep(20)",
        _REPLY,
    ),
    "a billion elements": Attack(
        "a shape without the bytes",
        _FRAME
        + "v = {'tensor': ['float64', [10**9, 10**9]]}\n"
        + "forge(value=v, changed={}, output='')\ntime.sleep(20)",
        _REPLY,
    ),
    "negative sizes": Attack(
        "a shape below zero",
        _FRAME
        + "v = {'tensor': ['float64', [-1, -1]]}\n"
        + "forge(bytes(8), value=v, changed={}, output='')\ntime.sleep(20)",
        _REPLY,
    ),
    "object dtype": Attack(
        "pointers for numbers",
        _FRAME
        + "v = {'tensor': ['object', [1]]}\n"
        + "forge(bytes(8), value=v, changed={}, output='')\ntime.sleep(20)",
        _REPLY,
    ),
    "a pickle": Attack(
        "bytes that would run when unpickled",
        """
        import pickle
        class P:
            def __reduce__(self): return open, (FILE, 'w')
        os.write(3, pickle.dumps(P()))
        time.sleep(20)
        """,
        _REPLY,
    ),
    "deep nesting": Attack(
        "JSON that overflows a stack",
        "text = b'[' * 10**5\n"
        "os.write(3, struct.pack('<4sIQ', b'GMK1', len(text), 0) + text)\ntime.sleep(20)",
        _REPLY,
    ),
    "patch torch": Attack(
        "have every comparison say yes",
        "torch.equal = torch.allclose = torch.Tensor.__eq__ = lambda *_: True\nreturn x",
        HARMLESS,
    ),
    "patch numpy": Attack(
        "the same for numpy",
        "np.array_equal = np.allclose = np.testing.assert_allclose = lambda *_: True\nreturn x",
        HARMLESS,
    ),
    "patch builtins": Attack(
        "nothing has a length any more",
        "import builtins\nbuiltins.len = lambda _: 0",
        LIMITED,
    ),
    "patch the worker": Attack(
        "have the encoder send what it likes",
        """
        for name, module in list(sys.modules.items()):
            if name.endswith('.values'):
                module.Encoder.encode = lambda self, value, depth=0: True
        return x
        """,
        HARMLESS | LIMITED,
    ),
    "walk the frames": Attack(
        "look for the expected value up the stack",
        """
        frame, found = sys._getframe(), []
        while frame:
            found += [v for k, v in frame.f_locals.items() if 'expect' in k or 'truth' in k]
            frame = frame.f_back
        if not found: raise LookupError
        return found[0]
        """,
    ),
    "walk the heap": Attack(
        "look for tensors of the right shape among all objects",
        """
        mine = {id(x)}
        for o in gc.get_objects():
            if isinstance(o, torch.Tensor) and o.shape == x.shape and id(o) not in mine:
                return o
        raise LookupError
        """,
        frozenset({"returned", "exception"}),
    ),
    "always equal": Attack(
        "an object with a friendly __eq__",
        "class E:\n    __eq__ = lambda s, o: True\n    __hash__ = None\nreturn E()",
        HARMLESS,
    ),
    "number-like": Attack(
        "one that looks like an array, has every length and reduces to a call",
        """
        class A:
            def __array__(self, *a, **k): return x.numpy()
            def __len__(self): return 2**62
            def __iter__(self): return iter(int, 1)
            def __reduce__(self): return os._exit, (0,)
            def __float__(self): return 1.0
            __index__ = __int__ = lambda self: 1
        return A()
        """,
        HARMLESS,
    ),
    "lazy": Attack(
        "one that has every attribute",
        "class L:\n    def __getattr__(s, n): return lambda *_: True\nreturn L()",
        HARMLESS,
    ),
    "tensor subclass": Attack(
        "a tensor whose comparisons lie",
        """
        class Liar(torch.Tensor):
            @classmethod
            def __torch_function__(cls, func, types, args=(), kwargs=None):
                if 'eq' in func.__name__ or 'allclose' in func.__name__: return True
                return super().__torch_function__(func, types, args, kwargs or {})
        return torch.zeros_like(x).as_subclass(Liar)
        """,
        HARMLESS,
    ),
    "tuple subclass": Attack(
        "a tuple whose length and items differ",
        """
        class T(tuple):
            def __len__(self): return 0
            def __getitem__(self, n): return x
        return T((x,) * 5000)
        """,
        HARMLESS | LIMITED,
    ),
    "int subclass": Attack(
        "a number that equals all",
        "class I(int):\n    __eq__ = lambda s, o: True\n    __hash__ = None\nreturn I(3)",
        HARMLESS,
    ),
    "not a number": Attack("NaN as a wildcard", "return x * float('nan')", HARMLESS),
    "infinity": Attack("infinity as a wildcard", "return x + float('inf')", HARMLESS),
    "the input itself": Attack("the argument back", "return x", HARMLESS),
    "a view of the input": Attack("a transposed view of it", "return x.t()", HARMLESS),
    "an answer that changes": Attack(
        "one tensor for all answers, changed after it is sent",
        """
        for earlier in vars(sys).setdefault('kept', []): earlier.zero_()
        kept = x * 1
        sys.kept.append(kept)
        return kept
        """,
        HARMLESS,
    ),
    "itself inside": Attack("a list in itself", "a = []\na.append(a)\nreturn a", HARMLESS),
    "a class": Attack("a class for a tensor", "return torch.Tensor", HARMLESS),
    "a module": Attack("a module for a tensor", "return torch", HARMLESS),
    "a generator": Attack("one for a tuple", "return (i for i in range(9))", HARMLESS),
    "objects in an array": Attack("numpy's", "return np.array([print])", HARMLESS),
    "text that is markup": Attack(
        "a script in an exception",
        "raise ValueError('<script>alert(1)</script>[bold]\\x1b[2J')",
    ),
}
