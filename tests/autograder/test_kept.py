"""What the reference's training runs gave is kept from one process to the next."""

import os

import pytest
import torch

from autograder.judging.local import LocalSession
from autograder.training.band import band_of
from autograder.truth.kept import UNUSED_SECONDS, Kept
from autograder.truth.oracle import Oracle

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
    kept.get(("new",), make)
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
        calls.append(call)
        return right(self, call)

    monkeypatch.setattr(LocalSession, "call", call)
    return calls
