"""The marking desk: code beside what was found of it, words at its lines, points, the way through a
list."""

from __future__ import annotations

import re
from collections.abc import Callable
from html import unescape

from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from server.grades import saved
from server.storage.models import Adjustment, Comment, Enrolment, Grade, SavedComment
from server.web import desk
from tests.server import engines
from tests.server.conftest import House
from tests.server.test_staff import STAFF, entries, submit, text

Browser = Callable[[str], FlaskClient]
SOURCE = b"def batch_norm(x):\n    return x\n\ndef group_norm(x):\n    y = x\n    return y\n"


def handed_in(house: House, user: str = "student", content: bytes = SOURCE, **where: str) -> str:
    if user not in ("student", "classmate"):
        house.student(user)
    public_id = house.accept("mine.py", content, user=user, **where)
    house.grade_all()
    return public_id


def at_line(line: int, words: str = "Why a copy?", **more: str) -> dict[str, str]:
    return {"exercise": "group_norm", "place": "mine.py", "line": str(line), "text": words, **more}


def test_a_comment_at_a_line_stands_there_for_both(house: House, browser: Browser) -> None:
    public_id = handed_in(house)
    staff, address = browser("assistant"), f"{STAFF}/submissions/{public_id}"
    answer = staff.post(f"{address}/comments", data=at_line(5))
    assert answer.location.endswith("#exercise-group_norm")
    staff.post(f"{address}/comments", data=at_line(6, "among us <b>", for_staff="y"))
    for page in (staff.get(f"{address}/").text, browser("student").get(house.page(public_id)).text):
        (part,) = re.findall(
            'id="exercise-group_norm"(.*?)id="exercise-', page + 'id="exercise-', re.S
        )
        assert part.index('class="line noted" data-n="5"') < part.index("Why a copy?")
        assert part.index("Why a copy?") < part.index('data-n="6"')
        assert page.count("Why a copy?") == 1
    assert "among us &lt;b&gt;" in staff.get(f"{address}/").text
    assert "among us" not in browser("student").get(house.page(public_id)).text


def test_a_line_outside_of_the_functions_has_its_words_in_the_whole_file(
    house: House, browser: Browser
) -> None:
    public_id = handed_in(house, content=b"import torch\n" + SOURCE)
    browser("assistant").post(f"{STAFF}/submissions/{public_id}/comments", data=at_line(1))
    page = browser("student").get(house.page(public_id)).text
    assert re.search(r'<details class="more" open><summary>All that.*Why a copy', page, re.S)


def test_there_is_no_comment_at_a_line_that_is_not_there(house: House, browser: Browser) -> None:
    public_id = handed_in(house)
    staff, address = browser("assistant"), f"{STAFF}/submissions/{public_id}/comments"
    for wrong in (at_line(99), at_line(0), at_line(2, place="other.py"), at_line(2, " ")):
        answer = staff.post(address, data=wrong)
        assert answer.status_code == 422
        assert unescape(wrong["text"]).strip() in answer.text  # what was written is kept
    assert "There is no line 99 in mine.py." in staff.post(address, data=at_line(99)).text
    with house.database.read() as session:
        assert session.scalars(select(Comment)).all() == []


def test_what_a_student_has_not_read_is_told_until_they_have(
    house: House, browser: Browser
) -> None:
    public_id = handed_in(house)
    staff, student = browser("assistant"), browser("student")
    staff.post(f"{STAFF}/submissions/{public_id}/comments", data=at_line(5))
    staff.post(f"{STAFF}/submissions/{public_id}/comments", data={"text": "All of it is short."})
    staff.post(f"{STAFF}/submissions/{public_id}/comments", data={"text": "x", "for_staff": "y"})
    course, assignment = "/courses/dl/", "/courses/dl/assignments/norm/"
    assert "2 new for you" in text(student.get(course).text)
    assert "something new for you: Attempt 1" in text(student.get(assignment).text)
    staff.get(house.page(public_id))  # as the student sees it: that is not the student
    assert student.get(house.page(public_id)).text.count('<b class="new">new</b>') == 2
    assert 'class="new"' not in student.get(house.page(public_id)).text
    assert "new for you" not in student.get(course).text
    assert "something new" not in student.get(assignment).text
    assert "new for you" not in browser("classmate").get(course).text


