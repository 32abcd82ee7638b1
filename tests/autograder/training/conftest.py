"""Training runs prepared and judged in this process: what the sandbox adds is tested elsewhere."""

import pytest
import torch

from autograder.case import draw
from autograder.checks import curve
from autograder.checks.base import Keep
from autograder.judging.local import LocalSession


class Prepared:
    """A run with what the reference gives in it."""

    def __init__(self, topic, run, dtype=torch.float64, secret=0):
        self.check = curve(run, points={"training": 1, "evaluation": 1}, dtype=dtype)
        self.topic = topic

        def seed(purpose):
            return (sum(map(ord, purpose)) * 7919 + secret) % 2**31

        (case,) = self.check.cases
        drawn = draw(case, lambda name: torch.Generator().manual_seed(seed(name)))
        reference = LocalSession(topic.functions())
        self.calls, self.expectation = self.check.prepare(case, drawn, seed, reference, Keep())

    def judge(self, **functions):
        """The outcome of the reference with these functions in place of its own."""
        session = LocalSession({**self.topic.functions(), **functions})
        return self.check.judge(self.expectation, self.calls, session.run(self.calls))


@pytest.fixture(scope="session")
def topic(catalogue):
    return catalogue["training"].topics[0]
