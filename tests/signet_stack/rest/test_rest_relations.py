"""Which relation an embed means: by table, constraint, column, hint or junction."""

from __future__ import annotations

from typing import Any

import pytest

from signet_stack.rest.errors import RestError
from signet_stack.rest.grammar.select import parse_select
from signet_stack.rest.grammar.trees import Embed
from signet_stack.rest.plan.relation_lookup import find_relation
from signet_stack.rest.schema_cache.model import SchemaCache, Table
from signet_stack.rest.schema_cache.relations import derive_relations
from tests.support.rest_sample import NO_VIEWS, foreign_key

NAMES = ("orders", "addresses", "users", "tasks", "users_tasks", "passports", "pages")
KEYS = {"users_tasks": ("user_id", "task_id"), "passports": ("user_id",)}


def table(name: str) -> Table:
    return Table("s", name, None, {}, KEYS.get(name, ("id",)), True, True, True)


TABLES = {("s", name): table(name) for name in NAMES}
FOREIGN_KEYS = [
    foreign_key("orders", "orders_billing", "addresses", "billing_id"),
    foreign_key("orders", "orders_shipping", "addresses", "shipping_id"),
    foreign_key("passports", "passports_user", "users", "user_id", is_unique=True),
    foreign_key("pages", "pages_parent", "pages", "parent_id"),
    foreign_key("users_tasks", "ut_task", "tasks", "task_id"),
    foreign_key("users_tasks", "ut_user", "users", "user_id"),
    foreign_key("orders", "orders_gone", "not_exposed", "gone_id"),
]
SCHEMA_CACHE = SchemaCache(TABLES, derive_relations(FOREIGN_KEYS, NO_VIEWS, [], TABLES))


def find(source: str, text: str) -> Any:
    (embed,) = parse_select(f"{text}(*)")
    assert isinstance(embed, Embed)
    return find_relation(SCHEMA_CACHE, TABLES["s", source], embed)


@pytest.mark.parametrize(
    ("source", "text", "kind", "target", "constraint"),
    [
        ("orders", "addresses!orders_billing", "many-to-one", "addresses", "orders_billing"),
        ("orders", "addresses!shipping_id", "many-to-one", "addresses", "orders_shipping"),
        ("orders", "orders_billing", "many-to-one", "addresses", "orders_billing"),
        ("orders", "billing_id", "many-to-one", "addresses", "orders_billing"),
        ("addresses", "orders!billing_id", "one-to-many", "orders", "orders_billing"),
        ("addresses", "orders!orders_shipping", "one-to-many", "orders", "orders_shipping"),
        ("passports", "users", "one-to-one", "users", "passports_user"),
        ("users", "passports", "one-to-one", "passports", "passports_user"),
        ("users", "tasks", "many-to-many", "tasks", "ut_user"),
        ("users", "tasks!users_tasks", "many-to-many", "tasks", "ut_user"),
        ("tasks", "users", "many-to-many", "users", "ut_task"),
        ("users", "users_tasks", "one-to-many", "users_tasks", "ut_user"),
        ("pages", "pages", "one-to-many", "pages", "pages_parent"),
        ("pages", "parent_id", "many-to-one", "pages", "pages_parent"),
        ("pages", "pages!parent_id", "one-to-many", "pages", "pages_parent"),
    ],
)
def test_finds_the_relation(source: str, text: str, kind: str, target: str, constraint: str) -> None:
    relation = find(source, text)
    assert (relation.kind, relation.target, relation.constraint) == (kind, target, constraint)


@pytest.mark.parametrize(
    ("source", "text"),
    [
        ("orders", "users"),
        ("orders", "not_exposed"),
        ("orders", "addresses!nope"),
        ("pages", "pages!pages_parent"),
        ("users", "tasks!ut_user"),
    ],
)
def test_no_relation_is_PGRST200(source: str, text: str) -> None:
    with pytest.raises(RestError) as refused:
        find(source, text)
    assert (refused.value.code, refused.value.status) == ("PGRST200", 400)


def test_several_relations_are_PGRST201_with_the_way_out() -> None:
    with pytest.raises(RestError) as refused:
        find("orders", "addresses")
    assert (refused.value.code, refused.value.status) == ("PGRST201", 300)
    assert refused.value.details == [
        {
            "cardinality": "many-to-one",
            "embedding": "orders with addresses",
            "relationship": f"orders_{name} using orders({name}_id) and addresses(id)",
        }
        for name in ("billing", "shipping")
    ]
    assert refused.value.hint == (
        "Try changing 'addresses' to one of the following: 'addresses!orders_billing',"
        " 'addresses!orders_shipping'. Find the desired relationship in the 'details' key."
    )
