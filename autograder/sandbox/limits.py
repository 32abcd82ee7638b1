"""What a session may use, and the two ways a sandbox itself can fail."""

from __future__ import annotations

from dataclasses import dataclass, replace


class SandboxUnavailable(RuntimeError):
    """This machine cannot confine code as asked; the message says what to do about it."""


class SandboxFault(RuntimeError):
    """Something of ours failed. Never scored as the student's."""


class DeviceFault(SandboxFault):
    """The device itself does not work. Trying again here is no use."""

    def __init__(self, device: str, wrong: str) -> None:
        super().__init__(f"the device {device} does not work: {wrong}")
        self.device = device


class DeviceUnfit(DeviceFault):
    """The reference itself comes out wrong on the device, whatever was handed in.

    Args:
        place: the topic and the exercise that shows it.
    """

    def __init__(self, device: str, wrong: str, place: tuple[str, str]) -> None:
        super().__init__(device, wrong)
        self.place = place


@dataclass(frozen=True)
class Limits:
    """Limits of one session, that is of one submission."""

    call_seconds: float = 10.0
    load_seconds: float = 20.0  # of loading the submission, each time it is loaded
    session_seconds: float = 120.0  # wall clock summed over loading and all calls
    judge_seconds: float = 120.0  # of the parent, to judge all answers of a submission
    run_seconds: float = 20.0  # more of both for each training run that a submission goes through
    memory_bytes: int = 3 * 2**30  # of address space; torch alone maps about 1 GiB
    reply_bytes: int = 256 * 2**20  # of the tensors of one answer
    run_bytes: int = 2**30  # of the tensors of all answers to calls that are put together
    output_chars: int = 16_384  # of what a session prints
    scratch_bytes: int = 64 * 2**20  # of /tmp

    @property
    def cpu_seconds(self) -> int:
        """A second wall behind the parent's clock, and so a little further off."""
        return int(self.session_seconds) + 10

    def with_runs(self, runs: int) -> Limits:
        """The limits of a session that goes through so many training runs."""
        more = runs * self.run_seconds
        return replace(
            self,
            session_seconds=self.session_seconds + more,
            judge_seconds=self.judge_seconds + more,
        )
