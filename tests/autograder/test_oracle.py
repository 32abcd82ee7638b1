"""What is worked out once, and how long it stays."""

import gc
import weakref

from autograder.topics.catalogue import Catalogue
from autograder.truth.oracle import Oracle


def test_an_oracle_that_nobody_needs_is_gone_at_once():
    """Its tensors may fill a gigabyte, and a collection counts objects, not bytes."""
    catalogue = Catalogue.load(only="initialization")
    place = catalogue["initialization"].exercises[0]
    oracle = Oracle(b"a secret for this test")
    assert oracle.trials(*place) is oracle.trials(*place)
    assert oracle.suspects(*place) is oracle.suspects(*place)
    first = weakref.ref(oracle.trials(*place)[0])
    gc.disable()
    try:
        del oracle
        assert first() is None
    finally:
        gc.enable()
