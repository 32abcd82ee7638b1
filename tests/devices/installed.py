"""The second device as an installed package: on `sys.path`, with an entry point."""

import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch

FOLDER = Path(__file__).parent / "second"

needs_second_device = pytest.mark.skipif(
    not hasattr(torch.utils.backend_registration, "_setup_privateuseone_for_python_backend"),
    reason="this torch cannot have a device written in Python",
)


@contextmanager
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of its own, for a test that takes the device away."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as where:  # workers have a /tmp of their own
        os.chmod(where, 0o755)  # noqa: S103
        folder = Path(shutil.copytree(FOLDER, f"{where}/second"))
        monkeypatch.syspath_prepend(str(folder))
        monkeypatch.delitem(sys.modules, "second_profile", raising=False)
        try:
            yield folder
        finally:  # what was imported from there is gone with it
            sys.modules.pop("second_profile", None)
