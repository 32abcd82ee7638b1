"""Who hands in what, and when: drawn anew each time, and always the same.

A student has an aptitude, which says how likely they solve an exercise, and a diligence, which
says how likely they begin and go on. What is wrong is a recorded misconception, an exercise's first
ones more often than its later ones, so that a class shares some. From attempt to attempt things
get better; with some they do not.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from autograder.exercise import Exercise
from autograder.topics.catalogue import Catalogue, Topic
from server.demo import course, samples, writing
from server.demo.course import Dates
from server.demo.writing import Solved, Way

_MOST_ATTEMPTS = 4
_COMMON = 6  # of an exercise's misconceptions, the ones that students have


@dataclass(frozen=True)
class HandIn:
    at: datetime
    student: int
    assignment: str
    filename: str
    content: bytes


@dataclass(frozen=True)
class Student:
    number: int
    aptitude: float
    diligence: float
    notebooks: bool


def hand_ins(catalogue: Catalogue, now: datetime, students: int = course.STUDENTS) -> list[HandIn]:
    """All of them up to now, the earliest first; the samples are the latest."""
    everybody = [_student(number) for number in range(1, students + 1)]
    told = [
        hand_in
        for dates in course.dates(catalogue)
        if all(exercise.functions for exercise in catalogue[dates.topic].topics[0].exercises)
        for student in everybody
        for hand_in in _of_student(student, catalogue[dates.topic].topics[0], dates, now)
    ]
    shown = list(samples.samples(catalogue))
    for number, sample in enumerate(shown):
        at = now - timedelta(minutes=4 * (len(shown) - number))
        told.append(HandIn(at, number % students + 1, *sample))
    return sorted(told, key=lambda hand_in: hand_in.at)


def _student(number: int) -> Student:
    random = _random("student", number)
    return Student(
        number,
        aptitude=random.uniform(0.3, 0.9),
        diligence=random.uniform(0.5, 0.97),
        notebooks=random.random() < 0.25,
    )


def _of_student(student: Student, topic: Topic, dates: Dates, now: datetime) -> Iterator[HandIn]:
    random = _random(topic.name, student.number)
    if random.random() > student.diligence:
        return
    opens, due = now + timedelta(days=dates.opens), now + timedelta(days=dates.due)
    end = due if dates.late_until is None else now + timedelta(days=dates.late_until)
    at = opens + (due - opens) * random.betavariate(3, 1.4)
    if random.random() < 0.08:
        at = due + (end - due) * random.random()
    solved = {exercise.name: _begun(exercise, student, random) for exercise in topic.exercises}
    for _ in range(_MOST_ATTEMPTS):
        if at > min(end, now - timedelta(hours=1)):
            return
        source = writing.written(topic, _otherwise(topic, solved, random))
        if student.notebooks:
            yield HandIn(
                at, student.number, topic.name, f"{topic.name}.ipynb", writing.in_cells(source)
            )
        else:
            yield HandIn(at, student.number, topic.name, f"{topic.name}.py", source.encode())
        done = all(way is Way.RIGHT for way in solved.values())
        if done or random.random() > student.diligence:
            return
        at += timedelta(minutes=random.lognormvariate(4.5, 1.2))
        solved = {
            exercise.name: _improved(solved[exercise.name], exercise, student, random)
            for exercise in topic.exercises
        }


def _begun(exercise: Exercise, student: Student, random: Random) -> Solved:
    drawn = random.random()
    if drawn < student.aptitude:
        return Way.RIGHT
    if drawn > 0.92 or not exercise.misconceptions:
        return Way.UNWRITTEN
    common = exercise.misconceptions[:_COMMON]
    weights = [3.0**-rank for rank in range(len(common))]
    return random.choices(common, weights)[0]


def _improved(way: Solved, exercise: Exercise, student: Student, random: Random) -> Solved:
    if way is Way.UNWRITTEN:
        return _begun(exercise, student, random)
    return Way.RIGHT if random.random() < student.aptitude**2 else way


def _otherwise(topic: Topic, solved: Mapping[str, Solved], random: Random) -> dict[str, Solved]:
    """The same, some of what is right in another right way."""
    chosen: list[Path] = []
    ways = dict(solved)
    for exercise in topic.exercises:
        if ways[exercise.name] is Way.RIGHT and random.random() < 0.4:
            fitting = [
                path
                for path in writing.alternatives(topic, exercise)
                if not any(writing.clashing(path, other) for other in chosen)
            ]
            if fitting:
                ways[exercise.name] = path = random.choice(fitting)
                chosen.append(path)
    return ways


def _random(*seed: object) -> Random:
    """Its own for each purpose: a change in one place does not change all others."""
    return Random(" ".join(map(str, seed)))  # noqa: S311 - a story, no secret
