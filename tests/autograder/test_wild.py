"""Right functions, handed in as students hand them in: whatever stands around them, they count."""

# ruff: noqa: E501 - texts as students write them

from __future__ import annotations

import io
import json
import tarfile
import zipfile
from collections.abc import Iterator

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.handin.look import look_at
from autograder.handin.submission import SubmissionError, parse
from autograder.judging.call import Call
from autograder.sandbox import Limits, Sandbox

HOMES = {"relu": "activations", "double": "activations"}
RELU = "import torch\n\ndef relu(x):\n    return torch.clamp(x, min=0)\n"
DOUBLE = "def double(x):\n    return 2 * x\n"
RIGHT = RELU + "\n" + DOUBLE
STUBS = RIGHT.replace("return torch.clamp(x, min=0)", "raise NotImplementedError").replace(
    "return 2 * x", '"""As it was handed out."""\n    raise NotImplementedError("double")'
)
WRONG = "def relu(x):\n    return x\n\ndef double(x):\n    return 3 * x\n"


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(limits=Limits(load_seconds=2)) as sandbox:
        yield sandbox


def right(sandbox: Sandbox, name: str, content: bytes) -> bool:
    """Whether both functions are found and right, by loading and at first sight."""
    submission = parse(name, content)
    x = torch.tensor([-1.0, 2.0])
    with sandbox.session(submission.sources, homes=HOMES) as session:
        answers = list(session.run([Call("relu", {"x": x}, 1), Call("double", {"x": x}, 1)]))
    for answer in answers:
        assert answer.failure is None, (answer.failure, session.loading.problems)
    seen = look_at(submission, HOMES)
    assert all(seen.found[f].written for f in HOMES if seen.certain)
    relu, double = (answer.value for answer in answers)
    return torch.equal(relu, x.clamp(min=0)) and torch.equal(double, 2 * x)


def cell(source: str, **more: object) -> dict:
    return {"cell_type": "code", "metadata": {}, "source": source, "outputs": [], **more}


def notebook(*sources: str | dict, **more: object) -> bytes:
    cells = [cell(source) if isinstance(source, str) else source for source in sources]
    return json.dumps({"nbformat": 4, "metadata": {}, "cells": cells, **more}).encode()


def packed(files: dict[str, str | bytes], dates: dict[str, int] | None = None) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in files.items():
            year = (dates or {}).get(name, 2000)
            archive.writestr(zipfile.ZipInfo(name, (year, 1, 1, 0, 0, 0)), text)
    return buffer.getvalue()


# Each stands above right functions.
ABOVE = {
    "a backend": "import matplotlib\nmatplotlib.use('Agg')\nimport matplotlib.pyplot as plt",
    "plot settings": "from matplotlib import pyplot as plt\nplt.rcParams['figure.dpi'] = 120\n"
    "plt.style.use('ggplot')",
    "seaborn": "import seaborn as sns\nsns.set_theme(style='whitegrid', palette=sns.color_palette())",
    "a figure": "import matplotlib.pyplot as plt\nfig, (a, b) = plt.subplots(1, 2)\nfor ax in (a, b):"
    "\n    ax.plot([1], [2])\nplt.show()",
    "vision": "import torchvision\nfrom torchvision import transforms as T\n"
    "pipeline = T.Compose([T.ToTensor()])\nprint(torchvision.__version__)",
    "pictures": "from PIL import Image\nimport cv2\ncv2.setNumThreads(0)",
    "an annotation": "import pandas as pd\ndef show(df: list | pd.DataFrame) -> pd.Series | None: ...",
    "a base class": "import pytorch_lightning as pl\nclass Net(pl.LightningModule, pl.X): ...",
    "a decorator": "from numba import njit\n@njit(parallel=True)\ndef f(x): return x\nassert f(1) == 1",
    "colab": "from google.colab import drive\ndrive.mount('/content/drive')\n%cd /content",
    "a command": "!pip install -q torch \\\n   torchvision\n!nvidia-smi",
    "an export": "# coding: utf-8\n# In[1]:\nget_ipython().run_line_magic('matplotlib', 'inline')\n"
    "get_ipython().system('ls')",
    "an old export": "get_ipython().magic('matplotlib inline')",
    "input": "name = input('name: ')",
    "stdout": "import sys\nsys.stdout.reconfigure(encoding='utf-8')\nsys.stdout.buffer.write(b'hi')\n"
    "sys.stdout.flush()",
    "a folder": "import os\nos.chdir('/content/homework')",
    "a file": "data = open('train.csv').read()",
    "an exit": "import sys\nsys.exit()",
    "display": "display(1)\nfrom IPython.display import clear_output\nclear_output()",
    "a syntax error": "def broken(:\n    pass",
    "an open bracket": "x = (1,\n",
    "a match": "import cv2\nmatch cv2.IMREAD_COLOR:\n    case 1:\n        pass\n    case _:\n        y = 2",
    "suppressed": "import contextlib\nwith contextlib.suppress(ImportError):\n    import wandb",
    "a future": "from __future__ import annotations\nfrom dataclasses import dataclass\n@dataclass\n"
    "class C:\n    x: Undefined = 1\nC()",
    "waiting": "import asyncio\nawait asyncio.sleep(0)",
    "help": "torch.clamp?\n?print",
}


