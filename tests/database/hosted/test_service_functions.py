"""Functions of the services that migrations and policies call, and calls that are recorded only."""

from __future__ import annotations

import psycopg
import pytest
from psycopg import Connection
from psycopg.rows import TupleRow


@pytest.fixture
def files(blank: Connection[TupleRow]) -> Connection[TupleRow]:
    """Return a connection to a database with a bucket of four files."""
    blank.execute(
        """
        insert into storage.buckets (id, name) values ('b', 'b'), ('c', 'c');
        insert into storage.objects (bucket_id, name, metadata) values
            ('b', 'a.txt', '{"size": 1}'), ('b', 'photos/one.png', '{"size": 20}'),
            ('b', 'photos/two.png', '{}'), ('b', 'photos/old/three.png', '{"size": 300}'),
            ('c', 'a.txt', null);
        """
    )
    return blank


@pytest.mark.parametrize(
    ("arguments", "names"),
    [
        ("'', 'b'", [("photos", True), ("a.txt", False)]),
        ("'photos/', 'b', 100, 2", [("old", True), ("one.png", False), ("two.png", False)]),
        ("'photos/', 'b', 100, 2, 0, 'T'", [("two.png", False)]),
        ("'photos/', 'b', 1, 2, 1", [("one.png", False)]),
        (
            "'photos/', 'b', 100, 2, 0, '', 'name', 'desc'",
            [("old", True), ("two.png", False), ("one.png", False)],
        ),
        ("'', 'nosuch'", []),
        ("'', 'b', 100, 1, 0, '', 'name; drop table x', 'x'", [("photos", True), ("a.txt", False)]),
    ],
)
def test_a_listing_shows_folders_and_files_of_one_level(
    files: Connection[TupleRow], arguments: str, names: list[tuple[str, bool]]
) -> None:
    query = f"select name, id is null from storage.search({arguments})"
    assert files.execute(query.encode()).fetchall() == names


def test_sizes_are_summed_by_bucket(files: Connection[TupleRow]) -> None:
    rows = files.execute("select * from storage.get_size_by_bucket() order by bucket_id").fetchall()
    assert rows == [(321, "b"), (None, "c")]


def test_an_insert_can_be_tried(files: Connection[TupleRow]) -> None:
    with pytest.raises(psycopg.errors.RaiseException, match="ROLLBACK") as caught:
        files.execute("select storage.can_insert_object('b', 'new.txt', null, '{}')")
    assert caught.value.diag.message_detail == "rollback successful insert"


def test_updated_at_is_the_databases(files: Connection[TupleRow]) -> None:
    row = files.execute(
        "update storage.objects set updated_at = '2000-01-01' where name = 'photos/one.png'"
        " returning updated_at = now()"
    ).fetchone()
    assert row == (True,)


@pytest.mark.parametrize("operation", ["object.get", "storage.object.get"])
def test_an_operation_is_known_with_and_without_prefix(blank: Connection[TupleRow], operation: str) -> None:
    blank.execute("set local storage.operation = 'storage.object.get'")
    row = blank.execute(
        "select storage.operation(), storage.allow_only_operation(%s), storage.allow_any_operation(%s)",
        (operation, ["object.list", operation]),
    ).fetchone()
    assert row == ("storage.object.get", True, True)


def test_a_message_that_cannot_be_sent_is_a_warning(blank: Connection[TupleRow]) -> None:
    notices: list[str] = []
    blank.add_notice_handler(lambda diagnostic: notices.append(diagnostic.message_primary or ""))
    blank.execute("select realtime.send('{}', 'event', null)")
    assert notices[0].startswith("WarnSendingBroadcastMessage: ")
    blank.execute("select realtime.send('{\"a\": 1}', 'event', 'room')")
    rows = blank.execute(
        "select topic, event, private, extension, payload ->> 'a', payload ? 'id' from realtime.messages"
    ).fetchall()
    assert rows == [("room", "event", True, "broadcast", "1", True)]


