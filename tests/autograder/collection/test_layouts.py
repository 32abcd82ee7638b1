"""Whose is each file, in every way in which course systems give submissions out."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from autograder.collection.gather import doubt, gather, is_one_submission
from autograder.collection.layouts import Collection
from autograder.collection.tree import CollectionError

CODE = "def relu(x):\n    return x.clamp(min=0)\n"
METADATA = """\
submission_101:
  :submitters:
  - :name: Ada Example
    :sid: '1001'
    :email: ada@example.org
  :created_at: 2026-10-20 20:53:39.345 -07:00
  :score: 0.0
  :status: processed
submission_102:
  :submitters:
  - :name: Bo Example
    :sid: '1002'
    :email: bo@example.org
  - :name: Cy Example
    :sid: '1003'
    :email: cy@example.org
  :created_at: 2026-10-21 08:00:00.000 -07:00
"""
NOTE = "Name: Ada Example (ada)\nAssignment: Homework 1\nDate Submitted: Monday\n\nFiles:\n"
SYSTEMS = {
    "canvas": {
        "exampleada_12345_678901_activations.py": CODE,
        "examplebo_LATE_12346_678902_activations-1.py": CODE,
        "examplebo_LATE_12346_678903_helpers.py": "",
    },
    "moodle": {
        "Ada Example_2001_assignsubmission_file_/activations.py": CODE,
        "Bo Example_2002_assignsubmission_file_/activations.py": CODE,
    },
    "blackboard": {
        "Homework 1_ada_attempt_2026-10-20-20-53-39.txt": NOTE,
        "Homework 1_ada_attempt_2026-10-20-20-53-39_activations.py": "x = 1\n",
        "Homework 1_ada_attempt_2026-10-21-20-53-39_activations.py": CODE,
        "Homework 1_bo_attempt_2026-10-20-21-00-00_activations.py": CODE,
    },
    "gradescope": {
        "submission_metadata.yml": METADATA,
        "submission_101/activations.py": CODE,
        "submission_102/activations.py": CODE,
    },
    "nbgrader": {
        "submitted/ada/activations/activations.ipynb": "{}",
        "submitted/ada/activations/timestamp.txt": "2026-10-20 14:58:23.948203 UTC",
        "submitted/bo/activations/activations.ipynb": "{}",
    },
    "github-classroom": {
        "hw-1-ada/activations.py": CODE,
        "hw-1-ada/README.md": "",
        "hw-1-bo/src/activations.py": CODE,
    },
    "folders": {"Ada_Example/activations.py": CODE, "Bo Example/activations.py": CODE},
}
OWNERS = {
    "canvas": {"12345", "12346"},
    "moodle": {"2001", "2002"},
    "gradescope": {"1001", "1002", "1003"},
}
LOGINS = {"blackboard": {"ada", "bo"}, "nbgrader": {"ada", "bo"}, "github-classroom": {"ada", "bo"}}


def as_folder(path: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        place = path / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(content)
    return path


def as_zip(path: Path, files: dict[str, str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return path


def look(path: Path) -> Collection:
    return gather([path], {"activations"})


@pytest.mark.parametrize("layout", SYSTEMS)
def test_a_folder_of_each_system_says_whose_each_file_is(layout: str, tmp_path: Path) -> None:
    found = look(as_folder(tmp_path / "class", SYSTEMS[layout]))
    assert found.layout == layout
    assert not found.unplaced
    last = found.last()
    assert {h.owner.identifier for h in last} == OWNERS.get(layout, {""})
    if layout in LOGINS:
        assert {h.owner.login for h in last} == LOGINS[layout]
    assert len(last) == (3 if layout == "gradescope" else 2)


@pytest.mark.parametrize("layout", [name for name in SYSTEMS if name in OWNERS | LOGINS])
@pytest.mark.parametrize("top", ["", "export/"])
def test_so_does_the_zip_with_or_without_a_folder_around(
    layout: str, top: str, tmp_path: Path
) -> None:
    if layout == "github-classroom":
        pytest.skip("it is cloned, never a zip")
    files = {top + name: content for name, content in SYSTEMS[layout].items()}
    path = as_zip(tmp_path / "submissions.zip", files)
    assert not is_one_submission([path])
    assert look(path).layout == layout


def test_the_last_attempt_counts_and_all_are_there(tmp_path: Path) -> None:
    found = look(as_folder(tmp_path, SYSTEMS["blackboard"]))
    assert len(found.hand_ins) == 3
    ada = next(h for h in found.last() if h.owner.login == "ada")
    assert ada.files[0].read().decode() == CODE
    assert ada.owner.name == "Ada Example"


def test_canvas_says_who_was_late_and_its_counters_leave_the_names(tmp_path: Path) -> None:
    last = look(as_folder(tmp_path, SYSTEMS["canvas"])).last()
    assert [h.late for h in last] == [False, True]
    assert sorted(str(f.path) for f in last[1].files) == ["activations.py", "helpers.py"]


def test_a_zip_of_a_students_is_one_submission(tmp_path: Path) -> None:
    path = as_zip(tmp_path / "hw.zip", {"activations.py": CODE, "notes/plan_1_2_x.txt": ""})
    assert is_one_submission([path])


def test_a_students_own_folder_is_one_submission(tmp_path: Path) -> None:
    found = look(as_folder(tmp_path / "ada", {"activations.py": CODE, "helpers.py": ""}))
    assert [h.owner.key for h in found.hand_ins] == ["ada"]
    assert len(found.hand_ins[0].files) == 2


def test_files_of_several_students_are_called_after_them(tmp_path: Path) -> None:
    as_folder(tmp_path, {"ada.py": CODE, "bo.ipynb": "{}", "list.txt": ""})
    found = look(tmp_path)
    assert [h.owner.key for h in found.hand_ins] == ["ada", "bo"]
    assert len(found.unplaced) == 1
    assert "list.txt" in found.unplaced[0]


def owners(found: Collection, what: str = "login") -> list[str]:
    return sorted(getattr(hand_in.owner, what) for hand_in in found.last())


def test_users_of_one_beginning_keep_their_whole_names(tmp_path: Path) -> None:
    """GitHub Classroom's own command says in the folder's name where they begin."""
    files = {f"hw-1-jane-{letter}/activations.py": CODE for letter in "ab"}
    as_folder(tmp_path / "hw-1-submissions", files)
    for path in (tmp_path / "hw-1-submissions", tmp_path):
        assert owners(look(path)) == ["jane-a", "jane-b"]
    as_folder(tmp_path / "hw-2-submissions", {"hw-2-jane/activations.py": CODE})
    assert owners(look(tmp_path / "hw-2-submissions")) == ["jane"]


def test_a_newer_notebook_of_another_assignment_is_not_graded(tmp_path: Path) -> None:
    files = {
        "submitted/ada/activations/activations.ipynb": "{}",
        "submitted/ada/activations/timestamp.txt": "2026-10-20 14:58:23.9 America/Los_Angeles",
        "submitted/ada/losses/losses.ipynb": "{}",
        "submitted/ada/losses/timestamp.txt": "2026-11-20 14:58:23.9 UTC",
    }
    found = look(as_folder(tmp_path / "class", files))
    (hand_in,) = found.last()
    assert hand_in.files[0].path.name == "activations.ipynb"
    assert hand_in.at is not None
    assert hand_in.at.isoformat() == "2026-10-20T14:58:23.900000-07:00"
    assert found.unplaced == ["losses: another assignment, left out (1)"]
    with pytest.raises(CollectionError, match="none of them is called like the assignment"):
        gather([tmp_path / "class"], {"convolution"})


def test_logins_of_blackboards_hold_underscores(tmp_path: Path) -> None:
    start = "Homework 1_j_doe_attempt_2026-10-20-20-53-39"
    note = "Name: Jane Doe (j_doe)\r\nAssignment: Homework 1\r\n"
    files = {f"{start}.txt": note, f"{start}_activations.py": CODE}
    (hand_in,) = look(as_folder(tmp_path / "class", files)).last()
    assert (hand_in.owner.login, hand_in.owner.name) == ("j_doe", "Jane Doe")


def test_gradescopes_numbers_are_texts_and_its_times_have_zones(tmp_path: Path) -> None:
    text = METADATA.replace("'1001'", "0042").replace("2026-10-21", "yesterday")
    files = {**SYSTEMS["gradescope"], "submission_metadata.yml": text}
    last = look(as_folder(tmp_path / "class", files)).last()
    by_name = {hand_in.owner.name: hand_in for hand_in in last}
    ada = by_name["Ada Example"]
    assert ada.owner.identifier == "0042"
    assert ada.at is not None
    assert ada.at.utcoffset() is not None
    assert by_name["Bo Example"].at is None


@pytest.mark.parametrize("name", ["Participant", "Participant 2001", "Teilnehmer_in"])
def test_nobody_is_called_participant(name: str, tmp_path: Path) -> None:
    files = {f"{name}_2001_assignsubmission_file_/activations.py": CODE}
    (hand_in,) = look(as_folder(tmp_path / "class", files)).last()
    assert (hand_in.owner.name, hand_in.owner.identifier) == ("", "2001")


def test_a_folder_of_several_students_is_doubted(tmp_path: Path) -> None:
    files = {f"section {s}/{n}/activations.py": CODE for s, n in ("Ax", "Ay", "Bz")}
    found = look(as_folder(tmp_path / "class", files))
    assert len(found.unplaced) == 1
    assert found.unplaced[0].startswith("section A: graded as one student's, though 2 folders")
    path = as_zip(tmp_path / "class.zip", {f"{n}/activations.py": CODE for n in "xy"})
    assert is_one_submission([path])
    assert "say --layout folders" in str(doubt(path))
    assert doubt(as_zip(tmp_path / "mine.zip", {"activations.py": CODE, "a/b.py": ""})) is None
    assert owners(gather([path], {"activations"}, "folders"), "key") == ["x", "y"]


def test_a_text_typed_into_canvas_is_called_so(tmp_path: Path) -> None:
    files = {**SYSTEMS["canvas"], "examplecy_12347_text.html": "<p>"}
    found = look(as_folder(tmp_path / "class", files))
    assert found.unplaced == ["examplecy_12347_text.html: a text typed into Canvas, not a file"]


def test_what_belongs_to_nobody_is_said(tmp_path: Path) -> None:
    files = {**SYSTEMS["canvas"], "roster.csv": "", "exampledi_12347_678904_essay.pdf": ""}
    files |= {f"exampleno{i}_2234{i}_1_activations.py": CODE for i in range(5)}
    found = look(as_folder(tmp_path, files))
    assert found.layout == "canvas"
    assert len(found.unplaced) == 2
    assert any("roster.csv" in sentence for sentence in found.unplaced)
    assert any("essay.pdf" in sentence for sentence in found.unplaced)


@pytest.mark.parametrize(
    "text", ["a: [", "- x", "submission_1: 3", "submission_1:\n  :submitters: 4", "\x00", "a: *b"]
)
def test_damaged_metadata_are_one_sentence(text: str, tmp_path: Path) -> None:
    as_folder(tmp_path, {**SYSTEMS["gradescope"], "submission_metadata.yml": text})
    with pytest.raises(CollectionError, match=r"^submission_metadata\.yml .*\.$"):
        look(tmp_path)


@pytest.mark.parametrize("name", ["/etc/x.py", "../x.py", "a/../../x.py"])
def test_a_zip_that_leads_out_is_refused(name: str, tmp_path: Path) -> None:
    path = as_zip(tmp_path / "class.zip", {**SYSTEMS["moodle"], name: CODE})
    with pytest.raises(CollectionError):
        gather([path], {"activations"}, "moodle")


def test_what_holds_nothing_to_grade_is_one_sentence(tmp_path: Path) -> None:
    as_folder(tmp_path, {"ada/essay.pdf": "", "bo/essay.pdf": ""})
    with pytest.raises(CollectionError, match=r"nothing that can be graded.*essay\.pdf"):
        look(tmp_path)


@given(
    st.lists(
        st.text(st.characters(codec="utf-8", exclude_characters="/\\\0."), min_size=1, max_size=20),
        min_size=1,
        max_size=6,
        unique_by=str.casefold,
    )
)
def test_no_student_is_lost_whatever_they_are_called(names: list[str]) -> None:
    import tempfile

    with tempfile.TemporaryDirectory() as folder:
        path = as_zip(
            Path(folder) / "class.zip",
            {
                f"{name}_{number}_assignsubmission_file_/activations.py": CODE
                for number, name in enumerate(names)
            },
        )
        found = gather([path], {"activations"})
    assert found.layout == "moodle"
    assert {h.owner.identifier for h in found.hand_ins} == {str(i) for i in range(len(names))}
