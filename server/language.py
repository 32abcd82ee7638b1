"""What people read, in their language.

Texts stand in the code in English, marked by `_`, `ngettext` or, where they are constants that are
translated where they are shown, by `N_`. The catalogues in `server/translations` have them in
others. Who asks for a page chooses; without a page, as for programs and logs, it is English.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from gettext import NullTranslations
from typing import Any

LANGUAGES = {"en": "English", "de": "Deutsch"}  # each by its own name
ENGLISH = "en"
_DAYS = {"d MMM y": "%-d %b %Y", "d MMM": "%-d %b", "EEE d MMM": "%a %-d %b"}

_english = NullTranslations()
_chosen: Callable[[], tuple[str, NullTranslations]] = lambda: (ENGLISH, _english)  # noqa: E731


def chosen_by(choose: Callable[[], tuple[str, NullTranslations]]) -> None:
    """
    Args:
        choose: the language that is spoken now, and its catalogue.
    """
    global _chosen
    _chosen = choose


def language() -> str:
    """The one that is spoken now, one of `LANGUAGES`."""
    return _chosen()[0]


def _(text: str, **values: Any) -> str:
    """The text in the language that is spoken now.

    Args:
        values: by the names that the text has for them, as `%(name)s`.
    """
    said = _chosen()[1].gettext(text)
    return said % values if values else said


def ngettext(one: str, many: str, count: int, **values: Any) -> str:
    """One text or the other by the count, which is `%(num)s` in it."""
    return _chosen()[1].ngettext(one, many, count) % {"num": count, **values}


def N_(text: str) -> str:
    """The text, which is translated where it is shown."""
    return text


def number(value: float, signed: bool = False, decimals: int = 2) -> str:
    """Rounded to so many decimals, as the language writes them."""
    said = f"{round(value, decimals):+g}" if signed else f"{round(value, decimals):g}"
    if language() == ENGLISH:
        return said
    from babel.numbers import get_decimal_symbol

    return said.replace(".", get_decimal_symbol(language()))


def points(value: float) -> str:
    """`1 point`, `2.5 points`"""
    count = 1 if round(value, 2) == 1 else 2
    return ngettext("%(points)s point", "%(points)s points", count, points=number(value))


def day(there: datetime, pattern: str) -> str:
    """A date as the language writes it: `3 Dec 2026`.

    Args:
        there: in the zone in which it is to be said.
        pattern: of CLDR's letters: `d MMM y`, or `d MMM` where the year goes without saying, or
            `EEE d MMM` with the day of the week.
    """
    if language() == ENGLISH:
        return there.strftime(_DAYS[pattern])
    from babel.dates import format_date

    ordinal = pattern.replace("d ", "d. ") if language() == "de" else pattern
    return format_date(there.date(), ordinal, locale=language())
