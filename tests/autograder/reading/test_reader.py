"""What reads hostile files: what it sees, what it may use, and what comes of hungry files."""

import ast
import io
import json
import os
import resource
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

import autograder
from autograder.handin.submission import MAX_BYTES, Source, SubmissionError, parse
from autograder.reading import Reader
from autograder.reading.answer import AnswerError, Texts, decode
from autograder.reading.inside.jobs import JOBS
from autograder.reading.reader import runtime as real_runtime
from autograder.sandbox.inside import frame
from autograder.sandbox.profiles import FULL
from autograder.sandbox.zygote import Program, Zygote
from tests import ordinary

ROOT = Path(autograder.__file__).parents[1]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")


@pytest.fixture(scope="module")
def reader() -> Iterator[Reader]:
    reader = Reader(warm=("read",))
    yield reader
    reader.close()


def notebook(*sources: str) -> bytes:
    cells = [
        {"cell_type": "code", "execution_count": None, "metadata": {}, "outputs": [], "source": s}
        for s in sources
    ]
    document = {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}
    return json.dumps(document).encode()


def zipped(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("losses.py", "def mse(x):\n    return 'é' * 100\n".encode()),
        ("losses.ipynb", notebook("import torch", "x = 1\n" * 1000, "")),
        ("all.zip", zipped({"a.py": b"x = 1\n", "b/c.ipynb": notebook("y = 2")})),
    ],
)
def test_it_reads_what_the_pure_function_reads(reader, name, content):
    assert reader.read(name, content) == parse(name, content)


def test_a_refusal_is_the_pure_functions_sentence(reader):
    with pytest.raises(SubmissionError, match=r"no \.py, \.ipynb or \.zip"):
        reader.read("a.exe", b"MZ")
    with pytest.raises(SubmissionError, match="MiB"):
        reader.read("a.py", b"#" * (MAX_BYTES + 10))


def lying_zip(mebibytes: int, method: int) -> bytes:
    """An archive whose one member says that it unpacks to a hundred bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive, archive.open("a.py", "w") as member:
        for _ in range(mebibytes):
            member.write(b"#" * 2**20)
        member.write(b"\n" * 7)  # so that its size is a number that nothing else has
    size = (mebibytes * 2**20 + 7).to_bytes(4, "little")
    real = buffer.getvalue()
    assert real.count(size)
    return real.replace(size, (100).to_bytes(4, "little"))


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA, zipfile.ZIP_DEFLATED])
def test_an_archive_bomb_goes_off_in_nobodys_memory(reader, method, monkeypatch):
    small = replace(JOBS["read"], memory_bytes=300 * 2**20)
    monkeypatch.setitem(JOBS, "read", small)
    bomb = lying_zip(150, method)
    assert len(bomb) < MAX_BYTES
    reader.read("a.py", b"x = 1\n")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(SubmissionError):
        reader.read("a.zip", bomb)
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 32 * 2**10  # KiB
    assert reader.read("a.py", b"x = 1\n").sources[0].chunks == ("x = 1\n",)


PROBE = """
import ctypes, os, socket
from autograder.sandbox.inside import frame
from autograder.sandbox.inside.confine import CALL_FD
def warm_up(): pass
def seen():
    found = []
    for folder, _, files in os.walk("/"):
        found += [os.path.join(folder, name) for name in files if name.endswith(".py")]
    return found
def allowed(action):
    try:
        action()
    except OSError:
        return False
    return True
def serve(_):
    answer = {
        "files": [path for path in seen() if "autograder" in path or "server" in path
                  or "reference" in path],
        "host": [path for path in ("/etc/passwd", "/proc/1", "/home", "/root", "/work")
                 if os.path.exists(path)],
        "can": [name for name, action in {
            "socket": socket.socket, "fork": os.fork, "kill": lambda: os.kill(-1, 0),
            "write": lambda: open(frame.__file__, "a"),
        }.items() if allowed(action)],
        "uid": os.getuid(), "environment": sorted(os.environ), "modules": ["torch"] * ("torch" in
            __import__("sys").modules),
    }
    frame.send(lambda buffers: os.writev(CALL_FD, buffers), answer, [])
