"""Arrays, lists and dicts go in and come back, and what a call changes in them is seen."""

import numpy as np
import pytest
import torch

from autograder.judging.call import Answer, Call, Foreign
from autograder.judging.compare import unchanged
from autograder.judging.local import LocalSession

ARRAYS = [
    np.arange(6.0).reshape(2, 3),
    np.arange(12, dtype="float32").reshape(3, 4).T,
    np.zeros((0, 3)),
    np.array([True, False]),
    np.arange(4, dtype="int16")[::2],
    np.float16([1.5, np.nan]),
]


@pytest.mark.parametrize("array", ARRAYS, ids=lambda a: f"{a.dtype}{a.shape}")
def test_an_array_goes_both_ways_and_is_an_array_inside(run, array):
    code = """
import numpy as np
def f(x):
    assert type(x) is np.ndarray and x.flags.writeable
    return x, x.strides == tuple(s for s in x.strides), str(x.dtype)"""
    got, _, dtype = run(code, x=array).value
    assert isinstance(got, np.ndarray)
    assert dtype == str(array.dtype)
    assert got.dtype == array.dtype
    assert np.array_equal(got, array, equal_nan=array.dtype.kind == "f")


def test_lists_dicts_and_none_are_nested_and_keep_their_kind(run):
    value = {"layers": [{"W": torch.ones(2), "b": None}, {"W": np.ones(3), "act": "relu"}], "n": 2}
    code = """
def f(x):
    assert type(x) is dict and type(x['layers']) is list
    return x, [type(v).__name__ for v in x['layers'][0].values()]"""
    got, kinds = run(code, x=value).value
    assert kinds == ("Tensor", "NoneType")
    assert got["n"] == 2
    first, second = got["layers"]
    assert torch.equal(first["W"], torch.ones(2))
    assert first["b"] is None
    assert np.array_equal(second["W"], np.ones(3))


@pytest.mark.parametrize(
    "change",
    [
        "x['W'][0] = 5",
        "x['W'] = x['W'] + 1",
        "x['new'] = 1",
        "del x['n']",
        "x['n'] += 1",
        "x['rows'].append(4)",
        "x['rows'][0][0] = 9",
        "x['rows'].reverse()",
        "x['A'] *= 2",
        "x['A'].shape = 4",
        "x['pair'][1][0] = 7",
    ],
)
def test_a_change_of_anything_in_an_argument_is_seen_here_as_in_the_sandbox(run, change):
    def given():
        return {
            "W": torch.ones(2),
            "A": np.ones((2, 2)),
            "n": 1,
            "rows": [[1], [2]],
            "pair": (1, [2]),
        }

    code = f"def f(x):\n    {change}\n    return 1"
    namespace = {}
    exec(code, namespace)
    call = Call("f", {"x": given()}, 0)
    for answer in (run(code, x=given()), LocalSession(namespace).call(call)):
        assert answer.failure is None
        assert unchanged([call], [answer], ()).problem == "changed"
    for answer in (
        run("def f(x): return 1", x=given()),
        Answer(1, dict(call.arguments)),
    ):
        assert unchanged([call], [answer], ()).passed


@pytest.mark.parametrize(
    "made",
    [
        "{1: 2}",
        "{'k' * 300: 2}",
        "np.array([object()])",
        "np.zeros(2, dtype=complex)",
        "{1, 2}",
        "{'a': type('Mine', (), {})()}",
        "np.array(['a'])",
    ],
)
def test_what_is_no_value_comes_back_as_the_name_of_its_type(run, made):
    value = run(f"import numpy as np\ndef f(): return {made}").value
    assert isinstance(value["a"] if isinstance(value, dict) else value, Foreign)


def test_numbers_of_numpy_are_numbers(run):
    code = "import numpy as np\ndef f(): return np.float32(0.5), np.array(3), np.bool_(True)"
    assert run(code).value == (0.5, 3, True)
    namespace = {}
    exec(code, namespace)
    assert LocalSession(namespace).call(Call("f", {}, 0)).value == (0.5, 3, True)


def test_a_dict_within_itself_and_one_with_too_many_keys_harm_nobody(run):
    assert run("def f():\n    d = {}\n    d['d'] = d\n    return d").failure is None
    many = run("def f(): return {str(n): n for n in range(5000)}").value
    assert isinstance(many, Foreign)
