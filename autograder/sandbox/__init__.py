"""Runs a submission's functions in a confined process and brings back plain data."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from autograder.sandbox.limits import Limits, SandboxFault, SandboxUnavailable
from autograder.sandbox.sandbox import Sandbox

if TYPE_CHECKING:
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


def __getattr__(name: str) -> Any:
    """What brings torch: what only confines does not need it, and a sandbox can be on its way
    before it is imported."""
    if name not in {"Loading", "Problem", "Session"}:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.session"), name)
