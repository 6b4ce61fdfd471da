"""The app behind gunicorn, as in production, and requests exactly as they are typed."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from signet_stack.handle import RunningStack
from tests.support.patience import HANG_SECONDS
from tests.support.site import SECRET_KEY

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class RawAnswer:
    """What came back on the socket."""

    text: str

    @property
    def status(self) -> int:
        found = re.match(r"HTTP/1\.[01] (\d{3})", self.text)
        return int(found[1]) if found else 0

    def headers(self, name: str) -> list[str]:
        head = self.text.partition("\r\n\r\n")[0]
        return re.findall(rf"^{re.escape(name)}: (.*?)\r?$", head, re.MULTILINE | re.IGNORECASE)


@dataclass(frozen=True)
class Served:
    """A running server on loopback."""

    port: int

    def send(self, raw: str | bytes) -> RawAnswer:
        """Send these bytes and read until the server closes or says nothing for a while."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=HANG_SECONDS) as connection:
            connection.sendall(raw if isinstance(raw, bytes) else raw.encode("latin-1"))
            connection.settimeout(10)
            answer = b""
            try:
                while part := connection.recv(65536):
                    answer += part
            except TimeoutError:
                pass
        return RawAnswer(answer.decode("latin-1"))

    def get(self, target: str, *lines: str, method: str = "GET", host: str | None = None) -> RawAnswer:
        """Send a request with these header lines, as they are."""
        host = f"127.0.0.1:{self.port}" if host is None else host
        head = [f"{method} {target} HTTP/1.1", f"Host: {host}", "Connection: close", *lines]
        return self.send("\r\n".join([*head, "", ""]))


@contextmanager
def serve(stack: RunningStack) -> Iterator[Served]:
    """Serve the app on this stack by gunicorn until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = int(listening.getsockname()[1])
    environ = {
        "PATH": os.environ["PATH"],
        "SUPABASE_URL": stack.api_url,
        "SUPABASE_PUBLISHABLE_KEY": stack.publishable_key,
        "SECRET_KEY": SECRET_KEY,
        "SITE_URL": f"http://127.0.0.1:{port}",
    }
    argv = [sys.executable, "-m", "gunicorn", "--threads", "4", "--bind", f"fd://{listening.fileno()}"]
    server = subprocess.Popen(
        [*argv, "wsgi:app"],
        cwd=ROOT,
        env=environ,
        pass_fds=[listening.fileno()],
        stderr=subprocess.DEVNULL,
    )
    listening.close()
    try:
        served = Served(port)
        deadline = time.monotonic() + HANG_SECONDS
        while served.get("/healthz").status != 200:  # a busy machine needs longer than one request waits
            assert time.monotonic() < deadline
        yield served
    finally:
        server.terminate()
        server.wait(HANG_SECONDS)
