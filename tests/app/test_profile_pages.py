"""Your profile: created, shown, changed and deleted through the data API, as you and nobody else."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest
from flask import Flask

from signet_stack.handle import RunningStack
from tests.support.accessibility import faults
from tests.support.people import Person, log_in, sign_up

PICTURE = "https://pictures.example/me.png?size=80&crop=1"


@contextmanager
def altered(stack: RunningStack, do: str, undo: str) -> Iterator[None]:
    """Change the database as its owner would, and change it back."""
    with psycopg.connect(stack.database_url, autocommit=True) as owner:
        owner.execute(do)
        try:
            yield
        finally:
            owner.execute(undo)


def test_without_a_profile_the_page_invites_to_create_one(person: Person) -> None:
    page = person.get("/profile")
    assert (page.status, page.heading) == (200, "Your profile")
    assert "You have no profile yet." in page.main
    assert faults(page.tree) == []


def test_a_profile_is_created_shown_changed_and_deleted(person: Person) -> None:
    page = person.create_profile("Ada Lovelace", avatar_url=PICTURE)
    assert page.messages == ["Done: Your profile is created."]
    card = page.tree.find("section")
    assert card.text.startswith("AL Ada Lovelace Only you Changed just now (")
    assert faults(page.tree) == []

    page = person.press("Save", display_name="Ada King", is_public=True)
    assert page.messages == ["Done: Your profile is saved."]
    assert "Ada King Public" in page.tree.find("section").text
    assert page.field("is_public").has("checked")
    assert page.field("avatar_url")["value"] == PICTURE

    page = person.visitor.follow("Delete profile")
    assert (page.status, page.heading) == (200, "Delete your profile?")
    assert faults(page.tree) == []
    page = person.press("Delete profile")
    assert (page.path, page.messages) == ("/profile", ["Done: Your profile is deleted."])
    assert "You have no profile yet." in page.main


def test_an_empty_profile_is_possible(person: Person) -> None:
    page = person.create_profile()
    assert "No name yet" in page.tree.find("section").text
    assert page.field("display_name")["value"] == ""


def test_a_picture_is_shown_without_telling_where(person: Person) -> None:
    page = person.create_profile("Ada", avatar_url=PICTURE)
    picture = page.tree.find("main").find("img")
    assert (picture["src"], picture["alt"], picture["referrerpolicy"]) == (PICTURE, "", "no-referrer")
    assert "img-src 'self' https:;" in page.response.headers["Content-Security-Policy"] + ";"
    home = person.get("/").response.headers["Content-Security-Policy"]
    assert "https:" not in home


@pytest.mark.parametrize(
    ("field", "value", "problem"),
    [
        ("display_name", "x" * 81, "Display name must have at most 80 characters; this has 81."),
        ("display_name", "a\0b", "Display name contains a character that cannot be used."),
        ("avatar_url", "http://pictures.example/me.png", "starting with https://"),
        ("avatar_url", "javascript:alert(1)", "starting with https://"),
        ("avatar_url", "https://" + "x" * 2041, "at most 2048 characters; this has 2049."),
    ],
)
def test_what_cannot_be_stored_is_said_at_the_field(
    person: Person, field: str, value: str, problem: str
) -> None:
    person.create_profile("Ada", avatar_url=PICTURE)
    page = person.press("Save", **{field: value})
    assert page.status == 422
    assert problem in page.problems[0]
    assert page.field(field)["aria-invalid"] == "true"
    assert "Ada" in page.tree.find("section").text
    assert faults(page.tree) == []
    assert person.get("/profile").field("display_name")["value"] == "Ada"


def test_a_name_of_80_letters_of_any_script_is_kept(person: Person) -> None:
    name = "明" * 80
    assert person.create_profile(name).field("display_name")["value"] == name


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}",
        "'; drop table profiles; --",
        "%s%n",
        "&lt;b&gt;",
    ],
)
def test_a_name_is_shown_as_it_was_typed(app: Flask, person: Person, name: str) -> None:
    page = person.create_profile(name, is_public=True)
    assert page.field("display_name")["value"] == name
    assert name in page.tree.find("section").text
    assert {element.tag for element in page.tree.find("section").walk()} == {"span", "div", "p", "time"}
    people = sign_up(app).get("/people")
    assert faults(people.tree) == []


def test_a_change_in_another_window_is_noticed_and_both_versions_are_shown(
    app: Flask, person: Person
) -> None:
    person.create_profile("First")
    phone = log_in(app, person.email)
    phone.get("/profile")
    person.press("Save", display_name="Second", is_public=True)
    page = phone.press("Save", display_name="Third")
    assert page.status == 409
    assert "changed in another window" in page.problems[0]
    assert page.field("display_name")["value"] == "Third"
    assert "Stored now: Second" in page.main
    assert "Stored now: yes" in page.main
    assert faults(page.tree) == []
    assert person.get("/profile").field("display_name")["value"] == "Second"
    assert phone.press("Save").messages == ["Done: Your profile is saved."]
    assert person.get("/profile").field("display_name")["value"] == "Third"


def test_a_profile_that_was_deleted_meanwhile_can_be_created_anew(app: Flask, person: Person) -> None:
    person.create_profile("First")
    phone = log_in(app, person.email)
    phone.get("/profile")
    person.get("/profile/delete")
    person.press("Delete profile")
    page = phone.press("Save", display_name="Second")
    assert page.status == 409
    assert "deleted in the meantime" in page.problems[0]
    assert phone.press("Create profile").messages == ["Done: Your profile is created."]


def test_two_windows_create_one_profile(app: Flask, person: Person) -> None:
    phone = log_in(app, person.email)
    phone.get("/profile")
    person.create_profile("First")
    page = phone.press("Create profile", display_name="Second")
    assert page.status == 409
    assert "Stored now: First" in page.main
    assert phone.press("Save").messages == ["Done: Your profile is saved."]


def test_deleting_twice_is_no_error(app: Flask, person: Person) -> None:
    person.create_profile("First")
    phone = log_in(app, person.email)
    phone.get("/profile/delete")
    person.get("/profile/delete")
    person.press("Delete profile")
    assert phone.press("Delete profile").messages == ["Note: There was no profile to delete any more."]


@pytest.mark.parametrize(
    "version",
    ["yesterday", "2026-01-01T00:00:00+00:00", "' or true --", "\0", "9" * 60_000],
    ids=["words", "another", "sql", "nul", "long"],
)
def test_a_made_up_version_changes_nothing(person: Person, version: str) -> None:
    person.create_profile("First")
    page = person.press("Save", display_name="Second", version=version)
    assert page.status in (409, 422)
    assert person.get("/profile").field("display_name")["value"] == "First"


@pytest.mark.parametrize(
    ("operation", "policy", "definition"),
    [
        (
            "change",
            "People update their own profile",
            "for update to authenticated using (%s) with check (%s)",
        ),
        ("delete", "People delete their own profile", "for delete to authenticated using (%s)"),
    ],
)
def test_a_policy_that_hides_the_row_is_said_in_words(
    person: Person, stack: RunningStack, operation: str, policy: str, definition: str
) -> None:
    """The data API counts a write that reached no row as a success; the page must not."""
    person.create_profile("First")
    mine = "(select auth.uid()) = user_id"
    with altered(
        stack,
        f'drop policy "{policy}" on public.profiles',
        f'create policy "{policy}" on public.profiles {definition.replace("%s", mine)}',
    ):
        if operation == "delete":
            person.get("/profile/delete")
            page = person.press("Delete profile")
        else:
            page = person.press("Save", display_name="Second")
    assert page.status == 403
    assert f"do not let you {operation} this row of the table “profiles”" in page.problems[0]
    assert person.get("/profile").field("display_name")["value"] == "First"


@pytest.mark.parametrize(
    ("operation", "privilege"), [("create", "insert"), ("change", "update"), ("delete", "delete")]
)
def test_a_missing_grant_is_said(person: Person, stack: RunningStack, operation: str, privilege: str) -> None:
    if operation != "create":
        person.create_profile("First")
    with altered(
        stack,
        f"revoke {privilege} on public.profiles from authenticated",
        f"grant {privilege} on public.profiles to authenticated",
    ):
        person.get("/profile/delete" if operation == "delete" else "/profile")
        button = {"create": "Create profile", "change": "Save", "delete": "Delete profile"}[operation]
        page = person.press(button)
    assert page.status == 403
    assert page.problems == [f"The database does not let you {operation} rows of the table “profiles”."]


def test_a_refused_insert_names_policy_operation_and_table(person: Person, stack: RunningStack) -> None:
    policy = '"People create their own profile"'
    with altered(
        stack,
        f"drop policy {policy} on public.profiles",
        f"create policy {policy} on public.profiles for insert to authenticated "
        "with check ((select auth.uid()) = user_id)",
    ):
        page = person.create_profile("First")
    assert page.status == 403
    assert (
        "The policies of the database do not let you create rows of the table “profiles”" in page.problems[0]
    )
    assert page.field("display_name")["value"] == "First"


def test_a_missing_table_says_which_command_helps(person: Person, stack: RunningStack) -> None:
    with altered(stack, "alter table profiles rename to away", "alter table away rename to profiles"):
        page = person.get("/profile")
        assert page.status == 503
        assert "flask db upgrade" in page.main
