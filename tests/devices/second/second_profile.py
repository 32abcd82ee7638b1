"""Brings the device of `second_device` to Gradmark, as a package for other hardware would."""

from pathlib import Path

from autograder.sandbox.profiles import Profile

HERE = str(Path(__file__).parent)


def profile(which: str) -> Profile:
    return Profile(
        "second",
        device="second:0",
        trees={HERE: HERE},
        path=(HERE,),
        imports=("second_device",),
        threads=8,  # autograd has one for each device
        context=True,
    )
