"""The local stack from Python: the part that other packages and other people's programs import.

    from signet_stack import LocalStack

    with LocalStack() as stack:
        stack.apply_migrations("supabase/migrations")
        stack.create_user("alice@example.com", "correct horse battery staple")
        print(stack.url, stack.publishable_key)

``LocalStack()`` has a temporary folder, ports of its own and no fsync, and is deleted at the end, also after
kill -9 of this process or of the stack's. ``LocalStack("instance/signet_stack")`` starts or joins the stack
of that folder and keeps its data.
"""

from __future__ import annotations

import atexit
import os
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

from signet_stack.api_clients import AUTH_SETTINGS, LOCAL_PROJECT, Mailbox, ManagementApi, create_user
from signet_stack.errors import LocalStackFailed, LocalStackHangs, StackError, refuse_windows
from signet_stack.options import DefaultPrivileges
from signet_stack.process.lease import Lease, take_lease
from signet_stack.process.running import (
    LOOPBACK,
    RunningStack,
    find_running,
    is_locked,
    status_of,
    stop_running,
)

__all__ = [
    "LOOPBACK",
    "Lease",
    "LocalStack",
    "LocalStackFailed",
    "LocalStackHangs",
    "RunningStack",
    "StackError",
    "find_running",
    "hold",
    "is_locked",
    "refuse_windows",
    "status_of",
    "stop_running",
    "temporary_folder",
]

DEFAULT_SITE_URL = f"http://{LOOPBACK}:8000"
RAM_DISK = Path("/dev/shm")  # noqa: S108 - a private folder is made in it
RAM_DISK_BYTES = 300 * 1024 * 1024  # what a stack and the databases of a test run need
PREFIX = "signet-stack-"
LEFTOVER_SECONDS = 600  # a folder that a stack is about to lock is younger

Report = Callable[[str], None]

_held: dict[Path, Lease] = {}


def hold(
    folder: Path,
    site_url: str = DEFAULT_SITE_URL,
    *,
    name: str = "",
    report: Report = lambda line: None,
    on_lost: Callable[[], None] = lambda: None,
    command: str = "",
    options: Sequence[str] = (),
) -> Lease:
    """Start or join the stack of a folder and hold it until this process ends; raise StackError.

    A second call for the same folder returns the same lease. ``name`` is how `status` names this process,
    ``report`` receives the progress of a start, ``on_lost`` is called if the stack ends before this process,
    ``command`` is what hints name, and ``options`` are those of signet_stack/server.py.
    """
    refuse_windows()
    folder = folder.absolute()
    if folder not in _held:
        lease = take_lease(
            folder,
            site_url,
            name or Path(sys.argv[0]).name,
            report,
            on_lost=on_lost,
            options=options,
            command=command,
        )
        _held[folder] = lease
        atexit.register(lease.release)
    return _held[folder]


