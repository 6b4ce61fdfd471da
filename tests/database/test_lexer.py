"""Statements end where PostgreSQL ends them: quotes, comments and bodies hide what is in them."""

from __future__ import annotations

import pytest

from signet_db.lexer import Unterminated, statements, tokens


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("select 1; select 2", ["select 1", "select 2"]),
        (" ;; select 1 ;\n;", ["select 1"]),
        ("", []),
        ("-- only\n/* comments */", []),
        ("-- first\nselect 1; -- last", ["-- first\nselect 1"]),
        ("select ';' ; select 2", ["select ';'", "select 2"]),
        ("select 'it''s;'; select 2", ["select 'it''s;'", "select 2"]),
        (r"select 'a\'; select 2", [r"select 'a\'", "select 2"]),
        (r"select E'a\';b'; select 2", [r"select E'a\';b'", "select 2"]),
        (r"select e'a\\'; select 2", [r"select e'a\\'", "select 2"]),
        ("select E'a'\n  'b\\';c'; select 2", ["select E'a'\n  'b\\';c'", "select 2"]),
        ("select E'a' -- more\n 'b\\';c'; select 2", ["select E'a' -- more\n 'b\\';c'", "select 2"]),
        ("select 'a'\n'b;c'; select 2", ["select 'a'\n'b;c'", "select 2"]),
        (r"select 1 as E, 'a\'; select 2", [r"select 1 as E, 'a\'", "select 2"]),
        (r"select nameE'a\'; select 2", [r"select nameE'a\'", "select 2"]),
        (r"select U&'\0061;'; select 2", [r"select U&'\0061;'", "select 2"]),
        (r'select U&"d\0061;"; select 2', [r'select U&"d\0061;"', "select 2"]),
        ('select "a;""b"; select 2', ['select "a;""b"', "select 2"]),
        ("select $$a;b$$; select 2", ["select $$a;b$$", "select 2"]),
        ("select $x$a;$$;$y$;$x$; select 2", ["select $x$a;$$;$y$;$x$", "select 2"]),
        ("select $ä$;$ä$; select 2", ["select $ä$;$ä$", "select 2"]),
        ("select a$b$c; select $1", ["select a$b$c", "select $1"]),
        ("select /* a; /* b; */ c; */ 1; select 2", ["select /* a; /* b; */ c; */ 1", "select 2"]),
        ("select 1 -- a; b\n; select 2", ["select 1", "select 2"]),
        ("select 1 --a;b\r+ 1; select 2", ["select 1 --a;b\r+ 1", "select 2"]),
        ("select 1 +-- a;\n 2; select 2", ["select 1 +-- a;\n 2", "select 2"]),
        (
            "create rule r as on insert to t do also (insert into u values (1); delete from v); select 2",
            ["create rule r as on insert to t do also (insert into u values (1); delete from v)", "select 2"],
        ),
        (
            "create function f() returns int language sql begin atomic select case when true then 1 end;"
            " select 2; end; select 3",
            [
                "create function f() returns int language sql begin atomic select case when true then 1 end;"
                " select 2; end",
                "select 3",
            ],
        ),
        ("create or replace procedure p() begin atomic ; end; select 3", 2),
        ("create function f() returns int language sql return 1; select 2", 2),
        ("create function begin() returns int language sql as $$ select 1; $$; select 2", 2),
        ("create table t (begin int); select 2", 2),
    ],
)
def test_statements(text: str, expected: list[str] | int) -> None:
    found = [statement.text for statement in statements(text)]
    assert (len(found) if isinstance(expected, int) else found) == expected


@pytest.mark.parametrize(
    ("text", "what", "start"),
    [
        ("select 'a''", "a string", 7),
        (r"select E'a\'", "a string", 7),
        ('select "a', "a quoted name", 7),
        ("select 1 /* a /* b */", "a comment", 9),
        ("do $body$ begin end $$", "the text in $body$", 3),
    ],
)
def test_what_never_ends_is_named(text: str, what: str, start: int) -> None:
    with pytest.raises(Unterminated) as caught:
        statements(text)
    assert (caught.value.what, caught.value.start) == (what, start)


def test_tokens_leave_nothing_out() -> None:
    text = "select E'a\\'b', \"c\"\t/* x */ -- y\n from $t$ z $t$; ä€\x00"
    assert "".join(token.text for token in tokens(text)) == text


def test_places_of_a_statement() -> None:
    """A statement begins with the comments before it; its first word is what an error points at."""
    (_, statement) = statements("select 1; -- why\n  COMMIT (and) ;")
    assert (statement.start, statement.first, statement.words) == (10, 19, ("commit",))
