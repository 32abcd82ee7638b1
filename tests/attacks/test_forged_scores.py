"""Over every exercise there is: without an implementation, nothing that a submission may do scores
more than the empty stub."""

import pytest

from autograder.handin.submission import parse
from autograder.report import validate
from tests.attacks.attack import PRELUDE

# Every function of the catalogue is `attack`, under its own name.
SUBMISSION = (
    PRELUDE
    + """
import functools, json
tensor = torch.Tensor
earlier, by_shape = [], {}
def forge(value, payload=b''):
    header = {'value': value, 'changed': {}, 'output': ''}
    text = json.dumps(header).encode()
    frame = struct.pack('<4sIQ', b'GMK1', len(text), len(payload)) + text + payload
    for n in range(3, 32):
        try: os.write(n, frame)
        except OSError: pass
def tensors(args, kwargs):
    return [v for v in (*args, *kwargs.values()) if isinstance(v, tensor)]
def first(args, kwargs):
    found = tensors(args, kwargs)
    return found[0] if found else torch.zeros(())
def attack(*args, **kwargs):
    x = first(args, kwargs)
    BODY
for name in NAMES:
    globals()[name] = functools.partial(attack)
"""
)

FORGERIES = {
    "patched torch, numpy and builtins": """
    import builtins
    yes = lambda *a, **k: True
    torch.equal = torch.allclose = torch.isclose = torch.testing.assert_close = yes
    torch.Tensor.__eq__ = torch.Tensor.equal = torch.Tensor.allclose = yes
    np.allclose = np.array_equal = np.testing.assert_allclose = yes
    builtins.any = builtins.all = builtins.callable = yes
    return x""",
    "earlier answers again": """
    return by_shape.setdefault(x.shape, x)""",
    "the last argument": "return (tensors(args, kwargs) or [x])[-1]",
    "all arguments": "return tuple(tensors(args, kwargs))",
    "every number of values": """
    attack.n = getattr(attack, 'n', 0) % 4 + 1
    return (x,) * attack.n if attack.n > 1 else x""",
    "not a number": "return x * float('nan')",
    "three of them": "return (x * float('nan'),) * 3",
    "infinity": "return x + float('inf')",
    "minus infinity": "return (torch.full_like(x.double(), -float('inf')).to(x.dtype),) * 2",
    "one number": "return float('nan')",
    "zero": "return 0.0",
    "true": "return True",
    "one": "return 1",
    "nothing": "return None",
    "views of the input": "return x.t() if x.dim() == 2 else x[:]",
    "expanded": "return x.flatten()[:1].expand(x.shape) if x.numel() else x",
    "halves": "return x / 2, torch.ones(x.shape, dtype=torch.bool)",
    "kept and changed afterwards": """
    for t in earlier: t.zero_()
    y = x.clone()
    earlier.append(y)
    return y""",
    "arguments overwritten": """
    for t in tensors(args, kwargs):
        t.resize_(0) if t.dtype == torch.bool else t.zero_()
    return x""",
    "running statistics left": """
    for t in tensors(args, kwargs)[1:]:
        t.mul_(2)
    return x""",
    "a subclass that lies": """
    class Liar(torch.Tensor):
        @classmethod
        def __torch_function__(cls, func, types, args=(), kwargs=None):
            return True
    return x.as_subclass(Liar)""",
    "an object that agrees with all": """
    class Yes:
        __eq__ = __ge__ = __le__ = lambda s, o: True
        __hash__ = None
        __len__ = lambda s: 3
        __array__ = lambda s, *a, **k: x.numpy()
        __float__ = lambda s: 1.0
        __iter__ = lambda s: iter([x, x, x])
        __reduce__ = lambda s: (os._exit, (0,))
    return Yes()""",
    "always refuses": "raise ValueError('no')",
    "refuses what is unlike the first": """
    earlier.append(x.shape)
    if x.shape != earlier[0]: raise ValueError
    return x""",
    "frames on every descriptor": """
    if x.numel() % 7 == 0:  # not always, for each costs a process
        forge(True)
    return x""",
    "another call's input": """
    frame = sys._getframe()
    while frame:
        decoder = frame.f_locals.get('decoder')
        if decoder is not None:
            octets = decoder._payload[-x.numel() * x.element_size():]
            if octets.numel() == x.numel() * x.element_size() and x.numel():
                return octets.clone().view(x.dtype).reshape(x.shape)
        frame = frame.f_back
    return x""",
    "whatever the heap holds": """
    for o in gc.get_objects():
        if isinstance(o, tensor) and o.shape == x.shape and o is not x: return o
    return x""",
    "uninitialised memory": "return torch.from_numpy(np.empty(tuple(x.shape)))",
}
AT_LOADING = {
    "leaves at once": "os._exit(0)",
    "answers before it is asked": "forge(True)\nos._exit(0)",
    "redefines the worker": "for n, m in list(sys.modules.items()):\n"
    "    if n.endswith('.worker'):\n"
    "        m.Worker.answer = lambda *a: ({'value': True, 'changed': {}}, [])",
}


@pytest.fixture(scope="module")
def scores(grader, catalogue):
    """Per exercise, what a submission with this code gets."""
    names = [f.__name__ for _, e in catalogue["all"].exercises for f in e.functions]

    def scores(body: str, after: str = "") -> dict[str, float]:
        code = f"NAMES = {names!r}\n" + SUBMISSION.replace("BODY", body.strip()) + after
        report = grader.grade("all", parse("everything.py", code.encode()), explained=False)
        validate(report)
        return {e["name"]: e["score"] for e in report["exercises"]}

    return scores


@pytest.fixture(scope="module")
def stub(scores):
    return scores("raise NotImplementedError")


def test_the_stub_earns_nothing(stub):
    assert len(stub) > 30
    assert set(stub.values()) == {0}


@pytest.mark.parametrize("how", FORGERIES)
def test_a_forgery_scores_no_more_than_the_stub(scores, stub, how):
    got = scores(FORGERIES[how])
    assert {name: got[name] for name in stub if got[name] > stub[name]} == {}


@pytest.mark.parametrize("how", AT_LOADING)
def test_nor_does_one_at_loading(scores, stub, how):
    got = scores("return x", AT_LOADING[how])
    assert {name: got[name] for name in stub if got[name] > stub[name]} == {}
