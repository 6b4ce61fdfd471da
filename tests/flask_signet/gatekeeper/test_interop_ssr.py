"""The real @supabase/ssr reads the cookies that we write, and we read those that it writes.

On demand: pytest -m interop. Needs npm, which fetches the packages into a temporary folder.
"""

from __future__ import annotations

import dataclasses
import json
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from werkzeug import Response

from flask_signet.gatekeeper.cookies import StoredSession
from flask_signet.gatekeeper.shared_cookies import SharedCookies
from flask_signet.gatekeeper.tokens import SessionTokens
from tests.flask_signet.gatekeeper.faulty_auth import FaultyAuth
from tests.support.patience import HANG_SECONDS
from tests.support.verified import CLAIMS

pytestmark = pytest.mark.interop
PACKAGES = ("@supabase/ssr@0.12.7", "@supabase/supabase-js@2.119.1")
SCRIPT = """
import { createServerClient } from '@supabase/ssr'
globalThis.WebSocket ??= class {}  // Node 20 has none, and the realtime client wants one to exist
const { url, cookies, tokens } = JSON.parse(process.argv[2])
const written = []
const client = createServerClient(url, 'sb_publishable_test', {
  cookies: { getAll: () => cookies, setAll: (all) => { written.push(...all) } },
})
if (tokens) {
  const { error } = await client.auth.setSession(tokens)
  if (error) throw error
}
const { data } = await client.auth.getSession()
console.log(JSON.stringify({ session: data.session, written }))
"""


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Path:
    if shutil.which("npm") is None:
        pytest.fail("the interop tests need npm")
    folder = tmp_path_factory.mktemp("ssr")
    (folder / "package.json").write_text('{"type": "module"}')
    install = ["npm", "install", "--no-audit", "--no-fund", *PACKAGES]
    subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (folder / "run.js").write_text(SCRIPT)
    return folder


def run(node: Path, auth: FaultyAuth, **arguments: Any) -> dict[str, Any]:
    argument = json.dumps({"url": auth.url, **arguments})
    result = subprocess.run(
        ["node", "run.js", argument],
        cwd=node,
        capture_output=True,
        text=True,
        check=True,
        timeout=HANG_SECONDS,
    )
    return json.loads(result.stdout.splitlines()[-1])


@pytest.mark.parametrize("name", ["Alice", "Ж🙂" * 500], ids=["one_cookie", "chunks"])
def test_ssr_reads_what_we_write(node: Path, auth: FaultyAuth, name: str) -> None:
    pair = auth.sign_in()
    user = {**pair["user"], "user_metadata": {"name": name}}
    cookies = SharedCookies("http://localhost", auth.url)
    session = StoredSession(SessionTokens(pair["access_token"], pair["refresh_token"], user), 0)
    now = int(time.time())
    claims = dataclasses.replace(CLAIMS, issued_at=now, expires_at=now + 3600)
    prepared = cookies.prepare(session, claims)
    sent = [{"name": key, "value": value} for key, value in prepared.items()]
    outcome = run(node, auth, cookies=sent)
    assert outcome["session"]["access_token"] == pair["access_token"]
    assert outcome["session"]["user"]["user_metadata"]["name"] == name
    assert outcome["written"] == []


def test_we_read_what_ssr_writes_and_would_change_nothing(node: Path, auth: FaultyAuth) -> None:
    pair = auth.sign_in()
    tokens = {name: pair[name] for name in ("access_token", "refresh_token")}
    outcome = run(node, auth, cookies=[], tokens=tokens)
    sent = {cookie["name"]: [cookie["value"]] for cookie in outcome["written"] if cookie["value"]}
    session = SharedCookies("http://localhost", auth.url).read(sent).session
    assert session is not None
    assert session.tokens.access_token == pair["access_token"]
    assert session.tokens.refresh_token == pair["refresh_token"]


def test_ssr_and_we_agree_that_signing_out_leaves_nothing(node: Path, auth: FaultyAuth) -> None:
    pair = auth.sign_in()
    tokens = {name: pair[name] for name in ("access_token", "refresh_token")}
    outcome = run(node, auth, cookies=[], tokens=tokens)
    sent = {cookie["name"]: [cookie["value"]] for cookie in outcome["written"] if cookie["value"]}
    response = Response()
    SharedCookies("http://localhost", auth.url).clear(response, sent)
    assert len(response.headers.getlist("Set-Cookie")) == len(sent) >= 1
