"""Each attack outside the sandbox has a test, and the threat model names its file."""

import ast

import pytest

from tests import ordinary
from tests.attacks.outside import OUTSIDE


@pytest.mark.parametrize("name", OUTSIDE)
def test_each_is_tried_by_tests_that_the_threat_model_names(name):
    told = (ordinary.ROOT / "docs" / "threat-model.md").read_text("utf-8")
    for test in OUTSIDE[name].tests:
        path, _, function = test.partition("::")
        tree = ast.parse((ordinary.ROOT / path).read_text("utf-8"))
        assert function in {getattr(node, "name", "") for node in tree.body}, test
        assert f"(../{path})" in told, path