def test_a_message_of_bytes(blank: Connection[TupleRow]) -> None:
    blank.execute(r"select realtime.send_binary('\x00ff', 'event', 'room', false)")
    assert blank.execute("select binary_payload, payload, private from realtime.messages").fetchall() == [
        (b"\x00\xff", None, False)
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ("", "url argument is missing"),
        ("'null'", "url argument is missing"),
        ("'https://example.com'", "method argument is missing"),
        ("'https://example.com', 'PUT'", "method argument PUT is invalid"),
    ],
)
def test_a_webhook_checks_its_arguments(blank: Connection[TupleRow], arguments: str, message: str) -> None:
    blank.execute(
        f"create table public.t (id int); create trigger hook after insert on public.t for each row"
        f" execute function supabase_functions.http_request({arguments})".encode()
    )
    with pytest.raises(psycopg.errors.RaiseException, match=message):
        blank.execute("insert into public.t values (1)")


def test_a_webhook_is_recorded_with_its_request(blank: Connection[TupleRow]) -> None:
    blank.execute(
        """
        create extension pg_net;
        create table public.t (id int);
        create trigger hook after insert or update or delete on public.t for each row execute function
            supabase_functions.http_request(
                'https://example.com', 'POST', '{"X-A": "b"}', '{"q": "1 2"}', '2000');
        insert into public.t values (1);
        update public.t set id = 2;
        delete from public.t;
        """
    )
    rows = blank.execute(
        """
        select hook_name, method, url, timeout_milliseconds, headers ->> 'X-A',
            convert_from(body, 'UTF8')::jsonb - 'table' - 'schema'
        from supabase_functions.hooks join net.http_request_queue q on q.id = request_id order by hooks.id
        """
    ).fetchall()
    request = ("hook", "POST", "https://example.com?q=1%202", 2000, "b")
    assert rows == [
        (*request, {"type": "INSERT", "record": {"id": 1}, "old_record": None}),
        (*request, {"type": "UPDATE", "record": {"id": 2}, "old_record": {"id": 1}}),
        (*request, {"type": "DELETE", "record": None, "old_record": {"id": 2}}),
    ]


def test_a_webhook_without_pg_net_is_recorded_alone(blank: Connection[TupleRow]) -> None:
    blank.execute(
        "create table public.t (id int); create trigger hook after insert on public.t for each row"
        " execute function supabase_functions.http_request('https://example.com', 'GET');"
        " insert into public.t values (1)"
    )
    assert blank.execute("select hook_name, request_id from supabase_functions.hooks").fetchall() == [
        ("hook", None)
    ]


def test_tokens_of_pgjwt_are_those_of_other_libraries(blank: Connection[TupleRow]) -> None:
    """The example of jwt.io, with the secret "secret"."""
    blank.execute("create extension pgjwt schema extensions")
    payload = '{"sub":"1234567890","name":"John Doe","iat":1516239022}'
    row = blank.execute("select sign(%s::json, 'secret')", (payload,)).fetchone()
    assert row is not None
    assert row[0].rpartition(".")[2] == "XbPfbIHMI6arZ3Y922BhjWgQzWXcXNrz0ogtVhfEd2o"
    valid = "select (verify(%s, %s)).valid"
    assert blank.execute(valid, (row[0], "secret")).fetchone() == (True,)
    assert blank.execute(valid, (row[0], "other")).fetchone() == (False,)
    expired = blank.execute("select sign('{\"exp\": 1}', 'secret')").fetchone()
    assert expired is not None
    assert blank.execute(valid, (expired[0], "secret")).fetchone() == (False,)


