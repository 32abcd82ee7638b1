"""Count the points behind the tests that were run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

POINTS = {}


def pytest_runtest_makereport(item, call):
    params = getattr(getattr(item, "callspec", None), "params", {})
    if call.when == "call" and "item" in params:
        passed = call.excinfo is None
        POINTS[item.nodeid] = (params["item"], params["item"].points if passed else 0.0)


def pytest_terminal_summary(terminalreporter):
    from selfcheck.selfcheck import HIDDEN

    exercises = {}
    for item, points in POINTS.values():
        got, most = exercises.get(item.exercise, (0.0, 0.0))
        exercises[item.exercise] = (got + points, most + item.points)
    if not exercises:
        return
    terminalreporter.write_sep("-", "points")
    for name, (got, most) in exercises.items():
        terminalreporter.write_line(f"{name:<28}{got:>6g} of {most:g}", **colour(got, most))
    got, most = (sum(points) for points in zip(*exercises.values()))
    terminalreporter.write_line(
        f"The checks that passed are worth {got:g} of {most:g} points. {HIDDEN}",
        bold=True,
        **colour(got, most),
    )


def colour(got, most):
    return {"green" if got >= most else "yellow" if got else "red": True}
