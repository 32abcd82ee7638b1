"""Machines and users that differ from the one the tests run on."""

import dataclasses
import json
import os
import re
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

import pytest
from click.testing import CliRunner

import autograder
from autograder.cli import main
from autograder.handin.submission import Source
from autograder.judging.call import Call
from autograder.sandbox import Sandbox, SandboxUnavailable, doctor, runtime, seccomp
from autograder.sandbox.inside import kernel, launcher, view
from autograder.sandbox.profiles import FULL
from autograder.sandbox.runtime import find_runtime
from tests import ordinary

ROOT = Path(autograder.__file__).parents[1]
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root to become another user")

CHECK = """
import os, torch
from autograder.judging.call import Call
from autograder.sandbox import Limits, Sandbox, SandboxUnavailable
from autograder.handin.submission import Source

code = '''
import os, torch
def attack():
    got = []
    for name in ("/etc/passwd", "/proc/self/status", os.path.dirname(torch.__file__) + "/x"):
        for mode in ("r", "w"):
            try:
                open(name, mode).close(); got.append(name)
            except OSError: pass
    for act in (os.fork, lambda: os.kill(-1, 9), lambda: os.setuid(0)):
        try:
            act(); got.append(str(act))
        except OSError: pass
    return tuple(got), os.getuid()
def double(x): return x * 2
def leave(): os._exit(0)
def loop():
    while True: pass
def hog(): return torch.zeros(10**11)
'''
assert os.geteuid() == 65534
with Sandbox() as sandbox, sandbox.session([Source("a", (code,))]) as session:
    def call(name, **arguments):
        return session.call(Call(name, arguments, 0), 1)
    assert call("attack").value == ((), 0), call("attack")
    for name, kind in (("leave", "crash"), ("loop", "timeout"), ("hog", "memory")):
        assert call(name).failure.kind == kind
        assert call("double", x=torch.ones(2)).value.tolist() == [2, 2]
print("confined")
"""


@needs_root
def test_an_ordinary_user_can_confine():
    done = ordinary.run(["-c", CHECK], capture_output=True, timeout=120)
    if "Sandbox" + "Unavailable" in done.stderr and "namespaces" in done.stderr:
        pytest.skip("ordinary users may not make user namespaces here")
    assert done.stdout == "confined\n", done.stderr


def run_where_namespaces_are_forbidden(arguments: list[str]) -> subprocess.CompletedProcess[str]:
    """The command line in a container's situation: no new namespaces, and no way to allow them."""

    def forbid() -> None:
        kernel.unshare(kernel.CLONE_NEWUSER)  # here, no ids are mapped and no more can be made
        Path("/proc/sys/user/max_user_namespaces").write_text("0")
        kernel.clear_capabilities()

    done = subprocess.run(
        [sys.executable, "-c", "from autograder.cli import main; main()", *arguments],
        env={"PYTHONPATH": str(ROOT), "COLUMNS": "300"},
        preexec_fn=forbid,
        capture_output=True,
        text=True,
        timeout=120,
    )
    if "preexec_fn" in done.stderr or "Permission denied" in done.stderr:
        pytest.skip("this checkout cannot be read by a user without ids")
    return done


@needs_root
def test_a_machine_without_user_namespaces_refuses_to_grade(tmp_path):
    submission = tmp_path / "losses.py"
    submission.write_text("import os\nos.system('touch /tmp/ran')\n")
    secret = ["--secret-file", str(tmp_path / "secret")]
    done = run_where_namespaces_are_forbidden(["grade", "losses", str(submission), *secret])
    assert done.returncode == 3, done.stderr
    (sentence,) = done.stderr.strip().splitlines()
    assert "does not let Gradmark make namespaces" in sentence
    assert "user.max_user_namespaces" in sentence
    assert done.stdout == ""


@needs_root
def test_doctor_says_what_is_missing():
    done = run_where_namespaces_are_forbidden(["doctor"])
    assert done.returncode == 3, done.stderr
    assert re.search(r"missing +namespaces and view", done.stdout)
    assert "user.max_user_namespaces" in done.stdout
    assert "grading refuses" in done.stdout


