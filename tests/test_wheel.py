"""A wheel, installed with what it requires and no more, does what it should from any folder."""

import email
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import sysconfig
import time
import zipfile
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import httpx
import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from the files that git knows, so that nothing lying about gets into it."""
    source, built = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    names = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    for name in filter(None, names.split("\0")):
        beside = name.startswith(("tests/", "assignments/", "docs/"))
        if not beside and (ROOT / name).exists():
            (source / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(ROOT / name, source / name)
    build = ["wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", built, source]
    subprocess.run([sys.executable, "-m", "pip", *build], check=True)
    (found,) = built.glob("gradmark-*.whl")
    return found


@pytest.fixture(scope="module")
def gradmark(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command in an environment of its own, where of this environment's packages only those can
    be imported that Gradmark requires: no extra's, and nothing that a test or a linter brought."""
    home = tmp_path_factory.mktemp("installed")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", home], check=True)
    python = home / "bin" / "python"
    install = ["--python", python, "install", "--quiet", "--no-deps", wheel]
    subprocess.run([sys.executable, "-m", "pip", *install], check=True)
    (packages,) = home.glob("lib/python*/site-packages")
    # A path in a .pth file is put on sys.path, but the .pth files in it, such as that of the
    # editable checkout, are not read; a line that begins with import is run. To import what is
    # None among the modules is an ImportError.
    (packages / "required.pth").write_text(
        f"{sysconfig.get_path('purelib')}\n"
        f"import sys; sys.modules.update(dict.fromkeys({sorted(beyond(wheel))}))\n"
    )
    return home / "bin" / "gradmark"


def beyond(wheel: Path) -> set[str]:
    """The packages here that belong to nothing that the wheel requires."""
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        said = email.message_from_bytes(archive.read(name))
    pending = list(said.get_all("Requires-Dist", []))
    required = {"gradmark", "pip", "setuptools"}
    while pending:
        wanted = Requirement(pending.pop())
        if wanted.marker is not None and not wanted.marker.evaluate({"extra": ""}):
            continue
        name = canonicalize_name(wanted.name)
        if name not in required:
            required.add(name)
            pending += metadata.requires(name) or []
    return {
        package
        for package, homes in metadata.packages_distributions().items()
        if not required & {canonicalize_name(home) for home in homes}
    }


@pytest.fixture
def run(gradmark: Path, tmp_path: Path):
    """Run a command in an empty folder and return what it printed."""

    def run(*arguments: object, fails: bool = False) -> str:
        done = subprocess.run(
            [gradmark, *map(str, arguments)],
            cwd=tmp_path,
            env=environment(tmp_path),
            capture_output=True,
            text=True,
            timeout=600,
        )
        assert bool(done.returncode) == fails, done.stdout + done.stderr
        return done.stdout + done.stderr

    return run


def environment(home: Path) -> dict[str, str]:
    """Nothing that leads to the checkout, nor to a secret or a cache of the user's."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "GRADMARK", "XDG"))}
    return kept | {"HOME": str(home), "COLUMNS": "120"}


def test_all_that_is_no_python_is_in_it(wheel: Path):
    with zipfile.ZipFile(wheel) as archive:
        held = set(archive.namelist())
    listed = ["git", "ls-files", "autograder", "reference", "server"]
    known = subprocess.run(listed, cwd=ROOT, check=True, capture_output=True, text=True).stdout
    assert not {name for name in known.splitlines() if (ROOT / name).exists()} - held
    assert {name.partition("/")[0] for name in held if ".dist-info" not in name} == {
        "autograder",
        "reference",
        "server",
    }


def test_everything_comes_from_the_wheel(gradmark: Path, tmp_path: Path):
    code = (
        "import autograder, server, json\n"
        "from autograder.topics.catalogue import DEFAULT, Catalogue\n"
        "paths = [str(t.path) for t in Catalogue.load()['all'].topics]\n"
        "print(json.dumps([autograder.__file__, server.__file__, str(DEFAULT), *paths]))\n"
    )
    python = gradmark.with_name("python")
    done = subprocess.run(
        [python, "-c", code], cwd=tmp_path, env=environment(tmp_path), capture_output=True
    )
    assert done.returncode == 0, done.stderr
    assert done.returncode == 0, done.stderr.decode()
    found = [Path(path) for path in json.loads(done.stdout)]
    assert len(found) > 8
    assert all(path.is_relative_to(gradmark.parents[1]) for path in found)


def test_exercises_and_release_and_grade(run, gradmark: Path, tmp_path: Path):
    """Without what only experiments, plots, similarity or nbgrader need."""
    assert "batch_norm" in run("exercises")
    run("release", "activations", "handout")
    assert (tmp_path / "handout" / "test_activations.py").exists()
    also = ("--json", "r.json", "--html", "r.html")
    shown = run("grade", "activations", "handout/activations.py", *also)
    assert "not implemented yet" in shown
    report = json.loads((tmp_path / "r.json").read_text())
    assert report["score"] < report["max_score"]
    assert "activations" in (tmp_path / "r.html").read_text()
    (version,) = re.findall(r'^version = "(.*)"$', (ROOT / "pyproject.toml").read_text(), re.M)
    assert version in run("--version")
    assert report["environment"]["gradmark"] == version


def test_audit(run):
    assert "7 of 7" in run("audit", "normalization", "--exercise", "clip_rho_", "--jobs", "1")


def test_what_an_extra_is_missing_for_is_said(run, tmp_path: Path):
    assert "gradmark[experiments]" in run("experiments", fails=True)
    (tmp_path / "training.py").write_text("def predict(logits):\n    return logits.argmax(1)\n")
    assert "gradmark[experiments]" in run("grade", "training", "training.py", fails=True)


@pytest.fixture
def served(gradmark: Path, tmp_path: Path) -> Iterator[str]:
    command = [gradmark, "serve", "--data", "data", "--port", "0", "--graders", "1"]
    log = tmp_path / "log"
    with log.open("w") as output:
        server = subprocess.Popen(
            command, cwd=tmp_path, env=environment(tmp_path), stdout=output, stderr=output
        )
    try:
        until = time.monotonic() + 120
        while not (found := re.search(r"http://127\.0\.0\.1:\d+", log.read_text())):
            assert server.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        yield found[0]
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(60)
    assert server.returncode == 0, log.read_text()


def test_serve(served: str):
    with httpx.Client(base_url=served, timeout=30) as client:
        assert client.get("/healthz").status_code == 200
        page = client.get("/login").raise_for_status().text
        for path in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
            client.get(path).raise_for_status()


def test_demo(run):
    shown = run("demo", "--no-serve", "--students", "1", "--graders", "1")
    assert "Log in as the instructor" in shown
    assert "gradmark[experiments]" in shown
