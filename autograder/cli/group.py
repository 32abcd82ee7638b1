"""The group of all commands: `gradmark`."""

from __future__ import annotations

import ast
import atexit
import gc
import sys
from importlib import metadata
from importlib.util import find_spec
from io import TextIOWrapper
from pathlib import Path

import click


class _Commands(click.Group):
    """Our commands, and those that other packages add (the server's `serve`)."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *(entry.name for entry in _added())})

    def get_command(self, ctx: click.Context, name: str) -> click.Command | None:
        for entry in _added():
            if entry.name == name:
                command: click.Command = entry.load()
                return command
        return super().get_command(ctx, name)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """As click does it, but without importing what others add, which takes seconds."""
        added = {entry.name: entry for entry in _added()}
        listed = click.Group()
        for name in self.list_commands(ctx):
            command = self.commands.get(name)
            help_ = _docstring(added[name]) if command is None else command.help
            listed.add_command(click.Command(name, help=help_))
        listed.format_commands(ctx, formatter)


def _added() -> metadata.EntryPoints:
    return metadata.entry_points(group="gradmark.commands")


def _docstring(entry: metadata.EntryPoint) -> str | None:
    """Of the function that an entry point names, as its source has it."""
    spec = find_spec(entry.module)
    if spec is None or spec.origin is None:
        return None
    tree = ast.parse(Path(spec.origin).read_bytes())
    functions = (node for node in tree.body if isinstance(node, ast.FunctionDef))
    return next((ast.get_docstring(f) for f in functions if f.name == entry.attr), None)


@click.group(cls=_Commands)
@click.version_option(package_name="gradmark")
def main() -> None:
    """Grade deep-learning exercises: outputs, gradients and statistics, in a sandbox."""
    atexit.register(gc.freeze)  # nor is there any use in looking for garbage at the end
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # what a terminal cannot show must not end a command
            stream.reconfigure(errors="replace")
