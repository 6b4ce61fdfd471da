"""An Auth server on loopback that misbehaves on request: real HTTP, real sockets, no network beyond.

It issues real tokens from its own keys and rotates refresh tokens by the rule that matters: whoever holds
the active token or its parent gets the active one. Each endpoint can be given a fault, a function that
answers instead.
"""

from __future__ import annotations

import base64
import hashlib
import json
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any

from tests.support.loopback import serving
from tests.support.patience import HANG_SECONDS
from tests.support.token_mint import ALICE, Mint, claims, new_keys

PASSWORD = "correct horse battery staple"
USER = {
    "id": ALICE,
    "aud": "authenticated",
    "role": "authenticated",
    "email": "alice@example.com",
    "app_metadata": {"provider": "email"},
    "user_metadata": {},
    "created_at": "2026-01-01T00:00:00Z",
}
RSA_KEY = new_keys()["RS256"]  # every service's: only what is signed with ES256 must differ between them
Handler = BaseHTTPRequestHandler
Fault = Callable[[Handler], None]


class FaultyAuth:
    """One project's Auth service; ``now`` can be shifted against this machine's clock."""

    def __init__(self) -> None:
        self.mint = Mint(new_keys(RSA_KEY))
        self.algorithm = "ES256"
        self.token_life = 3600  # seconds
        self.sign_in_age = 0.0  # seconds that access tokens of new sessions are old
        self.clock_offset = 0.0
        self.published = ["ES256"]
        self.faults: dict[str, Fault] = {}
        self.calls: dict[str, int] = {"jwks": 0, "refresh": 0, "user": 0, "sign_in": 0, "code": 0}
        self.seen_refresh_tokens: list[str] = []
        self.seen_user_agents: list[str] = []  # of refreshes
        self.ended: set[str] = set()
        self.codes: dict[str, str] = {}  # the challenge of each PKCE code that was issued and not used
        self.delay = 0.0  # seconds before each refresh is answered
        self._lock = threading.Lock()
        self._generation: dict[str, int] = {}
        self.url = "http://127.0.0.1:1"  # until it runs
        self.issuer = f"{self.url}/auth/v1"

    @contextmanager
    def running(self) -> Iterator[FaultyAuth]:
        """Serve until the block ends."""
        with serving(self._handler()) as self.url:
            self.issuer = f"{self.url}/auth/v1"
            yield self

    def sign_in(self, *, age: float = 0.0, **changes: Any) -> dict[str, Any]:
        """Return a new session's tokens; ``age`` makes the access token that many seconds old."""
        session_id = str(uuid.uuid4())
        self._generation[session_id] = 0
        return self._pair(session_id, age=age, **changes)

    def end(self, session_id: str) -> None:
        """End a session, as a sign-out on another device does."""
        self.ended.add(session_id)

    def access_token(self, session_id: str, *, age: float = 0.0, **changes: Any) -> str:
        """Return an access token of a session."""
        issued_at = int(time.time() + self.clock_offset - age)
        payload = claims(
            iss=self.issuer,
            session_id=session_id,
            iat=issued_at,
            exp=issued_at + self.token_life,
            **changes,
        )
        return self.mint.token(self.algorithm, payload=payload)

    def jwks(self) -> bytes:
        """Return the published key set."""
        return json.dumps({"keys": [self.mint.jwk(algorithm) for algorithm in self.published]}).encode()

    def _pair(self, session_id: str, **changes: Any) -> dict[str, Any]:
        return {
            "access_token": self.access_token(session_id, **changes),
            "refresh_token": f"{session_id}:{self._generation[session_id]}",
            "token_type": "bearer",
            "expires_in": self.token_life,
            "user": USER,
        }

    def refresh(self, token: str) -> tuple[int, dict[str, Any]]:
        """Exchange a refresh token by the rule of the parent of the active token."""
        session_id, _, generation = token.partition(":")
        with self._lock:
            self.seen_refresh_tokens.append(token)
            if session_id in self.ended or session_id not in self._generation:
                return 400, {"code": "refresh_token_not_found", "message": "Refresh Token Not Found"}
            active = self._generation[session_id]
            if int(generation) == active:
                self._generation[session_id] = active + 1
            elif int(generation) != active - 1:
                return 400, {"code": "refresh_token_already_used", "message": "Already Used"}
            return 200, self._pair(session_id)

    def _handler(double) -> type[BaseHTTPRequestHandler]:
        class Requests(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: Any) -> None:
                """Stay silent."""

            def do_GET(self) -> None:
                if self.path.endswith("/.well-known/jwks.json"):
                    self._answer("jwks", lambda: reply(self, 200, double.jwks()))
                else:
                    self._answer("user", self._user)

            def do_POST(self) -> None:
                self.body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                if "grant_type=password" in self.path:
                    self._answer("sign_in", self._sign_in)
                elif "grant_type=pkce" in self.path:
                    self._answer("code", self._exchange_code)
                else:
                    self._answer("refresh", self._refresh)

            def _answer(self, name: str, ordinary: Callable[[], None]) -> None:
                with double._lock:
                    double.calls[name] += 1
                fault = double.faults.get(name)
                if fault is not None:
                    fault(self)
                else:
                    ordinary()

            def _refresh(self) -> None:
                time.sleep(double.delay)
                double.seen_user_agents.append(self.headers.get("User-Agent", ""))
                status, body = double.refresh(json.loads(self.body)["refresh_token"])
                reply(self, status, body)

            def _exchange_code(self) -> None:
                body = json.loads(self.body)
                challenge = double.codes.get(body["auth_code"])
                digest = hashlib.sha256(body["code_verifier"].encode()).digest()
                if challenge is None:
                    reply(self, 404, {"code": "flow_state_not_found", "message": "invalid flow state"})
                elif challenge != base64.urlsafe_b64encode(digest).rstrip(b"=").decode():
                    reply(self, 400, {"code": "bad_code_verifier", "message": "does not match"})
                else:
                    del double.codes[body["auth_code"]]
                    reply(self, 200, double.sign_in())

            def _sign_in(self) -> None:
                if json.loads(self.body)["password"] == PASSWORD:
                    reply(self, 200, double.sign_in(age=double.sign_in_age))
                else:
                    message = {"code": "invalid_credentials", "message": "Invalid login credentials"}
                    reply(self, 400, message, {"X-Supabase-Api-Version": "2024-01-01"})

            def _user(self) -> None:
                token = self.headers.get("Authorization", "").removeprefix("Bearer ")
                payload = token.split(".")[1]
                session_id = json.loads(_unpad(payload))["session_id"]
                if session_id in double.ended:
                    reply(self, 403, {"code": "session_not_found", "message": "gone"})
                else:
                    reply(self, 200, {"id": json.loads(_unpad(payload))["sub"]})

        return Requests


