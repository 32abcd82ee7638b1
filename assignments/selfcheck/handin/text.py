"""A file's bytes as text."""

from __future__ import annotations

import codecs
import io
import re
import tokenize

from selfcheck.handin.errors import SubmissionError, show

_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
# What text is written in. Python knows codings that take long for what they decode.
_PLAIN = re.compile(
    r"(?i)utf-8(-sig)?|utf-16|utf-32|(us-)?ascii|(iso-?8859|latin|cp125|windows-125)[-_]?\d*|mac-roman"
)


def decode(name: str, content: bytes) -> tuple[str, str]:
    """The text, with line ends as "\\n", and a note where the encoding had to be guessed.

    As Python would: UTF-8 unless a byte-order mark or a coding line says otherwise. What is neither
    is read as Latin-1, as old editors write it: Python itself would refuse it, yet the code in it
    is plain enough.

    Raises:
        SubmissionError: it is no text.
    """
    note = ""
    encoding = next((coding for mark, coding in _MARKS if content.startswith(mark)), "")
    try:
        encoding = encoding or tokenize.detect_encoding(io.BytesIO(content).readline)[0]
        if not _PLAIN.fullmatch(encoding):
            raise LookupError(encoding)
        text = content.decode(encoding)
    except (SyntaxError, UnicodeError, LookupError):
        try:
            text = content.decode("utf-8-sig")
        except UnicodeError:
            text = content.decode("latin-1")
        note = f"{show(name)} is not text in UTF-8: save it as UTF-8, or it may be misread."
    if "\0" in text:
        raise SubmissionError(f"{show(name)} holds NUL bytes, so it is no Python source.")
    text = text.lstrip("\ufeff")  # what some editors put there once more
    return text.replace("\r\n", "\n").replace("\r", "\n"), note
