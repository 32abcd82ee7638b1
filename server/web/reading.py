"""Reading hand-ins while a request waits: no user takes all threads that answer requests."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from werkzeug.exceptions import TooManyRequests

from server.storage.models import User

AT_ONCE = 2  # of one user

_lock = threading.Lock()
_reading: Counter[int] = Counter()


@contextmanager
def on_behalf_of(user: User) -> Iterator[None]:
    """While something that the user asked for is being read.

    Raises:
        TooManyRequests: as much is being read for them already.
    """
    with _lock:
        if _reading[user.id] >= AT_ONCE:
            raise TooManyRequests
        _reading[user.id] += 1
    try:
        yield
    finally:
        with _lock:
            _reading[user.id] -= 1
            if not _reading[user.id]:
                del _reading[user.id]
