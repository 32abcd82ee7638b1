"""Reading what students hand in: whatever the bytes, either sources or one clear sentence."""

import contextlib
import io
import json
import stat
import zipfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.handin.submission import (
    MAX_BYTES,
    MAX_CODE,
    MAX_NAME,
    MAX_PATH,
    SubmissionError,
    parse,
)


def zipped(**files: str | bytes) -> bytes:
    return zipped_paths({name.replace("__", "/", 1): data for name, data in files.items()})


def zipped_paths(files: dict[str, str | bytes]) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer.getvalue()


def notebook(*cells: dict) -> bytes:
    document = {"nbformat": 4, "nbformat_minor": 4, "metadata": {}, "cells": list(cells)}
    return json.dumps(document).encode()


def code(source: str, **extra: object) -> dict:
    cell = {"cell_type": "code", "metadata": {}, "source": source}
    return {**cell, "outputs": [], "execution_count": None, **extra}


def test_a_python_file_is_one_chunk_named_after_the_file():
    (source,) = parse("normalization.py", b"x = 1\r\ny = 2\n").sources
    assert (source.module, source.chunks) == ("normalization", ("x = 1\ny = 2\n",))
    assert not source.notebook


def test_a_file_name_that_is_no_module_name_still_grades():
    (source,) = parse("my homework (2).py", b"x = 1").sources
    assert source.module == "my_homework__2_"


def test_a_modules_name_has_an_end():
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as target:
        target.writestr("folder/" + "b" * 60_000 + ".py", "x = 1")
    for name, content in (("a" * 10**6 + ".py", b"x = 1"), ("a.zip", archive.getvalue())):
        (source,) = parse(name, content).sources
        assert len(source.module) <= MAX_NAME + 1
        assert len(source.path) <= MAX_PATH


def test_the_encoding_line_is_obeyed():
    (source,) = parse("a.py", "# -*- coding: latin-1 -*-\ns = 'é'\n".encode("latin-1")).sources
    assert "é" in source.chunks[0]


def test_a_notebook_gives_its_code_cells_in_order():
    text = {"cell_type": "markdown", "id": "b", "metadata": {}, "source": "# title"}
    (source,) = parse("a.ipynb", notebook(code("x = 1"), text, code("y = 2"), code(" "))).sources
    assert source.notebook
    assert source.chunks == ("x = 1", "y = 2", " ")


@pytest.mark.parametrize(
    "broken",
    [
        code("x = 1", outputs="not a list"),
        code("x = 1", metadata={"nbgrader": {"schema_version": 99}}),
        {"cell_type": "code", "source": ["x = ", "1"]},
        {"cell_type": "code", "source": "x = 1", "id": "dup"},
    ],
    ids=["outputs", "metadata", "lines without the rest", "no outputs"],
)
def test_an_edited_notebook_keeps_its_code(broken):
    cells = parse("a.ipynb", notebook(broken, code("y = 2"))).sources[0].chunks
    assert cells == ("x = 1", "y = 2")


def test_a_notebook_of_an_older_format_is_read():
    old = {
        "nbformat": 3,
        "nbformat_minor": 0,
        "metadata": {"name": ""},
        "worksheets": [
            {
                "cells": [
                    {"cell_type": "code", "input": "x = 1", "language": "python", "outputs": []}
                ]
            }
        ],
    }
    assert parse("a.ipynb", json.dumps(old).encode()).sources[0].chunks == ("x = 1",)


def named(grade_id: str, **marks: object) -> dict:
    fields = {"schema_version": 3, "grade": False, "solution": True, "locked": False, **marks}
    return {"metadata": {"nbgrader": {"grade_id": grade_id, **fields}}}


def test_nbgraders_cells_are_found_by_their_name():
    test = named("check-relu", grade=True, solution=False, locked=True, points=2)
    (source,) = parse(
        "a.ipynb",
        notebook(
            code("import torch"),
            code("def relu(x): return 1", **named("relu")),
            code("def relu(x): return 2", **named("relu")),
            code("assert relu(1) == 2", **test),
            code("def relu(x): return 3"),
        ),
    ).sources
    assert source.named["relu"] == 2
    assert source.chunks[3] == ""


@pytest.mark.parametrize("kind", ["markdown", "raw", "heading", None])
def test_a_solution_whose_cell_was_turned_into_text_is_still_code(kind):
    cell = code("def relu(x): return 1", **named("relu", cell_type="code"))
    (source,) = parse("a.ipynb", notebook({**cell, "cell_type": kind})).sources
    assert source.chunks == ("def relu(x): return 1",)


