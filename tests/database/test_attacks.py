"""Attacks on the policies by SQL, as the data API's login role would carry them out, each with its SQLSTATE.

Two kinds of outcome: what must be refused or reach nothing, and what PostgreSQL does allow, which is why raw
SQL must never be reachable, and why the lint has a rule for it. Requests over HTTP are in the data API tests.
"""

from __future__ import annotations

import pytest

from tests.database.attacked import Place, outcome_of

AS_ALICE = {
    "RLS without a policy": ("select * from public.without_policy", 0),
    "other's row by id": ("select * from public.attacked_notes where id = %(bob_note)s", 0),
    "by or": ("select * from public.attacked_notes where id = %(bob_note)s or user_id = %(bob)s", 0),
    "by a join": (
        "select * from public.attacked_notes join public.profiles using (user_id)"
        " where attacked_notes.id = %(bob_note)s",
        0,
    ),
    "in a sub-select": (
        "select 1 where exists (select from public.attacked_notes where id = %(bob_note)s)",
        0,
    ),
    "update other's": ("update public.attacked_notes set title = 'x' where id = %(bob_note)s", 0),
    "delete other's": ("delete from public.attacked_notes where id = %(bob_note)s", 0),
    "update without a condition": ("update public.attacked_notes set title = 'x'", 1),
    "insert for another": (
        "insert into public.attacked_notes (user_id, title) values (%(bob)s, 'x')",
        "42501",
    ),
    "insert for nobody": ("insert into public.attacked_notes (user_id, title) values (null, 'x')", "42501"),
    "give away": ("update public.attacked_notes set user_id = %(bob)s", "42501"),
    "upsert onto other's": (
        "insert into public.attacked_notes (id, title) values (%(bob_note)s, 'x')"
        " on conflict (id) do update set title = excluded.title",
        "42501",
    ),
    "insert with a taken id": (
        "insert into public.attacked_notes (id, title) values (%(bob_note)s, 'x')",
        "23505",
    ),
    "on conflict do nothing": (
        "insert into public.attacked_notes (id, title) values (%(bob_note)s, 'x') on conflict do nothing",
        0,
    ),
    "refer to other's row": ("insert into public.attacked_comments values (%(bob_note)s)", 1),
    "refer to no row": ("insert into public.attacked_comments values (gen_random_uuid())", "23503"),
    "column without a grant": (
        "insert into public.attacked_notes (title, is_admin) values ('x', true)",
        "42501",
    ),
    "the same in an update": ("update public.attacked_notes set is_admin = true", "42501"),
    "truncate without the right": ("truncate public.attacked_notes", "42501"),
    "truncate with the right": ("truncate public.without_rls", -1),
    "a table without RLS": ("select * from public.without_rls", 2),
    "a view of the owner": ("select * from public.attacked_notes_by_owner", 2),
    "a view of the invoker": ("select * from public.attacked_notes_by_invoker", 1),
    "a materialized view": ("select * from public.attacked_notes_copy", 2),
    "a cast that fails for own rows": ("select * from public.attacked_notes where title::int > 0", "22P02"),
    "a function by default": ("select public.empty_it()", "42501"),
    "set the role of the service": ("set local role service_role", -1),
    "set the role of the owner": ("set local role postgres", "42501"),
    "row_security off": ("set local row_security = off; select * from public.attacked_notes", "42501"),
    "disable RLS": ("alter table public.attacked_notes disable row level security", "42501"),
    "drop a policy": ('drop policy "People have their own notes" on public.attacked_notes', "42501"),
    "make a policy": ("create policy p on public.attacked_notes using (true)", "42501"),
    "nextval": ("select nextval('public.attacked_numbers')", "42501"),
    "setval": ("select setval('public.attacked_numbers', 1)", "42501"),
    "copy to a file": ("copy public.attacked_notes to '/tmp/notes'", "42501"),
    "copy to a program": ("copy public.attacked_notes to program 'cat'", "42501"),
    "read a file": ("select pg_read_file('/etc/passwd')", "42501"),
    "import a file": ("select lo_import('/etc/passwd')", "42501"),
    "make an extension": ("create extension pg_trgm", "42501"),
    "password hashes of roles": ("select * from pg_shadow", "42501"),
    "accounts": ("select * from auth.users", "42501"),
    "sessions": ("select * from auth.sessions", "42501"),
    "refresh tokens": ("select * from auth.refresh_tokens", "42501"),
    "signing keys": ("select * from signet_stack.signing_keys", "42501"),
    "history": ("select * from supabase_migrations.schema_migrations", "42501"),
    "make a temporary table": ("create temporary table t (id int)", "42501"),
    "make a table": ("create table public.t (id int)", "42501"),
    "make a function": ("create function public.f() returns int language sql as 'select 1'", "42501"),
    "an advisory lock": ("select pg_advisory_xact_lock(1)", 1),
    "a lock on the table": ("lock table public.attacked_notes in access exclusive mode", -1),
    "make a large object": ("select lo_create(0)", 1),
    "notify": ("notify pgrst, 'reload schema'", -1),
    "a block of code": ("do $$ begin perform 1; end $$", -1),
    "a second statement behind a value": ("select %(alice)s; select 1", "42601"),
    "the size of a table": ("select pg_relation_size('public.attacked_notes')", 1),
    "how many rows it may have": (
        "select reltuples from pg_class where oid = 'public.attacked_notes'::regclass",
        1,
    ),
    "statistics of a column": ("select * from pg_stats where tablename = 'attacked_notes'", 0),
    "a NUL in JSON": ("select '\"\\u0000\"'::jsonb", "22P05"),
    "half a character in JSON": ("select '\"\\ud800\"'::jsonb", "22P02"),
    "a NUL in a text": ("select E'\\x00'", "22021"),
    "a huge exponent": ("select '1e999999'::numeric", "22003"),
    "a negative limit": ("select * from public.attacked_notes limit -1", "2201W"),
    "a number out of range": ("select '99999999999'::int", "22003"),
    "an unknown column": ("select password from public.attacked_notes", "42703"),
}


@pytest.mark.parametrize(("statement", "outcome"), AS_ALICE.values(), ids=AS_ALICE)
def test_as_alice(place: Place, statement: str, outcome: int | str) -> None:
    """Alice reaches her own rows, whatever she says."""
    with place.request(place.claims("alice"), "authenticated") as connection:
        assert outcome_of(connection, statement, place.ids) == outcome
