"""The model that authors write against: what is drawn, and what is refused."""

import textwrap
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from autograder.case import cast, draw
from autograder.checks import gradients, values
from autograder.errors import AuthoringError
from autograder.exercise import (
    Exercise,
    case,
    edit,
    integers,
    normal,
    uniform,
    upstream,
)
from autograder.handout.stubs import stub_cells
from autograder.topics.catalogue import Catalogue


def generators(seed):
    return lambda name: torch.Generator().manual_seed(hash((seed, len(name))) % 2**31)


@given(st.integers(0, 2**20), st.lists(st.integers(0, 4), min_size=1, max_size=4))
def test_a_case_draws_the_same_from_the_same_seed_and_fits_float32(seed, shape):
    one = case(
        "any", x=normal(*shape, mean=3.0), u=uniform(2, low=-1.0), t=integers(5, low=0, high=3)
    )
    first, again = draw(one, generators(seed)), draw(one, generators(seed))
    for name in ("x", "u", "t"):
        assert torch.equal(first[name], again[name])
    assert torch.equal(first["x"], first["x"].float().double())
    assert first["x"].dtype == torch.float64
    assert first["t"].dtype == torch.int64


@pytest.mark.parametrize(
    "change",
    [
        lambda t: t.transpose(0, 2),
        lambda t: t[:, ::2],
        lambda t: t[1:, :, 1:],
        lambda t: t[:1].expand(4, 6, 5),
        lambda t: t[0, 0, 0],
    ],
    ids=["transposed", "strided", "offset", "expanded", "scalar"],
)
def test_strides_survive_drawing_and_casting(change):
    plain = draw(case("a", x=normal(4, 6, 5)), generators(1))["x"]
    drawn = draw(case("a", x=normal(4, 6, 5).map(change)), generators(1))["x"]
    expected = change(plain)
    for tensor in (drawn, cast(drawn, torch.float32)):
        assert tensor.stride() == expected.stride()
        assert torch.equal(tensor.double(), expected)


def double(x, factor=2.0):
    """Twice x."""
    return x * factor


def double_backward(grad_y, x):
    """The gradient.

    Returns:
        grad_x, of the shape of x.
    """
    return grad_y * 2.0


def test_upstream_has_the_shape_of_the_output_and_leaves_out_what_the_backward_does_not_take():
    (one,) = upstream(double, double_backward, [case("a", x=normal(3, 2), factor=2.0, public=True)])
    drawn = draw(one, generators(0))
    assert set(drawn) == {"grad_y", "x"}
    assert drawn["grad_y"].shape == (3, 2)
    assert one.public


def test_an_edit_must_apply_exactly_once():
    edit(double, "x * factor", "x + factor", name="a", hint="b")
    for absent_or_ambiguous in ("y * factor", "factor"):
        with pytest.raises(AuthoringError, match="exactly once"):
            edit(double, absent_or_ambiguous, "", name="a", hint="b")


def test_mistakes_of_authors_are_named():
    x = normal(2)
    with pytest.raises(AuthoringError, match="takes no y"):
        values(double, [case("a", y=x)], points={"y": 1})
    with pytest.raises(AuthoringError, match="one name"):
        values(double, [case("a", x=x), case("a", x=x)], points={"y": 1})
    with pytest.raises(AuthoringError, match="at least one case"):
        values(double, [], points={"y": 1})
    with pytest.raises(AuthoringError, match="needs points"):
        values(double, [case("a", x=x)], points={"y": 0})
    check = values(double, [case("a", x=x)], points={"y": 1})
    with pytest.raises(AuthoringError, match="two checks have one name"):
        Exercise(functions=(double,), checks=(check, check))
    with pytest.raises(AuthoringError, match="double: no case is public"):
        Exercise(functions=(double,), checks=(check,))
    with pytest.raises(AuthoringError, match=r"points for gradient, which .* returns: 'grad_x, of"):
        gradients(double_backward, [case("a", grad_y=x, x=x)], points={"gradient": 1})


