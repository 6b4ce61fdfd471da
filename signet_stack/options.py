"""Options of one stack process, as signet_stack/server.py reads them from its command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, get_args

from signet_stack.process import ports

DefaultPrivileges = Literal["current", "legacy"]


@dataclass(frozen=True, slots=True)
class Options:
    """The command line of one stack process."""

    folder: Path
    site_url: str
    api_port: int | None = None
    db_port: int | None = None
    is_ephemeral: bool = False
    is_temporary: bool = False
    default_privileges: DefaultPrivileges | None = None  # None: as at the last start

    def api_ports(self, saved: int | None) -> list[int]:
        """Return the ports to try for the services; ``saved`` is that of the last start."""
        return self._ports(ports.API_PORT, saved, self.api_port)

    def database_ports(self, saved: int | None) -> list[int]:
        """Return the ports to try for PostgreSQL; ``saved`` is that of the last start."""
        return self._ports(ports.DATABASE_PORT, saved, self.db_port)

    def _ports(self, default: int, saved: int | None, asked_for: int | None) -> list[int]:
        if self.is_ephemeral and asked_for is None:
            return [saved or ports.ANY_FREE_PORT, ports.ANY_FREE_PORT]
        return ports.candidates(default, saved, asked_for=asked_for)


def parse(argv: Sequence[str] | None = None) -> Options:
    """Read the command line; exit with code 2 when it is wrong."""
    parser = argparse.ArgumentParser("python -m signet_stack.server")
    add = parser.add_argument
    add("--folder", type=Path, required=True, metavar="DIR", help="the data folder")
    add("--site-url", default="http://127.0.0.1:8000", metavar="URL", help="the app, for links in mails")
    add("--api-port", type=_port, metavar="N", help="default: 54321, else the next free one")
    add("--db-port", type=_port, metavar="N", help="default: 54322, else the next free one")
    add("--ephemeral", action="store_true", help="any free ports, cheap password hashes, no fsync")
    add("--default-privileges", choices=get_args(DefaultPrivileges), help="for objects made from now on")
    add("--temporary", action="store_true", help="delete the data folder at the end")
    read = parser.parse_args(argv)
    return Options(
        folder=read.folder,
        site_url=read.site_url,
        api_port=read.api_port,
        db_port=read.db_port,
        is_ephemeral=read.ephemeral,
        is_temporary=read.temporary,
        default_privileges=read.default_privileges,
    )


def _port(text: str) -> int:
    number = int(text)
    if not 0 < number < 65536:
        raise argparse.ArgumentTypeError(f"{number} is not a port: 1 to 65535")
    return number