def test_doctor_finds_every_wall_where_tests_run():
    walls = doctor.examine()
    assert doctor.can_confine(walls), [wall for wall in walls if not wall.ok]
    assert {"network", "processes", "the host's files", "memory"} <= {wall.name for wall in walls}


def test_doctor_names_the_package_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    result = CliRunner().invoke(main, ["doctor", "--json"])
    assert result.exit_code == 3
    missing = {wall["name"]: wall for wall in json.loads(result.output) if not wall["ok"]}
    assert "apt install libseccomp2" in missing["system-call filter"]["remedy"]


def test_without_libseccomp_the_package_to_install_is_named(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyseccomp", None)
    with pytest.raises(SandboxUnavailable, match="apt install libseccomp2"):
        seccomp.compile_filter(FULL)


def test_other_systems_are_refused(monkeypatch):
    monkeypatch.setattr(sys, "platform", "darwin")
    with pytest.raises(SandboxUnavailable, match="Linux"):
        Sandbox()


def test_what_cannot_be_read_is_named(tmp_path):
    with pytest.raises(view.Unreadable) as error:
        view.check_readable([str(tmp_path), str(tmp_path / "absent")])
    assert str(tmp_path / "absent") in launcher.explain(error.value)


def test_the_runtime_is_torch_and_what_it_needs_and_nothing_of_the_project():
    found = find_runtime()
    names = {Path(tree).name for tree in found.trees}
    assert {"torch", "numpy", "sympy", "typing_extensions.py"} <= names
    assert not names & {"autograder", "reference", "server", "flask", "pytest", "tests"}
    for tree in found.trees:
        assert not ROOT.is_relative_to(tree)
        assert not Path(tree).is_relative_to(ROOT / "autograder")
    assert sysconfig.get_path("stdlib") in found.trees


def test_a_sandbox_is_on_its_way_before_torch_is_imported():
    started = (
        "import sys; from autograder.sandbox import Sandbox; sandbox = Sandbox(wait=False);"
        "assert 'torch' not in sys.modules, 'torch was imported first';"
        "sandbox.ready(); sandbox.close()"
    )
    find_runtime()  # kept from here on
    done = subprocess.run([sys.executable, "-c", started], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_a_kept_runtime_that_is_gone_is_found_anew(monkeypatch, tmp_path):
    monkeypatch.setattr(runtime, "own_cache", lambda: tmp_path)
    found = find_runtime()
    (kept,) = tmp_path.iterdir()
    kept.write_text(json.dumps({**dataclasses.asdict(found), "trees": ["/gone"]}))
    assert find_runtime() == found
    kept.write_text("no JSON")
    assert find_runtime() == found


def test_a_kept_runtime_with_which_nothing_starts_is_found_anew(monkeypatch, tmp_path):
    monkeypatch.setattr(runtime, "own_cache", lambda: tmp_path)
    found = find_runtime()
    (kept,) = tmp_path.iterdir()
    too_little = [tree for tree in found.trees if not tree.endswith("/torch")]
    kept.write_text(json.dumps({**dataclasses.asdict(found), "trees": too_little}))
    with Sandbox() as sandbox, sandbox.session([Source("a", ("def f(): return 1",))]) as session:
        assert session.call(Call("f", {}, 0)).value == 1
    assert find_runtime() == found


def test_what_is_installed_below_the_scratch_space_stays_to_be_seen_read_only():
    code = """
def late():
    import installed_late
    return installed_late.VALUE
def overwritten(where):
    kept = []
    for name in ("installed_late.py", "another.py"):
        try:
            open(where + "/" + name, "w").close()
            kept.append(name)
        except OSError:
            pass
    open("/tmp/own", "w").close()
    return tuple(kept)
"""
    with tempfile.TemporaryDirectory(dir="/tmp") as where:
        os.chmod(where, 0o755)  # noqa: S103
        Path(where, "installed_late.py").write_text("VALUE = 3\n")
        profile = dataclasses.replace(FULL, trees={where: where}, path=(where,))
        with (
            Sandbox(profile=profile) as sandbox,
            sandbox.session([Source("a", (code,))]) as session,
        ):
            assert session.call(Call("late", {}, 0)).value == 3
            assert session.call(Call("overwritten", {"where": where}, 0)).value == ()
        assert [path.name for path in Path(where).glob("*.py")] == ["installed_late.py"]
