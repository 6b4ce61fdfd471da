"""One person with a session and a profile on a local stack of its own, for measuring."""

from __future__ import annotations

import json
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import jwt

from bench import load
from signet_db import runner
from signet_stack.context import Context
from signet_stack.postgres.database import Database
from signet_stack.process import stack_file
from signet_stack.process.lease import take_lease
from signet_stack.services import make_context

MIGRATIONS = Path(__file__).parent.parent / "migrations"
STOP_SECONDS = 20
COLUMNS = "id,user_id,display_name,avatar_url,is_public"


@dataclass(frozen=True)
class Subject:
    """One person with a profile, on a running stack."""

    context: Context
    owner_dsn: str  # of role postgres
    pid: int
    user_id: str
    token: str

    @property
    def path(self) -> str:
        """The request that reads the person's own profile."""
        return f"/profiles?select={COLUMNS}&user_id=eq.{self.user_id}"

    @property
    def headers(self) -> dict[str, str]:
        """What the app sends along."""
        return {"apikey": self.context.api_keys.publishable, "Authorization": f"Bearer {self.token}"}


@contextmanager
def subject() -> Iterator[Subject]:
    """Start a stack, apply the migrations, and make a person, a session and a profile."""
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        place = Path(folder) / "signet_stack"
        lease = take_lease(place, "http://127.0.0.1:8000", "bench", lambda *_: None, options=["--ephemeral"])
        runner.upgrade(lease.stack.database_url, MIGRATIONS)
        installation = stack_file.load(place)
        assert installation is not None
        dsn = "host=127.0.0.1 port={} dbname=postgres user={} password={}"
        auth, data = (
            dsn.format(installation.db_port, role, installation.passwords[role])
            for role in ("supabase_auth_admin", "authenticator")
        )
        context = make_context(Database(auth, data), installation, "http://127.0.0.1:8000")
        context.signing_keys.reload()
        try:
            yield _person(context, lease.stack.database_url, lease.stack.pid)
        finally:
            context.database.close()
            lease.release()
            _wait_until_stopped(place / "stack.json")


def _wait_until_stopped(file: Path) -> None:
    deadline = time.monotonic() + STOP_SECONDS
    while time.monotonic() < deadline and json.loads(file.read_text()).get("control"):
        time.sleep(0.05)


def _person(context: Context, owner_dsn: str, pid: int) -> Subject:
    user_id, session_id = str(uuid.uuid4()), str(uuid.uuid4())
    key = context.signing_keys.in_use()
    claims = {
        "sub": user_id,
        "role": "authenticated",
        "session_id": session_id,
        "exp": int(time.time()) + 3600,
    }
    token = jwt.encode(claims, key.private, key.algorithm, headers={"kid": key.kid})
    with context.database.auth.connection() as connection:
        connection.execute("insert into auth.users (id, email) values (%s, %s)", (user_id, f"{user_id}@x"))
        connection.execute("insert into auth.sessions (id, user_id) values (%s, %s)", (session_id, user_id))
    person = Subject(context, owner_dsn, pid, user_id, token)
    body = json.dumps({"display_name": "Bench"}).encode()
    request = load.request_of("POST", f"{context.api_url}/rest/v1/profiles", person.headers, body)
    with closing(load.Connection(load.address_of(context.api_url))) as connection:
        connection.ask(request, 201)
    return person