def test_a_saved_comment_is_offered_where_its_misconception_was_found(
    house: House, browser: Browser
) -> None:
    first, second = handed_in(house), handed_in(house, "classmate")
    staff = browser("assistant")
    words = at_line(5, "Groups are runs of channels.", keep="interleaved-groups")
    staff.post(f"{STAFF}/submissions/{first}/comments", data=words)
    staff.post(f"{STAFF}/submissions/{first}/comments", data=words)  # kept once
    staff.post(f"{STAFF}/submissions/{first}/comments", data=at_line(5, "no", keep="unheard-of"))
    with house.database.read() as session:
        (kept,) = session.scalars(select(SavedComment)).all()
    page = browser("instructor").get(f"{STAFF}/submissions/{second}/").text
    assert f'<option value="{kept.id}" data-text="Groups are runs of channels."' in page
    staff.post(f"{STAFF}/submissions/{second}/comments", data=at_line(5, "", saved=str(kept.id)))
    assert "Groups are runs of channels." in browser("classmate").get(house.page(second)).text
    foreign = house.saved("other")
    wrong = at_line(5, "", saved=str(foreign))
    assert staff.post(f"{STAFF}/submissions/{second}/comments", data=wrong).status_code == 404
    listed = f"{STAFF}/submissions?misconception=interleaved-groups"
    assert "1 saved comment, offered" in text(staff.get(listed).text)
    staff.post(f"{STAFF}/saved/{kept.id}/remove")
    assert "saved comment" not in staff.get(listed).text


def test_few_are_saved_for_one_misconception(house: House, browser: Browser) -> None:
    public_id = handed_in(house)
    staff = browser("assistant")
    for number in range(saved.MOST + 1):
        words = at_line(5, f"Word {number}", keep="interleaved-groups")
        staff.post(f"{STAFF}/submissions/{public_id}/comments", data=words)
    assert "remove one of them first" in staff.get(f"{STAFF}/submissions/{public_id}/").text
    with house.database.read() as session:
        assert len(session.scalars(select(SavedComment)).all()) == saved.MOST
        assert len(session.scalars(select(Comment)).all()) == saved.MOST + 1


def test_points_are_given_without_leaving(house: House, browser: Browser) -> None:
    public_id = handed_in(house)
    address = f"{STAFF}/submissions/{public_id}/points"
    form = {"exercise": "group_norm", "points": "0.5", "reason": "nearly"}
    answer = browser("instructor").post(f"{address}?which=counting", data=form)
    assert answer.location.endswith(f"/{public_id}/?which=counting#exercise-group_norm")
    with house.database.read() as session:
        adjustment = session.scalars(select(Adjustment)).one()
        grade = session.scalars(select(Grade)).one()
    assert (adjustment.points, adjustment.reason) == (0.5, "group_norm: nearly")
    assert adjustment.submission_id == house.row(public_id).id
    assert (grade.points, grade.adjustment) == (8.0, 0.5)
    assert entries(house, "grade.adjusted")[0].detail["reason"] == "group_norm: nearly"
    for wrong in ({"points": "0"}, {"points": "nan"}, {"points": "1e9"}, {"reason": ""}):
        refused = browser("instructor").post(address, data=form | wrong)
        assert refused.status_code == 422
        assert 'data-do="a" open' in refused.text
    assert "Points by hand" not in browser("assistant").get(address[: -len("points")]).text
    assert browser("assistant").post(address, data=form).status_code == 403


def way(page: str, rel: str) -> str | None:
    found = re.search(rf'<a href="([^"]*)" rel="{rel}"', page)
    return unescape(found[1]) if found else None


def walked(client: FlaskClient, address: str) -> list[str]:
    """The submissions that `next` leads to, from the first on."""
    found = []
    where: str | None = address
    while where is not None:
        page = client.get(where).text
        found.append(where.split("/submissions/")[1].split("/")[0])
        assert f"{len(found)} of " in text(page)
        where = way(page, "next")
    return found


