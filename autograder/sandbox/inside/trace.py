"""Which of torch's operators one call dispatches, whatever name they were called by."""

from __future__ import annotations

from typing import Any

import torch
from torch.autograd import forward_ad
from torch.utils._python_dispatch import TorchDispatchMode

AUTOGRAD = "autograd"  # stands for operators that ran in a backward pass of torch's own
FORWARD = "forward"  # and for those that ran while it differentiated forwards
MOST = 4096  # torch has some 2500


class Operators(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """While entered, notes the operators' names, such as "aten::add"."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        # Named at the end: most of them run in less time than that takes.
        self._seen: set[Any] = set()
        self._names: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        self._seen.add(func)
        if torch._C._current_graph_task_id() >= 0:
            self._names.add(AUTOGRAD)
        if forward_ad._current_level >= 0:
            self._names.add(FORWARD)
        return func(*args, **(kwargs or {}))

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        """Whether torch shall import its compiler, which takes a second, to keep it away."""
        return False

    @property
    def names(self) -> list[str]:
        return sorted(self._names | {func._schema.name for func in self._seen})[:MOST]
