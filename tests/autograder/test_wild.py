"""Right functions, handed in as students hand them in: whatever stands around them, they count."""

# ruff: noqa: E501 - texts as students write them

from __future__ import annotations

import io
import json
import os
import signal
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from autograder.handin.at_home import load
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
    with suppress(ImportError):
        import matplotlib.pyplot  # noqa: F401 - once, before it is imported at home
    with Sandbox(limits=Limits(load_seconds=2)) as sandbox:
        yield sandbox


def right(sandbox: Sandbox, name: str, content: bytes, *, home: bool = True) -> bool:
    """Whether both functions are found and right: by loading, at first sight and at home, where what
    kills the process ends the student's own."""
    assert not home or at_home(name, content) == ""
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


def at_home(name: str, content: bytes) -> str:
    """What is wrong with them for the self-check, which runs in a process of the student's."""
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            said = _at_home(name, content)
        except BaseException as error:
            said = repr(error)
        os.write(writer, said.encode()[:2000])
        os.kill(os.getpid(), signal.SIGKILL)
    os.close(writer)
    with os.fdopen(reader) as pipe:
        said = pipe.read()
    assert os.WTERMSIG(os.waitpid(child, 0)[1]) == signal.SIGKILL
    return said


def _at_home(name: str, content: bytes) -> str:
    with tempfile.TemporaryDirectory() as folder:
        sys.stdin = io.StringIO()
        os.chdir(folder)
        if content.startswith(b"PK"):
            with zipfile.ZipFile(io.BytesIO(content)) as archive:
                archive.extractall(folder)  # noqa: S202 - our own
                for info in archive.infolist():
                    os.utime(Path(folder, info.filename), (info.date_time[0] * 1e5,) * 2)
        else:
            Path(folder, name).write_bytes(content)
        functions, failed = load(Path(folder), HOMES)
        x = torch.tensor([-1.0, 2.0])
        if functions.keys() != HOMES.keys():
            return f"missing: {failed}"
        answers = functions["relu"](x), functions["double"](x)
        right = torch.equal(answers[0], x.clamp(min=0)) and torch.equal(answers[1], 2 * x)
        return "" if right else f"wrong: {answers}"


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
    "a mount": "try:\n    from google.colab import drive\n    drive.mount('/content/drive', force_remount=True)\n"
    "    IN_COLAB = True\nexcept ModuleNotFoundError:\n    IN_COLAB = False",
    "an option": "import argparse\np = argparse.ArgumentParser()\np.add_argument('--data', required=True)\n"
    "args = p.parse_args()",
    "a spawn": "import multiprocessing as mp\nmp.set_start_method('spawn')\nmp.Pool(2).close()",
    "a device": "device = torch.device('cuda')\nx = torch.ones(1).to(device)\ntorch.cuda.set_device(0)",
    "a download": "import urllib.request\nurllib.request.urlretrieve('http://x.invalid/a.zip', 'a.zip')",
    "a magic of cells": "%load_ext autoreload\n%autoreload 2\n%config InlineBackend.figure_format = 'retina'",
    "an assertion": "import sys\nassert sys.version_info < (3, 0), 'python 2 only'",
    "a signal": "import signal\nsignal.alarm(0)\nraise KeyboardInterrupt",
    "an exception group": "raise ExceptionGroup('x', [ValueError()])",
    "a walrus": "if (n := len('ab')) > 1 and (m := undefined):\n    pass",
    "a warning": "import warnings\nwarnings.filterwarnings('error')\nwarnings.warn('x')\n"
    "warnings.resetwarnings()",
    "a class of nothing": "class Net(Undefined):\n    pass\nnet = Net().to(device)",
    "a quit": "quit()\nexit(1)",
    "form feeds": "\f\n# ---\n\fimport os\n\f",
    "an old print": "import os\nprint os.name\nexec 'x = 1'",
    "a diff's mark": "<<<<<<< HEAD\nx = 1\n=======\nx = 2\n>>>>>>> main",
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
    "a main": "def main():\n    while True:\n        pass\n\nif __name__ == '__main__':\n    import sys\n"
    "    sys.exit(1 / 0)",
    "a variable, inside": "if True:\n    relu = relu(torch.ones(2))\n    double = 3",
    "a comprehension": "outs = [relu := relu(torch.ones(1)) for _ in range(1)]",
    "a handler": "try:\n    1 / 0\nexcept ZeroDivisionError as double:\n    pass",
    "a pattern": "match 3:\n    case relu:\n        pass",
    "an exit in the middle": "import sys\nsys.exit('done')",
    "a class's name": "from torch.nn import ReLU as relu, Identity as double",
    "cached": "import functools\ndouble = functools.lru_cache(maxsize=None)(double)\nrelu.cache = {}",
    "another's import": "import torch.nn.functional as relu",
    "an annotation": "relu: int = 3\ndouble: 'nothing'",
    "augmented": "double = 1\ndouble += 1",
    "fork": "import os\nif os.fork() == 0:\n    os._exit(0)",
    "not to be run": "if __name__ == '__main__' and '__file__' in globals():\n    1 / 0",
}


