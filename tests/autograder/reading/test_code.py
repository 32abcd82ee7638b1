"""Code as a page shows it: cut into parts that colours can be given to."""

import ast
import difflib
import tokenize

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.reading.inside.code import Piece, pieces

PYTHON = st.sampled_from(
    ["def ", "@", "f", "'", '"""', "#", "(", ")", ":", "\n", "    ", "\t", "\\", "\f", "1.5", "é"]
)


def shown(text: str) -> Piece:
    (piece,) = pieces(("a.py", text.encode()))
    return piece


def parts(piece: Piece) -> list[tuple[str, str]]:
    found, at = [], 0
    for length, kind in zip(piece.lengths, piece.kinds, strict=True):
        found.append((piece.text[at : at + length], kind))
        at += length
    return found


@given(st.lists(PYTHON | st.characters(exclude_categories=["Cs"]), min_size=1).map("".join))
def test_the_parts_are_the_text_whatever_it_is(text):
    for piece in pieces(("a.py", text.encode())):
        assert "".join(part for part, _ in parts(piece)) == piece.text
        assert min(piece.lengths, default=0) >= 0


@pytest.mark.parametrize("module", [ast, difflib, tokenize])
def test_code_that_somebody_else_wrote(module):
    with open(module.__file__, encoding="utf-8") as file:
        text = file.read()[:99_000]
    found = parts(shown(text))
    assert "".join(part for part, _ in found) == text
    named = {part for part, kind in found if kind == "nf"}
    assert named >= {one.name for one in shown(text).functions}


def test_what_has_a_colour():
    text = (
        "@torch.no_grad()\n"
        "def f(x):  # twice\n"
        "    return (x\n"
        "        @ y) + 1e-3 + len('a')\n"
        "class A: pass\n"
    )
    assert [part for part in parts(shown(text)) if part[1]] == [
        ("torch", "nd"),
        ("def", "k"),
        ("f", "nf"),
        ("# twice", "c"),
        ("return", "k"),
        ("1e-3", "m"),
        ("'a'", "s"),
        ("class", "k"),
        ("A", "nf"),
        ("pass", "k"),
    ]


@pytest.mark.parametrize(
    "broken", ["'''never closed\nx", "!pip install x\n", "x = (\n", "  a\n b\n"]
)
def test_what_is_no_python_is_shown_all_the_same(broken):
    piece = shown(f"def f(): pass\n{broken}")
    found = parts(piece)
    assert "".join(part for part, _ in found) == piece.text
    assert ("f", "nf") in found
