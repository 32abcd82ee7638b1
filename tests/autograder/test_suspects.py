"""What suspects answered is kept as long as there is room, by number and by bytes."""

from autograder.judging.call import Answer
from autograder.judging.finding import Finding
from autograder.numerics.outcome import Outcome
from autograder.truth.suspects import Answers


def outcome(size: int) -> Outcome:
    return Outcome((Answer(size=size),), {}, Finding("unchanged"))


def made(answers: Answers, keys, size: int) -> list[int]:
    """Which of them had to be worked out."""
    asked: list[int] = []
    for key in keys:
        answers.get((key, 0), lambda key=key: asked.append(key) or outcome(size))
    return asked


def test_the_latest_answers_are_kept_up_to_a_number_of_bytes():
    answers = Answers(most=100, most_bytes=3000)
    assert made(answers, [1, 2, 3, 1], 1000) == [1, 2, 3]
    assert made(answers, [4], 1000) == [4]  # 2 goes: 1 was asked for since
    assert made(answers, [1, 3, 4, 2], 1000) == [2]
    assert made(answers, [5, 5], 4000) == [5, 5]  # more than there is room for


def test_and_up_to_a_number_of_answers():
    answers = Answers(most=2, most_bytes=2**30)
    assert made(answers, [1, 2, 3, 1], 1) == [1, 2, 3, 1]
