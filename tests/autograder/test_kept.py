"""What the reference gave is kept from one process to the next."""

import os

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.judging.call import Call
from autograder.judging.compare import Expected, ValueExpectation
from autograder.judging.local import LocalSession
from autograder.training.band import band_of
from autograder.truth.kept import UNUSED_SECONDS, Drawer, Kept
from autograder.truth.oracle import Oracle
from autograder.truth.packing import packed, unpacked

VALUES = torch.rand(4, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


def never():
    raise AssertionError("made again")


def make():
    return band_of(VALUES, 1e-3), torch.float32, (1.5, None)


def same(a, b):
    return torch.equal(a[0].low, b[0].low) and a[1:] == b[1:]


def test_a_value_is_made_once(tmp_path):
    made = Kept(tmp_path / "new").get(("a", "b"), make)
    assert same(Kept(tmp_path / "new").get(("a", "b"), never), made)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o700
    with pytest.raises(AssertionError, match="made again"):
        Kept(tmp_path / "new").get(("a", "c"), never)
    with pytest.raises(AssertionError, match="made again"):
        Kept(None).get(("a", "b"), never)


class Hostile:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


@pytest.mark.parametrize("damage", [b"", b"no file of torch's", None])
def test_a_file_that_is_damaged_is_made_anew_and_runs_nothing(tmp_path, damage):
    kept = Kept(tmp_path / "kept")
    made = kept.get(("a",), make)
    (path,) = (tmp_path / "kept").iterdir()
    if damage is None:
        torch.save(Hostile(tmp_path / "run"), path)
    else:
        path.write_bytes(damage)
    assert same(kept.get(("a",), make), made)
    assert not (tmp_path / "run").exists()
    assert same(kept.get(("a",), never), made)


def test_what_cannot_be_kept_is_given_all_the_same(tmp_path):
    (tmp_path / "file").write_text("in the way")
    assert same(Kept(tmp_path / "file").get(("a",), make), make())


def test_what_nobody_asks_for_any_more_goes(tmp_path):
    kept = Kept(tmp_path)
    kept.get(("old",), make)
    (old,) = tmp_path.iterdir()
    long_ago = old.stat().st_mtime - UNUSED_SECONDS - 60
    os.utime(old, (long_ago, long_ago))
    Kept(tmp_path).get(("new",), make)
    assert old not in set(tmp_path.iterdir())


def test_a_kept_training_run_judges_as_a_new_one_does(tmp_path, catalogue, monkeypatch):
    (topic,) = catalogue["training"].topics
    (exercise,) = (e for e in topic.exercises if e.name == "styles")
    first = Oracle(b"a secret of the cache", cache=tmp_path).trials(topic, exercise)
    calls = count_calls(monkeypatch)
    again = Oracle(b"a secret of the cache", cache=tmp_path).trials(topic, exercise)
    assert calls == []
    session = LocalSession(topic.functions())
    for a, b in zip(first, again, strict=True):
        ours, new = b.judge(session.run(b.calls)), a.judge(session.run(a.calls))
        assert (ours.findings, ours.curves) == (new.findings, new.curves)
    calls.clear()
    Oracle(b"another secret of it", cache=tmp_path).trials(topic, exercise)
    assert calls


def count_calls(monkeypatch):
    calls, right = [], LocalSession.call

    def call(self, call):
        calls.append(call.function)  # what it is given is much, all together
        return right(self, call)

    monkeypatch.setattr(LocalSession, "call", call)
    return calls


VALUED = ["l1_loss", "batch_norm", "clip_rho_", "filter_entropy"]


def expected(oracle, catalogue, name):
    places = [(topic, e) for topic, e in catalogue["all"].exercises if e.name == name]
    trials = [trial for place in places for trial in oracle.trials(*place)]
    return [t.expectation for t in trials if isinstance(t.expectation, ValueExpectation)]


@pytest.mark.parametrize("name", VALUED)
def test_what_is_expected_is_kept_to_the_bit(tmp_path, catalogue, monkeypatch, name):
    made = expected(Oracle(b"a secret of the cache"), catalogue, name)
    calls = count_calls(monkeypatch)
    first = expected(Oracle(b"a secret of the cache", cache=tmp_path), catalogue, name)
    assert packed(dict(enumerate(first)))[0] == packed(dict(enumerate(made)))[0]
    asked = len(calls)
    calls.clear()
    again = expected(Oracle(b"a secret of the cache", cache=tmp_path), catalogue, name)
    assert len(calls) < asked / 3  # what is drawn is still asked about: whether it is allowed, say
    texts, numbers = zip(*(packed(dict(enumerate(these))) for these in (made, again)), strict=True)
    assert texts[0] == texts[1]
    for ours, kept in zip(*numbers, strict=True):
        assert torch.equal(ours.view(torch.uint8), kept.view(torch.uint8))


def test_other_arguments_and_another_solution_expect_something_else(tmp_path):
    drawer = Drawer({})
    x = torch.tensor([1.0, float("nan")], dtype=torch.float64)
    for call in (
        Call("f", {"x": x}, 1),
        Call("f", {"x": x.float()}, 1),
        Call("f", {"x": x[:1]}, 1),
        Call("f", {"x": x.view(1, 2)}, 1),
        Call("f", {"x": torch.stack([x, x], 1)[:, 0]}, 1),
        Call("f", {"x": torch.stack([x, x], 1)[:1, 0]}, 1),
        Call("f", {"x": x.sum()}, 1),
        Call("f", {"x": x[:0]}, 1),
        Call("f", {"x": x.bfloat16()}, 1),
        Call("f", {"x": -x}, 1),
        Call("f", {"x": x.numpy()}, 1),
        Call("f", {"x": (x,)}, 1),
        Call("f", {"x": [x]}, 1),
        Call("f", {"x": x}, 0),
        Call("f", {"x": x}, 1, seed=1),
        Call("g", {"x": x}, 1),
    ):
        drawer.get(("values",), [call], lambda: ValueExpectation({}, {}))
    assert len(drawer.values) == 16
    with Kept(tmp_path).drawer(("topic", "exercise")) as own:
        own.get((), [Call("f", {}, 0)], lambda: ValueExpectation({"y": Expected(1)}, {}))
    with Kept(tmp_path).drawer(("other topic", "exercise")) as other:
        assert not other.values
    with Kept(tmp_path).drawer(("topic", "exercise")) as again:
        assert again.values == own.values


@given(
    st.dictionaries(
        st.text(max_size=3),
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=3),
            lambda inner: st.lists(inner.map(Expected), max_size=3).map(tuple),
        ).map(Expected),
        max_size=3,
    )
)
def test_plain_values_come_back_as_they_were(returns):
    text, numbers = packed({"x": ValueExpectation(returns, {})})
    assert repr(unpacked(text, numbers)) == repr({"x": ValueExpectation(returns, {})})


@pytest.mark.parametrize("value", [object(), 1j, b"x", [1.0]])
def test_what_cannot_be_packed_is_expected_all_the_same(tmp_path, value):
    for _ in range(2):
        with Kept(tmp_path / "kept").drawer(("a",)) as drawer:
            made = drawer.get(
                (), [Call("f", {}, 0)], lambda: ValueExpectation({"y": Expected(value)}, {})
            )
            assert made.returns["y"].value is value
            assert drawer.added


@pytest.mark.parametrize("value", [5, (1, 2, 3), ("[", []), ('{"x": [1]}', [])])
def test_a_drawer_that_is_damaged_is_empty(tmp_path, value):
    kept = Kept(tmp_path)
    kept.get(("a",), lambda: value)
    with kept.drawer(("a",)) as drawer:
        assert drawer.values == {}