def test_next_and_previous_go_through_the_list_that_one_came_from(
    house: House, browser: Browser
) -> None:
    ids = []
    for name in ("ada", "bob", "cyd", "dan"):
        house.clock.advance(1)
        ids.append(handed_in(house, name))
    house.clock.advance(1)
    handed_in(house, "eve", assignment="losses")
    right = submit(house, "fay", 20)
    with house.database.write() as session:
        for name in ("ada", "cyd"):
            key = (house.course().id, house.user(name).id)
            session.get_one(Enrolment, key).section = "Monday"
        key = (house.course().id, house.user("assistant").id)
        session.get_one(Enrolment, key).section = "Monday"
    client, one = browser("assistant"), f"{STAFF}/submissions"
    newest = ids[::-1]
    assert walked(client, f"{one}/{right}/") == [right, *newest]  # of the assignment
    listed = "?assignment=norm&misconception=interleaved-groups&exercise=group_norm"
    assert walked(client, f"{one}/{right}/{listed}") == [right, *newest]  # of one that has it
    assert walked(client, f"{one}/{right}/?misconception=another") == [right]  # it is not in it
    assert walked(client, f"{one}/{ids[2]}/?section=Monday") == [ids[2], ids[0]]
    assert walked(client, f"{one}/{ids[2]}/?mine=yes") == [ids[2], ids[0]]
    assert walked(client, f"{one}/{ids[1]}/?search=bob") == [ids[1]]
    page = client.get(f"{one}/{ids[0]}/?section=Monday").text
    assert way(page, "prev") == f"{one}/{ids[2]}/?section=Monday"
    assert f"{one}/{ids[2]}/?section=Monday" in unescape(client.get(f"{one}?section=Monday").text)


def test_what_somebody_is_done_with_leaves_the_list(house: House, browser: Browser) -> None:
    ids = []
    for name in ("ada", "bob", "cyd"):
        house.clock.advance(1)
        ids.append(handed_in(house, name))
    client, listed = browser("assistant"), "?which=to-do"
    where = f"{STAFF}/submissions/{ids[2]}/"
    for following in (ids[1], ids[0], ids[0]):
        where = client.post(f"{where}done{listed}").location
        assert where == f"{STAFF}/submissions/{following}/{listed}"
        where = where.split("?")[0]
    assert "No submission fits" in client.get(f"{STAFF}/submissions{listed}").text
    assert "Assistant is done with it" in text(client.get(where).text)
    client.post(f"{where}done")
    assert "ada" in client.get(f"{STAFF}/submissions{listed}").text


def test_a_flag_of_the_source_policy_stands_at_its_line(house: House, browser: Browser) -> None:
    flag = {"rule": "name", "what": "torch.<b>", "place": "mine.py", "line": 5, "text": "y = x"}
    public_id = house.accept("mine.py", SOURCE)

    def grade(rules: object, topic: str, *_: object) -> dict[str, object]:
        report = engines.report(topic)
        report["exercises"][1]["policy"] = [flag, {**flag, "line": 0}]
        return report

    house.grade_all(grade)
    page = browser("assistant").get(f"{STAFF}/submissions/{public_id}/").text
    marked = re.findall(r'class="line noted" data-n="(\d+)"', page)
    assert set(marked) == {"5"}
    assert "torch.&lt;b&gt;" in page


@given(st.lists(st.text("ab\n ", max_size=9), max_size=6), st.sets(st.integers(0, 30)))
def test_no_line_is_lost_or_shown_twice(texts: list[str], noted: set[int]) -> None:
    lines = "\n".join(texts).split("\n")
    notes = desk._Notes({}, {("a.py", n): ["x"] for n in noted})
    stretches = notes.stretches("a.py", 1, lines, again=True)
    html = "\n".join(stretch.html for stretch in stretches)
    assert re.findall(r'data-n="\d+">(.*)</span>', html) == lines
    assert [int(n) for n in re.findall(r'data-n="(\d+)"', html)] == list(range(1, len(lines) + 1))
    said = [s for s in stretches if s.flags]
    assert len(said) == len([n for n in noted if 1 <= n <= len(lines)])
