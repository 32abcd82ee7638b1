"""Reads what somebody handed in: whatever parses, decodes, scans, highlights or compares it runs in
a confined process of its own, under limits, and brings back plain data."""

from autograder.reading.reader import Reader, TooMuch, reader
from autograder.sandbox.limits import SandboxFault, SandboxUnavailable

__all__ = ["Reader", "SandboxFault", "SandboxUnavailable", "TooMuch", "reader"]
