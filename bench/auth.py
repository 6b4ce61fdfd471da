"""Measure Auth: sign-in against bcrypt alone, refresh against its SQL alone.

    python -m bench.auth [--rounds 9]

Runs a whole local stack of its own, with the settings that people get (bcrypt cost 10, commits on disk).
What is compared takes turns in the same run; each line gives the median of the ratios and their spread.
"""

from __future__ import annotations

import argparse
import json
import statistics
import tempfile
import threading
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import bcrypt
import psycopg

from bench import load
from bench.measure import ROUNDS, in_turn, line, microseconds, ratios, seconds_per_call
from signet_stack.handle import RunningStack
from signet_stack.process.lease import take_lease

PASSWORD = "correct horse battery staple"
COST = 10
SIGN_INS, REFRESHES, PARALLEL = 5, 50, 8
# What a refresh must read and write, in its order, by one statement for each thing.
REFRESH_SQL = (
    "select user_id, refresh_token_counter, refresh_token_hmac_key from auth.sessions where id = %(session)s",
    "select * from auth.users where id = %(user)s and instance_id = '00000000-0000-0000-0000-000000000000'",
    "select refresh_token_counter from auth.sessions where id = %(session)s for update skip locked",
    "update auth.sessions set refresh_token_counter = refresh_token_counter + 1, refreshed_at = now(),"
    " updated_at = now() where id = %(session)s",
    "select authentication_method, updated_at from auth.mfa_amr_claims where session_id = %(session)s",
    "select * from auth.identities where user_id = %(user)s order by created_at, id",
    "select * from auth.mfa_factors where user_id = %(user)s order by created_at, id",
)


class Person:
    """Somebody who signs in and refreshes over HTTP."""

    def __init__(self, stack: RunningStack) -> None:
        self._url = stack.api_url
        self._headers = {"apikey": stack.publishable_key, "Content-Type": "application/json"}
        self._here = threading.local()  # a connection for each thread, which stays open
        self.credentials = {"email": f"{uuid.uuid4().hex}@example.com", "password": PASSWORD}
        self.user_id, self._refresh_token = self._session("/signup", self.credentials)

    def sign_in(self) -> None:
        """Open a session."""
        self._session("/token?grant_type=password", self.credentials)

    def fail(self, email: str) -> None:
        """Be refused for a wrong password, or for an address that nobody has."""
        self._post("/token?grant_type=password", {"email": email, "password": "wrong"}, 400)

    def refresh(self) -> None:
        """Continue the session."""
        body = {"refresh_token": self._refresh_token}
        _, self._refresh_token = self._session("/token?grant_type=refresh_token", body)

    def _session(self, path: str, body: dict[str, str]) -> tuple[str, str]:
        answer = json.loads(self._post(path, body, 200))
        return answer["user"]["id"], answer["refresh_token"]

    def _post(self, path: str, body: dict[str, str], status: int) -> bytes:
        if not hasattr(self._here, "connection"):
            self._here.connection = load.Connection(load.address_of(self._url))
        connection: load.Connection = self._here.connection
        content = json.dumps(body).encode()
        request = load.request_of("POST", f"{self._url}/auth/v1{path}", self._headers, content)
        return connection.ask(request, status)


def bare_refresh(stack: RunningStack, user_id: str) -> Callable[[], None]:
    """Return a function that runs the SQL of a refresh on one connection, each time with a commit."""
    connection = psycopg.connect(stack.database_url)
    row = connection.execute("select id from auth.sessions where user_id = %s limit 1", (user_id,)).fetchone()
    values = {"user": user_id, "session": row[0] if row else None}
    connection.commit()

    def refresh() -> None:
        for statement in REFRESH_SQL:
            connection.execute(statement.encode(), values)
        connection.commit()

    return refresh


def all_at_once(call: Callable[[], object], calls: int) -> Callable[[], object]:
    """Return a function that runs a call several times in parallel."""

    def together() -> None:
        with ThreadPoolExecutor(calls) as pool:
            for future in [pool.submit(call) for _ in range(calls)]:
                future.result()

    return together


def report(stack: RunningStack, rounds: int) -> None:
    """Print every comparison."""
    person, other = Person(stack), Person(stack)
    hashed = bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(COST))

    def check() -> bool:
        return bcrypt.checkpw(PASSWORD.encode(), hashed)

    figures = in_turn(
        {
            "bcrypt": seconds_per_call(check, SIGN_INS),
            "sign-in": seconds_per_call(person.sign_in, SIGN_INS),
            "bcrypts": seconds_per_call(all_at_once(check, PARALLEL), 1),
            "sign-ins": seconds_per_call(all_at_once(person.sign_in, PARALLEL), 1),
            "known": seconds_per_call(lambda: person.fail(person.credentials["email"]), SIGN_INS),
            "unknown": seconds_per_call(lambda: person.fail("nobody@example.com"), SIGN_INS),
            "sql": seconds_per_call(bare_refresh(stack, other.user_id), REFRESHES),
            "refresh": seconds_per_call(person.refresh, REFRESHES),
        },
        rounds,
    )
    print(line("sign-in / bcrypt alone", ratios(figures, "sign-in", "bcrypt"), "<= 1.15"))
    print(line(f"{PARALLEL} sign-ins at once / {PARALLEL} bcrypts", ratios(figures, "sign-ins", "bcrypts")))
    print(line("refresh / its SQL alone", ratios(figures, "refresh", "sql"), "<= 3"))
    print(line("unknown address / wrong password", ratios(figures, "unknown", "known"), "1"))
    for name in ("bcrypt", "sign-in", "sql", "refresh"):
        print(
            f"  {name:<10} {microseconds(figures[name])}, {1 / statistics.median(figures[name]):.0f} a second"
        )


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    rounds = parser.parse_args().rounds
    with tempfile.TemporaryDirectory(prefix="signet-bench-") as folder:
        lease = take_lease(Path(folder) / "signet_stack", "http://127.0.0.1:8000", "bench", lambda *_: None)
        try:
            report(lease.stack, rounds)
        finally:
            lease.release()


if __name__ == "__main__":
    main()
