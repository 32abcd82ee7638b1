"""What a submission learns of hidden cases stays out of what its author gets to see."""

import json
import re
import struct

import pytest

from autograder.grading.grader import Grader
from autograder.handin.submission import Source
from autograder.report import student_view, validate
from tests.attacks.attack import PRELUDE

# `note(x)` remembers an input and gives all that were seen so far as text; `forge` writes a frame
# on the call socket itself, in the place of the answer.
CARRIER = (
    PRELUDE
    + """
import json
seen = []
def note(x):
    seen.append('x' + struct.pack('<d', float(x.flatten()[0])).hex())
    return ' '.join(seen)
def forge(**header):
    text = json.dumps({'output': '', **header}).encode()
    os.write(3, struct.pack('<4sIQ', b'GMK1', len(text), 0) + text)
    time.sleep(60)
def failure(kind, message='', exception='', line=0):
    forge(failure={'kind': kind, 'message': message, 'exception': exception, 'line': line})
def relu(x):
    told = note(x)
    CHANNEL
"""
)

CHANNELS = {
    "print": "print(told); return x.clamp(min=0)",
    "standard error": "sys.stderr.write(told); return x.clamp(min=0)",
    "an exception's text": "raise ValueError(told)",
    "an exception's class": "raise type(told, (Exception,), {})()",
    "an exception's cause": "raise ValueError from RuntimeError(told)",
    "an exception's arguments": "raise KeyError(told, told)",
    "a syntax error": "exec(told)",
    "the type of the result": "return type(told, (), {})()",
    "text for a tensor": "return told",
    "the result itself": "return x",
    "not implemented": "raise NotImplementedError(told)",
    "a warning": "import warnings; warnings.warn(told); return x",
    "a forged exception": "failure('exception', told, seen[-1], 1)",
    "a forged word for missing": "failure('missing', told)",
    "a forged word for unwritten": "failure('unwritten', told)",
    "a forged signature": "failure('signature', told)",
    "a forged memory error": "failure('memory', told)",
    "a forged type": "forge(value={'foreign': told}, arguments=[['x', {'same': True}]])",
    "forged printing": "forge(value=1, arguments=[['x', {'same': True}]], output=told)",
    "leaving with words": "sys.exit(told)",
}
PUBLIC_FIRST = "if len(seen) <= 2: return x.clamp(min=0)\n    "


def inputs(grader: Grader, catalogue, public: bool) -> set[str]:
    """The first number of every input of relu, as the attack writes it."""
    topic, exercise = relu(catalogue)
    trials = grader._oracle.trials(topic, exercise)
    return {
        "x" + struct.pack("<d", float(call.arguments["x"].flatten()[0])).hex()
        for trial in trials
        if trial.case.public == public and trial.check.function.__name__ == "relu"
        for call in trial.calls
        if "x" in call.arguments  # not where an earlier answer is looked at again
    }


def relu(catalogue):
    return next(place for place in catalogue["activations"].exercises if place[1].name == "relu")


@pytest.fixture
def see(grader, catalogue):
    """The student's view of relu, as text, when the submission does this in every call."""

    def see(channel: str) -> str:
        source = Source("activations", (CARRIER.replace("CHANNEL", channel),))
        entry = grader.grade_exercise(*relu(catalogue), [source])
        return json.dumps(as_student(entry))

    return see


def as_student(exercise: dict) -> dict:
    report = {
        "schema": "gradmark-report/1",
        "view": "full",
        "assignment": "a",
        "title": "A",
        "submission": {"filename": "a.py", "digest": "0" * 64},
        "score": 0,
        "max_score": 1,
        "notes": [],
        "exercises": [exercise],
        "seconds": 0.0,
        "environment": {"gradmark": "0", "confined": True},
    }
    view = student_view(report)
    validate(view)
    return view


@pytest.mark.parametrize("when", ["", PUBLIC_FIRST], ids=["always", "after right answers"])
@pytest.mark.parametrize("channel", CHANNELS)
def test_no_hidden_input_reaches_the_student(grader, catalogue, see, channel, when):
    text = see(when + CHANNELS[channel])
    # A sweep of a public case leaves some of its numbers as they are.
    hidden = inputs(grader, catalogue, public=False) - inputs(grader, catalogue, public=True)
    assert len(hidden) > 2
    assert not [number for number in hidden if number[1:] in text]


def test_the_test_would_see_it(grader, catalogue, see):
    """The same channel does carry what is public: it is the rule that stops the rest."""
    text = see(CHANNELS["print"])
    assert all(number in text for number in inputs(grader, catalogue, public=True))


@pytest.mark.parametrize(
    ("channel", "most"),
    [
        ("failure('exception', '', seen[-1], 10**6)", 1),
        ("failure('exception', '', ['KeyError', 'OSError'][len(seen) % 2], len(seen))", 2),
    ],
)
def test_a_forged_failure_tells_no_more_than_a_class_and_a_line(see, channel, most):
    """Of a hidden case: a built-in exception and a line below 4096, once per line of the report."""
    text = see(PUBLIC_FIRST + channel)
    assert "it raised" in text
    assert not re.search(r"x[0-9a-f]{16}", text)
    assert "1000000" not in text


def test_what_a_second_loading_says_is_not_shown(grader, catalogue):
    """The clock would carry a number from the call that crashes to the loading that follows."""
    code = CARRIER.replace("CHANNEL", "os._exit(int(x.flatten()[0] * 8) % 250)")
    source = Source("activations", (code + "\nprint(time.time())\nraise ValueError(time.time())",))
    with grader._sandbox.session([source]) as session:
        first = session.loading
        exercises = [relu(catalogue)]
        public = grader._public(exercises, session)
        (answered,) = grader._answered(exercises, session, public, [lambda stage: None])
        assert session.loading.problems == first.problems
        assert session.loading.output == first.output
    assert grader._entry(answered)["score"] == 0