"""


def test_it_sees_the_reading_code_and_nothing_of_the_host(tmp_path):
    """Put another program in its place, which looks around."""
    tmp_path.chmod(0o755)
    (tmp_path / "probe_of_the_reader.py").write_text(PROBE)

    def runtime():
        real = real_runtime()
        trees = (*real.trees, str(tmp_path))
        return replace(real, trees=trees, path=(*real.path, str(tmp_path)))

    zygote = Zygote(FULL, Program("probe_of_the_reader", runtime))
    try:
        worker = zygote.fork(0, JOBS["read"])
        worker.deadline = __import__("time").monotonic() + 60
        header, _ = frame.read_header(worker.read, 2**22)
        worker.kill()
    finally:
        zygote.close()
    found = json.loads(header)
    package = ROOT / "autograder"
    ours = [Path(path) for path in found["files"] if Path(path).is_relative_to(package)]
    rooms = {path.relative_to(package).parts[:-1] for path in ours}
    shown = {(), ("handin",), ("reading", "inside"), ("sandbox", "inside")}
    assert {room[:2] for room in rooms} == shown
    assert not [path for path in found["files"] if Path(path).is_relative_to(ROOT / "reference")]
    assert not [path for path in found["files"] if Path(path).is_relative_to(ROOT / "server")]
    assert found["can"] == []
    assert "/etc/passwd" not in found["host"]
    assert "/proc/1" not in found["host"]
    assert found["modules"] == []
    assert not {"HOME", "PATH", "GRADMARK_SECRET_FILE"} & set(found["environment"])


def test_where_nothing_can_be_confined_it_refuses(monkeypatch):
    from autograder.sandbox import SandboxUnavailable

    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(SandboxUnavailable, match="libseccomp2"):
        Reader().read("a.py", b"x = 1\n")
    unconfined = Reader(confined=False)
    try:
        assert unconfined.read("a.py", b"x = 1\n").sources[0].chunks == ("x = 1\n",)
    finally:
        unconfined.close()


@needs_root
def test_an_ordinary_user_reads_confined_as_well():
    code = (
        "from autograder.reading import Reader; reader = Reader();"
        "print(reader.read('a.py', b'x = 1').sources[0].module); reader.close()"
    )
    done = ordinary.run(["-c", code], capture_output=True, timeout=120)
    if "SandboxUnavailable" in done.stderr and "namespaces" in done.stderr:
        pytest.skip("ordinary users may not make user namespaces here")
    assert done.stdout == "a\n", done.stderr


def test_reading_needs_no_torch():
    code = (
        "import sys; from autograder.reading import reader; reader().read('a.py', b'x = 1');"
        "print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert done.stdout == "False\n", done.stderr


@pytest.mark.parametrize(
    "node",
    [
        None,
        [],
        {"module": "a"},
        {"module": 1, "chunks": [], "notebook": False, "named": {}},
        {"module": "a", "chunks": "x", "notebook": False, "named": {}},
        {"module": "a", "chunks": [1], "notebook": False, "named": {}},
        {"module": "a", "chunks": [], "notebook": 0, "named": {}},
        {"module": "a", "chunks": [], "notebook": False, "named": {"f": True}},
        {"module": {"text": 10**9}, "chunks": [], "notebook": False, "named": {}},
        {"module": {"text": -1}, "chunks": [], "notebook": False, "named": {}},
        {"module": "a", "chunks": [], "notebook": False, "named": {}, "more": 1},
    ],
)
def test_an_answer_of_another_form_is_none(node):
    with pytest.raises(AnswerError):
        decode(Source, node, Texts(bytearray(b"abc")))


def test_texts_of_an_answer_can_be_stored():
    node = {"module": "a\ud800", "chunks": [{"text": 4}], "notebook": False, "named": {"\0": 1}}
    node |= {"path": "", "modified": []}
    found = decode(Source, node, Texts(bytearray(b"x\0\xff=")))
    assert found.module == "a?"
    assert found.chunks == ("x\ufffd\ufffd=",)
    assert list(found.named) == ["\ufffd"]


PARSERS = {"parse", "read_cells", "notebook_cells"}


def test_nobody_else_parses_what_was_handed_in():
    """The functions that parse are called from `handin` and from the confined jobs alone."""
    for path in [*ROOT.glob("autograder/**/*.py"), *ROOT.glob("server/**/*.py")]:
        room = path.relative_to(ROOT).parts
        if room[:2] == ("autograder", "handin") or room[:3] == ("autograder", "reading", "inside"):
            continue
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(
                "autograder.handin"
            ):
                assert not {name.name for name in node.names} & PARSERS, path
            if isinstance(node, ast.Import):
                assert not [n.name for n in node.names if n.name.startswith("autograder.handin")]


def test_every_job_can_be_rehearsed():
    for job in JOBS.values():
        job.work(*job.sample)
