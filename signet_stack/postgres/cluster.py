"""One PostgreSQL cluster on this machine: create, start, recover, stop.

TCP on loopback, scram passwords, one per login role; no socket file, so that no path is too long. A folder
named ``cluster`` is always one that initdb finished: it is made under another name first.
"""

from __future__ import annotations

import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from signet_stack.errors import PortTaken, PostgresError, stack_command
from signet_stack.postgres.binaries import Binaries, find_binaries
from signet_stack.postgres.extensions import control_path
from signet_stack.postgres.privileges import RunAs
from signet_stack.postgres.recovery import clear_leftovers, read_pid_file
from signet_stack.process.folder import write_private
from signet_stack.process.ports import ANY_FREE_PORT, LOOPBACK, first_free
from signet_stack.process.supervisor import Job, Supervisor, run

SUPERUSER = "supabase_admin"
LOGIN_ROLES = (SUPERUSER, "postgres", "authenticator", "supabase_auth_admin")
DEVELOPMENT_SETTINGS = {
    "shared_buffers": "16MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "50",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "0",
    "jit": "off",
    "temp_file_limit": "2GB",  # a query that spills without end must not fill the disk
    "dynamic_shared_memory_type": "mmap",  # in the data folder: a killed server leaves nothing elsewhere
    "log_error_verbosity": "terse",  # the detail of an error can be a row, hashes of passwords and all
    "timezone": "UTC",
    "log_timezone": "UTC",
}
SETTINGS_SINCE_18 = {"io_method": "sync"}
TEST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
READY_SECONDS = 60
POLL_SECONDS = 0.002
LOG_LINES_SHOWN = 20


