"""What the commands share: options, and how they refuse."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NoReturn

import click

from autograder.collection.tree import CollectionError
from autograder.errors import AuthoringError, NotInstalled
from autograder.handin.submission import SubmissionError

reference_option = click.option(
    "--reference",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The folder of topics; by default the one that comes with Gradmark.",
)
secret_option = click.option(
    "--secret-file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="GRADMARK_SECRET_FILE",
    help="The course's secret, from which hidden cases are drawn; made when it is missing.",
)
device_option = click.option("--device", default="cpu", show_default=True, help="A torch device.")
plots_option = click.option(
    "--plots",
    type=click.Path(file_okay=False, path_type=Path),
    help="Also write each training curve into this folder, as SVG and PNG.",
)
no_sandbox_option = click.option(
    "--no-sandbox", is_flag=True, help="Run without confinement: only for code you wrote yourself."
)


def file_option(kind: str, what: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """An option to write a file of that kind as well."""
    path = click.Path(dir_okay=False, path_type=Path)
    return click.option(f"--{kind}", f"{kind}_file", type=path, help=what)


MISUSE, CANNOT_GRADE = 2, 3


def _fail(message: str, code: int) -> NoReturn:
    click.echo(f"gradmark: {message}", err=True)
    sys.exit(code)


def refuse_clearly(command: Callable[..., None]) -> Callable[..., None]:
    """Turn what can go wrong into one sentence and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> None:
        from autograder.sandbox import SandboxFault, SandboxUnavailable

        try:
            command(*args, **kwargs)
        except (SubmissionError, AuthoringError, CollectionError, FileExistsError) as error:
            _fail(str(error), MISUSE)
        except KeyError as error:
            _fail(str(error.args[0]), MISUSE)
        except OSError as error:
            _fail(f"{error.filename or 'a file'}: {error.strerror or error}", MISUSE)
        except (SandboxUnavailable, SandboxFault, NotInstalled) as error:
            _fail(str(error), CANNOT_GRADE)

    return run
