"""HTTP clients for tools and tests: management API, Auth's admin API and the mailbox.

The management API of the local stack and of the hosted platform take the same calls. Trust boundary: a
management token controls the whole project, so it goes to the platform's address or to loopback only, and
appears in no message.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from signet_db.errors import (
    InputRejected,
    Misconfigured,
    NotAllowed,
    NotFound,
    ServiceUnavailable,
    SignetError,
)

if TYPE_CHECKING:
    import httpx

PLATFORM = "https://api.supabase.com"
LOCAL_PROJECT = "local"
AUTH_SETTINGS = "/config/auth"
SECONDS = 30.0
_ERRORS: Mapping[int, tuple[type[SignetError], str]] = {
    400: (InputRejected, ""),
    401: (Misconfigured, "Check SUPABASE_ACCESS_TOKEN."),
    403: (NotAllowed, "Use an access token of an account that may administer this project."),
    404: (NotFound, "flask keys list"),
    422: (InputRejected, "flask keys list"),
    429: (ServiceUnavailable, "The platform allows one change every few minutes; wait, then try again."),
}


@dataclass(frozen=True, slots=True)
class ManagementApi:
    """Management API of one project."""

    base: str
    project: str
    token: str = field(repr=False)

    @property
    def name(self) -> str:
        """The project as commands name it."""
        return "local stack" if self.is_local else f"project {self.project}"

    @property
    def is_local(self) -> bool:
        """Whether it is the local stack."""
        return self.project == LOCAL_PROJECT

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Send one request below the project and return its answer; raise SignetError."""
        import httpx  # takes long, and `flask run` imports this module before the stack boots

        url = f"{self.base}/v1/projects/{self.project}{path}"
        headers = {"Authorization": f"Bearer {self.token}"}
        try:
            answer = httpx.request(
                method, url, json=body, headers=headers, timeout=SECONDS, trust_env=not self.is_local
            )
        except httpx.HTTPError as error:
            raise ServiceUnavailable(
                f"The management API of the {self.name} does not answer.",
                hint="Check the connection, then try again.",
                detail=str(error),
            ) from error
        content = _object(answer)
        if not answer.is_success:
            raise _refusal(answer.status_code, content)
        return content


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail that the local stack kept instead of sending it."""

    id: str
    sent_at: str
    to: str
    kind: str  # signup, recovery, magiclink, invite, email_change, …
    subject: str
    text: str = field(repr=False)
    html: str = field(repr=False)
    link: str = field(repr=False)
    code: str = field(repr=False)
    token_hash: str = field(repr=False)


@dataclass(frozen=True, slots=True)
class Mailbox:
    """The local stack's mails; ``url`` is the page that shows them."""

    url: str
    api_url: str
    secret_key: str = field(repr=False)

    def mails_to(self, email: str) -> list[Mail]:
        """Return the mails to an address, the newest first."""
        import httpx

        answer = httpx.get(
            f"{self.api_url}/mailbox/api/mails",
            params={"to": email},
            headers={"apikey": self.secret_key},
            timeout=SECONDS,
            trust_env=False,
        )
        names = [item.name for item in fields(Mail)]
        return [
            Mail(**{name: mail[name] for name in names}) for mail in answer.raise_for_status().json()["mails"]
        ]

    def latest(self, email: str) -> Mail:
        """Return the newest mail to an address; raise NotFound when there is none."""
        mails = self.mails_to(email)
        if not mails:
            raise NotFound(f"There is no mail to {email}.", hint=f"Look at {self.url}")
        return mails[0]


def create_user(api_url: str, secret_key: str, email: str, password: str, **more: Any) -> dict[str, Any]:
    """Create a confirmed user through Auth's admin API and return it; raise InputRejected if refused.

    ``more`` are further members of the request, such as ``user_metadata`` or ``id``.
    """
    import httpx

    body = {"email": email, "password": password, "email_confirm": True, **more}
    headers = {"apikey": secret_key, "Authorization": f"Bearer {secret_key}"}
    answer = httpx.post(
        f"{api_url}/auth/v1/admin/users", json=body, headers=headers, timeout=SECONDS, trust_env=False
    )
    content = _object(answer)
    if not answer.is_success:
        reason = str(content.get("msg") or f"status {answer.status_code}")
        raise InputRejected(f"Auth did not create {email}: {reason}", code=content.get("error_code"))
    return content


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        content = answer.json()
    except ValueError:
        return {}
    return content if isinstance(content, dict) else {}


def _refusal(status: int, content: Mapping[str, Any]) -> SignetError:
    kind, hint = _ERRORS.get(status, (ServiceUnavailable, "Try again in a moment."))
    message = str(content.get("message") or f"The management API answered with status {status}.")
    return kind(message, hint=hint)