@dataclass(slots=True)
class Cluster:
    """A data folder, its port, the passwords of its login roles, and as whom its server runs."""

    data_dir: Path
    port: int
    passwords: Mapping[str, str]
    extra_settings: Mapping[str, str] = field(default_factory=dict)
    binaries: Binaries = field(default_factory=lambda: find_binaries(os.environ))
    run_as: RunAs = field(default_factory=RunAs)
    log_path: Path = Path(os.devnull)
    holding: tuple[int, ...] = ()  # descriptors that the supervisor keeps open
    is_temporary: bool = False  # deleted by the supervisor when the stack was killed
    may_move: bool = False  # to any free port, when another program takes this one first
    _supervisor: Supervisor | None = None

    @property
    def extensions_dir(self) -> Path:
        """The folder of extensions that the server reads beside PostgreSQL's own."""
        return self.data_dir.with_name("extensions")

    @property
    def exists(self) -> bool:
        """Whether the cluster was made; a half-made one does not count."""
        return self.data_dir.exists()

    def create(self) -> None:
        """Make the cluster with ``initdb``; the superuser is supabase_admin."""
        draft = self.data_dir.with_name(f"{self.data_dir.name}.partial")
        shutil.rmtree(draft, ignore_errors=True)  # only initdb ever wrote there
        password_file = self.data_dir.with_name("initdb.password")
        write_private(password_file, self.passwords[SUPERUSER])
        argv = [
            self.binaries.program("initdb"),
            f"--pgdata={draft}",
            f"--username={SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth-local=scram-sha-256",
            "--auth-host=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
        ]
        if self.extra_settings.get("fsync") == "off":
            argv.append("--no-sync")
        try:
            self._run_program(argv, "initdb", draft)
        finally:
            password_file.unlink()
        draft.rename(self.data_dir)

    def check_version(self) -> None:
        """Raise PostgresError when another major version made the cluster."""
        try:
            made_by = (self.data_dir / "PG_VERSION").read_text().strip()
        except FileNotFoundError:
            raise PostgresError(
                f"{self.data_dir} is not a PostgreSQL cluster. Nothing was changed.",
                f"move that folder away, or start empty with: {stack_command()} reset",
            ) from None
        if made_by != str(self.binaries.major):
            raise PostgresError(
                f"PostgreSQL {made_by} made the cluster in {self.data_dir}, and PostgreSQL"
                f" {self.binaries.version} cannot open it. Nothing was changed.",
                f"let SIGNET_PG_BIN name the programs of PostgreSQL {made_by} to keep its rows,"
                f" or start empty with: {stack_command()} reset",
            )

    def start(self) -> None:
        """Start the server under a supervisor and wait until it accepts connections; clear a crash first."""
        self.check_version()
        clear_leftovers(self.data_dir)
        try:
            self._start_server()
        except PortTaken:  # between our look and the server's
            if not self.may_move:
                raise
            self.port = first_free([ANY_FREE_PORT])
            self._start_server()

    def _start_server(self) -> None:
        log_size, stale = self._log_size(), read_pid_file(self.data_dir)
        job = self._job(self._server_argv(), self.data_dir)
        if self.is_temporary:
            job = replace(job, delete_if_orphaned=(str(self.data_dir.parent), str(self.log_path.parent)))
        self._supervisor = Supervisor(job, holding=self.holding)
        try:
            self._wait_until_ready(log_size, stale)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Stop the server the fast way and wait for it."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor = None
            clear_leftovers(self.data_dir)  # there are some when the supervisor itself was killed

    @property
    def is_running(self) -> bool:
        """Whether the server was started and has not ended."""
        return self._supervisor is not None and self._supervisor.is_running

    def dsn(self, role: str, database: str = "postgres") -> str:
        """Return the connection string of a login role."""
        return f"postgresql://{role}:{self.passwords[role]}@{LOOPBACK}:{self.port}/{database}"

    def set_superuser_password(self) -> None:
        """Give a stopped cluster the password that we know, in single-user mode; keeps every row."""
        clear_leftovers(self.data_dir)
        statements = self.data_dir.with_name("password.sql")
        write_private(statements, f"alter role {SUPERUSER} password '{self.passwords[SUPERUSER]}';\n")
        argv = [self.binaries.program("postgres"), "--single", "-D", str(self.data_dir), "postgres"]
        try:
            self._run_program(argv, "postgres --single", self.data_dir, str(statements))
        finally:
            statements.unlink()

    def _run_program(self, argv: list[str], name: str, data_dir: Path, source: str = os.devnull) -> None:
        log_size = self._log_size()
        if run(self._job(argv, data_dir, source), holding=self.holding) != 0:
            raise self._failure(f"{name} failed", log_size)

    def _job(self, argv: list[str], data_dir: Path, source: str = os.devnull) -> Job:
        # TZ spares initdb the search for the machine's time zone; the server's is set by its settings.
        return Job(tuple(argv), self.log_path, data_dir, self.run_as, source, {"TZ": "UTC"})

    def _server_argv(self) -> list[str]:
        settings = {**DEVELOPMENT_SETTINGS, **self.extra_settings}
        if self.binaries.major >= 18:
            settings |= SETTINGS_SINCE_18
        if path := control_path(self.extensions_dir, self.binaries.major):
            settings["extension_control_path"] = path
        argv = [self.binaries.program("postgres"), "-D", str(self.data_dir), "-p", str(self.port)]
        argv += ["-c", f"listen_addresses={LOOPBACK}", "-c", "unix_socket_directories="]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        return argv

    def _wait_until_ready(self, log_size: int, stale: list[str]) -> None:
        """Wait for `ready` on line 8 of the pid file, but not of that of an earlier server."""
        assert self._supervisor is not None  # noqa: S101 - started
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if not self._supervisor.is_running:
                raise self._failure("PostgreSQL ended while starting", log_size)
            lines = read_pid_file(self.data_dir)
            if len(lines) >= 8 and lines[7].strip() == "ready" and lines[:3] != stale[:3]:
                return
            time.sleep(POLL_SECONDS)
        raise self._failure(f"PostgreSQL was not ready after {READY_SECONDS} s", log_size)

    def _failure(self, what: str, log_size: int) -> PostgresError | PortTaken:
        """Turn what the server wrote since into an error with a next step."""
        lines = self.log_path.read_bytes()[log_size:].decode(errors="replace").splitlines()
        text = "\n".join(f"    {line}" for line in lines[-LOG_LINES_SHOWN:])
        if "No space left on device" in text:
            return PostgresError(
                f"{what}: no room left on the disk of {self.data_dir}.", "free some space, then start again"
            )
        if "could not create any TCP/IP sockets" in text:
            return PortTaken(f"Port {self.port} is in use by another program.", "choose another port")
        return PostgresError(f"{what}. The end of its log:\n{text}", f"read {self.log_path}")

    def _log_size(self) -> int:
        return self.log_path.stat().st_size if self.log_path.is_file() else 0


def new_passwords() -> dict[str, str]:
    """Return a random password for each login role."""
    return {role: secrets.token_urlsafe(24) for role in LOGIN_ROLES}