class LocalStack:
    """A local stack for the length of a ``with`` block.

    ``folder`` is its data folder; without one the stack is temporary. ``site_url`` is the address of the app,
    for the links in mails. ``report`` receives the progress of a start, line by line. The default privileges
    are the rights on new objects: those of hosted projects made since 2026-05-30 (``current``) or before
    (``legacy``); without the argument they are those of the folder's last start. Entering the block raises
    StackError.
    """

    def __init__(
        self,
        folder: Path | str | None = None,
        *,
        site_url: str = DEFAULT_SITE_URL,
        name: str = "",
        report: Report = lambda line: None,
        default_privileges: DefaultPrivileges | None = None,
    ) -> None:
        self._given = None if folder is None else Path(folder).absolute()
        self._site_url = site_url
        self._name = name or Path(sys.argv[0]).name
        self._report = report
        self._options = ["--default-privileges", default_privileges] if default_privileges else []
        if folder is None:
            self._options += ["--ephemeral", "--temporary"]
        self._lease: Lease | None = None
        self._folder: Path | None = None
        self._migrations: Path | None = None
        self._template: str | None = None  # for new databases, with the migrations
        self._databases: list[str] = []

    def __enter__(self) -> LocalStack:
        """Start or join the stack."""
        refuse_windows()
        self._folder = self._given or temporary_folder()
        try:
            self._lease = take_lease(
                self._folder, self._site_url, self._name, self._report, options=self._options
            )
        except BaseException:
            self._delete()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Drop the new databases and release the stack; a temporary one is deleted."""
        try:
            if self._given:
                for url in list(self._databases):
                    self.drop_database(url)
        finally:
            if self._lease is not None:
                self._lease.release()
            self._lease = None
            self._delete()

    @property
    def running(self) -> RunningStack:
        """The addresses and keys of the stack; raises LocalStackFailed outside of the block."""
        if self._lease is None:
            raise LocalStackFailed("This local stack is not running.", "Use it inside `with LocalStack():`")
        return self._lease.stack

    @property
    def folder(self) -> Path:
        """The data folder."""
        assert self._folder is not None or self.running  # noqa: S101
        assert self._folder is not None  # noqa: S101
        return self._folder

    @property
    def url(self) -> str:
        """What a client calls SUPABASE_URL."""
        return self.running.api_url

    @property
    def publishable_key(self) -> str:
        """The key for browsers and web apps."""
        return self.running.publishable_key

    @property
    def secret_key(self) -> str:
        """The key that bypasses row-level security."""
        return self.running.secret_key

    @property
    def database_url(self) -> str:
        """The connection string of the role postgres."""
        return self.running.database_url

    @property
    def mailbox(self) -> Mailbox:
        """The mails that Auth has sent."""
        return Mailbox(self.running.mailbox_url, self.url, self.secret_key)

    def apply_migrations(self, folder: Path | str) -> list[str]:
        """Apply the pending migrations of a folder; return their versions. Raises MigrationError."""
        from signet_db import runner

        applied = runner.upgrade(self.database_url, Path(folder))
        self._migrations, self._template = Path(folder), None
        return [one.migration.version for one in applied]

    def create_user(self, email: str, password: str, **more: Any) -> dict[str, Any]:
        """Create a confirmed user who can sign in, and return it as Auth shows it; raise InputRejected.

        ``more`` are further members of the admin API's request, such as ``user_metadata``.
        """
        return create_user(self.url, self.secret_key, email, password, **more)

    def change_auth_settings(self, **settings: Any) -> dict[str, Any]:
        """Change Auth's settings, such as ``jwt_exp`` or ``mailer_autoconfirm``; return all of them.

        The names are those of the platform's management API. Raises InputRejected for a bad value.
        """
        api = ManagementApi(self.url, LOCAL_PROJECT, self.running.management_token)
        return api.call("PATCH", AUTH_SETTINGS, settings)

    def new_database(self) -> str:
        """Create a database with roles, schema auth and the applied migrations; return its connection string.

        It is for SQL: Auth and the data API work on ``database_url``. It is dropped at the end of the block,
        or before by ``drop_database``.
        """
        from signet_db import scratch

        if self._template is None:
            self._template = scratch.migrated_template(self.database_url, self._migrations)
        url = scratch.create_database(self.database_url, self._template)
        self._databases.append(url)
        return url

    def drop_database(self, url: str) -> None:
        """Drop a database that ``new_database`` has created."""
        from signet_db import scratch

        self._databases.remove(url)
        scratch.drop_by_url(self.database_url, url)

    def _delete(self) -> None:
        if self._given is None and self._folder is not None:
            from signet_stack.stack import delete

            delete(self._folder)
            self._folder = None


def temporary_folder() -> Path:
    """Make a private folder for a temporary stack, in memory where there is room; clear what others left.

    The supervisor deletes the folder of a killed stack; only if that was killed too, something is left.
    """
    from signet_stack.stack import delete

    parent = Path(tempfile.gettempdir())
    with suppress(OSError):
        room = os.statvfs(RAM_DISK)
        if room.f_bavail * room.f_frsize >= RAM_DISK_BYTES and os.access(RAM_DISK, os.W_OK):
            parent = RAM_DISK
    for left in parent.glob(f"{PREFIX}*"):
        with suppress(OSError):
            found = left.stat()
            is_old = time.time() - found.st_mtime > LEFTOVER_SECONDS
            if is_old and found.st_uid == os.geteuid() and not is_locked(left):
                delete(left)
    return Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
