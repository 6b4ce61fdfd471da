"""PostgreSQL itself judges where statements end: what we split gives the same results one by one."""

from __future__ import annotations

import psycopg
from hypothesis import given, settings
from hypothesis import strategies as st
from psycopg import Connection
from psycopg.rows import TupleRow

from signet_db.lexer import statements
from signet_stack.postgres.cluster import Cluster

TRICKY = st.text(alphabet="'\"$;-/*\\eE\n\r aé漢1()", max_size=12)
TAGS = st.sampled_from(["", "a", "tag_1", "é"])


def quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def escaped(text: str) -> str:
    return "E'" + text.replace("\\", "\\\\").replace("'", "\\'") + "'"


def dollared(tag: str, text: str) -> str:
    """Return a dollar-quoted text; what would end it early is taken out."""
    mark = f"${tag}$"
    return mark + text.replace("$", "") + mark


def continued(first: str, second: str) -> str:
    """Return an escape string that goes on after a comment and a line break."""
    return f"{escaped(first)} -- it's; more\n  {escaped(second)[1:]}"


def named(text: str) -> str:
    name = "".join(text.split("\x00")).replace('"', '""')
    return f'1 as "{name}x"'


def line_comment(text: str) -> str:
    return "--" + text.replace("\n", "").replace("\r", "") + "\n"


def block_comment(text: str) -> str:
    """Return a comment with another one in it."""
    inner = text.replace("*/", "").replace("/*", "").replace("/", "").replace("*", "")
    return f"/* {inner} /*{inner};*/ ' {inner} */"


EXPRESSIONS = st.one_of(
    TRICKY.map(quoted),
    TRICKY.map(escaped),
    st.builds(dollared, TAGS, TRICKY),
    st.builds(continued, TRICKY, TRICKY),
    TRICKY.map(named),
    st.just("U&'d\\0061t;'"),
    st.just("B'101'"),
    st.just("(select 1)"),
)
BLANKS = st.one_of(st.just(" "), st.just("\n"), TRICKY.map(line_comment), TRICKY.map(block_comment))
STATEMENTS = st.builds(
    lambda blank, expressions, end: f"{blank}select{blank}{(',' + blank).join(expressions)}{end}",
    BLANKS,
    st.lists(EXPRESSIONS, min_size=1, max_size=4),
    BLANKS,
)


def results(connection: Connection[TupleRow], text: str) -> list[list[TupleRow]]:
    """Return the rows of each statement of a text, as the server splits it."""
    cursor = connection.execute(text.encode())
    found = [cursor.fetchall()]
    while cursor.nextset():
        found.append(cursor.fetchall())
    return found


def test_splits_where_the_server_does(cluster: Cluster, migrated_database: str) -> None:
    with psycopg.connect(cluster.dsn("postgres", migrated_database), autocommit=True) as connection:

        @settings(max_examples=300, deadline=None, database=None)
        @given(st.lists(STATEMENTS, min_size=1, max_size=4))
        def agrees(written: list[str]) -> None:
            text = ";".join(written)
            split = statements(text)
            assert len(split) == len(written)
            assert [results(connection, part.text)[0] for part in split] == results(connection, text)
            assert all(text[part.start : part.end] == part.text for part in split)

        agrees()
