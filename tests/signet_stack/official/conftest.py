"""The official `supabase` client against a project: the local stack, or any that is named by option.

    pytest tests/signet_stack/official --supabase-url URL --supabase-key PUBLISHABLE \\
        --supabase-secret-key SECRET

The tests make users with the secret key and delete them again. `generate_link` gives them links and codes;
what must be mailed is tested where the project shows its mailbox, as the local stack does.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import httpx
import pytest
from supabase import Client, ClientOptions, create_client

from signet_stack.handle import RunningStack
from tests.support.cast import PASSWORD
from tests.support.patience import HANG_SECONDS


@dataclass
class Target:
    """The project under test; remembers whom the tests made and did not delete."""

    url: str
    key: str
    secret_key: str = field(repr=False)
    http: httpx.Client = field(repr=False)
    users: list[str] = field(default_factory=list)

    def client(self, key: str | None = None) -> Client:
        """Return a client that starts no thread and stores nothing."""
        options = ClientOptions(auto_refresh_token=False, httpx_client=self.http)
        return create_client(self.url, key or self.key, options)

    def admin(self) -> Client:
        """Return a client with the secret key."""
        return self.client(self.secret_key)

    def person(self) -> str:
        """Make a confirmed account and return its address."""
        email = new_email()
        made = self.admin().auth.admin.create_user(
            {"email": email, "password": PASSWORD, "email_confirm": True}
        )
        self.users.append(made.user.id)
        return email

    def signed_in(self, email: str | None = None) -> Client:
        """Return a client of somebody who has signed in."""
        client = self.client()
        client.auth.sign_in_with_password({"email": email or self.person(), "password": PASSWORD})
        return client


def new_email() -> str:
    """Return an address that nobody has."""
    return f"signet-{uuid.uuid4().hex}@example.com"


@pytest.fixture(scope="session")
def named_project(request: pytest.FixtureRequest) -> tuple[str, str, str] | None:
    """Return URL and keys of the project that the options name."""
    options = [request.config.getoption(f"--supabase-{name}") for name in ("url", "key", "secret-key")]
    if not any(options):
        return None
    if not all(options):
        pytest.exit("--supabase-url, --supabase-key and --supabase-secret-key belong together", 4)
    url, key, secret = map(str, options)
    return url.rstrip("/"), key, secret


@pytest.fixture(scope="session")
def find_stack(request: pytest.FixtureRequest) -> Callable[[], RunningStack]:
    """Return a function that starts the local stack, only when no other project is named."""

    def find() -> RunningStack:
        stack = request.getfixturevalue("stack")
        assert isinstance(stack, RunningStack)
        return stack

    return find


@pytest.fixture
def target(
    named_project: tuple[str, str, str] | None, find_stack: Callable[[], RunningStack]
) -> Iterator[Target]:
    """Return the project under test; the users that a test made are deleted after it."""
    if named_project is None:
        stack = find_stack()
        named_project = (stack.api_url, stack.publishable_key, stack.secret_key)
    with httpx.Client(timeout=HANG_SECONDS) as http:
        target = Target(*named_project, http)
        yield target
        for user_id in set(target.users):
            target.admin().auth.admin.delete_user(user_id)