@pytest.mark.parametrize("above", ABOVE)
def test_what_stands_above_costs_nothing(sandbox, above):
    assert right(sandbox, "activations.py", f"{ABOVE[above]}\n{RIGHT}".encode())
    assert right(sandbox, "activations.ipynb", notebook(ABOVE[above], RIGHT))
    assert right(sandbox, "activations.ipynb", notebook(f"{ABOVE[above]}\n{RIGHT}"))


# Each stands below right functions.
BELOW = {
    "a variable": "relu = relu(torch.ones(2))",
    "a loop": "for double in range(3):\n    pass",
    "unpacking": "relu, double = 1, 2",
    "a with": "import io\nwith io.StringIO() as double:\n    pass",
    "torch's": "relu = torch.relu\ndouble = torch.nn.ReLU()",
    "an import": "from torch.nn.functional import relu",
    "a star": "from torch.nn.functional import *",
    "deleted": "del relu, double",
    "the stub again": "def double(x):\n    raise NotImplementedError",
    "wrapped": "import functools\n@functools.wraps(double)\ndef g(*a): return 2 * a[0]\ndouble = g",
    "without gradients": "relu = torch.no_grad()(relu)",
    "a partial": "import functools\ndouble = functools.partial(lambda k, x: k * x, 2)",
    "a script": "relu = torch.jit.script(relu)",
    "an ending": "import os\nos._exit(0)",
    "killed": "import ctypes\nctypes.string_at(0)",
    "a syntax error": "print 'done'",
    "not to be run": "if __name__ == '__main__' and '__file__' in globals():\n    1 / 0",
}


@pytest.mark.parametrize("below", BELOW)
def test_what_stands_below_costs_nothing(sandbox, below):
    assert right(sandbox, "activations.py", f"{RIGHT}\n{BELOW[below]}\n".encode())
    assert right(sandbox, "activations.ipynb", notebook(RIGHT, BELOW[below]))


def test_a_training_loop_below_is_left_out_and_named(sandbox):
    content = f"{RIGHT}\nimport time\nfor epoch in range(99):\n    time.sleep(1)\n".encode()
    with sandbox.session(parse("a.py", content).sources, homes=HOMES) as session:
        assert "a.py, line 10: it was left out after 1" in str(session.loading.problems[0])
        assert session.call(Call("double", {"x": 2}, 1)).value == 4


WAYS = {
    "conditional": "if torch.cuda.is_available():\n    def relu(x): return x.cuda()\nelse:\n"
    "    def relu(x): return torch.clamp(x, min=0)",
    "in a with": "with torch.no_grad():\n    def relu(x): return torch.clamp(x, min=0)",
    "in a loop": "for _ in range(1):\n    def relu(x): return torch.clamp(x, min=0)",
    "a lambda": "relu = lambda x: torch.clamp(x, min=0)",
    "a method": "class R:\n    def __call__(self, x): return torch.clamp(x, min=0)\n"
    "    def f(self, x): return self(x)\nrelu = R().f",
    "an instance": "class R(torch.nn.Module):\n    def forward(self, x): return torch.clamp(x, min=0)\n"
    "relu = R()",
    "decorated": "import functools\ndef quiet(f):\n    @functools.wraps(f)\n"
    "    def g(*a): return f(*a)\n    return g\n@quiet\ndef relu(x): return torch.clamp(x, min=0)",
    "helper below": "def relu(x): return helper(x)\nZERO = 0\n"
    "def helper(x): return torch.clamp(x, min=ZERO)",
    "guarded": "try:\n    from tqdm import tqdm\nexcept ImportError:\n    tqdm = list\n"
    "def relu(x):\n    for _ in tqdm(range(2)): pass\n    return torch.clamp(x, min=0)",
    "guarded inside": "def relu(x):\n    try:\n        import scipy.special\n    except ImportError:\n"
    "        pass\n    return torch.clamp(x, min=0)",
    "with a bar": "from tqdm.auto import tqdm, trange\nimport matplotlib.pyplot as plt\ndef relu(x):\n"
    "    for n in tqdm(range(2), desc='x'): assert n < 2\n    assert len(list(trange(3))) == 3\n"
    "    fig, ax = plt.subplots()\n    ax.plot(x)\n    plt.close(fig)\n    display(fig)\n"
    "    return torch.clamp(x, min=0)",
    "timed": "%time K = 0\ndef relu(x): return torch.clamp(x, min=K)",
    "a patched name": "globals()['relu'] = lambda x: torch.clamp(x, min=0)",
}