def reply(handler: Handler, status: int, body: Any = b"", headers: dict[str, str] | None = None) -> None:
    """Send an answer; a dict goes out as JSON."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    handler.send_response(status)
    for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
        handler.send_header(name, value)
    handler.send_header("Content-Length", str(len(raw)))
    handler.end_headers()
    handler.wfile.write(raw)


def answers(status: int, body: Any = b"", headers: dict[str, str] | None = None) -> Fault:
    """Return a fault that always gives this answer."""
    return lambda handler: reply(handler, status, body, headers)


def hangs(release: threading.Event) -> Fault:
    """Return a fault that says nothing until released."""

    def fault(handler: Handler) -> None:
        release.wait(HANG_SECONDS)
        handler.close_connection = True

    return fault


def drips(release: threading.Event) -> Fault:
    """Return a fault that sends one byte at a time and never ends."""

    def fault(handler: Handler) -> None:
        handler.send_response(200)
        handler.send_header("Content-Length", "1000")
        handler.end_headers()
        try:
            while not release.wait(0.2):
                handler.wfile.write(b" ")
        except OSError:
            pass
        handler.close_connection = True

    return fault


def cuts_off(handler: Handler) -> None:
    """Send half of an answer and close the connection."""
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b'{"keys": [')
    handler.close_connection = True


def _unpad(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
