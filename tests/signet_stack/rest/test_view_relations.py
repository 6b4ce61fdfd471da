"""Views take over the keys and relations of the tables below them, also of tables that are not exposed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from signet_stack.rest.schema_cache.relations import column_origins
from tests.signet_stack.rest.conftest import Api
from tests.support.patience import wait_until

SCHEMA = """
create schema hidden;
create table hidden.authors (id int primary key, name text, born int);
create table hidden.books (id int primary key, title text, author_id int references hidden.authors);
create table hidden.tags (id int primary key, "odd )({name" text);
create table hidden.books_tags (
    book_id int references hidden.books, tag_id int references hidden.tags, primary key (book_id, tag_id)
);
create table hidden.sales (book_id int, region int, sold int, primary key (book_id, region));
create table hidden.returned (
    id int primary key, book int, place int, foreign key (book, place) references hidden.sales
);
insert into hidden.authors values (1, 'Ada', 1815), (2, 'Bob', 1950);
insert into hidden.books values (10, 'Notes', 1), (11, 'Letters', 1), (12, 'Trees', 2);
insert into hidden.tags values (5, 'old'), (6, 'new');
insert into hidden.books_tags values (10, 5), (11, 5), (12, 6);
insert into hidden.sales values (10, 1, 100), (10, 2, 200);
insert into hidden.returned values (1, 10, 2);

create view test.authors as select id as "author id", name from hidden.authors;
create view test.books as
    select b.id, b.title, b.author_id, upper(b.title) as loud from hidden.books as b where b.id > 0;
create view test.books_again as select id as number, title, author_id as writer from test.books;
create view test.tags as with all_tags as (select * from hidden.tags) select * from all_tags;
create view test.books_tags as select * from hidden.books_tags;
create materialized view test.counted as
    select author_id as id, count(*) as books from hidden.books group by author_id;
create materialized view test.known_books as select id, title, author_id from hidden.books;
create view test.sales as select region as r, book_id as b, sold from hidden.sales;
create view test.returned as select id, place, book from hidden.returned;
create view test.both as
    select a.id as author, b.id as book from hidden.authors a join hidden.books b on true;
create view test.no_keys as select name from hidden.authors union select title from hidden.books;
grant select, insert, update, delete on all tables in schema test to anon;
"""


@pytest.fixture
def views(own_api: Callable[..., Api]) -> Api:
    """Serve a schema of views on tables that are not exposed."""
    api = own_api()
    api.sql(SCHEMA)
    return api


def test_embeds_along_the_keys_of_hidden_tables(views: Api) -> None:
    def get(address: str) -> Any:
        response = views.http.get(address)
        assert response.status_code == 200, response.text
        return response.json()

    ada = {"author id": 1, "name": "Ada"}
    assert get("/books?select=title,authors(*)&id=eq.10") == [{"title": "Notes", "authors": ada}]
    assert get("/authors?select=name,books(id)&books.order=id&name=eq.Ada") == [
        {"name": "Ada", "books": [{"id": 10}, {"id": 11}]}
    ]
    assert get("/books_again?select=number,authors(name)&number=eq.12") == [
        {"number": 12, "authors": {"name": "Bob"}}
    ]
    assert get("/books?select=id,tags(id)&id=eq.10") == [{"id": 10, "tags": [{"id": 5}]}]
    assert get("/tags?select=id,books(id)&books.order=id&id=eq.5") == [
        {"id": 5, "books": [{"id": 10}, {"id": 11}]}
    ]
    assert get("/known_books?select=id,authors(name)&id=eq.12") == [{"id": 12, "authors": {"name": "Bob"}}]
    assert get("/returned?select=id,sales(sold)") == [{"id": 1, "sales": {"sold": 200}}]
    assert get("/books?select=id,authors!books_author_id_fkey(name)&id=eq.12") == [
        {"id": 12, "authors": {"name": "Bob"}}
    ]


def test_keys_reach_put_upsert_and_the_description(views: Api) -> None:
    keys = {"authors": {"author id"}, "books": {"id"}, "books_again": {"number"}, "tags": {"id"},
            "books_tags": {"book_id", "tag_id"}, "counted": set(), "known_books": {"id"}, "sales": {"r", "b"},
            "both": {"author", "book"}, "no_keys": set()}  # fmt: skip
    definitions = views.http.get("/").json()["definitions"]
    for table, expected in keys.items():
        properties = definitions[table]["properties"]
        found = {name for name, one in properties.items() if "<pk/>" in one.get("description", "")}
        assert found == expected, table
    row = {"author id": 1, "name": "Augusta"}
    returning = {"Prefer": "return=representation"}
    put = views.http.put("/authors?%22author%20id%22=eq.1", json=row, headers=returning)
    assert (put.status_code, put.json()) == (200, [row])
    merged = views.http.post("/authors", json=row, headers={"Prefer": "resolution=merge-duplicates"})
    assert merged.status_code == 200
    added = views.http.post("/sales", json={"b": 9, "r": 3}, headers={"Prefer": "return=headers-only"})
    assert added.headers["Location"] == "/sales?b=eq.9&r=eq.3"


def test_what_a_view_does_not_show_whole_is_no_key(views: Api) -> None:
    assert views.http.get("/no_keys?select=name,books(id)").json()["code"] == "PGRST200"
    views.sql("create view test.half as select book_id from hidden.sales; grant all on test.half to anon")
    wait_until(lambda: views.http.get("/half").status_code == 200)
    assert views.http.put("/half?book_id=eq.10", json={"book_id": 10}).json()["code"] == "PGRST105"
    assert views.http.get("/half?select=returned(id)").json()["code"] == "PGRST200"


@pytest.mark.parametrize(
    ("definition", "origins"),
    [
        (
            "({QUERY :rtable ({RTE :subquery {QUERY"
            " :targetList ({TARGETENTRY :resno 9 :resorigtbl 9 :resorigcol 9})}})"
            " :targetList"
            " ({TARGETENTRY :expr {VAR :varno 1} :resno 1 :resname id :resorigtbl 70 :resorigcol 3}"
            " {TARGETENTRY :expr {SUBLINK :subselect {QUERY :targetList ({TARGETENTRY :resno 1 :resorigtbl 8"
            " :resorigcol 8})}} :resno 2 :resname a\\ \\)\\( :resorigtbl 0 :resorigcol 0})"
            " :returningList ({TARGETENTRY :resno 1 :resorigtbl 5 :resorigcol 5})})",
            [(1, (70, 3))],
        ),
        ("({QUERY :targetList <>})", []),
    ],
    ids=["nested", "empty"],
)
def test_only_the_outermost_target_list_counts(definition: str, origins: list[Any]) -> None:
    assert list(column_origins(definition)) == origins