@pytest.mark.parametrize("way", WAYS)
def test_ways_to_define_a_function(sandbox, way):
    code = f"import torch\n{WAYS[way]}\n{DOUBLE}"
    assert right(sandbox, "activations.py", code.encode())
    assert right(sandbox, "hw1.ipynb", notebook(*code.split("\n", 1)))


NOTEBOOKS = {
    "out of order": notebook(DOUBLE, "double(1)", RELU),
    "no minor": notebook(RIGHT),
    "format 5": notebook(RIGHT, nbformat=5),
    "format 4.5": notebook(cell(RIGHT, id="a"), nbformat_minor=5),
    "lines": notebook(cell([line + "\n" for line in RIGHT.split("\n")])),
    "colab": notebook(cell("#@title Solution\n" + RIGHT, metadata={"id": "x", "cellView": "form"})),
    "kaggle": notebook("import os\nfor d, _, f in os.walk('/kaggle/input'): print(d)", RIGHT),
    "vs code": notebook(cell(RIGHT, metadata={"vscode": {"languageId": "python"}})),
    "outputs": notebook(cell(RIGHT, outputs=[{"data": "x" * (5 * 2**20)}])),
    "indented": notebook("    " + RIGHT.replace("\n", "\n    ")),
    "prompts": notebook(
        "\n".join(
            (">>> " if line[:1].strip() else "... ") + line for line in RIGHT.split("\n") if line
        )
    ),
    "timed cell": notebook("%%time\n" + RIGHT),
    "captured cell": notebook("%%capture out\n%matplotlib inline\n" + RIGHT),
    "written file": notebook("%%writefile helpers.py\n" + RIGHT, "from helpers import *"),
    "other languages": notebook("%%bash\nls\n", "%%html\n<b>", RIGHT),
    "CRLF": notebook(RIGHT.replace("\n", "\r\n")),
    "format 3": json.dumps(
        {
            "nbformat": 3,
            "metadata": {},
            "worksheets": [{"cells": [{"cell_type": "code", "input": RIGHT, "outputs": []}]}],
        }
    ).encode(),
    "a mark": b"\xef\xbb\xbf" + notebook(RIGHT),
}


@pytest.mark.parametrize("kind", NOTEBOOKS)
def test_notebooks_of_every_kind(sandbox, kind):
    assert right(sandbox, "activations.ipynb", NOTEBOOKS[kind])