@pytest.mark.parametrize(
    "metadata",
    [
        [],
        "x",
        {"nbgrader": 7},
        {"nbgrader": {"grade_id": ["relu"]}},
        {"nbgrader": {"grade_id": ""}},
    ],
)
def test_metadata_of_any_kind_costs_no_code(metadata):
    (source,) = parse("a.ipynb", notebook(code("x = 1", metadata=metadata))).sources
    assert (source.chunks, dict(source.named)) == (("x = 1",), {})


def test_what_the_notebook_came_with_is_not_graded():
    cells = (code("# self-check: relu\ncheck('relu')"), code("# experiment\nplot()"), code("x = 1"))
    assert parse("a.ipynb", notebook(*cells)).sources[0].chunks == ("", "", "x = 1")


def test_a_zip_gives_each_module_and_leaves_clutter_out():
    content = zipped_paths(
        {
            "hw/losses.py": "a = 1",
            "hw/helpers.py": "b = 2",
            "hw/notes.txt": "no code",
            "__MACOSX/hw/._losses.py": b"\x00\x05",
            "hw/__pycache__/losses.pyc": b"\x00",
            "hw/.ipynb_checkpoints/losses.py": "old = 1",
        }
    )
    assert {s.module: s.chunks for s in parse("hw.zip", content).sources} == {
        "losses": ("a = 1",),
        "helpers": ("b = 2",),
    }


def link() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        info = zipfile.ZipInfo("a.py")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    return buffer.getvalue()


def lying_bomb() -> bytes:
    """A zip whose directory says that its file is small."""
    content = zipped_paths({"a.py": b"#" * (2 * MAX_BYTES)})
    size = (2 * MAX_BYTES).to_bytes(4, "little")
    return content.replace(size, (10).to_bytes(4, "little"))


BAD = {
    "empty": ("a.py", b""),
    "no Python file": ("a.txt", b"x"),
    "no suffix": ("a", b"x"),
    "too large": ("a.zip", b"#" * (MAX_BYTES + 1)),
    "too much code": ("a.py", b"#" * (MAX_CODE + 1)),
    "too much code in a notebook": ("a.ipynb", notebook(code("#" * (MAX_CODE + 1)))),
    "binary": ("a.py", bytes(range(256))),
    "NUL bytes": ("a.py", b"x = 1\0"),
    "not JSON": ("a.ipynb", b"{"),
    "JSON, but no notebook": ("a.ipynb", b"[1, 2]"),
    "deep JSON": ("a.ipynb", b"[" * 100_000),
    "no zip": ("a.zip", b"PK nonsense"),
    "zip cut short": ("a.zip", zipped(a__py="x = 1")[:-30]),
    "zip of nothing": ("a.zip", zipped_paths({})),
    "zip without code": ("a.zip", zipped_paths({"a.txt": "x"})),
    "path out of the zip": ("a.zip", zipped_paths({"../../a.py": "x"})),
    "absolute path": ("a.zip", zipped_paths({"/etc/a.py": "x"})),
    "path with a drive": ("a.zip", zipped_paths({"C:\\a.py": "x"})),
    "link": ("a.zip", link()),
    "bomb": ("a.zip", zipped_paths({"a.py": b"#" * (MAX_BYTES + 1)})),
    "lying bomb": ("a.zip", lying_bomb()),
    "much code in many files": (
        "a.zip",
        zipped_paths({f"a{i}.py": b"#" * (MAX_CODE // 2) for i in range(3)}),
    ),
}


@pytest.mark.parametrize("bad", BAD)
def test_what_cannot_be_read_is_refused_in_one_sentence(bad):
    with pytest.raises(SubmissionError) as caught:
        parse(*BAD[bad])
    message = str(caught.value)
    assert message.endswith(".")
    assert "\n" not in message
    assert len(message) < 250


@given(st.sampled_from(["a.py", "a.ipynb", "a.zip"]), st.binary(max_size=2000))
def test_any_bytes_are_read_or_refused(name, content):
    try:
        submission = parse(name, content)
    except SubmissionError:
        return
    assert all(isinstance(chunk, str) for s in submission.sources for chunk in s.chunks)


@given(st.binary(max_size=60), st.integers(0, 10_000))
def test_a_damaged_zip_is_read_or_refused(noise, at):
    content = zipped_paths({"losses.py": "x = 1\n" * 50, "b.ipynb": notebook(code("y = 2"))})
    at %= len(content)
    with contextlib.suppress(SubmissionError):
        parse("a.zip", content[:at] + noise + content[at + len(noise) :])
