"""How commands speak: lines or JSON on stdout, progress and errors on stderr, colour on a terminal only."""

from __future__ import annotations

import errno
import json
import os
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import ParamSpec, TypeVar

import click

from app.errors import AppError, InputRejected

FAILED = 1
PENDING = 3
INTERRUPTED = 130

P = ParamSpec("P")
R = TypeVar("R")

# What a line begins with decides its colour.
_COLOURS = {"✓": "green", "•": "yellow", "!": "red", "error:": "red", "warning:": "yellow"}


def show(lines: Iterable[str]) -> None:
    """Print the result."""
    for line in lines:
        click.echo(_painted(line), color=_colour())


def tell(line: str, *, newline: bool = True) -> None:
    """Print progress, a warning or an error."""
    click.echo(_painted(line), err=True, nl=newline, color=_colour())


def show_json(value: object) -> None:
    """Print the result for a program."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


def show_either(as_json: bool, value: object, lines: Iterable[str]) -> None:
    """Print the result for a program or for a person."""
    if as_json:
        show_json(value)
    else:
        show(lines)


def confirm(question: str, yes: bool) -> None:
    """Ask before something is lost; a no ends the command. Raises InputRejected where nobody can answer."""
    if yes:
        return
    if not _can_answer():
        raise InputRejected(question, hint="Add --yes to do it without being asked.")
    try:
        is_meant = click.confirm(f"{question} Go on?", err=True)
    except click.Abort as abort:  # Ctrl-C and Ctrl-D, which click does not tell apart
        tell("")
        raise KeyboardInterrupt from abort
    if not is_meant:
        tell("Nothing was changed.")
        raise SystemExit(FAILED)


def _can_answer() -> bool:
    return sys.stdin.isatty()


def fails_in_words(command: Callable[P, R]) -> Callable[P, R]:
    """Turn the errors of a command into words, or JSON with ``--json``, and an exit code."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except AppError as error:
            from signet_db.report import error_json, error_lines

            if kwargs.get("as_json"):
                show_json({"error": error_json(error)})
            else:
                for line in error_lines(error):
                    tell(line)
            raise SystemExit(FAILED) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read the result has gone; click ends quietly
                raise
            tell(f"error: {error}      [system_error]")
            tell("Next: see to the disk, the permissions or the network, then run the command again.")
            raise SystemExit(FAILED) from error
        except KeyboardInterrupt as interrupt:
            tell("Interrupted.")
            raise SystemExit(INTERRUPTED) from interrupt

    return wrapped


def _painted(line: str) -> str:
    """Return the line with its mark in colour; click takes colours away where no terminal is."""
    first = line.split(maxsplit=1)[0] if line.strip() else ""
    if colour := _COLOURS.get(first):
        return line.replace(first, click.style(first, fg=colour, bold=True), 1)
    return click.style(line, bold=True) if first == "Next:" else line


def _colour() -> bool | None:
    """Return False where NO_COLOR forbids colour (no-color.org), else let click look at the stream."""
    return False if os.environ.get("NO_COLOR") else None
