"""What the local stack lacks is named with the section of the docs that says so."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest

from signet_db import runner
from signet_db.errors import MigrationFailed
from tests.database.paths import ROOT

ABSENT = {
    "create extension postgis;": "extensions",
    "select extensions.pgp_sym_encrypt('a', 'b');": "extensions",
    "select xmlparse(content '<a/>');": "extensions",
    "create collation public.german (provider = icu, locale = 'de');": "extensions",
    "select cron.schedule('a', '0 3 * * *', 'select 1');": "schemas",
    "alter publication supabase_realtime_messages_publication add table auth.users;": "schemas",
    "grant supabase_unknown_admin to postgres;": "roles",
    "alter table storage.objects disable row level security;": "what-postgres-may-do",
    "create publication everything for all tables;": "what-postgres-may-do",
}


@pytest.mark.parametrize(("text", "section"), ABSENT.items(), ids=ABSENT)
def test_the_hint_names_a_section_that_is_there(
    unchanging: str, folder: Path, write: Callable[[str, str], Path], text: str, section: str
) -> None:
    write("1_one.sql", text)
    with pytest.raises(MigrationFailed) as caught:
        runner.upgrade(unchanging, folder)
    assert f"docs/local-stack.md#{section}" in caught.value.hint
    headings = re.findall(r"^#+ (.+)$", (ROOT / "docs" / "local-stack.md").read_text(), re.MULTILINE)
    assert section in {heading.lower().replace(" ", "-") for heading in headings}
