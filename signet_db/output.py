"""Output of commands: lines or JSON on stdout, progress and errors on stderr, colour on a terminal only."""

from __future__ import annotations

import errno
import json
import os
import re
import shlex
import sys
from collections.abc import Callable, Iterable
from functools import wraps
from typing import Any, ParamSpec, TypeVar

import click

from signet_db.errors import HistoryConflict, InputRejected, MigrationError, MigrationFailed, SignetError

FAILED = 1
PENDING = 3
INTERRUPTED = 130

Command = Callable[..., Any]
P = ParamSpec("P")
R = TypeVar("R")

# The colour of a line, by its first word.
_COLOURS = {"✓": "green", "•": "yellow", "!": "red", "✗": "red", "error:": "red", "warning:": "yellow"}


def with_json(command: Command) -> Command:
    """Add the option ``--json``, passed as ``as_json``."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")(command)


def with_yes(command: Command) -> Command:
    """Add the option ``--yes``, for ``confirm``."""
    return click.option("--yes", is_flag=True, help="Do not ask for confirmation.")(command)


def show(lines: Iterable[str]) -> None:
    """Print the result."""
    for line in lines:
        click.echo(_painted(with_repeated_options(line)), color=_colour())


def tell(line: str, *, newline: bool = True) -> None:
    """Print progress, a warning or an error."""
    click.echo(_painted(with_repeated_options(line)), err=True, nl=newline, color=_colour())


_REPEATED = "signet_db.repeated"
_PROGRAM = "signet_db.program"
_DB_COMMAND = re.compile(r"flask db (status|upgrade|new|lint|explain|verify|prove|reset|repair|wait)\b")
_NO_TARGET = frozenset({"new", "explain"})
_NO_FOLDER = frozenset({"wait", "explain"})


def repeat(option: str, value: str = "") -> None:
    """Repeat an option of this invocation in each ``flask db`` command that its output names.

    A next step that is copied must reach the database and the folder that were meant.
    """
    context = click.get_current_context()
    context.meta.setdefault(_REPEATED, {})[option] = f"{option} {shlex.quote(value)}" if value else option


def name_program(name: str) -> None:
    """Print another program's name for ``flask db`` in the commands that the output names."""
    click.get_current_context().meta[_PROGRAM] = name


def with_repeated_options(line: str) -> str:
    """Return the line with its ``flask db`` commands as this invocation's user has to type them."""
    context = click.get_current_context(silent=True)
    options: dict[str, str] = context.meta.get(_REPEATED, {}) if context else {}
    program = context.meta.get(_PROGRAM, "flask db") if context else "flask db"

    def complete(match: re.Match[str]) -> str:
        command = match[1]
        absent = {"--folder"} if command in _NO_FOLDER else set()
        absent |= {"--database-url", "--local"} if command in _NO_TARGET else set()
        return " ".join([program, command, *(text for name, text in options.items() if name not in absent)])

    line = _DB_COMMAND.sub(complete, line)
    return line if program == "flask db" else line.replace("flask local", "python -m signet_stack")


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
    """Ask before data is lost; a no ends the command. Raises InputRejected when stdin is not a terminal."""
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
    """Print the errors of a command, as JSON with ``--json``, and exit with a code."""

    @wraps(command)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return command(*args, **kwargs)
        except SignetError as error:
            if kwargs.get("as_json"):
                show_json({"error": error_json(error)})
            else:
                for line in error_lines(error):
                    tell(line)
            raise SystemExit(error.exit_code) from error
        except OSError as error:
            if error.errno == errno.EPIPE:  # the reader of the pipe has gone; click ends quietly
                raise
            tell(f"error: {error}      [system_error]")
            tell("Next: check the disk, the permissions and the network, then run the command again.")
            raise SystemExit(FAILED) from error
        except KeyboardInterrupt as interrupt:
            tell("Interrupted.")
            raise SystemExit(INTERRUPTED) from interrupt

    return wrapped


def error_lines(error: SignetError) -> list[str]:
    """Return an error with its place, what remains, and the next step as the last line."""
    first, *rest = error.message.splitlines()
    lines = [f"error: {first}      [{_code(error)}]", *rest]
    if isinstance(error, MigrationError) and error.place:
        line, caret = error.place.excerpt()
        lines += [f"  {error.place}", f"  {line}", f"  {caret}"]
    if isinstance(error, MigrationFailed):
        details = [line for detail in error.details for line in detail.splitlines()]
        lines += [f"  {line}" for line in (*details, error.kept)]
    if isinstance(error, HistoryConflict):
        lines += [f"  {detail}" for detail in error.details]
    return [*lines, f"Next: {error.hint}"] if error.hint else lines


def error_json(error: SignetError) -> dict[str, object]:
    """Return an error as plain values; null where something does not apply."""
    place = error.place if isinstance(error, MigrationError) else None
    failed = error if isinstance(error, MigrationFailed) else None
    return {
        "code": error.code,
        "message": error.message,
        "hint": with_repeated_options(error.hint),
        "file": place and place.path.name,
        "line": place and place.line,
        "column": place and place.column,
        "sqlstate": failed and failed.sqlstate,
        "details": list(getattr(error, "details", ())),
        "kept": failed and failed.kept,
    }


def _code(error: SignetError) -> str:
    sqlstate = error.sqlstate if isinstance(error, MigrationFailed) else ""
    return f"{error.code} {sqlstate}".rstrip()


def _painted(line: str) -> str:
    """Return the line with its mark in colour; click takes colours away where no terminal is."""
    first = line.split(maxsplit=1)[0] if line.strip() else ""
    if colour := _COLOURS.get(first):
        return line.replace(first, click.style(first, fg=colour, bold=True), 1)
    return click.style(line, bold=True) if first == "Next:" else line


def _colour() -> bool | None:
    """Return False where NO_COLOR forbids colour (no-color.org), else let click look at the stream."""
    return False if os.environ.get("NO_COLOR") else None
