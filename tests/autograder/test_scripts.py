"""Classes are graded by scripts: what they yield is judged like the outputs of a function."""

from pathlib import Path

import pytest

from autograder.errors import AuthoringError
from autograder.grading.grader import Grader
from autograder.handin.look import look
from autograder.handin.submission import Source
from autograder.handout.public import public_data
from autograder.handout.stubs import stub
from autograder.judging.codec import dumps, loads
from autograder.judging.selfcheck import items_of, problem
from autograder.topics.catalogue import Catalogue
from autograder.truth.oracle import Oracle

TOPIC = (Path(__file__).parent / "examples" / "layers.py").read_text("utf-8")


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory):
    folder = tmp_path_factory.mktemp("reference")
    (folder / "layers.py").write_text(TOPIC)
    return Catalogue.load(folder)


@pytest.fixture(scope="module")
def topic(catalogue):
    return catalogue["layers"].topics[0]


@pytest.fixture(scope="module")
def grade(catalogue, topic):
    with Grader(catalogue, b"a secret") as grader:

        def grade(text):
            return grader.grade_exercise(topic, topic.exercises[0], [Source("layers", (text,))])

        yield grade


def failing(result):
    return {check["name"]: check["message"] for check in result["checks"] if not check["passed"]}


def test_the_solution_gets_full_marks_and_holds_no_script(grade, topic):
    assert "linear_layer" not in topic.solution()
    result = grade(topic.solution())
    assert result["score"] == result["max_score"] == 11.5


def test_each_output_is_credited_on_its_own_and_an_edited_method_is_recognised(grade, topic):
    for misconception in topic.exercises[0].misconceptions:
        result = grade(topic.solution(misconception))
        assert [found["name"] for found in result["diagnosis"]] == [misconception.name]
    assert set(failing(result)) == {"linear_layer: grad_weight", "in float32: grad_weight"}


def test_the_stub_earns_nothing_and_is_called_unwritten(grade, topic):
    result = grade(stub(topic))
    assert result["score"] == 0
    assert "not implemented yet" in failing(result)["linear_layer: y"]


def test_a_look_says_that_a_class_is_still_to_be_written(topic):
    homes = {"Linear": topic.name}
    assert not look(("layers.py", stub(topic).encode()), homes).found["Linear"].written
    assert look(("layers.py", topic.solution().encode()), homes).found["Linear"].written


@pytest.mark.parametrize(
    ("old", "new", "lost", "said"),
    [
        ("self.dLdb = ", "self.dldb = ", "grad_bias", "AttributeError"),
        ("        self._x = x\n", "", "grad_x", "AttributeError"),
        ("        self._x = x\n", "        self._x = x\n        x += 1\n", "y", "wrong in"),
        ("class Linear", "class Layer", "y", "not in the submission"),
        ("return self._affine(x)", "return [self._affine(x)]", "y", "should be a tensor"),
    ],
)
def test_what_goes_wrong_is_said_where_it_goes_wrong(grade, topic, old, new, lost, said):
    text = topic.solution()
    assert text.count(old) == 1
    message = failing(grade(text.replace(old, new)))[f"linear_layer: {lost}"]
    assert said in message


def test_an_argument_that_a_method_changes_is_seen(grade, topic):
    text = topic.solution().replace(
        "        return grad_y @ self.W\n",
        "        result = grad_y @ self.W\n        grad_y.zero_()\n        return result\n",
    )
    message = failing(grade(text))["arguments left unchanged"]
    assert ".backward changes its argument grad_y" in message


def test_the_self_check_knows_the_public_cases_of_a_script(topic):
    found = items_of(loads(dumps(public_data(topic))))
    assert [item.row for item in found][:2] == ["linear_layer: y", "linear_layer: grad_x"]
    assert not any(problem(item, topic.functions()) for item in found)
    (first, _) = topic.exercises[0].misconceptions
    wrong = {item.row for item in found if problem(item, topic.functions(first))}
    assert wrong == {"linear_layer: grad_bias", "in float32: grad_bias"}


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('"grad_bias": 1}', '"grad_b": 1}', "points for grad_b, which linear_layer does not yield"),
        (
            "weight=normal(4, 3)",
            "wait=normal(4, 3)",
            "case 'five rows': linear_layer takes no wait",
        ),
        ("bias=normal(4),\n        grad_y", "bias={1, 2},\n        grad_y", "which cannot travel"),
    ],
)
def test_a_mistake_in_a_record_is_one_sentence_when_the_topic_is_loaded(tmp_path, old, new, said):
    assert TOPIC.count(old) >= 1
    (tmp_path / "layers.py").write_text(TOPIC.replace(old, new, 1))
    with pytest.raises(AuthoringError, match=r"^layers.py: .*" + said):
        Catalogue.load(tmp_path)["layers"].topics[0].exercises  # noqa: B018


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            'yield "grad_bias", layer.dLdb',
            'yield "grad_bias", layer',
            "the solution's grad_bias is an object of type Linear, which cannot travel",
        ),
        (
            '    yield "y", layer.forward(x)',
            '    if layer.forward(x):\n        pass\n    yield "y", layer.forward(x)',
            "cannot decide by what a submission gives",
        ),
        ('yield "y", layer.forward(x)', 'yield "y", layer.forwards(x)', "AttributeError"),
    ],
)
def test_a_mistake_in_a_script_names_exercise_check_and_case(tmp_path, old, new, said):
    assert TOPIC.count(old) == 1
    (tmp_path / "layers.py").write_text(TOPIC.replace(old, new))
    topic = Catalogue.load(tmp_path)["layers"].topics[0]
    with pytest.raises(AuthoringError, match=said) as caught:
        Oracle(b"a secret").trials(topic, topic.exercises[0])
    assert "layers.py: Linear, linear_layer, case 'five rows': " in str(caught.value)
