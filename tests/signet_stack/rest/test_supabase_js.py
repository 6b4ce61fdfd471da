"""The official JavaScript client does the app's profile journey on a whole local stack.

On demand: pytest -m interop. Needs npm, which fetches the client into a temporary folder.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import uuid
from typing import Any

import pytest

from signet_stack.handle import RunningStack
from tests.support.patience import HANG_SECONDS

pytestmark = pytest.mark.interop
PACKAGE = "@supabase/supabase-js@2.119.1"
SCRIPT = """
import { createClient } from '@supabase/supabase-js'
globalThis.WebSocket ??= class {}  // Node 20 has none, and the realtime client wants one to exist
const { url, key, mark } = JSON.parse(process.argv[2])
const open = () => createClient(url, key, { auth: { persistSession: false, autoRefreshToken: false } })
const [alice, bob, nobody] = [open(), open(), open()]
const steps = {}
const step = async (name, query) => {
  const { data, error, status, statusText, count } = await query
  steps[name] = { data, error, status, statusText, count: count ?? null }
  return data
}
const signUp = async (client, name) => {
  const credentials = { email: `${name}.${mark}@example.com`, password: 'correct horse battery staple' }
  const { data, error } = await client.auth.signUp(credentials)
  if (error) throw error
  return data.user.id
}
const aliceId = await signUp(alice, 'alice')
await signUp(bob, 'bob')
const profiles = (client) => client.from('profiles')
await step('none yet', profiles(alice).select('*').eq('user_id', aliceId).maybeSingle())
await step('insert', profiles(alice).insert({ display_name: 'Alice' }))
await step('insert again', profiles(alice).insert({ display_name: 'Alice' }).select())
await step('own', profiles(alice).select('user_id, name:display_name').single())
await step('count', profiles(alice).select('*', { count: 'exact', head: true }))
await step('update', profiles(alice).update({ display_name: 'A.' }).eq('user_id', aliceId)
  .select('display_name'))
await step('upsert', profiles(alice).upsert({ user_id: aliceId, display_name: 'Al', is_public: false },
  { onConflict: 'user_id' }).select('display_name').single())
await step('hidden', profiles(bob).select('*').eq('user_id', aliceId))
await step('update by another', profiles(bob).update({ display_name: 'x' }).eq('user_id', aliceId)
  .select())
await step('insert for another', profiles(bob).insert({ user_id: aliceId, display_name: 'x' }))
await step('by nobody', profiles(nobody).select('*'))
await step('publish', profiles(alice).update({ is_public: true }).eq('user_id', aliceId))
await step('seen', profiles(bob).select('display_name').eq('is_public', true).eq('user_id', aliceId))
await step('not one', profiles(bob).select('*').is('user_id', null).single())
await step('sessions', alice.rpc('list_my_sessions'))
await step('delete', profiles(alice).delete().eq('user_id', aliceId).select('display_name'))
await step('gone', profiles(alice).select('*').eq('user_id', aliceId))
console.log(JSON.stringify({ aliceId, steps }))
"""


@pytest.fixture(scope="module")
def outcome(tmp_path_factory: pytest.TempPathFactory, stack: RunningStack) -> dict[str, Any]:
    """Run the journey once and return what each step answered."""
    if shutil.which("npm") is None:
        pytest.fail("the interop tests need npm")
    folder = tmp_path_factory.mktemp("supabase-js")
    (folder / "package.json").write_text('{"type": "module"}')
    install = ["npm", "install", "--no-audit", "--no-fund", PACKAGE]
    subprocess.run(install, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    (folder / "journey.js").write_text(SCRIPT)
    argument = json.dumps({"url": stack.api_url, "key": stack.publishable_key, "mark": uuid.uuid4().hex})
    run = subprocess.run(
        ["node", "journey.js", argument], cwd=folder, capture_output=True, text=True, timeout=HANG_SECONDS
    )
    assert run.returncode == 0, run.stderr
    return json.loads(run.stdout.splitlines()[-1])


@pytest.mark.parametrize(
    ("step", "status", "text", "data"),
    [
        ("none yet", 200, "OK", None),
        ("insert", 201, "Created", None),
        ("own", 200, "OK", {"user_id": "ALICE", "name": "Alice"}),
        ("update", 200, "OK", [{"display_name": "A."}]),
        ("upsert", 200, "OK", {"display_name": "Al"}),
        ("hidden", 200, "OK", []),
        ("update by another", 200, "OK", []),
        ("publish", 204, "No Content", None),
        ("seen", 200, "OK", [{"display_name": "Al"}]),
        ("delete", 200, "OK", [{"display_name": "Al"}]),
        ("gone", 200, "OK", []),
    ],
)
def test_each_step_answers(outcome: dict[str, Any], step: str, status: int, text: str, data: Any) -> None:
    answer = outcome["steps"][step]
    assert answer["error"] is None
    assert (answer["status"], answer["statusText"]) == (status, text)
    expected = json.loads(json.dumps(data).replace("ALICE", outcome["aliceId"]))
    assert answer["data"] == expected


@pytest.mark.parametrize(
    ("step", "status", "text", "code"),
    [
        ("insert again", 409, "Conflict", "23505"),
        ("insert for another", 403, "Forbidden", "42501"),
        ("by nobody", 401, "Unauthorized", "42501"),
        ("not one", 406, "Not Acceptable", "PGRST116"),
    ],
)
def test_each_refusal_says_why(outcome: dict[str, Any], step: str, status: int, text: str, code: str) -> None:
    answer = outcome["steps"][step]
    assert (answer["status"], answer["statusText"]) == (status, text)
    assert answer["error"]["code"] == code
    assert answer["error"].keys() >= {"code", "details", "hint", "message"}


def test_counts_without_rows(outcome: dict[str, Any]) -> None:
    assert outcome["steps"]["count"]["count"] == 1


def test_calls_a_function(outcome: dict[str, Any]) -> None:
    (session,) = outcome["steps"]["sessions"]["data"]
    assert session
