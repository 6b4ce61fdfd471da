"""View decorators: which views are open, which need a session, a bearer token, a role or a newer proof."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, ParamSpec, TypeVar, overload

from flask import current_app
from flask.typing import ResponseReturnValue

from .current import current_gatekeeper, current_identity
from .hooks import BEARER, PUBLIC, Bearer
from .refusals import RoleRequired, StepUpRequired

P = ParamSpec("P")
View = TypeVar("View", bound=Callable[..., Any])
Closed = Callable[P, ResponseReturnValue]


def public(view: View) -> View:
    """Open a view to requests without a session. Place it below the route decorator."""
    setattr(view, PUBLIC, True)
    return view


@overload
def bearer_only(view: View) -> View: ...


@overload
def bearer_only(*, optional: bool) -> Callable[[View], View]: ...


def bearer_only(view: View | None = None, *, optional: bool = False) -> View | Callable[[View], View]:
    """Mark a view for API clients: ``Authorization: Bearer`` counts, cookies do not.

    ``optional``: without a token the view runs and ``current_identity()`` is None; a wrong token is a 401
    nevertheless. A cross-site form cannot send the header, so the view may be exempt from CSRF checks.
    """

    def mark(view: View) -> View:
        setattr(view, BEARER, Bearer.OPTIONAL if optional else Bearer.REQUIRED)
        return view

    return mark if view is None else mark(view)


def bearer_or_cookie(view: View) -> View:
    """Mark a view for API clients with a bearer token and for the site's own scripts with the cookie.

    With an Authorization header the cookie does not count. Without it, requests with other methods than GET,
    HEAD and OPTIONS must carry a browser's proof that this site sent them (Sec-Fetch-Site or Origin), so the
    view may be exempt from CSRF checks.
    """
    setattr(view, BEARER, Bearer.OR_COOKIE)
    return view


def login_required(view: Closed[P]) -> Closed[P]:
    """Close one view, in an app that is open by default (GATEKEEPER_CLOSED=False)."""

    @wraps(view)
    def closed(*args: P.args, **kwargs: P.kwargs) -> Any:
        if current_identity() is None:
            return current_gatekeeper().refuse()
        return current_app.ensure_sync(view)(*args, **kwargs)

    return closed


def requires(
    *, aal: Literal["aal2"] | None = None, fresh: float | None = None, role: str | None = None
) -> Callable[[Closed[P]], Closed[P]]:
    """Require a session whose verified claims show a second factor, a recent proof, or a role.

    ``fresh`` is the greatest age of the last proof (password, link, factor …) in seconds; ``role`` is one of
    ``Identity.roles``. Raises RoleRequired or StepUpRequired (403), which ask browsers for the missing proof
    at GATEKEEPER_STEP_UP_ENDPOINT.
    """
    if aal is None and fresh is None and role is None:
        raise ValueError("requires() needs aal, fresh or role")
    if aal not in (None, "aal2"):
        raise ValueError(f"aal={aal!r}: only aal2 can be required, every session has aal1")

    def close(view: Closed[P]) -> Closed[P]:
        @wraps(view)
        def checked(*args: P.args, **kwargs: P.kwargs) -> Any:
            identity = current_identity()
            if identity is None:
                return current_gatekeeper().refuse()
            if role is not None and role not in identity.roles:
                raise RoleRequired(role)
            if aal is not None and identity.aal != aal:
                raise StepUpRequired(aal=aal)
            if fresh is not None and current_gatekeeper().now() - identity.authenticated_at > fresh:
                raise StepUpRequired(fresh=fresh)
            return current_app.ensure_sync(view)(*args, **kwargs)

        return checked

    return close
