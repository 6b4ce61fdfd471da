"""One local stack from start to stop: PostgreSQL, the services, the control socket and ``stack.json``.

The order of the start is chosen for speed: the server is made and started while this process still imports
its services. The order of the stop is the reverse, and everything that matters also holds without it: the
supervisor stops PostgreSQL when this process is killed, and the next start clears what is left.
"""

from __future__ import annotations

import importlib
import shutil
import socket
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack, suppress
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from signet_stack.errors import MissingPackage, PostgresError, folder_error
from signet_stack.options import Options
from signet_stack.postgres.binaries import find_binaries
from signet_stack.postgres.cluster import TEST_SETTINGS, Cluster
from signet_stack.postgres.recovery import clear_leftovers
from signet_stack.postgres.root import existing_cluster, place
from signet_stack.process import folder, ports, stack_file
from signet_stack.process.control import Control
from signet_stack.process.signals import next_signals
from signet_stack.process.stack_file import Installation

if TYPE_CHECKING:
    from signet_stack.services import Services


Report = Callable[[str, str], None]  # which part, and what about it


class Stack:
    """Runs in one process; the folder's lock is held from beginning to end."""

    def __init__(
        self,
        options: Options,
        environ: Mapping[str, str],
        control: Control,
        report: Report,
        wakeups: int,
    ) -> None:
        self._options = options
        self._environ = environ
        self._control = control
        self._report = report
        self._wakeups = wakeups  # becomes readable when a signal arrives, see signals.py

    def run(self, on_ready: Callable[[Installation], None]) -> None:
        """Start everything, then block until PostgreSQL ends, which is an error; raise StackError.

        Meant to be interrupted by an exception from a signal handler: everything is stopped on the way out.
        """
        folder.prepare(self._options.folder)
        with ExitStack() as undo:
            if self._options.is_temporary:
                undo.callback(delete, self._options.folder)
            lock = undo.enter_context(folder.locked(self._options.folder))
            for log in (folder.SERVER_LOG, folder.STACK_LOG):
                folder.rotate_log(self._options.folder / log)
            saved = stack_file.load(self._options.folder)
            listener = undo.enter_context(
                ports.listen(self._options.api_ports(saved.api_port if saved else None))
            )
            self._installation = self._settle(saved, listener)
            undo.callback(self._save, is_running=False)
            self._save(is_running=True)
            importing = _import_services()
            cluster = self._cluster(lock)
            undo.callback(cluster.stop)
            self._start_cluster(cluster)
            importing.join()
            services = self._start_services(cluster, listener)
            undo.callback(services.close)
            on_ready(self._installation)
            self._control.announce_ready(services.describe)
            while cluster.is_running:
                next_signals(self._wakeups)
            raise PostgresError(
                "PostgreSQL has ended without having been told to.",
                f"read {cluster.log_path}, then start again: committed rows are safe",
            )

    def _settle(self, saved: Installation | None, listener: socket.socket) -> Installation:
        api_port = int(listener.getsockname()[1])
        db_port = ports.first_free(self._options.database_ports(saved.db_port if saved else None))
        settled = saved or stack_file.new_installation(api_port, db_port)
        return replace(
            settled,
            api_port=api_port,
            db_port=db_port,
            default_privileges=self._options.default_privileges or settled.default_privileges,
        )

    def _save(self, *, is_running: bool) -> None:
        if self._options.is_temporary and not is_running:
            return  # the folder may be gone
        control = self._control.address if is_running else None
        stack_file.save(self._options.folder, self._installation, self._options.site_url, control)

    def _cluster(self, lock: int) -> Cluster:
        placement = place(self._options.folder, find_binaries(self._environ), self._environ)
        return Cluster(
            placement.data_dir,
            self._installation.db_port,
            self._installation.passwords,
            TEST_SETTINGS if self._options.is_ephemeral else {},
            placement.binaries,
            placement.run_as,
            self._options.folder / folder.SERVER_LOG,
            (lock,),
            is_temporary=self._options.is_temporary,
            may_move=self._options.db_port is None,
        )

    def _note_port(self, db_port: int) -> None:
        if db_port != self._installation.db_port:
            self._installation = replace(self._installation, db_port=db_port)
            self._save(is_running=True)

    def _start_cluster(self, cluster: Cluster) -> None:
        started = time.monotonic()
        if not cluster.exists:
            self._report("postgres", f"creating a cluster in {cluster.data_dir}")
            cluster.create()
        cluster.start()
        self._report("postgres", f"ready  {cluster.port}  {time.monotonic() - started:.1f} s")

    def _start_services(self, cluster: Cluster, listener: socket.socket) -> Services:
        started = time.monotonic()
        try:
            import psycopg

            from signet_stack.postgres.bootstrap import bootstrap
            from signet_stack.services import open_context, start_services
        except ImportError as error:
            raise MissingPackage(error) from None
        try:
            bootstrap(
                cluster, lambda text: self._report("warning", text), self._installation.default_privileges
            )
            self._note_port(cluster.port)
            context = open_context(cluster, self._installation, self._options, self._environ)
            services = start_services(context, listener)
        except psycopg.Error as error:
            raise PostgresError(
                f"PostgreSQL runs, but cannot be used: {error}", f"read {cluster.log_path}"
            ) from error
        self._report("services", f"ready  {self._installation.api_port}  {time.monotonic() - started:.1f} s")
        return services


def _import_services() -> threading.Thread:
    """Import what the services need in a thread; an import that fails there fails again where it is used."""

    def importing() -> None:
        with suppress(ImportError):
            importlib.import_module("signet_stack.postgres.bootstrap")
            importlib.import_module("signet_stack.services")

    thread = threading.Thread(target=importing, daemon=True)
    thread.start()
    return thread


def reset(path: Path) -> None:
    """Delete all that a stopped stack has stored in its folder; raise AlreadyRunning when it runs."""
    folder.prepare(path)
    with folder.locked(path):
        try:
            _delete_clusters(path)
            for entry in path.iterdir():
                if entry.name in (folder.LOCK_NAME, folder.IGNORE_NAME):
                    continue
                if entry.is_dir():
                    shutil.rmtree(entry)
                else:
                    entry.unlink()
        except OSError as error:
            raise folder_error(error, path) from None


def delete(path: Path) -> None:
    """Delete the folder of a stopped stack with all that it has stored, wherever root.py has put it."""
    with suppress(OSError):
        _delete_clusters(path)
    shutil.rmtree(path, ignore_errors=True)


def _delete_clusters(path: Path) -> None:
    while cluster := existing_cluster(path):
        clear_leftovers(cluster)
        shutil.rmtree(cluster)
        if cluster.parent != path:
            cluster.parent.rmdir()