UNAVAILABLE = {
    "http": [
        "http_get('https://a')",
        "http_post('https://a', 'x', 'text/plain')",
        "http_delete('https://a')",
    ],
    "pg_jsonschema": ["json_matches_schema('{}', '{}')", "jsonb_matches_schema('{}', '{}')"],
    "hypopg": ["hypopg_create_index('create index on t (a)')", "hypopg_reset()"],
    "plpgsql_check": ["plpgsql_check_function('auth.uid()'::regprocedure)"],
    "pg_tle": ["pgtle.install_extension('a', '1', 'b', 'select 1')"],
    "pgsodium": ["pgsodium.create_key()", "pgsodium.crypto_aead_det_noncegen()"],
    "pg_net": ["net.check_worker_is_up()", "net.http_collect_response(1, false)"],
}


@pytest.mark.parametrize(
    ("extension", "call"), [(name, call) for name, calls in UNAVAILABLE.items() for call in calls]
)
def test_a_call_of_what_is_not_there_says_so(blank: Connection[TupleRow], extension: str, call: str) -> None:
    blank.execute(f"create extension {extension}".encode())
    with pytest.raises(psycopg.errors.FeatureNotSupported, match="is not available locally") as caught:
        blank.execute(f"select {call}".encode())
    assert "docs/local-stack.md#extensions" in (caught.value.diag.message_hint or "")


@pytest.mark.parametrize(
    ("call", "answer"),
    [
        ("graphql.resolve('{ a }')", None),
        (
            "graphql_public.graphql(query => '{ a }') #>> '{errors,0,message}'",
            "GraphQL is not available locally",
        ),
    ],
)
def test_graphql_says_that_it_is_not_there(
    blank: Connection[TupleRow], call: str, answer: str | None
) -> None:
    if answer is None:
        with pytest.raises(psycopg.errors.FeatureNotSupported, match="pg_graphql is not available locally"):
            blank.execute(f"select {call}".encode())
    else:
        row = blank.execute(f"select {call}".encode()).fetchone()
        assert row is not None
        assert answer in row[0]


def test_urls_are_encoded_as_utf8(blank: Connection[TupleRow]) -> None:
    blank.execute("create extension http schema extensions; create extension pg_net")
    row = blank.execute("select urlencode('a b/ü~'), net._urlencode_string('a b/ü~')").fetchone()
    assert row == ("a%20b%2F%C3%BC~", "a%20b%2F%C3%BC~")


@pytest.mark.parametrize(
    "schedule",
    [
        "* * * * *",
        "*/15 0-6 1,15 * *",
        "0 0 $ * *",
        "5 4 * jan-mar mon,fri",
        "@hourly",
        "1 second",
        "59 seconds",
    ],
)
def test_schedules(blank: Connection[TupleRow], schedule: str) -> None:
    blank.execute("create extension pg_cron")
    blank.execute("select cron.schedule(%s, 'select 1')", (schedule,))
    assert blank.execute("select schedule, username, active from cron.job").fetchall() == [
        (schedule, "postgres", True)
    ]


@pytest.mark.parametrize(
    "schedule", ["", "* * * *", "60 * * * *", "* 24 * * *", "x * * * *", "60 seconds", "@never"]
)
def test_no_schedules(blank: Connection[TupleRow], schedule: str) -> None:
    blank.execute("create extension pg_cron")
    with pytest.raises(psycopg.errors.InvalidParameterValue, match="invalid schedule"):
        blank.execute("select cron.schedule('name', %s, 'select 1')", (schedule,))


def test_a_job_is_changed_and_belongs_to_its_role(blank: Connection[TupleRow]) -> None:
    blank.execute("create extension pg_cron")
    row = blank.execute("select cron.schedule('name', '@daily', 'select 1')").fetchone()
    assert row is not None
    blank.execute("select cron.alter_job(%s, active => false, command => 'select 2')", row)
    assert blank.execute("select command, active from cron.job").fetchall() == [("select 2", False)]
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        blank.execute("select cron.schedule_in_database('a', '@daily', 'x', 'postgres', 'supabase_admin')")
