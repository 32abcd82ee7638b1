"""The kinds of evidence: one module each, and the verbs by which authors write them down."""

from autograder.checks.curve import curve
from autograder.checks.errors import errors
from autograder.checks.metric import metric
from autograder.checks.signal import signal
from autograder.checks.speed import speed
from autograder.checks.statistics import drops, fills
from autograder.checks.values import gradients, precision, values
from autograder.judging.laws import Normal, Uniform

__all__ = [
    "Normal",
    "Uniform",
    "curve",
    "drops",
    "errors",
    "fills",
    "gradients",
    "metric",
    "precision",
    "signal",
    "speed",
    "values",
]
