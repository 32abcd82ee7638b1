"""Count the points behind the tests that were run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

POINTS = {}


def pytest_runtest_makereport(item, call):
    params = getattr(getattr(item, "callspec", None), "params", {})
    if call.when == "call" and "item" in params:
        passed = call.excinfo is None
        POINTS[item.nodeid] = (params["item"].points if passed else 0.0, params["item"].points)


def pytest_terminal_summary(terminalreporter):
    if POINTS:
        got, most = (sum(points) for points in zip(*POINTS.values()))
        terminalreporter.write_sep("-", "points")
        terminalreporter.write_line(
            f"The checks that passed are worth {got:g} of {most:g} points. Grading uses the same "
            "checks with more cases, which stay hidden."
        )
