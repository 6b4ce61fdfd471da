"""A checkout in a place of its own, the commands that people run in it, and the processes that they leave."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from signet_stack.handle import RunningStack, find_running, status_of
from tests.support.patience import HANG_SECONDS
from tests.support.processes import processes_of

ROOT = Path(__file__).resolve().parents[3]
LIBRARIES = ("flask_signet", "signet_db", "signet_stack")
PARTS = ("wsgi.py", "gunicorn.conf.py", ".flaskenv", "app", *LIBRARIES, "migrations", "seed.sql")
PATIENCE = HANG_SECONDS
MIGRATIONS = len(list((ROOT / "migrations").glob("*.sql")))  # how many
# Nobody's own settings and nobody's .env may reach the commands under test.
ENVIRONMENT = {
    "FLASK_APP": "wsgi",
    "SUPABASE_LOCAL": "1",
    "FLASK_SKIP_DOTENV": "1",
    "PATH": os.environ["PATH"],
}


def until(condition: Callable[[], Any], what: str) -> Any:
    """Wait until a condition holds and return its value; fail with what was waited for."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"not within {PATIENCE} s: {what}")


class Command(subprocess.Popen[str]):
    """A command that runs beside the test, in a session of its own as a terminal would start it."""

    def __init__(self, argv: tuple[str, ...], folder: Path, environ: Mapping[str, str] | None) -> None:
        self.output = Path(tempfile.mkstemp(dir=folder, prefix="output-")[1])
        with self.output.open("w") as output:
            super().__init__(
                [sys.executable, "-m", *argv],
                cwd=folder,
                env={**ENVIRONMENT, **(environ or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                text=True,
                start_new_session=True,
            )

    @property
    def log(self) -> str:
        """Everything that it has printed."""
        return self.output.read_text()

    def wait_for(self, condition: Callable[[], Any], what: str) -> None:
        """Wait until a condition holds while the command runs."""
        until(lambda: self.poll() is not None or condition(), what)
        assert self.poll() is None, self.log


@dataclass
class Checkout:
    """A copy of the program with an instance folder of its own."""

    path: Path
    commands: list[Command] = field(default_factory=list)

    @classmethod
    def make(cls, path: Path) -> Checkout:
        """Copy what runs, as a fresh clone has it."""
        path.mkdir(parents=True)
        for part in PARTS:
            source = ROOT / part
            if source.is_dir():
                # Compiled files come along, to save time; not those that another process is just writing.
                shutil.copytree(source, path / part, ignore=shutil.ignore_patterns("*.pyc.*"))
            else:
                shutil.copy2(source, path / part)
        return cls(path)

    @classmethod
    def copy(cls, used: Path, path: Path) -> Checkout:
        """Copy a checkout whose stack has run before, and is stopped now."""
        shutil.copytree(used, path)
        return cls(path)

    @property
    def folder(self) -> Path:
        """The local stack's data folder."""
        return self.path / "instance" / "signet_stack"

    def stack_json(self) -> dict[str, Any]:
        """Read what the stack says about itself."""
        read = json.loads((self.folder / "stack.json").read_text())
        assert isinstance(read, dict)
        return read

    def begin(self, *argv: str, environ: Mapping[str, str] | None = None) -> Command:
        """Start `python -m ARGV`."""
        self.commands.append(Command(argv, self.path, environ))
        return self.commands[-1]

    def run(self, *argv: str, environ: Mapping[str, str] | None = None) -> subprocess.CompletedProcess[str]:
        """Run `python -m ARGV` to its end."""
        return subprocess.run(
            [sys.executable, "-m", *argv],
            cwd=self.path,
            env={**ENVIRONMENT, **(environ or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE * 2,
        )

    def serve(self, port: int, *options: str) -> Command:
        """Start `flask run` and wait until it has served a page."""
        command = self.begin("flask", "run", "--port", str(port), *options)
        command.wait_for(lambda: answers(f"http://127.0.0.1:{port}/healthz"), "a page")
        return command

    def hold(self, *, environ: Mapping[str, str] | None = None) -> Command:
        """Start `flask local start` and wait until the stack runs for it."""
        command = self.begin("flask", "local", "start", environ=environ)
        command.wait_for(lambda: "Stop: Ctrl-C" in command.log, "a stack")
        return command

    def running(self) -> RunningStack:
        """Return the stack that runs here."""
        stack = find_running(self.folder)
        assert stack is not None
        return stack

    def leases(self) -> list[int]:
        """Return the processes that use the stack."""
        status = status_of(self.running())
        assert status is not None
        return [lease["pid"] for lease in status["leases"]]

    def processes(self) -> dict[int, str]:
        """Return the processes that belong to this checkout, by id, with their command lines."""
        return processes_of(self.path)

    def one_process(self, word: str, *, but_not: str = "\n") -> int:
        """Return the id of the process whose command line has a word."""
        found = [pid for pid, line in self.processes().items() if word in line and but_not not in line]
        assert found, f"no process with {word} in its command line"
        return min(found)  # a child that was just forked still shows its parent's command line

    def assert_nothing_left(self) -> None:
        """Wait until no process of this checkout is left."""
        for command in self.commands:
            command.wait(PATIENCE)
        until(lambda: not self.processes(), f"the end of {self.processes()}")

    def end(self) -> None:
        """End everything, however the test ended."""
        for pid in self.processes():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        while self.commands:
            self.commands.pop().wait()


def answers(url: str) -> bool:
    """Whether somebody answers with success."""
    try:
        return httpx.get(url, trust_env=False).is_success
    except httpx.HTTPError:
        return False
