"""The people of the tests: Alice owns, Bob is somebody else, Charlie must see nothing."""

from __future__ import annotations

import uuid
from dataclasses import dataclass, field

PASSWORD = "correct horse battery staple"


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with an address of their own in every test, so that tests can run side by side."""

    name: str
    email: str
    password: str = field(default=PASSWORD, repr=False)


def person(name: str) -> Person:
    """Return a new person of that name."""
    return Person(name, f"{name.lower()}-{uuid.uuid4().hex[:12]}@example.com")


def alice() -> Person:
    """Return a new Alice, who owns what the test is about."""
    return person("Alice")


def bob() -> Person:
    """Return a new Bob, who is signed in as well."""
    return person("Bob")


def charlie() -> Person:
    """Return a new Charlie, who must see nothing."""
    return person("Charlie")
