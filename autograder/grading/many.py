"""Grade many submissions, on all processors: the way of folders, of the audit, of benchmarks."""

from __future__ import annotations

import logging
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from autograder.grading.spread import Lost, Setting, Warm, spread
from autograder.handin.submission import SubmissionError
from autograder.policy import Cost
from autograder.report import Report
from autograder.sandbox import SandboxUnavailable

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Item:
    """A file that was handed in; `key` is the caller's name for it."""

    key: str
    filename: str
    content: bytes


@dataclass(frozen=True)
class Graded:
    """What became of an item: exactly one of the three.

    Attributes:
        refused: the file cannot be read as a submission: one sentence for who handed it in.
        fault: something of ours failed: one sentence for who runs it, and no score.
    """

    key: str
    report: Report | None = None
    refused: str | None = None
    fault: str | None = None


def grade_many(
    items: Iterable[Item],
    assignment: str,
    secret: bytes,
    *,
    reference: Path | None = None,
    device: str = "cpu",
    policy: Cost = "report",
    confined: bool = True,
    jobs: int | None = None,
    cache: Path | None = None,
) -> Iterator[Graded]:
    """Grade each item for an assignment; they come as they are done, in no order.

    Args:
        items: drawn when they are wanted, so not all need be in memory.
        jobs: how many are graded at a time; None: one per processor.
        cache: a folder to keep the reference's training runs in.

    Raises:
        KeyError: there is no such assignment.
        AuthoringError: a topic is not well formed.
        SandboxUnavailable: this machine cannot confine code.
    """
    setting = Setting(secret, reference, device, confined, cache)
    task = partial(_grade, assignment=assignment, policy=policy)
    for result in spread(task, items, setting, jobs or os.cpu_count() or 1):
        if isinstance(result, Lost):
            why = "the process that graded it was ended from outside, perhaps for want of memory"
            yield Graded(result.work.key, fault=why)
        else:
            yield result


def _grade(warm: Warm, item: Item, *, assignment: str, policy: Cost) -> Graded:
    warm.catalogue[assignment]  # KeyError is the caller's mistake, and not a fault of grading
    grader = warm.grader
    try:
        submission = warm.reader.read(item.filename, item.content)
        return Graded(item.key, grader.grade(assignment, submission, policy=policy))
    except SubmissionError as error:
        return Graded(item.key, refused=str(error))
    except SandboxUnavailable:
        raise
    except Exception as error:
        log.exception("grading %s failed", item.key)
        return Graded(item.key, fault=f"{type(error).__name__}: {error}")