@pytest.mark.parametrize("below", BELOW)
def test_what_stands_below_costs_nothing(sandbox, below):
    home = below != "killed"
    assert right(sandbox, "activations.py", f"{RIGHT}\n{BELOW[below]}\n".encode(), home=home)
    assert right(sandbox, "activations.ipynb", notebook(RIGHT, BELOW[below]), home=home)


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
    "overwritten in an if": "if True:\n    def relu(x): return torch.clamp(x, min=0)\n    y = relu(torch.ones(1))\n"
    "    relu = y",
    "overwritten in a try": "try:\n    relu = lambda x: torch.clamp(x, min=0)\n    for relu in range(3): 1 / 0\n"
    "except ZeroDivisionError:\n    pass",
    "overwritten in a with": "with torch.no_grad():\n    def relu(x): return torch.clamp(x, min=0)\n"
    "    from torch import relu",
    "a stub first": "if False:\n    pass\nelse:\n    def relu(x): raise NotImplementedError\n"
    "    def relu(x): return torch.clamp(x, min=0)\nif False:\n"
    "    def relu(x): raise NotImplementedError",
    "partial": "from functools import partial\ndef clip(low, x): return torch.clamp(x, min=low)\n"
    "relu = partial(clip, 0)\nfor relu in []: pass",
    "cached": "import functools\n@functools.lru_cache\ndef zero(): return 0\n"
    "@torch.no_grad()\ndef relu(x): return torch.clamp(x, min=zero())",
    "a static method": "class F:\n    @staticmethod\n    def relu(x): return torch.clamp(x, min=0)\nrelu = F.relu",
    "an attribute": "class F: pass\nF.relu = staticmethod(lambda x: torch.clamp(x, min=0))\nrelu = F.relu",
    "a closure": "def make():\n    count = 0\n    def relu(x):\n        nonlocal count\n        count += 1\n"
    "        return torch.clamp(x, min=0)\n    return relu\nrelu = make()",
    "unpacked": "def make(): return (lambda x: torch.clamp(x, min=0)), 1\nrelu, *rest = make()",
    "a walrus": "print(relu := lambda x: torch.clamp(x, min=0))",
    "a table": "table = {'relu': lambda x: torch.clamp(x, min=0)}\nglobals().update(table)",
    "executed": "exec('def relu(x):\\n    return torch.clamp(x, min=0)')",
    "tabs": "def relu(x):\n\tif True:\n\t\treturn torch.clamp(x, min=0)",
    "typed": "from __future__ import annotations\nfrom typing import overload\n@overload\n"
    "def relu(x: torch.Tensor) -> torch.Tensor: ...\ndef relu(x): return torch.clamp(x, min=0)",
    "dispatched": "from functools import singledispatch\n@singledispatch\ndef relu(x): raise TypeError\n"
    "@relu.register\ndef _(x: torch.Tensor): return torch.clamp(x, min=0)",
    "a script of torch's": "@torch.jit.script\ndef relu(x): return torch.clamp(x, min=0)\nrelu = relu",
    "vectorised": "import numpy as np\n@np.vectorize\ndef one(v): return max(v, 0.0)\n"
    "def relu(x): return torch.from_numpy(one(x.numpy())).float()",
    "a global": "def setup():\n    global relu\n    relu = lambda x: torch.clamp(x, min=0)\nsetup()",
    "an import inside": "def relu(x):\n    import numpy as np, math\n    from tqdm import tqdm\n"
    "    return torch.clamp(x, min=int(math.floor(np.zeros(1)[0])))",
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
    "pages": notebook(
        "%%html\n<b>", "%%javascript\nalert(1)", "%%latex\n$x$", "%%timeit\n1 + 1", RIGHT
    ),
    "shells": notebook(
        "%%bash\nfor f in *; do echo $f; done",
        "%%sh\nls",
        "!cd x && ls",
        RIGHT,
        "%%script bash\nls",
    ),
    "split by help": notebook(
        "import torch\n%pip install torch\n?torch\n" + RIGHT, "relu??\n%%time"
    ),
    "tags": notebook(
        cell(RIGHT, metadata={"tags": ["parameters"], "deletable": False, "slideshow": {}})
    ),
    "attachments": notebook(
        {"cell_type": "markdown", "metadata": {}, "source": "x", "attachments": {"a": {}}}, RIGHT
    ),
    "executed backwards": notebook(cell(DOUBLE, execution_count=9), cell(RELU, execution_count=1)),
    "jupyter lite": notebook("import piplite\nawait piplite.install('torch')", RIGHT),
    "databricks": notebook(
        "# Databricks notebook source\ndbutils.widgets.text('a', 'b')\n" + RIGHT, "%sql\nSELECT 1"
    ),
    "papermill": notebook(
        cell("# Parameters\nlr = 0.1", metadata={"papermill": {"status": "failed"}}), RIGHT, "1 / 0"
    ),
    "assigned output": notebook("files = !ls\nn = len(files)\ndirs = %sx ls\n" + RIGHT),
    "a semicolon": notebook("import matplotlib.pyplot as plt\nplt.plot([1]);\n" + RIGHT),
    "automatic calls": notebook("/print 1\n,print a b\n" + RIGHT),
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
    "marked_twice.py": ("\ufeff\ufeff" + RIGHT).encode(),
    "declared.py": ("# -*- coding: cp1252 -*-\n# größe\n" + RIGHT).encode("cp1252"),
    "cells.py": f"# %%\n%matplotlib inline\n# %% [markdown]\n# Text\n# %%\n%%time\n{RIGHT}".encode(),
    "jupytext.py": f"# ---\n# jupyter:\n# ---\n# +\n# !ls\n{RIGHT}# -\n".encode(),
    "exported.py": b"get_ipython().run_cell_magic('time', '', " + repr(RIGHT).encode() + b")\n",
    "Größe der Übung.py": RIGHT.encode(),
    "2024-hw 1 [final] (FINAL).Py": RIGHT.encode(),
    "class.py": RIGHT.encode(),
    "torch.py": RIGHT.encode(),
    "big.py": ("\ufeff# größe\n" + RIGHT).encode("utf-16-be"),
    "marked.py": ("# größe\n" + RIGHT).encode("utf-8-sig"),
    "old mac.py": RIGHT.replace("\n", "\r").encode(),
    "percent.py": b"# %% [markdown]\n# # Title\n\n# %%\n!pip install x\n\n# %% tags=['a']\n"
    + RIGHT.encode(),
    "light.py": f"# -*- coding: utf-8 -*-\n# # Title\n\n# + [markdown]\n# Text\n\n# +\n%time 1 + 1\n\n{RIGHT}\n# -".encode(),
    "spyder.py": f'#!/usr/bin/env python3\n"""\nCreated\n"""\n#%% cell\n{RIGHT}\n#%%\nruncell(0)'.encode(),
    "pasted.py": "\n".join("    " + line for line in RIGHT.split("\n")).encode(),
    "prompted.py": "\n".join(
        (">>> " if line[:1].strip() else "... ") + line for line in RIGHT.split("\n")
    ).encode(),
    "numbered.py": f"In [1]: import os\n\n{RIGHT}".encode(),
    "fenced.py": f"```python\n{RIGHT}```\n".encode(),
    "colon.py": f"{RIGHT}\nif True\n    print(1)\n".encode(),
    "unclosed.py": f'{RIGHT}\ns = """\nnever closed\n'.encode(),
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
    "by star": packed(
        {
            "hw/activations.py": "from torch import *\nfrom helpers import *\nfrom torch.nn import *",
            "hw/helpers.py": f"__all__ = ['relu', 'double']\n{RIGHT}",
        }
    ),
    "re-exports": packed(
        {
            "hw/src/__init__.py": "from .activations import *\nfrom . import activations",
            "hw/src/activations/__init__.py": "from ._a import relu\nfrom ._b import double as double",
            "hw/src/activations/_a.py": RELU,
            "hw/src/activations/_b.py": f"from . import _a\n{DOUBLE}",
        }
    ),
    "imports of each other": packed(
        {
            "a.py": f"from b import double\n{RELU}",
            "b.py": f"from a import relu\n{DOUBLE}",
            "c.py": "import a, b",
        }
    ),
    "imports inside": packed(
        {
            "hw/activations.py": "def relu(x):\n    from .clip import clip\n    return clip(x)\n"
            "def double(x):\n    import importlib\n    import clip as c\n    return c.twice(x)",
            "hw/clip.py": "import torch\ndef clip(x): return torch.clamp(x, min=0)\ndef twice(x): return 2 * x",
        }
    ),
    "a path of its own": packed(
        {
            "hw/activations.py": "import sys, os\nsys.path.append(os.path.dirname(os.path.abspath(__file__)))\n"
            f"sys.path.insert(0, '../lib')\nfrom lib.clip import relu\n{DOUBLE}",
            "hw/lib/clip.py": RELU,
        }
    ),
    "a notebook that imports": packed(
        {"hw/hw1.ipynb": notebook("%run clip.py\nfrom clip import *", DOUBLE), "hw/clip.py": RELU}
    ),
    "macOS": packed(
        {
            "HW 1/activations.ipynb": notebook(RIGHT),
            "HW 1/.ipynb_checkpoints/activations-checkpoint.ipynb": notebook(STUBS),
            "__MACOSX/HW 1/._activations.ipynb": b"\0\5\26\7",
            "HW 1/.DS_Store": b"\0",
        }
    ),
    "capitals": packed({"Übung 1/ACTIVATIONS.IPYNB": notebook(RIGHT), "Übung 1/Losses.PY": WRONG}),
    "a zip inside": packed(
        {"hw/activations.py": RIGHT, "hw/old.zip": packed({"activations.py": WRONG})}
    ),
    "a repository": packed(
        {
            "hw-main/.github/workflows/ci.py": WRONG,
            "hw-main/setup.py": "from setuptools import setup\nsetup()",
            "hw-main/tests/test_all.py": "from src.activations import relu\nassert relu",
            "hw-main/src/activations.py": RIGHT,
            "hw-main/build/lib.py": "",
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


HELPERS = {
    "at the top": ("from h import help\n", "import h\nhelp = h.help\n"),
    "relatively": ("from .h import help\n", "from . import h\nhelp = h.help\n"),
    "when called": ("def help(x):\n    import h\n    return h.help(x)\n",) * 2,
    "in packages": ("from p.h import help\n", "import p.h as h\nfrom p.h import help\n"),
}


@pytest.mark.parametrize("way", HELPERS)
def test_two_helpers_of_one_name_each_serve_their_neighbour(sandbox, way):
    first, second = HELPERS[way]
    inner = "p/h.py" if "packages" in way else "h.py"
    files = {
        f"a/{inner}": "import torch\ndef help(x): return torch.clamp(x, min=0)",
        f"b/{inner}": "def help(x): return 2 * x",
        "a/one.py": f"{first}def relu(x): return help(x)",
        "b/two.py": f"{second}def double(x): return help(x)",
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
    ids=["tar", "rar", "7z", "html", "zip"],  # archives carry the time, and ids must not
)
def test_what_is_not_read_is_told_apart(name, content, said):
    with pytest.raises(SubmissionError, match=said):
        parse(name, content)


FAILING = st.sampled_from(["1 / 0", "undefined", "import nothing_of_that_name", "x = (", "%magic"])
EARLIER = st.sampled_from(
    ["def relu(x):\n    return x", "double = lambda x: x", "if True:\n    def double(x): return x"]
)
STUB = st.just("def double(x):\n    raise NotImplementedError")
SHADOWS = st.sampled_from(["relu = 1", "double = torch.ones(1)", "for relu in (): pass"])


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    before=st.lists(FAILING | EARLIER, max_size=3),
    between=st.lists(FAILING | SHADOWS | STUB, max_size=3),
    after=st.lists(FAILING | SHADOWS | STUB, max_size=3),
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
