"""Similar submissions: what is found alike, and the pages around it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from autograder.handout.stubs import stub
from autograder.reading import alike as reading
from autograder.reading.alike import Alike, _linked
from autograder.reading.inside.code import whole
from autograder.reading.inside.jobs import fingerprints
from server import engine
from server.grades import similarity
from server.people import accounts
from server.storage.models import (
    Assignment,
    Course,
    Role,
    Search,
    SearchState,
    SimilarPair,
    User,
)
from tests.catalogues import FIRST
from tests.server.conftest import House

pytest.importorskip("copydetect", reason="pip install 'gradmark[similarity]'")

ADDRESS = "/courses/dl/staff/assignments/norm/similarity"
Browser = Callable[[str], FlaskClient]

HANDED_OUT = (
    "import torch\n\n\ndef batch_norm(x, eps):\n    raise NotImplementedError('batch_norm')\n"
)


def solution(number: int) -> str:
    """Code that is not like that of another number."""
    lines = [
        f"    for i in range({number}):\n        x[i] = x[i * {k}] @ y if z < {k} else -x[{k}:]"
        if (number >> k) & 1
        else f"    while x.sum() > {k}:\n        x, y = torch.stack([y, x]).split({k}, dim=-{k})"
        for k in range(12)
    ]
    return HANDED_OUT + f"\n\ndef helper_{number}(x, y, z):\n" + "\n".join(lines) + "\n"


def renamed(source: str) -> str:
    return re.sub(r"\b([xyz])\b", r"my_\1", source).replace("helper", "mine") + "\n# my own work\n"


def alike(texts: Sequence[str], given: str) -> list[Alike]:
    prints = [fingerprints(("a.py", text.encode())) for text in texts]
    return reading.alike(prints, fingerprints(("a.py", given.encode()), window=1))


def test_a_copy_with_other_names_is_found_and_where(house: House) -> None:
    texts = [solution(0b101010101010), solution(0b010101010101), renamed(solution(0b101010101010))]
    pair, *others = alike(texts, HANDED_OUT)
    assert (pair.first, pair.second) == (0, 2)
    assert min(pair.shares) > 0.9
    for index, ranges in zip((0, 2), pair.ranges, strict=True):
        whole_text = whole(("a.py", texts[index].encode()))
        marked = "".join(whole_text[begin:end] for begin, end in ranges)
        assert "range(" in marked
        assert "import torch" not in marked
    assert all(other.score < pair.score for other in others)


def in_classes(source: str) -> str:
    methods = source.replace(HANDED_OUT, "").replace("\n", "\n    ")
    return f"import torch\n\n\nclass Layer:{methods}\n\nclass A(Layer):\n    pass\n"


def test_classes_are_compared_and_a_copy_of_one_is_marked_where_it_stands(house: House) -> None:
    one, other = in_classes(solution(0b101010101010)), in_classes(solution(0b010101010101))
    pair, *_ = alike([one, other, renamed(one)], HANDED_OUT)
    assert (pair.first, pair.second) == (0, 2)
    assert min(pair.shares) > 0.9
    begin, end = pair.ranges[0][0]
    assert whole(("a.py", one.encode()))[begin:end].count("\n") > 10


def test_what_was_handed_out_and_what_many_wrote_is_no_likeness() -> None:
    assert alike([HANDED_OUT, HANDED_OUT], HANDED_OUT) == []
    usual = solution(7)
    assert alike([usual] * 30, HANDED_OUT) == []
    two_more = [usual + solution(2730), *[usual] * 28, usual + solution(2730)]
    assert [(pair.first, pair.second) for pair in alike(two_more, "pass")] == [(0, 29)]


def test_the_stubs_of_a_topic_are_what_was_handed_out() -> None:
    catalogue = FIRST
    (topic,) = catalogue["losses"].topics
    assert engine.handed_out(None, "losses") == stub(topic)


def test_a_search_from_the_button_to_both_sides(house: House, browser: Browser, app: Flask) -> None:
    hostile = "<script>alert(1)</script>"
    for user, source in (("student", solution(99)), ("classmate", renamed(solution(99)))):
        house.accept(content=f"{source}\nz = '{hostile}'\n".encode(), user=user)
    house.accept(content=solution(99).encode(), user="assistant")  # staff are not compared
    house.grade_all()
    client = browser("instructor")
    assert client.post(ADDRESS).status_code == 303
    (command,) = app.config["STARTED"]
    assert command == ("server.grades.similarity", "--search", "1")
    assert client.get(f"{ADDRESS}/status").json == {"done": 0, "total": 0, "final": False}
    client.post(ADDRESS)
    assert len(app.config["STARTED"]) == 1  # one at a time

    similarity.run(house.database, house.files, 1, HANDED_OUT, house.clock)

    assert client.get(f"{ADDRESS}/status").json == {"done": 2, "total": 2, "final": True}
    with house.database.read() as session:
        pair = session.scalars(select(SimilarPair)).one()
        assert {pair.first.user.name, pair.second.user.name} == {"Student", "Classmate"}
    page = client.get(ADDRESS).text
    (address,) = re.findall(r'href="([^"]*/similarity/\d+/)"', page)
    sides = client.get(address).text
    assert sides.count("<mark class=") > 2
    assert len(set(re.findall(r'href="#(first-\d+)" data-with="second-\d+"', sides))) >= 1
    for place in set(re.findall(r'data-with="((?:first|second)-\d+)"', sides)):
        assert sides.count(f' id="{place}"') == 1
    assert "&lt;script&gt;" in sides
    assert "<script>alert" not in sides
    house.keep(pair.first.public_id, None)
    assert "The stored file is missing" in client.get(address).text


def test_a_search_that_fails_or_falls_silent_can_be_started_again(
    house: House, browser: Browser, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.accept()
    client = browser("instructor")
    client.post(ADDRESS)
    house.clock.advance(timedelta(minutes=5).total_seconds())
    assert "did not come to its end" in client.get(ADDRESS).text
    client.post(ADDRESS)
    assert len(app.config["STARTED"]) == 2
    monkeypatch.setattr(similarity, "alike", lambda *_, **__: 1 / 0)
    similarity.run(house.database, house.files, 2, HANDED_OUT, house.clock)
    with house.database.read() as session:
        assert session.get_one(Search, 2).state is SearchState.FAILED
    assert "did not come to its end" in client.get(ADDRESS).text


def test_who_is_no_instructor_any_more_finds_nothing(house: House, browser: Browser) -> None:
    for user in ("student", "classmate"):
        house.accept(content=solution(99).encode(), user=user)
    browser("instructor").post(ADDRESS)
    with house.database.write() as session:
        course = session.get_one(Course, house.course().id)
        instructor = session.get_one(User, house.user("instructor").id)
        accounts.leave(session, course, instructor, at=house.clock(), actor=None)
    similarity.run(house.database, house.files, 1, HANDED_OUT, house.clock)
    with house.database.read() as session:
        assert session.get_one(Search, 1).state is SearchState.FAILED
        assert session.scalars(select(SimilarPair)).all() == []


def test_earlier_courses_that_one_leads_are_compared_too(house: House, browser: Browser) -> None:
    house.student("pupil")
    with house.database.write() as session:
        pupil, other = (
            session.get_one(User, house.user("pupil").id),
            session.get_one(Course, house.course("other").id),
        )
        accounts.enrol(session, other, pupil, Role.STUDENT, at=house.clock(), actor=None)
        old = session.get_one(Assignment, house.assignment("elsewhere", "other").id)
        old.topic = "normalization"
        old.opens_at -= timedelta(days=300)
        old.due_at -= timedelta(days=300)
    house.accept(content=solution(99).encode())
    theirs = house.accept(
        content=solution(99).encode(), user="pupil", assignment="elsewhere", course="other"
    )

    def searched(number: int, earlier: str) -> list[SimilarPair]:
        browser("instructor").post(ADDRESS, data={"earlier": earlier})
        similarity.run(house.database, house.files, number, HANDED_OUT, house.clock)
        with house.database.read() as session:
            query = select(SimilarPair).where(SimilarPair.search_id == number)
            return list(session.scalars(query))

    assert searched(1, "y") == []  # the other course is none that the instructor leads
    with house.database.write() as session:
        other = session.get_one(Course, house.course("other").id)
        instructor = session.get_one(User, house.user("instructor").id)
        accounts.enrol(session, other, instructor, Role.INSTRUCTOR, at=house.clock(), actor=None)
    assert searched(2, "") == []
    (pair,) = searched(3, "y")
    assert pair.second_id == house.row(theirs).id
    address = f"/courses/dl/staff/similarity/{pair.id}/"
    page = browser("instructor").get(address).text
    assert "pupil, attempt 1" in page
    assert f"/courses/other/staff/submissions/{theirs}/" in page
    with house.database.write() as session:
        other = session.get_one(Course, house.course("other").id)
        instructor = session.get_one(User, house.user("instructor").id)
        accounts.leave(session, other, instructor, at=house.clock(), actor=None)
    for hidden in (address, ADDRESS):
        assert "pupil" not in browser("instructor").get(hidden).text
    assert "You do not lead the course" in browser("instructor").get(address).text


def test_what_was_made_of_a_pair_stays_for_later_searches(house: House, browser: Browser) -> None:
    first, second = house.accept(), house.accept(user="classmate")
    client = browser("instructor")
    address = f"/courses/dl/staff/similarity/{house.pair(second, first)}/"
    assert "Nobody has looked at it yet." in client.get(address).text
    for said in ("seen", "dismissed", "confirmed", "confirmed"):
        assert client.post(address, data={"judgement": said}).status_code == 303
        assert f"<b>{said}</b> by Instructor" in client.get(address).text
    again = f"/courses/dl/staff/similarity/{house.pair(first, second)}/"
    assert "<b>confirmed</b> by Instructor" in client.get(again).text
    assert "confirmed<small>Instructor" in client.get(ADDRESS).text
    assert client.post(again, data={"judgement": "guilty"}).status_code == 422
    log = client.get("/courses/dl/staff/log").text
    assert log.count("was confirmed.") == 2  # about each of them, once
    client.post(again, data={"judgement": ""})
    assert "Nobody has looked at it yet." in client.get(address).text


numbers = st.lists(st.integers(0, 6), max_size=12)


@given(numbers, numbers)
def test_links_join_ranges_that_share_something(ones: list[int], others: list[int]) -> None:
    first, second = ({h: [p] for p, h in enumerate(hashes)} for hashes in (ones, others))
    common = first.keys() & second.keys()
    links = _linked({h: first[h] for h in common}, {h: second[h] for h in common})
    assert all(ones[one] == others[other] for one, other in links)
    assert {one for one, _ in links} == {first[h][0] for h in common}
    assert {other for _, other in links} == {second[h][0] for h in common}


@pytest.mark.slow
def test_it_runs_in_a_process_of_its_own(house: House) -> None:
    from server.grades.background import Background
    from tests.server.conftest import wait_for

    for user in ("student", "classmate"):
        house.accept(content=solution(77).encode(), user=user)
    with house.database.write() as session:
        search = similarity.start(
            session,
            session.merge(house.assignment()),
            at=house.clock(),
            actor=session.get_one(User, house.user("instructor").id),
        )
    similarity.launch(Background(house.config), search)

    def done() -> bool:
        with house.database.read() as session:
            state = session.get_one(Search, search.id).state
        assert state is not SearchState.FAILED
        return state is SearchState.DONE

    wait_for(done, 180)
    with house.database.read() as session:
        assert len(session.scalars(select(SimilarPair)).all()) == 1
