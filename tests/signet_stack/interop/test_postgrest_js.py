"""postgrest-js's own tests against the local data API. On demand: pytest -m interop. Needs git and npm."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signet_stack.postgres.cluster import Cluster
from signet_stack.rest.settings import RestSettings
from tests.signet_stack.interop.conftest import data_api
from tests.signet_stack.interop.upstream import SUPABASE_JS, install_npm, replace_in, run_jest

pytestmark = pytest.mark.interop

PLACE = "packages/core/postgrest-js"
PACKAGES = (
    "jest@30.4.2", "ts-jest@^29.4.9", "typescript@~5.8.3", "@types/jest@30.0.0", "@types/node@20.19.9",
    "zod@^3.25.76", "type-fest@^4.32.0", "tslib@2.8.1", "prettier@^3.6.2",
)  # fmt: skip
SETTINGS = RestSettings(schemas=("public", "personal", "graphql_public"))
# Hosted projects grant all of public to the API roles by default (the older default privileges).
GRANTS = """
grant all on all tables in schema public to anon, authenticated;
grant all on all sequences in schema public to anon, authenticated;
grant execute on all functions in schema public to anon, authenticated;
grant execute on all functions in schema personal to anon, authenticated;
"""
OUT_OF_SCOPE = {
    "transforms.test.ts: geojson": "PostGIS, which the PyPI wheel of PostgreSQL does not have",
    "transforms.test.ts: explain with options": "the Query Identifier of a plan needs compute_query_id = on",
}


def without_postgis(schema: str) -> str:
    """Return the schema for a PostgreSQL without PostGIS, with settings for its own database only."""
    schema = re.sub(r"create extension if not exists postgis.*?;", "", schema)
    schema = schema.replace("extensions.geometry(POINT, 4326)", "text")
    return schema.replace(
        "alter role authenticator set", 'alter role authenticator in database "DATABASE_NAME" set'
    )


def test_the_suite_passes_but_for_what_is_out_of_scope(cluster: Cluster, tmp_path: Path) -> None:
    SUPABASE_JS.unpack(tmp_path, PLACE)
    folder = tmp_path / PLACE
    install_npm(folder, *PACKAGES)
    schema = without_postgis((folder / "test/supabase/migrations/00000000000000_schema.sql").read_text())
    seed = (folder / "test/supabase/seed.sql").read_text()
    seed = re.sub(r"(?is)insert into\s+public\.shops.*?;", "", seed)
    compiler = {"target": "ES2022", "module": "CommonJS", "esModuleInterop": True, "isolatedModules": True}
    config = {
        "testEnvironment": "node",
        "testSequencer": "<rootDir>/test/testSequencer.js",
        "testTimeout": 30000,
        "testPathIgnorePatterns": ["/node_modules/", "/test/v12/"],
        "transform": {"\\.ts$": ["ts-jest", {"tsconfig": compiler, "diagnostics": False}]},
    }
    with data_api(cluster, "/rest/v1", SETTINGS, schema, seed, GRANTS) as origin:
        replace_in(folder.glob("test/*.ts"), "http://localhost:54321", origin)
        results = run_jest(folder, config)
    assert len(results.passed) > 300
    results.assert_only(OUT_OF_SCOPE)
