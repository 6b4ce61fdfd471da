"""PKCE flows: code verifiers of this browser, kept in one encrypted cookie (RFC 7636).

A flow begins with a request to Auth that carries a challenge (a mail, or a redirect to a provider) and ends
at a page that receives ``?code=…``. Only the browser that began it holds the verifier, so a stolen code opens
nothing. Auth refuses a wrong verifier without spending the code, so the few verifiers are tried in turn.

In shared cookie mode the verifiers are also written to, and read from, the cookies of ``@supabase/ssr`` (one
slot for each flow, an index, and the newest under a fixed name), so that either client can finish a flow.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal, get_args
from urllib.parse import urlsplit

from werkzeug import Response

from .auth_http import Answer, error_code, tokens_from
from .cookies import MAX_AGE, Sent, set_cookie
from .errors import FlowRefused
from .private_cookies import CookieCipher
from .shared_cookies import decode_json, encode_json, storage_key
from .tokens import SessionTokens

FlowKind = Literal["signup", "recovery", "email_change", "magiclink", "oauth"]
KINDS = get_args(FlowKind)
MAX_OAUTH = 5  # OAuth flows at once; of each other kind one
LIFE = 3600  # seconds
MAX_NOTE = 100  # characters
MAX_SLOTS = 5  # flows that @supabase/ssr keeps
_RECOVERY = "/PASSWORD_RECOVERY"  # suffix by which @supabase/ssr marks a recovery flow


@dataclass(frozen=True, slots=True)
class Flow:
    """A flow that this browser began; ``begun_at`` in unix seconds, ``note`` for the app's own use."""

    kind: FlowKind
    verifier: str = field(repr=False)
    begun_at: int
    note: str = ""
    slot: str = ""  # its id in the cookies of @supabase/ssr


@dataclass(frozen=True, slots=True, kw_only=True)
class FlowTokens(SessionTokens):
    """The token pair that a finished flow gave."""

    flow: Flow


def new_flow(kind: FlowKind, now: float) -> Flow:
    """Return a flow with a new verifier of 43 characters."""
    if kind not in KINDS:
        raise ValueError(f"{kind!r} is not one of {', '.join(KINDS)}")
    return Flow(kind, secrets.token_urlsafe(32), int(now), slot=secrets.token_hex(16))


def challenge_of(verifier: str) -> str:
    """Return the S256 challenge of a verifier (RFC 7636 section 4.2)."""
    raw = hashlib.sha256(verifier.encode("ascii")).digest()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode("ascii")


def with_flow(flows: Sequence[Flow], flow: Flow) -> tuple[Flow, ...]:
    """Add a flow at the end; it replaces the one of its kind, or the oldest of five OAuth flows."""
    same = [other for other in flows if other.kind == flow.kind]
    dropped = same[: len(same) - MAX_OAUTH + 1] if flow.kind == "oauth" and len(same) >= MAX_OAUTH else []
    if flow.kind != "oauth":
        dropped = same
    return (*(other for other in flows if other not in dropped), flow)


def with_note(flows: Sequence[Flow], kind: FlowKind, note: str) -> tuple[Flow, ...]:
    """Attach a short note to the newest flow of a kind."""
    if len(note) > MAX_NOTE:
        raise ValueError(f"the note of a flow has more than {MAX_NOTE} characters")
    newest = next((flow for flow in reversed(flows) if flow.kind == kind), None)
    return tuple(replace(flow, note=note) if flow is newest else flow for flow in flows)


def finish(
    flows: Sequence[Flow], code: str, exchange: Callable[[str, str], Answer], now: float
) -> FlowTokens:
    """Exchange a code with the verifier that fits, newest first.

    ``exchange`` sends code and verifier to Auth. Raises FlowRefused with Auth's error code
    (``bad_code_verifier``: begun in another browser), AuthUnavailable or AuthMisconfigured.
    """
    for flow in reversed(flows):
        answer = exchange(code, flow.verifier)
        refusal = error_code(answer)
        if refusal == "bad_code_verifier":
            continue
        if 400 <= answer.status < 500 and answer.status != 429 and refusal:
            raise FlowRefused(refusal)
        tokens = tokens_from(answer, now)
        return FlowTokens(tokens.access_token, tokens.refresh_token, tokens.user, flow=flow)
    raise FlowRefused("bad_code_verifier")


