"""What judging costs a grader's own process grows no worse than n log n of whatever a submission's
answers have n of, and stays below bounds of time and memory.

The processor time is this process', not the worker's, which has limits of its own.
"""

import resource

import pytest

from autograder.handin.submission import parse
from tests.growth import FACTOR, File, hold

MOST = 3.0  # seconds of processor time for a whole grading
MOST_HELD = 1.5 * 2**30  # bytes more than before, of which answers may be 1 GiB
NEARLY = "(input - target).square().mean() * 0.9"


def returning(value: str) -> str:
    return f"    return {value}\n"


# How many at first, and what a function of the losses does with so many.
ANSWERS = {
    "elements": (2 * 10**5, lambda n: returning(f"torch.zeros({n}, dtype=torch.float64)")),
    "elements that are one": (2 * 10**6, lambda n: returning(f"x.new_zeros(1).expand({n})")),
    "dimensions": (8, lambda n: returning(f"torch.zeros([1] * {n})")),
    "results": (1000, lambda n: returning(f"(x,) * {n}")),
    "numbers": (20_000, lambda n: returning(f"[0.5] * {n}")),
    "depth": (100, lambda n: f"    y = x\n    for _ in range({n}): y = [y]\n    return y\n"),
    "names": (5000, lambda n: returning(f"{{f'k{{at}}': at for at in range({n})}}")),
    "a long name": (10**5, lambda n: returning(f"{{'k' * {n}: 1}}")),
    "a text": (10**6, lambda n: returning(f"'a' * {n}")),
    "digits": (10**4, lambda n: returning(f"10 ** {n}")),
    "objects": (5000, lambda n: returning(f"[object() for _ in range({n})]")),
    "what is printed": (10**6, lambda n: f"    print('x' * {n})\n{returning(NEARLY)}"),
    "lines that are printed": (10**5, lambda n: f"    print('\\n' * {n})\n{returning(NEARLY)}"),
    "a message": (10**6, lambda n: f"    raise ValueError('x' * {n})\n"),
    "a class's name": (10**5, lambda n: f"    raise type('E' * {n}, (ValueError,), {{}})()\n"),
    "causes": (
        100,
        lambda n: (
            "    e = None\n"
            f"    for _ in range({n}):\n"
            "        f = ValueError('x')\n        f.__cause__, e = e, f\n    raise e\n"
        ),
    ),
    "warnings": (
        1000,
        lambda n: (
            "    import warnings\n"
            f"    for at in range({n}): warnings.warn(f'w{{at}}')\n{returning(NEARLY)}"
        ),
    ),
    "an argument": (10**5, lambda n: f"    x.resize_({n})\n{returning(NEARLY)}"),
    "operators": (500, lambda n: f"    for _ in range({n}): x = x + 0\n{returning(NEARLY)}"),
    "lines": (2000, lambda n: "    x = x + 0\n" * n + returning(NEARLY)),
    "flags": (500, lambda n: "    torch.nn.functional.mse_loss(x, x)\n" * n + returning(NEARLY)),
    "functions": (
        500,
        lambda n: returning("f0(x)") + "".join(f"def f{at}(x): return x\n" for at in range(n)),
    ),
}


def submission(body: str) -> File:
    head = "import torch\ndef mse_loss(input, target, reduction='mean'):\n    x = input\n"
    return "losses.py", (head + body).encode()


@pytest.mark.slow
@pytest.mark.parametrize("what", ANSWERS)
def test_judging_costs_no_more_than_n_log_n(grader, what):
    n, body = ANSWERS[what]

    def graded(file: File) -> None:
        grader.grade("losses", parse(*file))

    graded(submission(returning(NEARLY)))  # what is kept of the exercises is there
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hold(graded, (n, lambda n: submission(body(n))), MOST, grown=FACTOR)
    grown = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown * 1024 < MOST_HELD
