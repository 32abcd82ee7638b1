"""Pages in the language of who asks: every text has one in each, and says the same."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from html import unescape

import pytest
from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po
from flask.testing import FlaskClient

from server.grades.deadlines import Phase
from server.grades.totals import Part
from server.language import LANGUAGES
from server.storage.models import QuestionState, Scope, State
from server.web import languages
from tests.server.conftest import House

SERVER = languages.CATALOGUES.parent
TEMPLATES = SERVER / "web" / "templates"
OTHERS = [name for name in LANGUAGES if name != "en"]
# Those that are in each language from the first word to the last.
WHOLE = sorted(
    path.relative_to(TEMPLATES).as_posix()
    for place in (".", "student", "auth", "instructor", "admin", "lti")
    for path in (TEMPLATES / place).glob("*.html")
)
NAMES = {"Gradmark", "Python", "Markdown", "Esc", "toml"}
PLACES = re.compile(r"%\((\w+)\)s|(%%)|(<[^>]+>)")

Message = str | tuple[str, ...]


@cache
def asked() -> dict[str, Message]:
    """The texts in the code, by their first form."""
    with (languages.CATALOGUES / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    words = {"N_": None, "_": None, "gettext": None, "ngettext": (1, 2)}
    found = extract_from_dir(SERVER, methods, options, keywords=words)
    texts = [text for _, _, text, _, _ in found]
    return {text if isinstance(text, str) else text[0]: text for text in texts}


@cache
def catalogue(name: str) -> Catalog:
    with languages.catalogue(name).open("rb") as file:
        return read_po(file, locale=name)


def forms(text: Message) -> tuple[str, ...]:
    return (text,) if isinstance(text, str) else tuple(text)


@pytest.mark.parametrize("name", OTHERS)
def test_every_text_has_one_in_the_language_and_no_other_is_there(name: str) -> None:
    there = {forms(message.id)[0]: message for message in catalogue(name) if message.id}
    assert asked().keys() == there.keys(), "make translations"
    lacking = [text for text, message in there.items() if not all(forms(message.string))]
    assert lacking == []
    assert [text for text, message in there.items() if message.fuzzy] == []


@pytest.mark.parametrize("name", OTHERS)
def test_what_is_put_into_a_text_is_put_into_its_translation(name: str) -> None:
    """And tags, which are not escaped: a translation has those of the text and no other."""
    for message in catalogue(name):
        if not message.id:
            continue
        wanted = sorted(PLACES.findall(forms(message.id)[-1]))
        for form in forms(message.string)[-1:]:
            assert sorted(PLACES.findall(form)) == wanted, message.id
        for one, said in zip(forms(message.id), forms(message.string), strict=True):
            assert set(PLACES.findall(said)) <= set(wanted), one


@pytest.mark.parametrize("words", [Phase, State, QuestionState, Part, Scope])
def test_words_that_pages_show_are_in_the_catalogue(words: type[Phase]) -> None:
    unshown = {"failed", "counts"}  # pages have other words for these
    assert {word.value for word in words} - unshown <= asked().keys()


def texts(template: str) -> Iterator[str]:
    """What stands in a template outside of its tags and of what is translated."""
    source = (TEMPLATES / template).read_text("utf-8")
    source = re.sub(r"\{#.*?#\}", "", source, flags=re.S)
    source = re.sub(r"\{% block main_attributes %\}.*?\{% endblock %\}", "", source)
    source = re.sub(r"\{% trans\b.*?\{% endtrans %\}", "", source, flags=re.S)
    source = re.sub(r"\{[%{].*?[%}]\}", "", source, flags=re.S)
    yield from re.findall(r'(?:aria-label|title|placeholder|alt)="([^"]*)"', source)
    source = re.sub(r'aria-describedby="[^"]*"', "", source)
    yield unescape(re.sub(r"<[^>]*>", " ", source, flags=re.S))


@pytest.mark.parametrize("template", WHOLE)
def test_no_word_of_a_page_is_left_out(template: str) -> None:
    left = {word for text in texts(template) for word in re.findall(r"[A-Za-z]{2,}", text)}
    assert left - NAMES == set()


@pytest.fixture
def german(client: FlaskClient) -> FlaskClient:
    client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "fr, de-CH;q=0.9, en;q=0.5"
    return client


def test_the_browser_chooses_and_the_account_overrides_it(
    house: House, german: FlaskClient, client: FlaskClient
) -> None:
    page = german.get("/courses/dl/").text
    assert '<html lang="de">' in page
    assert "fällig in 6 Tagen" in page
    assert "10 Punkte" in page
    assert "Abmelden" in page
    sent = german.post("/account/language", data={"language": "en"})
    assert sent.location.endswith("/account#language")
    page = german.get("/account").text
    assert '<html lang="en">' in page
    assert "Your account" in page
    german.post("/account/language", data={"language": "xx"})  # none that there is
    assert '<html lang="de">' in german.get("/account").text
    assert german.get("/courses/dl/staff/people").status_code == 403


def test_forms_and_errors_speak_it_and_numbers_are_written_so(
    house: House, german: FlaskClient
) -> None:
    public_id = house.graded(score=15.0)
    with house.database.write() as session:
        session.merge(house.assignment()).points = 9.3
    page = german.get("/courses/dl/assignments/norm/").text
    assert "<b>" in page
    assert "9,3 Punkte" in page
    assert "Versuch" in german.get(house.page(public_id)).text
    wrong = german.post("/account", data={"current": "", "password": "kurz"}).text
    assert "bis 200 Zeichen." in wrong
    lost = german.get("/nowhere")
    assert "Unter dieser Adresse gibt es keine Seite." in lost.text
    assert 'lang="de"' in lost.text


def test_programs_and_tables_are_told_the_same_in_every_language(
    house: House, german: FlaskClient, browser: Callable[[str], FlaskClient]
) -> None:
    headers = {"Authorization": f"Bearer {house.token('student', Scope.READ)}"}
    told = german.get("/api/v1/courses/dl/total", headers=headers).json
    assert told["rule"][0] == "The total is the sum of the points."
    staff = browser("instructor")
    file = "/courses/dl/staff/exports/grades.csv"
    plain = staff.get(file).text
    staff.environ_base["HTTP_ACCEPT_LANGUAGE"] = "de"
    assert staff.get(file).text == plain
