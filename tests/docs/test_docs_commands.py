"""What the docs show exists, and what exists is in the docs."""

import re
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from autograder import checks
from autograder.cli import main
from server.storage.config import Config
from server.web.app import create_app
from tests.server import engines

ROOT = Path(__file__).parents[2]
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "docker/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
TEXT = {page: page.read_text("utf-8") for page in PAGES}
EVERYTHING = "\n".join(TEXT.values())


def commands(group: click.Group = main) -> dict[str, click.Command]:
    """Every command by its words, those of groups too: `nbgrader init`."""
    context = click.Context(group)
    found = {name: group.get_command(context, name) for name in group.list_commands(context)}
    inner = {
        f"{name} {word}": command
        for name, member in found.items()
        if isinstance(member, click.Group)
        for word, command in commands(member).items()
    }
    return {name: command for name, command in found.items() if command is not None} | inner


@pytest.mark.parametrize("name", commands())
def test_every_command_and_option_is_documented(name):
    assert f"gradmark {name}" in EVERYTHING
    for parameter in commands()[name].params:
        if isinstance(parameter, click.Option) and not parameter.hidden:
            names = (*parameter.opts, *parameter.secondary_opts)
            assert any(option in EVERYTHING for option in names), f"{name} {names}"


def shown() -> list[str]:
    """The `gradmark` command lines in the pages' code, indented or fenced."""
    lines = [line.strip() for line in EVERYTHING.splitlines() if line.startswith("    ")]
    return sorted({line for line in lines if line.startswith("gradmark ")})


@pytest.mark.parametrize("line", shown())
def test_every_command_line_shown_exists(line):
    _, name, *arguments = line.split()
    if isinstance(commands()[name], click.Group):
        name = f"{name} {arguments[0]}"
    command = commands()[name]
    options = {option for p in command.params for option in (*p.opts, *p.secondary_opts)}
    for argument in arguments:
        if argument.startswith("--"):
            assert argument in options, line


def test_make_targets_shown_exist():
    targets = set(re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    mentioned = set(re.findall(r"make ([a-z]+)", EVERYTHING))
    assert {"demo", "test", "bench", "release"} <= mentioned
    for target in re.findall(r"(?:`|    )(?:\w+=\S+ )*make ([a-z]+)", EVERYTHING):
        assert target in targets


@pytest.mark.parametrize("verb", checks.__all__)
def test_every_check_is_documented(verb):
    assert f"| `{verb}` |" in TEXT[ROOT / "docs" / "authors.md"]


def test_every_route_is_documented(tmp_path):
    app = create_app(Config(tmp_path), engines.ENGINE)
    page = "".join(TEXT[ROOT / "docs" / name] for name in ("operators.md", "api.md"))
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"<\1>", rule.rule).replace("<filename>", "<path>")
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert f"`{method} {path}`" in page


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\((?!https?:)([^)#]+)", TEXT[page]):
        assert (page.parent / target).exists(), target


def test_the_example_for_authors_can_be_audited_and_released(tmp_path):
    example, *_ = re.findall(r"```python\n(.*?)```", TEXT[ROOT / "docs" / "authors.md"], re.DOTALL)
    folder = tmp_path / "mycourse"
    folder.mkdir()
    (folder / "softplus.py").write_text(example)
    run = CliRunner(env={"GRADMARK_SECRET_FILE": str(tmp_path / "secret")}).invoke
    audited = run(main, ["audit", "--reference", str(folder), "--jobs", "1"])
    assert audited.exit_code == 0, audited.output
    assert "2 of 2" in audited.output
    assert "confused" not in audited.output
    released = run(main, ["release", "softplus", str(tmp_path / "out"), "--reference", str(folder)])
    assert released.exit_code == 0, released.output
