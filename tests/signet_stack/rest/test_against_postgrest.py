"""The same requests to this data API and to a real PostgREST 12.0.2 (npm's build), on the same database."""

from __future__ import annotations

import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from bench import real_postgrest
from tests.signet_stack.rest.conftest import SETTINGS, Api
from tests.support.patience import HANG_SECONDS

pytestmark = pytest.mark.interop

# Of the server, not of the protocol; Proxy-Status and Content-Length on bodies came with 13.
IGNORED = {"date", "server", "transfer-encoding", "content-length", "connection", "proxy-status"}
USER = str(uuid.uuid4())


@dataclass(frozen=True)
class Line:
    """One request of requests.txt; ``differs`` says why the replies must not be alike."""

    text: str
    differs: str | None

    def send(self, http: httpx.Client, api: Api) -> tuple[int, dict[str, str], Any]:
        """Send it; return what counts of the reply."""
        method, _, rest = self.text.partition(" ")
        address, brace, options = rest.partition(" {")
        headers = json.loads(brace + options) if brace else {}
        body, role = headers.pop("body", None), headers.pop("as", None)
        expires = {"exp": 1} if headers.pop("expired", None) else {}
        if body is not None:
            headers.setdefault("Content-Type", "application/json")
            body = body if isinstance(body, str) else json.dumps(body)
        if role is not None:
            headers |= api.as_role(role, sub=USER, **expires)
        address = quote(address, safe="/?&=()!,.*:>-\"%{}<|+'@")
        response = http.request(method, address, headers=headers, content=body)
        counted = {name: value for name, value in response.headers.items() if name not in IGNORED}
        is_json = "json" in response.headers.get("Content-Type", "") and response.content
        return response.status_code, counted, response.json() if is_json else response.text


def read_lines() -> list[Line]:
    """Read requests.txt."""
    lines, differs = [], None
    for text in Path(__file__).with_name("requests.txt").read_text().splitlines():
        if text.startswith(("=", "!")):
            differs = text[2:] if text.startswith("!") else None
        elif text and not text.startswith("#"):
            lines.append(Line(text, differs))
    return lines


LINES = read_lines()


@pytest.fixture(scope="session")
def real(api: Api, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """Run PostgREST on the database of ``api`` with the same settings and keys."""
    if not real_postgrest.is_available():
        pytest.fail("this interop test needs npm, and Linux on x86_64")
    folder = tmp_path_factory.mktemp("postgrest")
    settings: dict[str, str | int] = {
        "db-uri": str(api.context.database.data.conninfo),
        "db-schemas": ",".join(SETTINGS.schemas),
        "db-extra-search-path": ",".join(SETTINGS.extra_search_path),
        "db-anon-role": SETTINGS.anonymous_role,
        "db-max-rows": SETTINGS.max_rows,
        "db-tx-end": "rollback-allow-override",
        "jwt-secret": json.dumps(api.context.signing_keys.jwks()),
    }
    executable = real_postgrest.install(folder)
    with (
        real_postgrest.running(executable, folder, settings) as server,
        httpx.Client(base_url=server.url, timeout=HANG_SECONDS) as http,
    ):
        yield http


@pytest.mark.parametrize("line", [line for line in LINES if not line.differs], ids=lambda line: line.text)
def test_answers_like_postgrest_12(api: Api, real: httpx.Client, line: Line) -> None:
    assert line.send(api.http, api) == line.send(real, api)


@pytest.mark.parametrize("line", [line for line in LINES if line.differs], ids=lambda line: line.text)
def test_known_differences_are_still_there(api: Api, real: httpx.Client, line: Line) -> None:
    """A difference that is gone leaves the list."""
    assert line.send(api.http, api) != line.send(real, api), line.differs


def test_there_are_enough_requests() -> None:
    assert len([line for line in LINES if not line.differs]) >= 200
