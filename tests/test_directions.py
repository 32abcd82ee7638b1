"""Which room may import which: one table, from the lowest floor up, and no circle anywhere.

An import counts wherever it stands, inside a function or for types alone as well.
"""

import ast
import graphlib
import importlib
from pathlib import Path

import grimp
import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("autograder", "server")
LOOSE = 8  # files in the root of a package, at most
LONGEST_OF_A_TOPIC = 750  # lines

# A room (a folder, or a file in a package's root) and the rooms of its package that it may import.
# A row names only rooms above it, so the order of the rows is the order of the floors.
ENGINE = """
    errors:
    spreadsheet:
    secret:      errors
    judging:
    case:        errors judging
    numerics:    errors judging case
    report:
    training:    errors judging case numerics report
    checks:      errors judging case numerics report training
    exercise:    errors case checks
    topics:      errors exercise
    truth:       errors judging case numerics training checks exercise topics
    sandbox:     secret judging
    handin:      sandbox
    reading:     handin sandbox
    policy:      handin sandbox
    handout:     errors judging checks exercise topics truth sandbox handin
    grading:     errors judging case numerics report training checks exercise topics truth handin
                 reading sandbox policy
    render:      judging report sandbox grading
    collection:  spreadsheet report topics handin reading policy handout grading render secret
    interop:     errors report topics handin sandbox reading handout grading render secret
                 collection
    cli:         errors report topics handin sandbox reading policy handout grading render secret
                 collection interop
"""
SERVER = """
    clock:
    logs:
    sheet:
    storage:     clock
    outbox:      clock storage
    options:
    language:
    engine:      storage
    grades:      clock logs sheet storage outbox options language engine
    people:      sheet storage language engine grades
    parts:       storage language grades
    courses:     storage outbox language grades people parts
    grading:     clock logs storage outbox options language engine grades parts
    mail:        clock storage outbox language people grades grading
    lti:         clock storage outbox people grades
    web:         clock sheet storage outbox language engine people grades parts courses
                 grading mail lti
    client:
    commands:    clock logs storage outbox options engine people grades courses grading mail lti
                 web
    demo:        clock storage engine people courses grading commands
"""
# What of the engine the server may import: it never sees a topic, a case or a check. The demo plays
# students, for whom it writes right and wrong solutions.
OF_THE_ENGINE = {
    "server.engine": "errors secret report topics handin sandbox policy handout grading render",
    "server.client": "handin render",
    "server.demo": "errors exercise report topics training handin reading handout grading render",
    "server": "handin reading spreadsheet",
}
# Copied out of the project, or into the sandbox: they import only themselves.
ALONE = ("autograder.judging", "autograder.sandbox.inside")
# What the topics under reference/ are written against.
FOR_AUTHORS = {"autograder.checks", "autograder.exercise", "autograder.training"}


def table(text: str) -> dict[str, set[str]]:
    rows: dict[str, set[str]] = {}
    for line in text.strip().splitlines():
        room, colon, allowed = line.rpartition(":")
        if colon:
            rows[room.strip()] = set()
        rows[list(rows)[-1]] |= set(allowed.split())
    return rows


ROOMS = {"autograder": table(ENGINE), "server": table(SERVER)}


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph(*PACKAGES, cache_dir=None)


def imports(graph: grimp.ImportGraph) -> list[tuple[str, str]]:
    return sorted(
        (module, imported)
        for module in graph.modules
        for imported in graph.find_modules_directly_imported_by(module)
    )


def room(module: str) -> tuple[str, str]:
    package, _, rest = module.partition(".")
    return package, rest.partition(".")[0]


@pytest.mark.parametrize("package", PACKAGES)
def test_every_room_is_in_the_table_and_names_only_rooms_above_it(package):
    folder = ROOT / package
    files = {path.stem for path in folder.glob("*.py") if path.stem != "__init__"}
    folders = {path.parent.name for path in folder.glob("*/__init__.py")}
    assert set(ROOMS[package]) == files | folders
    above: set[str] = set()
    for name, allowed in ROOMS[package].items():
        assert allowed <= above, f"{package}.{name} stands above {allowed - above}"
        above.add(name)


def test_a_room_imports_only_what_its_row_says(graph):
    wrong = []
    for module, imported in imports(graph):
        (package, source), (other, target) = room(module), room(imported)
        if not source or (package, source) == (other, target):
            continue
        if package == other:
            allowed = ROOMS[package][source]
        elif package == "server":
            allowed = set(OF_THE_ENGINE.get(f"server.{source}", OF_THE_ENGINE["server"]).split())
        else:
            allowed = set()
        if target not in allowed:
            wrong.append(f"{module} imports {imported}")
    assert not wrong, "\n".join([*wrong, "the table in tests/test_directions.py does not allow it"])


@pytest.mark.parametrize("name", ALONE)
def test_what_leaves_the_project_imports_only_itself(graph, name):
    inner = {name} | graph.find_descendants(name)
    assert len(inner) > 1
    assert not [(m, i) for m, i in imports(graph) if m in inner and i not in inner]


def test_there_is_no_circle_between_modules_nor_between_rooms_of_any_floor(graph):
    assert_no_circle({m: graph.find_modules_directly_imported_by(m) for m in graph.modules})
    for package in graph.modules:
        beside: dict[str, set[str]] = {}
        for module, imported in imports(graph):
            source, target = child(package, module), child(package, imported)
            if source and target and source != target:
                beside.setdefault(source, set()).add(target)
        assert_no_circle(beside)


def child(package: str, module: str) -> str | None:
    """The child of the package that the module is, or is in."""
    if not module.startswith(f"{package}."):
        return None
    return f"{package}.{module.removeprefix(package).split('.')[1]}"


def assert_no_circle(needs: dict[str, set[str]]) -> None:
    try:
        graphlib.TopologicalSorter(needs).prepare()
    except graphlib.CycleError as error:
        pytest.fail(" -> ".join(reversed(error.args[1])))


def test_each_room_says_what_lives_there(graph):
    """By the first line of its `__init__`, and a folder of modules has one."""
    for package in PACKAGES:
        for folder in {path.parent for path in (ROOT / package).rglob("*.py")}:
            if "migrations" in folder.parts:  # scripts that alembic reads, no modules
                continue
            name = ".".join(folder.relative_to(ROOT).parts)
            said = (importlib.import_module(name).__doc__ or "").strip()
            assert said.split("\n\n")[0].endswith("."), f"{name}: say what lives there"


@pytest.mark.parametrize("package", PACKAGES)
def test_few_files_are_loose(package):
    assert len(list((ROOT / package).glob("*.py"))) <= LOOSE


def test_a_topic_that_has_grown_long_is_a_folder():
    for path in (ROOT / "reference").rglob("*.py"):
        lines = len(path.read_text("utf-8").splitlines())
        assert lines <= LONGEST_OF_A_TOPIC, f"{path.relative_to(ROOT)}: a file for each exercise?"


def test_topics_import_what_is_documented_for_authors():
    for path in (ROOT / "reference").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            names = [a.name for a in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and not node.level:
                names = [node.module or ""]
            ours = {n for n in names if n.split(".")[0] in {*PACKAGES, "reference", "tests"}}
            assert ours <= FOR_AUTHORS, f"{path.relative_to(ROOT)} imports {ours - FOR_AUTHORS}"
