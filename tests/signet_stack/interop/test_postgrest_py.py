"""postgrest-py's own tests against the local data API. On demand: pytest -m interop. Needs git."""

from __future__ import annotations

from pathlib import Path

import pytest

from signet_stack.postgres.cluster import Cluster
from signet_stack.rest.settings import RestSettings
from tests.signet_stack.interop.conftest import data_api
from tests.signet_stack.interop.upstream import SUPABASE_PY, install_python, replace_in, run_pytest

pytestmark = pytest.mark.interop

PLACE = "src/postgrest"
TOOLS = ("pytest>=8.4.1,<9", "pytest-asyncio>=1.0.0", "pytest-depends>=1.0.1")
SETTINGS = RestSettings(schemas=("public", "personal"), plan_enabled=True, end_override=True)
BEFORE = "create schema personal; grant usage on schema personal to anon;"
AFTER = """
grant all on all tables in schema public, personal to anon;
grant execute on all functions in schema public, personal to anon;
"""


def test_the_whole_suite_passes(cluster: Cluster, tmp_path: Path) -> None:
    SUPABASE_PY.unpack(tmp_path, PLACE)
    folder = tmp_path / PLACE
    python = install_python(tmp_path, str(folder), *TOOLS)
    script = (folder / "infra/init.sql").read_text()
    with data_api(cluster, "/rest/v1", SETTINGS, BEFORE, script, AFTER) as origin:
        replace_in(folder.glob("tests/_*/client.py"), "http://127.0.0.1:3000", f"{origin}/rest/v1")
        results = run_pytest(python, folder)
    assert len(results.passed) > 250
    results.assert_only({})
