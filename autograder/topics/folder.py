"""A reference folder, before any of it is loaded."""

from __future__ import annotations

import hashlib
import os
from contextlib import suppress
from pathlib import Path

DEFAULT = Path(__file__).resolve().parents[2] / "reference"
EVERYTHING = "all"  # the assignment of every topic in one


def state(folder: Path) -> str:
    """A digest of all Python files in the folder: helpers, too, may change what is right."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*.py")):
        with suppress(FileNotFoundError):  # gone since it was listed
            digest.update(b"%s\0%s\0" % (os.fsencode(path), path.read_bytes()))
    return digest.hexdigest()
