"""Read a connection string: what it names, in words without its password, and what is wrong with it."""

from __future__ import annotations

import ipaddress
import re

import psycopg
from psycopg import conninfo
from psycopg.pq import Conninfo

from signet_db.errors import MigrationError

_TRANSACTION_POOLER_PORT = "6543"
_HOSTED = (".supabase.co", ".supabase.com")
_PLACEHOLDER = "[YOUR-PASSWORD]"  # in every connection string that a hosted project shows
# What a host may look like: names, addresses, folders of sockets, and several of them.
_HOST = re.compile(r"[\w.,:%/\[\]-]*")
_PORT = re.compile(r"[0-9,]*")


def named(connection_string: str) -> str:
    """Return the target in words, without the password; raises MigrationError for no connection string."""
    parts = _parts(connection_string)
    host = parts.get("host") or parts.get("hostaddr") or "localhost"
    return (
        f"{parts.get('user', '')}@{host}:{parts.get('port', '')}/{parts.get('dbname', parts.get('user', ''))}"
    )


def names_another_machine(connection_string: str) -> bool:
    """Whether the text alone says that the server is elsewhere; for other names only the connection tells."""
    parts = _parts(connection_string)
    host = parts.get("hostaddr") or parts.get("host", "")
    try:
        return not ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host.lower().endswith(_HOSTED)


def refuse_transaction_pooler(connection_string: str) -> None:
    """Refuse the pooler that hands every transaction to another session: the lock would protect nothing."""
    parts = _parts(connection_string)
    if parts.get("port") == _TRANSACTION_POOLER_PORT and parts.get("host", "").lower().endswith(_HOSTED):
        raise MigrationError(
            "Port 6543 is the transaction pooler, which cannot hold the lock of a migration run.",
            hint="Use the session pooler or the direct connection: port 5432.",
        )


def _parts(connection_string: str) -> dict[str, str]:
    """Return the parts of a connection string, with what libpq takes from the environment for the rest."""
    try:
        given = conninfo.conninfo_to_dict(connection_string)
    except psycopg.ProgrammingError as error:
        raise _unreadable() from error
    parts = {key: str(value) for key, value in given.items() if value}
    looks_right = (
        "@" not in parts.get("dbname", "")
        and _HOST.fullmatch(parts.get("host", ""))
        and _PORT.fullmatch(parts.get("port", ""))
    )
    if not looks_right:
        raise _unreadable()
    if parts.get("password") == _PLACEHOLDER:
        raise MigrationError(
            f"The connection string still says {_PLACEHOLDER}.", hint="Put the database's password there."
        )
    defaults = {o.keyword.decode(): o.val.decode() for o in Conninfo.get_defaults() if o.val}
    return defaults | parts


def _unreadable() -> MigrationError:
    """Return the error without a word of the text: a password with @ or / in it may stand in any part."""
    return MigrationError(
        "The connection string cannot be read.",
        hint="It looks like  postgresql://USER:PASSWORD@HOST:5432/DATABASE  with special characters"
        " percent-encoded (@ is %40, / is %2F).",
    )