TOPIC = '''
"""Doubling.

More about it.
"""

import torch

from autograder.checks import gradients, values
from autograder.exercise import Exercise, case, edit, normal

FACTOR = 2.0


def double(x):
    """Twice x."""
    return x * FACTOR + _nothing()


def _nothing():
    return 0.0


EXERCISES = (
    Exercise(
        functions=(double,),
        checks=(values(double, [case("a", x=normal(3), public=True)], points={"y": 9}),),
        misconceptions=(edit(double, "x * FACTOR", "x", name="once", hint="How often?"),),
    ),
)
'''


@pytest.fixture
def folder(tmp_path):
    def write(below=".", **files):
        (tmp_path / below).mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (tmp_path / below / f"{name}.py").write_text(textwrap.dedent(text))
        return tmp_path

    return write


def test_one_file_in_a_folder_is_an_assignment(folder):
    catalogue = Catalogue.load(folder(doubling=TOPIC))
    assert list(catalogue.assignments) == ["doubling", "all"]
    assert catalogue["doubling"].title == "Doubling"
    assert catalogue["doubling"].max_score == 10
    with pytest.raises(KeyError, match="doubling, all"):
        catalogue["tripling"]


def test_what_is_loaded_knows_what_it_was_loaded_from(folder):
    files = folder(doubling=TOPIC)
    catalogue = Catalogue.load(files)
    digest = catalogue["doubling"].digest
    assert not catalogue.outdated
    # Of the same size, and within the same second: what a cache of compiled files would miss.
    folder(doubling=TOPIC.replace("FACTOR = 2.0", "FACTOR = 3.0"))
    assert catalogue.outdated
    assert catalogue["doubling"].digest == digest
    edited = Catalogue.load(files)
    assert edited["doubling"].digest != digest
    x = torch.ones(2)
    assert torch.equal(edited["doubling"].topics[0].functions()["double"](x), 3 * x)
    assert torch.equal(catalogue["doubling"].topics[0].functions()["double"](x), 2 * x)
    folder(_helper="")
    assert edited.outdated


def test_the_solution_has_the_functions_and_nothing_of_the_records(folder):
    topic = Catalogue.load(folder(doubling=TOPIC))["doubling"].topics[0]
    solution = topic.solution()
    for kept in ("import torch", "FACTOR = 2.0", "def double", "def _nothing"):
        assert kept in solution
    for dropped in ("EXERCISES", "autograder", "once"):
        assert dropped not in solution
    (misconception,) = topic.exercises[0].misconceptions
    x = torch.ones(2)
    assert torch.equal(topic.functions()["double"](x), 2 * x)
    assert torch.equal(topic.functions(misconception)["double"](x), x)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = 1", "has no EXERCISES"),
        ("1 / 0", "ZeroDivisionError"),
        ("raise SystemExit(3)", "SystemExit"),
        ("EXERCISES = 5", "must be a tuple"),
        ("EXERCISES = ['relu']", "must be a tuple"),
        ("def f(:", "SyntaxError"),
        (TOPIC.replace('"x * FACTOR", "x"', '"y", "x"'), "exactly once"),
    ],
)
def test_a_topic_that_is_not_well_formed_is_named(folder, text, message):
    with pytest.raises(AuthoringError, match=message) as caught:
        Catalogue.load(folder(broken=text))
    assert "broken.py" in str(caught.value)


def test_an_empty_folder_is_named(tmp_path):
    with pytest.raises(AuthoringError, match="no topics"):
        Catalogue.load(tmp_path)


SHARED = """
import math

ROUNDS = 1


def _times(x, factor):
    return x * factor
"""
PART = """
import torch

from autograder.checks import values
from autograder.exercise import Exercise, case, edit, normal

from ._shared import _times


def {name}(x):
    '''{name} of x.'''
    return _times(x, {factor})


EXERCISES = (
    Exercise(
        functions=({name},),
        checks=(values({name}, [case("a", x=normal(3), public=True)], points={{"y": 9}}),),
        misconceptions=(
            edit({name}, "x, {factor}", "x, 1.0", name="once", hint="How often?"),
        ),
    ),
)
"""
DOUBLE, TRIPLE = PART.format(name="double", factor=2.0), PART.format(name="triple", factor=3.0)
INIT = '''
"""Multiples."""

from . import double, triple

EXERCISES = (
    *triple.EXERCISES,
    *double.EXERCISES,
)
'''
FILES = {"__init__": INIT, "_shared": SHARED, "double": DOUBLE, "triple": TRIPLE}


