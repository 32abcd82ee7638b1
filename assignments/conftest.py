"""Count the points behind the tests that were run."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

POINTS = {}


def pytest_runtest_makereport(item, call):
    params = getattr(getattr(item, "callspec", None), "params", {})
    if call.when == "call" and "item" in params:
        POINTS[item.nodeid] = (params["item"], call.excinfo is None)


def pytest_terminal_summary(terminalreporter):
    from selfcheck.selfcheck import unseen
    from selfcheck.summary import in_words

    exercises = {}
    for item, passed in POINTS.values():
        exercises.setdefault(item.exercise, []).append((item, passed))
    if not exercises:
        return
    terminalreporter.write_sep("-", "points")
    totals = []
    for name, tested in exercises.items():
        got = sum(item.points for item, passed in tested if passed)
        most = sum(item.points for item, _ in tested)
        totals.append((got, most))
        terminalreporter.write_line(f"{name:<28}{got:>6g} of {most:g}", **colour(got, most))
        if 0 < got < most:
            words = in_words((item.row, passed) for item, passed in tested if item.points)
            terminalreporter.write_line(f"  {words}")
    got, most = (sum(points) for points in zip(*totals))
    more = unseen(item for item, _ in POINTS.values())
    terminalreporter.write_line(
        f"The checks that passed are worth {got:g} of {most:g} points. {more}",
        bold=True,
        **colour(got, most),
    )


def colour(got, most):
    return {"green" if got >= most else "yellow" if got else "red": True}
