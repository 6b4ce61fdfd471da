"""A project that misbehaves on request: a real one behind a door that answers chosen requests itself.

Everything else passes through unchanged, so that people sign in and store rows for real before the fault.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler

import httpx

from tests.support.loopback import serving

HOP_BY_HOP = frozenset({"connection", "content-length", "date", "host", "server", "transfer-encoding"})


class FaultyProject:
    """One project; ``faults`` maps the beginning of "METHOD path" to the answer to give instead."""

    def __init__(self, api_url: str) -> None:
        self.faults: dict[str, tuple[int, object, dict[str, str]]] = {}
        self._client = httpx.Client(base_url=api_url, follow_redirects=False)
        self.url = ""

    def answers(self, request: str, status: int, body: object, **headers: str) -> None:
        """Answer requests that begin like this with a status and a body, JSON unless it is text."""
        extra = {name.replace("_", "-"): text for name, text in headers.items()}
        self.faults[request] = (status, body, extra)

    def refuses(self, request: str, status: int, code: str, message: str = "", **headers: str) -> None:
        """Answer with one of Auth's errors."""
        body: dict[str, object] = {"code": code, "message": message}
        if code == "weak_password":
            body["weak_password"] = {"reasons": ["length"]}
        self.answers(request, status, body, X_Supabase_Api_Version="2024-01-01", **headers)

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        """Return the fault for a request, or what the project behind answers."""
        for beginning, (status, content, extra) in self.faults.items():
            if f"{method} {path}".startswith(beginning):
                text = content if isinstance(content, str) else json.dumps(content)
                kind = "text/html" if isinstance(content, str) else "application/json"
                return httpx.Response(status, text=text, headers={"Content-Type": kind, **extra})
        sent = {name: text for name, text in headers.items() if name.lower() not in HOP_BY_HOP}
        return self._client.request(method, path, headers=sent, content=body)

    @contextmanager
    def running(self) -> Iterator[FaultyProject]:
        """Serve on loopback until the block ends."""
        with self._client, serving(_handler(self)) as self.url:
            yield self


def _handler(project: FaultyProject) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def handle_any(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = project.answer(self.command, self.path, dict(self.headers), body)
            self.send_response(answer.status_code)
            for name, text in answer.headers.items():
                if name not in HOP_BY_HOP and name != "content-encoding":
                    self.send_header(name, text)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

        def log_message(self, format: str, *args: object) -> None:
            """Keep the tests' output quiet."""

    return Handler