def test_a_folder_of_files_is_one_topic(folder):
    """Its solution is one file: shared helpers first, then the exercises' in their order."""
    topic = Catalogue.load(folder("multiples", **FILES))["multiples"].topics[0]
    assert (topic.name, topic.title) == ("multiples", "Multiples")
    assert [exercise.name for exercise in topic.exercises] == ["triple", "double"]
    namespace = {}
    exec(topic.solution(), namespace)
    assert torch.equal(namespace["triple"](torch.ones(2)), torch.full((2,), 3.0))
    at = [topic.solution().index(f"def {name}(") for name in ("_times", "triple", "double")]
    assert at == sorted(at)
    assert topic.solution().count("import torch") == 1
    assert "._shared" not in topic.solution()
    assert "ROUNDS" in topic.solution()
    assert list(stub_cells(topic)) == ["triple", "double"]
    wrong = topic.functions(topic.exercises[1].misconceptions[0])
    x = torch.ones(2)
    assert torch.equal(wrong["double"](x), x)
    assert torch.equal(wrong["triple"](x), 3 * x)
    assert torch.equal(topic.functions()["double"](x), 2 * x)


def test_a_folder_may_be_named_from_where_one_stands(folder, tmp_path, monkeypatch):
    folder("mycourse/multiples", **FILES)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "link").symlink_to("mycourse")
    for way in ("mycourse", "../" + tmp_path.name + "/mycourse", "link"):
        assert Catalogue.load(Path(way))["multiples"].max_score == 20


def test_two_states_of_a_folder_are_two_topics(folder, tmp_path):
    before = Catalogue.load(folder("multiples", **FILES))["multiples"]
    first = before.digest
    folder("multiples", _shared=SHARED.replace("x * factor", "factor * x + 1"))
    after = Catalogue.load(tmp_path)["multiples"]
    assert after.digest != first
    x = torch.ones(2)
    assert torch.equal(after.topics[0].functions()["double"](x), 2 * x + 1)
    assert torch.equal(before.topics[0].functions()["double"](x), 2 * x)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"quadruple": PART.format(name="quadruple", factor=4.0)}, "does not import quadruple"),
        (
            {"__init__": INIT.replace("    *triple.EXERCISES,\n", "")},
            "leaves triple of triple.py out",
        ),
        ({"triple": f"{TRIPLE}\n\nROUNDS = 2\n"}, "both define ROUNDS"),
        ({"triple": "from ._absent import one"}, "ModuleNotFoundError"),
    ],
)
def test_what_would_be_missing_of_a_folder_is_named(folder, change, message):
    with pytest.raises(AuthoringError, match=message) as caught:
        Catalogue.load(folder("multiples", **{**FILES, **change}))
    assert "multiples" in str(caught.value)


def test_a_file_and_a_folder_of_one_name_are_refused(folder):
    folder("doubling", __init__=TOPIC)
    with pytest.raises(AuthoringError, match="both a file and a folder"):
        Catalogue.load(folder(doubling=TOPIC))


def test_whoever_wants_one_assignment_loads_no_other(folder):
    reference = folder(doubling=TOPIC, broken="1 / 0")
    assert Catalogue.load(reference, only="doubling")["doubling"].exercises
    with pytest.raises(AuthoringError, match="broken"):
        Catalogue.load(reference, only="unknown")


def test_what_calls_another_topic_is_loaded_with_it():
    catalogue = Catalogue.load(only="training")
    assert {topic.name for topic in catalogue["training"].topics[0].beside} >= {"normalization"}