SCRIPTS = {
    "activations.PY": RIGHT.encode(),
    "activations (1).py": RIGHT.encode(),
    "activations.py.txt": RIGHT.encode(),
    "bom.py": b"\xef\xbb\xbf" + RIGHT.encode(),
    "crlf.py": RIGHT.replace("\n", "\r\n").encode(),
    "tabs.py": RIGHT.replace("    ", "\t").encode(),
    "latin.py": ("# größe\n" + RIGHT).encode("latin-1"),
    "wide.py": RIGHT.encode("utf-16"),
    "declared.py": ("# -*- coding: cp1252 -*-\n# größe\n" + RIGHT).encode("cp1252"),
    "cells.py": f"# %%\n%matplotlib inline\n# %% [markdown]\n# Text\n# %%\n%%time\n{RIGHT}".encode(),
    "jupytext.py": f"# ---\n# jupyter:\n# ---\n# +\n# !ls\n{RIGHT}# -\n".encode(),
    "exported.py": b"get_ipython().run_cell_magic('time', '', " + repr(RIGHT).encode() + b")\n",
    "renamed.py": notebook(RIGHT),
    "activations.ipynb.json": notebook(RIGHT),
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_files_of_every_kind(sandbox, name):
    assert right(sandbox, name, SCRIPTS[name])


ZIPS = {
    "a copy": packed(
        {"activations-Copy1.ipynb": notebook(STUBS), "activations.ipynb": notebook(RIGHT)}
    ),
    "an old one": packed({"old/activations_v1.py": WRONG, "activations.py": RIGHT}),
    "a helper": packed({"a_losses.py": WRONG, "activations.py": RIGHT, "zz.py": WRONG}),
    "copies alone": packed({"activations (9).py": WRONG, "activations (10).py": RIGHT}),
    "the newest": packed(
        {"activations_b.py": RIGHT, "activations_c.py": WRONG}, {"activations_b.py": 2020}
    ),
    "the handout": packed({"hw/activations.ipynb": notebook(STUBS), "hw/activations.py": RIGHT}),
    "the handout's script": packed({"activations.py": STUBS, "my.ipynb": notebook(RIGHT)}),
    "half each": packed({"activations.py": STUBS, "part1.py": RELU, "part2.py": DOUBLE}),
    "a folder": packed({"hw/activations.py": RIGHT, "hw/data.csv": b"0" * (6 * 2**20)}),
    "plots": packed({"activations.py": RIGHT, **{f"plots/{n}.png": b"x" for n in range(100)}}),
    "an environment": packed(
        {"a.py": RIGHT, "my/pyvenv.cfg": "", **{f"my/lib/{n}.py": WRONG for n in range(1100)}}
    ),
    "clutter": packed({"a.py": RIGHT, "__MACOSX/._a.py": b"\0", ".git/a.py": WRONG}),
    "relative": packed(
        {"hw/utils.py": RELU, "hw/activations.py": f"from .utils import relu\n{DOUBLE}"}
    ),
    "absolute": packed(
        {"hw/utils.py": RELU, "hw/activations.py": f"from utils import *\n{DOUBLE}"}
    ),
    "a package": packed(
        {
            "hw/nn/__init__.py": "from .parts.clip import relu",
            "hw/nn/parts/__init__.py": "",
            "hw/nn/parts/clip.py": "from ..low import clip as relu",
            "hw/nn/low.py": "import torch\ndef clip(x): return torch.clamp(x, min=0)",
            "hw/activations.py": f"import nn.parts.clip as c\nfrom nn import relu\n{DOUBLE}",
        }
    ),
    "in a circle": packed(
        {
            "activations.py": f"import b\nfrom b import relu\n{DOUBLE}",
            "b.py": f"import activations\n{RELU}",
        }
    ),
    "windows": packed({"hw\\activations.py": RIGHT}),
    "tests beside": packed(
        {"activations.py": RIGHT, "test_activations.py": "from activations import *"}
    ),
    "a loop beside": packed({"activations.py": RIGHT, "train.py": "while True: pass"}),
    "a broken neighbour": packed({"activations.py": RIGHT, "notes.ipynb": "{"}),
}


@pytest.mark.parametrize("kind", ZIPS)
def test_zips_of_every_kind(sandbox, kind):
    assert right(sandbox, "HW1.ZIP", ZIPS[kind])


def test_two_helpers_of_one_name_each_serve_their_neighbour(sandbox):
    files = {
        "a/h.py": "def help(x): return 2 * x",
        "b/h.py": "def help(x): return 0",
        "a/activations.py": f"from h import help\n{RELU}\ndef double(x): return help(x)",
        "b/other.py": "import h\ndef unused(): pass",
    }
    assert right(sandbox, "a.zip", packed(files))


def tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as archive:
        archive.addfile(tarfile.TarInfo("a.py"))
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.tar.gz", tar(), "gzip"),
        ("a.rar", b"Rar!\x1a\x07\x00", "RAR"),
        ("a.7z", b"7z\xbc\xaf\x27\x1c", "7z"),
        ("a.html", b"<html>", "made from"),
        ("a.zip", packed({"inner.zip": "x"}), "unpack 'inner.zip'"),
    ],
)
def test_what_is_not_read_is_told_apart(name, content, said):
    with pytest.raises(SubmissionError, match=said):
        parse(name, content)


FAILING = st.sampled_from(["1 / 0", "undefined", "import nothing_of_that_name", "x = (", "%magic"])
SHADOWS = st.sampled_from(["relu = 1", "double = torch.ones(1)", "for relu in (): pass"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.lists(FAILING, max_size=3),
    between=st.lists(FAILING | SHADOWS, max_size=3),
    after=st.lists(FAILING | SHADOWS, max_size=3),
    turned=st.booleans(),
    cells=st.booleans(),
)
def test_no_order_of_cells_and_no_failing_one_changes_what_is_right(
    sandbox, before, between, after, turned, cells
):
    parts = [RELU, *between, DOUBLE] if not turned else [DOUBLE, *between, RELU]
    parts = [*before, *parts, *after]
    if cells:
        assert right(sandbox, "a.ipynb", notebook(*parts))
    else:
        assert right(sandbox, "a.py", "\n".join(parts).encode())
