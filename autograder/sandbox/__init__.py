"""Runs a submission's functions in a confined process and brings back plain data."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograder.sandbox.limits import Limits, SandboxFault, SandboxUnavailable

if TYPE_CHECKING:
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
# They bring torch, which what only confines does not need.
_LATER = {"Sandbox": "sandbox", "Loading": "session", "Problem": "session", "Session": "session"}


def __getattr__(name: str) -> Any:
    if name not in _LATER:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LATER[name]}"), name)
