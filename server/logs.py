"""What the server's processes tell their operator, on standard error; nothing about students."""

from __future__ import annotations

import logging


def set_up() -> None:
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(name)s: %(message)s")
    logging.getLogger("alembic").setLevel(logging.WARNING)
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a waiting request is no news