class FlowCookies:
    """The flows of a browser in one encrypted cookie: HttpOnly, SameSite=Lax, one hour."""

    def __init__(self, site_url: str, cipher: CookieCipher, clock: Callable[[], float] = time.time) -> None:
        parts = urlsplit(site_url)
        self._is_secure = parts.scheme == "https"
        self.name = "__Host-sb-flows" if self._is_secure else f"sb-flows-{parts.port or 80}"
        self._cipher = cipher
        self._clock = clock

    def read(self, sent: Sent) -> tuple[Flow, ...]:
        """Return the flows that are not older than an hour, oldest first."""
        for value in sent.get(self.name, ()):
            decrypted = self._cipher.decrypt(value, self.name)
            if decrypted is not None:
                oldest = self._clock() - LIFE
                return tuple(flow for flow in _unpack(decrypted[0]) if flow.begun_at >= oldest)
        return ()

    def write(self, response: Response, flows: Sequence[Flow], sent: Sent) -> None:
        """Store the flows; expire the cookie if there are none."""
        if flows:
            value = self._cipher.encrypt(_pack(flows), self.name)
            self._set(response, self.name, value, LIFE, http_only=True)
        elif self.name in sent:
            self._set(response, self.name, "", 0, http_only=True)

    def _set(self, response: Response, name: str, value: str, max_age: int, *, http_only: bool) -> None:
        set_cookie(response, name, value, max_age, is_secure=self._is_secure, http_only=http_only)


class SharedFlowCookies(FlowCookies):
    """The same cookie, and the verifier cookies of ``@supabase/ssr``."""

    def __init__(
        self,
        site_url: str,
        cipher: CookieCipher,
        supabase_url: str,
        clock: Callable[[], float] = time.time,
    ) -> None:
        super().__init__(site_url, cipher, clock)
        key = storage_key(supabase_url)
        self._fixed, self._index = f"{key}-code-verifier", f"{key}-flows-code-verifier"
        self._slot_name = f"{key}-flow-{{}}-code-verifier"
        self._slot_pattern = re.compile(re.escape(key) + r"-flow-([A-Za-z0-9_-]{8,64})-code-verifier")

    def read(self, sent: Sent) -> tuple[Flow, ...]:
        """Return the flows of both clients, those of the browser client first."""
        ours = super().read(sent)
        known = {flow.verifier for flow in ours}
        names = {match[1]: name for name in sent if (match := self._slot_pattern.fullmatch(name))}
        order = _strings(sent.get(self._index, ()))
        slots = sorted(names, key=lambda slot: order.index(slot) if slot in order else -1)
        foreign = [_foreign_flow(sent[names[slot]], slot, self._clock()) for slot in slots]
        foreign.insert(0, _foreign_flow(sent.get(self._fixed, ()), "", self._clock()))
        unique = {flow.verifier: flow for flow in foreign if flow is not None and flow.verifier not in known}
        return (*unique.values(), *ours)

    def write(self, response: Response, flows: Sequence[Flow], sent: Sent) -> None:
        """Store the flows in the encrypted cookie, and the newest five in the browser client's."""
        super().write(response, flows, sent)
        wanted = self._browser_cookies([flow for flow in flows if flow.slot][-MAX_SLOTS:])
        for name in sent:
            if name not in wanted and self._is_ours(name):
                self._set(response, name, "", 0, http_only=False)
        for name, value in wanted.items():
            if list(sent.get(name, ())) != [value]:
                self._set(response, name, value, MAX_AGE, http_only=False)

    def _browser_cookies(self, flows: Sequence[Flow]) -> Mapping[str, str]:
        if not flows:
            return {}
        marks = {flow.slot: _RECOVERY if flow.kind == "recovery" else "" for flow in flows}
        values = {flow.slot: encode_json(flow.verifier + marks[flow.slot]) for flow in flows}
        cookies = {self._slot_name.format(slot): value for slot, value in values.items()}
        cookies[self._index] = encode_json(list(values))
        cookies[self._fixed] = values[flows[-1].slot]
        return cookies

    def _is_ours(self, name: str) -> bool:
        return name in (self._fixed, self._index) or self._slot_pattern.fullmatch(name) is not None


def _foreign_flow(values: Sequence[str], slot: str, now: float) -> Flow | None:
    """Return a flow that the browser client began; it does not say when."""
    (verifier,) = _strings(values)[:1] or ("",)
    if not re.fullmatch(r"[A-Za-z0-9._~-]{43,128}", verifier.removesuffix(_RECOVERY)):
        return None
    kind: FlowKind = "recovery" if verifier.endswith(_RECOVERY) else "oauth"
    return Flow(kind, verifier.removesuffix(_RECOVERY), int(now), slot=slot)


def _strings(values: Sequence[str]) -> list[str]:
    """Return the string or the list of strings in a browser client's cookie; empty for anything else."""
    for value in values:
        decoded = decode_json(value)
        if isinstance(decoded, str):
            return [decoded]
        if isinstance(decoded, list):
            return [member for member in decoded if isinstance(member, str)]
    return []


def _pack(flows: Sequence[Flow]) -> bytes:
    rows = [[flow.kind, flow.verifier, flow.begun_at, flow.note, flow.slot] for flow in flows]
    return json.dumps(rows, separators=(",", ":")).encode()


def _unpack(raw: bytes) -> tuple[Flow, ...]:
    """Parse what ``_pack`` wrote; nothing for the layout of another version."""
    try:
        flows = tuple(Flow(*row) for row in json.loads(raw))
    except (ValueError, TypeError):
        return ()
    return flows if all(flow.kind in KINDS and type(flow.begun_at) is int for flow in flows) else ()
