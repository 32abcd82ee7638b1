"""Runs a submission's functions in a confined process and brings back plain data."""

from autograder.sandbox.limits import Limits, SandboxFault, SandboxUnavailable
from autograder.sandbox.sandbox import Sandbox
from autograder.sandbox.session import Loading, Problem, Session

__all__ = [
    "Limits",
    "Loading",
    "Problem",
    "Sandbox",
    "SandboxFault",
    "SandboxUnavailable",
    "Session",
]
