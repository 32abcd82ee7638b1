"""The sample submissions: one that is right, some with typical bugs, one that attacks."""

from __future__ import annotations

from collections.abc import Iterator

from autograder.exercise import Misconception
from autograder.handout.stubs import stub
from autograder.topics.catalogue import EVERYTHING, Catalogue, Topic
from autograder.training.extra import installed
from server.demo.writing import as_notebook, as_zip

ATTACK = '''\
"""A submission that has no solution, and tries to get marks and secrets all the same."""

import builtins
import gc
import os
import socket
import subprocess
import sys

import torch


def try_everything():
    for attack in (
        lambda: open("/etc/passwd").read(),
        lambda: open("/proc/1/environ", "rb").read(),
        lambda: socket.create_connection(("127.0.0.1", 8000), 1),
        lambda: subprocess.run(["sh", "-c", "id"], check=True),
        lambda: os.fork(),
        lambda: os.kill(1, 9),
        lambda: [o for o in gc.get_objects() if "reference" in str(getattr(o, "__module__", ""))],
    ):
        try:
            print("got", str(attack())[:60])
        except BaseException as error:
            print("refused:", type(error).__name__, error)


class AlwaysEqual(torch.Tensor):
    def __eq__(self, other):
        return torch.ones_like(self, dtype=torch.bool)


torch.equal = torch.allclose = lambda *args, **kwargs: True
builtins.abs = lambda value: 0


def batch_norm(x, running_mean, running_var, weight, bias, training, momentum=0.1, eps=1e-5):
    try_everything()

    return x.as_subclass(AlwaysEqual)


def batch_norm_backward(grad_y, x, running_mean, running_var, weight, training, eps=1e-5):
    print('{"score": 10}')
    os._exit(0)
'''


def samples(catalogue: Catalogue) -> Iterator[tuple[str, str, bytes]]:
    """Assignment, file name, content."""

    def topic(name: str) -> Topic:
        return catalogue[name].topics[0]

    yield "regularization", "correct.zip", as_zip({"solution": topic("regularization").solution()})
    losses = topic("losses")
    first = [exercise.misconceptions[0] for exercise in losses.exercises]
    yield "losses", "one-bug-each.py", losses.solution(*first).encode()
    normalization = topic("normalization")
    yield (
        "normalization",
        "two-bugs.ipynb",
        as_notebook(
            "%matplotlib inline\n!pip install torch",
            normalization.solution(_named(normalization, "eps-outside-root")),
            "import matplotlib.pyplot as plt\nplt.plot([1, 2])",
            _function(normalization, _named(normalization, "mean-path-dropped")),
        ),
    )
    yield "losses", "unfinished.py", stub(losses).encode()
    yield (
        "regularization",
        "syntax-error.py",
        b"import torch\n\ndef dropout(x, p=0.5:\n    return x\n",
    )
    yield "normalization", "attack.py", ATTACK.encode()
    if "training" in catalogue.assignments and installed():
        # It trains with what the other topics ask for.
        modules = {topic.name: topic.solution() for topic in catalogue[EVERYTHING].topics}
        yield "training", "training.zip", as_zip(modules)


def _named(topic: Topic, name: str) -> Misconception:
    return next(m for e in topic.exercises for m in e.misconceptions if m.name == name)


def _function(topic: Topic, misconception: Misconception) -> str:
    """The one edited function, as a notebook's later cell that replaces an earlier one."""
    source = topic.solution(misconception)
    name = misconception.function.__name__
    start = source.index(f"def {name}(")
    end = source.find("\n\n\ndef ", start)
    return source[start : None if end < 0 else end]
