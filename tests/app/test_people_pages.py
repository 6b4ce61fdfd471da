"""The people page: those who made their profile public, and nobody else."""

from __future__ import annotations

import uuid
from collections.abc import Iterator

import psycopg
import pytest
from flask import Flask

from app.profiles.store import PAGE_SIZE
from signet_stack.handle import RunningStack
from tests.support.accessibility import faults
from tests.support.people import Person, sign_up
from tests.support.visitor import Page


def names(page: Page) -> list[str]:
    return [item.find("p").text for item in page.tree.find("main").find_all("li")]


def test_only_public_profiles_of_others_are_listed(app: Flask, person: Person) -> None:
    alice, bob = sign_up(app), sign_up(app)
    public, private, mine = (uuid.uuid4().hex for _ in range(3))
    alice.create_profile(f"!{public}", is_public=True, avatar_url="https://pictures.example/a.png")
    bob.create_profile(f"!{private}")
    person.create_profile(f"!{mine}", is_public=True)
    page = person.get("/people")
    text = page.response.text
    assert f"!{public}" in text
    assert private not in text
    assert mine not in text
    assert page.tree.find("main").find("img")["referrerpolicy"] == "no-referrer"
    assert faults(page.tree) == []


def test_a_profile_disappears_when_its_owner_says_so(app: Flask, person: Person) -> None:
    name = f"!{uuid.uuid4().hex}"
    alice = sign_up(app)
    alice.create_profile(name, is_public=True)
    assert name in person.get("/people").response.text
    alice.press("Save", is_public=False)
    assert name not in person.get("/people").response.text


@pytest.fixture
def crowd(stack: RunningStack) -> Iterator[str]:
    """Have one person more with a public profile than a page holds; return their name."""
    name = uuid.uuid4().hex
    with psycopg.connect(stack.database_url, autocommit=True) as owner:
        owner.execute(
            "with made as (insert into auth.users (id, email, created_at)"
            " select gen_random_uuid(), %s || n || '@example.com', now()"
            " from generate_series(1, %s) n returning id)"
            " insert into public.profiles (user_id, display_name, is_public) select id, %s, true from made",
            (name, PAGE_SIZE + 1, name),
        )
        yield name
        owner.execute("delete from auth.users where starts_with(email, %s)", (name,))


def test_the_list_has_pages(person: Person, crowd: str) -> None:
    pages = [person.get("/people")]
    while pages[-1].tree.find_all("a", rel="next"):
        assert len(names(pages[-1])) == PAGE_SIZE
        pages.append(person.visitor.follow("More"))
    assert len(pages) >= 2
    assert [name for page in pages for name in names(page)].count(crowd) == PAGE_SIZE + 1
    assert [faults(page.tree) for page in pages] == [[]] * len(pages)
    assert names(person.visitor.follow("Earlier")) == names(pages[-2])


@pytest.fixture(scope="module")
def reader(app: Flask) -> Person:
    """Return somebody who only looks."""
    return sign_up(app)


@pytest.mark.parametrize("page", ["0", "-1", "x", "", "999999999999999999999", "1.5", "%00"])
def test_a_made_up_page_is_no_error(reader: Person, page: str) -> None:
    assert reader.get(f"/people?page={page}").status == 200


def test_a_page_past_the_end_says_so(reader: Person) -> None:
    page = reader.get("/people?page=9999")
    assert "The list ends before this page." in page.main
