"""`gradmark serve`: pages and graders in one command."""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
from collections.abc import Callable
from contextlib import ExitStack
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import NoReturn

import click
import waitress
from flask import Flask

from autograder.reading import SandboxFault, SandboxUnavailable, reader
from server import engine, logs, lti, options, outbox
from server.grades.withheld import Withheld
from server.grading import checking, exercises
from server.grading.grader import EXIT_CANNOT_GRADE
from server.grading.heartbeat import repeated
from server.grading.supervisor import GraderEnded, Supervisor
from server.mail.reminders import Reminders
from server.storage.config import Config, ConfigError
from server.storage.database import Database, opened
from server.storage.models import Kind, Outgoing
from server.web.app import create_app
from server.web.student.lesson import make_ahead

_THREADS = 8
_SWEEP_EVERY = timedelta(seconds=2)
_SAID_EVERY = timedelta(seconds=5)
# A class's browsers keep theirs open between two requests; past it, nobody is answered.
_CONNECTIONS = 4000
# Flask refuses what is too large with a page; far larger requests are not even read.
_LARGEST_REQUEST = 40 * 2**20
# Without these, nothing believes what a request says about who forwarded it.
_PROXY = {
    "trusted_proxy": "*",
    "trusted_proxy_headers": {"x-forwarded-for", "x-forwarded-host", "x-forwarded-proto"},
}


class _Refusal(click.ClickException):
    exit_code = ConfigError.exit_status


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
@options.data
@click.option(
    "--graders",
    type=click.IntRange(0),
    default=1,
    envvar="GRADMARK_GRADERS",
    show_default=True,
    help="How many submissions are graded at a time, on the CPU.",
)
@click.option(
    "--device",
    "devices",
    multiple=True,
    envvar="GRADMARK_DEVICES",
    help="A grader more, on this GPU: cuda:0. May be given for each.",
)
@options.reference
@click.option(
    "--behind-proxy",
    is_flag=True,
    envvar="GRADMARK_BEHIND_PROXY",
    help="A proxy that speaks HTTPS is in front: believe its X-Forwarded headers.",
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
    devices: tuple[str, ...],
    reference: Path | None,
    behind_proxy: bool,
    metrics_token: str | None,
    log_format: str,
) -> None:
    """Take submissions on a web page and grade them on this machine."""
    logs.set_up(log_format)
    config = Config(data, reference, behind_proxy, metrics_token)
    listener = _listen(host, port)
    try:
        reader().start(wait=False)
        opened(config).close()
        app = create_app(config, engine.load(reference))
        reader().start()
    except ConfigError as error:
        click.echo(f"Error: {error}", err=True)
        sys.exit(error.exit_status)
    except (SandboxUnavailable, SandboxFault) as error:
        click.echo(error, err=True)
        sys.exit(EXIT_CANNOT_GRADE)
    signal.signal(signal.SIGTERM, _leave)
    given_up: list[GraderEnded] = []

    def give_up(ended: GraderEnded) -> None:
        given_up.append(ended)
        os.kill(os.getpid(), signal.SIGTERM)

    say = partial(exercises.publish, Database(config.database), engine.digests(reference))
    on = [*["cpu"] * graders, *devices]
    commands = [_grader_command(config, log_format, device) for device in on]
    supervisor = Supervisor(commands, give_up)
    _allow_connections()
    running = ExitStack()
    try:
        if config.shared is not None:
            say()
            running.enter_context(repeated(say, _SAID_EVERY, "telling the exercises"))
        supervisor.start()
        make_ahead(app.extensions["gradmark"])
        server = waitress.create_server(
            app,
            sockets=[listener],
            threads=_THREADS,
            connection_limit=_CONNECTIONS,
            asyncore_use_poll=True,  # select() ends at 1024 files
            ident=None,
            max_request_body_size=_LARGEST_REQUEST,
            clear_untrusted_proxy_headers=False,  # /metrics asks whether there is any
            **(_PROXY if behind_proxy else {}),
        )
        click.echo(f"Gradmark is at {_url(listener)} (stop with Ctrl-C).")
        with repeated(sweep_of(app), _SWEEP_EVERY, "outbox"):
            server.run()  # returns on SIGINT and SIGTERM, once running requests are answered
    except SystemExit:
        pass  # a signal that came before
    finally:
        running.close()
        supervisor.stop()
    for ended in given_up:
        if ended.status == EXIT_CANNOT_GRADE:  # it has said why
            sys.exit(EXIT_CANNOT_GRADE)
        raise _Refusal(str(ended))


def sweep_of(app: Flask) -> outbox.Sweep:
    """What sends the application's mail, and the grades to course systems."""
    here, post = app.extensions["gradmark"], app.extensions["gradmark_post"]
    return outbox.Sweep(
        here.database,
        {**(post.senders if post else {}), **_reporting(app)},
        before=(
            Withheld(here.database, here.clock),
            partial(checking.sweep, here.database, here.clock),
            *((Reminders(here.database, here.clock),) if post else ()),
        ),
        clock=here.clock,
    )


def _reporting(app: Flask) -> dict[Kind, Callable[[Outgoing], None]]:
    if not lti.available():
        return {}
    from server.lti.grades import Reporter

    here = app.extensions["gradmark"]
    return {Kind.GRADE: Reporter(here.database, here.clock)}


def _allow_connections() -> None:
    """As many open files as there may be connections, if the machine permits that many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = 2 * _CONNECTIONS
    if soft != resource.RLIM_INFINITY and soft < wanted:
        allowed = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (allowed, hard))


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


def _grader_command(config: Config, log_format: str, device: str) -> list[str]:
    command = [sys.executable, "-m", "server.grading.grader", "--supervised"]
    command += ["--device", device]
    command += ["--data", str(config.data)]
    command += ["--log-format", log_format]
    if config.reference is not None:
        command += ["--reference", str(config.reference)]
    return command


def _leave(*_signal: object) -> NoReturn:
    raise SystemExit(0)
