"""In which language pages are: as whoever asks has chosen, or as their browser says."""

from __future__ import annotations

import io
from functools import cache, cached_property
from pathlib import Path

import flask_login
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale

from server import language
from server.language import ENGLISH, LANGUAGES, N_
from server.web import problems

# Words of enumerations that pages show.
_WORDS = (
    *(N_("not open yet"), N_("open"), N_("due soon"), N_("late"), N_("closed")),  # of an assignment
    *(
        N_("waiting"),
        N_("grading"),
        N_("graded"),
        N_("superseded"),
        N_("failed"),
    ),  # of a submission
    *(N_("open"), N_("answered"), N_("accepted"), N_("declined")),  # of a question
    *(N_("bonus"), N_("left out"), N_("not yet"), N_("not shown yet"), N_("not in the total")),
    *(N_("read"), N_("submit"), N_("manage")),  # of a token
    *(N_("running"), N_("complete"), N_("applied"), N_("discarded")),  # of a regrade
    *(N_("seen"), N_("dismissed"), N_("confirmed")),  # of two that are similar
    *(N_("student"), N_("assistant"), N_("instructor")),
    *(N_("invitation"), N_("password reset"), N_("comment"), N_("answer")),  # of the outbox
    *(N_("announcement"), N_("fault is over"), N_("due tomorrow"), N_("no grader"), N_("grade")),
    *(N_("best"), N_("last"), N_("last-before-due")),
)
CATALOGUES = Path(__file__).parents[1] / "translations"


def install(app: Flask) -> None:
    _Babel(app, default_locale=ENGLISH, locale_selector=_wanted)
    language.chosen_by(_spoken)
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        lambda text: _spoken()[1].gettext(text),
        lambda one, many, count: _spoken()[1].ngettext(one, many, count),
        newstyle=True,
    )
    app.context_processor(lambda: {"language": language.language(), "languages": LANGUAGES})


def catalogue(name: str) -> Path:
    return CATALOGUES / f"{name}.po"


class _Domain(Domain):  # type: ignore[misc]
    """The catalogues as they are written: nothing has to be compiled beforehand."""

    def get_translations(self) -> NullTranslations:
        return _spoken()[1]


class _Babel(Babel):  # type: ignore[misc]
    @cached_property
    def domain_instance(self) -> Domain:
        return _Domain()


@cache
def _translations(name: str) -> NullTranslations:
    if name == ENGLISH:
        return NullTranslations()
    compiled = io.BytesIO()
    with catalogue(name).open("rb") as file:
        write_mo(compiled, read_po(file, locale=name))
    compiled.seek(0)
    return Translations(fp=compiled)


def _spoken() -> tuple[str, NullTranslations]:
    if not has_request_context():
        return ENGLISH, _translations(ENGLISH)
    found: tuple[str, NullTranslations] | None = g.get("spoken")
    if found is None:
        name = str(get_locale())
        found = g.spoken = name, _translations(name)
    return found


def _wanted() -> str:
    """Programs are told everything in English."""
    if request.path.startswith(problems.ROOT):
        return ENGLISH
    here = flask_login.current_user
    if here.is_authenticated and here.language in LANGUAGES:
        chosen: str = here.language
        return chosen
    # The first that there is, also of another country: werkzeug would rather take what is asked
    # for by its very name, however little it is wanted.
    accepted = request.accept_languages.values()
    asked = (tag.replace("_", "-").partition("-")[0].lower() for tag in accepted)
    return next((tag for tag in asked if tag in LANGUAGES), ENGLISH)
