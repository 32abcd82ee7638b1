"""`gradmark serve`: pages and graders in one command."""

from __future__ import annotations

import os
import signal
import socket
import sys
from pathlib import Path
from typing import NoReturn

import click
import waitress

from server import engine, logs
from server.app import create_app
from server.config import Config, ConfigError
from server.grader import EXIT_CANNOT_GRADE, EXIT_MISUSE
from server.supervisor import GraderEnded, Supervisor

_THREADS = 8
# Flask refuses what is too large with a page; far larger requests are not even read.
_LARGEST_REQUEST = 64 * 2**20


class _Refusal(click.ClickException):
    exit_code = EXIT_MISUSE


@click.command()
@click.option(
    "--host",
    default="127.0.0.1",
    envvar="GRADMARK_HOST",
    show_default=True,
    help="The address to listen on.",
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8000,
    envvar="GRADMARK_PORT",
    show_default=True,
    help="The port to listen on; 0 takes a free one.",
)
@click.option(
    "--data",
    type=click.Path(path_type=Path),
    default=Path("var"),
    envvar="GRADMARK_DATA",
    show_default=True,
    help="Where submissions, reports and secrets are kept.",
)
@click.option(
    "--graders",
    type=click.IntRange(0),
    default=1,
    envvar="GRADMARK_GRADERS",
    show_default=True,
    help="How many submissions are graded at a time.",
)
@click.option(
    "--reference",
    type=click.Path(path_type=Path, exists=True, file_okay=False),
    envvar="GRADMARK_REFERENCE",
    help="The exercises to grade by, if not the ones that come along.",
)
@click.option(
    "--metrics-token",
    envvar="GRADMARK_METRICS_TOKEN",
    help="What has to be sent to read /metrics; without one, this machine alone may.",
)
@logs.option
def serve(
    host: str,
    port: int,
    data: Path,
    graders: int,
    reference: Path | None,
    metrics_token: str | None,
    log_format: str,
) -> None:
    """Take submissions on a web page and grade them on this machine."""
    logs.set_up(log_format)
    config = Config(data, reference, metrics_token=metrics_token)
    listener = _listen(host, port)
    try:
        app = create_app(config, engine.load(reference))
    except ConfigError as error:
        raise _Refusal(str(error)) from None
    signal.signal(signal.SIGTERM, _leave)
    supervisor = Supervisor(_grader_command(config, log_format), graders)
    try:
        supervisor.start()
    except GraderEnded as error:
        if error.status == EXIT_CANNOT_GRADE:  # it has said why
            sys.exit(EXIT_CANNOT_GRADE)
        raise _Refusal(str(error)) from None
    try:
        server = waitress.create_server(
            app,
            sockets=[listener],
            threads=_THREADS,
            ident=None,
            max_request_body_size=_LARGEST_REQUEST,
        )
        click.echo(f"Gradmark is at {_url(listener)} (stop with Ctrl-C).")
        server.run()  # returns on SIGINT and SIGTERM, once running requests are answered
    finally:
        supervisor.stop()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family)
    except OSError as error:
        reason = os.strerror(error.errno) if error.errno else error
        raise _Refusal(f"Cannot listen on {host}, port {port}: {reason}.") from None


def _url(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _grader_command(config: Config, log_format: str) -> list[str]:
    command = [sys.executable, "-m", "server.grader", "--supervised", "--data", str(config.data)]
    command += ["--log-format", log_format]
    if config.reference is not None:
        command += ["--reference", str(config.reference)]
    return command


def _leave(*_signal: object) -> NoReturn:
    raise SystemExit(0)
