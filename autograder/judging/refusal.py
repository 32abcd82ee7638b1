"""Hold the answer to bad input against the exception that it must raise."""

from __future__ import annotations

import builtins
from collections.abc import Sequence
from dataclasses import dataclass

from .call import Answer, Call
from .compare import failed
from .finding import Finding
from .script import root


@dataclass(frozen=True)
class RefusalExpectation:
    """The built-in exception class that the call must raise, or a subclass of it."""

    output: str
    exception: str

    def judge(self, calls: Sequence[Call], answers: Sequence[Answer]) -> list[Finding]:
        """One finding: refused as it should be, or not."""
        answer = root(answers)  # of a script, the last call must be refused
        if answer.failure is None:
            return [Finding(self.output, "accepted", {"expected": self.exception})]
        if answer.failure.kind in {"missing", "unwritten"}:
            return [failed(self.output, answer)]
        wanted, got = (
            getattr(builtins, self.exception),
            getattr(builtins, answer.failure.exception, None),
        )
        raised = answer.failure.kind == "exception"
        if raised and isinstance(got, type) and issubclass(got, wanted):
            return [Finding(self.output)]
        evidence = {
            "expected": self.exception,
            "kind": answer.failure.kind,
            "exception": answer.failure.exception,
            "text": answer.failure.message,
            "line": answer.failure.line,
        }
        return [Finding(self.output, "refused", evidence)]
