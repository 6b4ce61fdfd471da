"""/admin/users, /admin/generate_link and /invite: for holders of the secret key."""

from __future__ import annotations

from urllib.parse import urlencode
from uuid import UUID

from flask import Blueprint, Response, request

from signet_stack.auth import admin_links, admin_users, factors, identities, mfa, users
from signet_stack.auth.access_tokens import AUDIENCE, uuid_claim
from signet_stack.auth.bearer import claims_of, require_admin
from signet_stack.auth.errors import AuthError, invalid
from signet_stack.auth.redirects import choose_target
from signet_stack.auth.routes import http
from signet_stack.auth.users import Rows, User, user_json

bp = Blueprint("admin", __name__)


@bp.before_request
def check_admin() -> None:
    """Refuse requests without an administrator's role."""
    claims = claims_of(http.operation(), http.credentials())
    with http.operation().transaction() as connection:
        require_admin(http.operation(), connection, claims)


@bp.get("/admin/users")
def list_users() -> Response:
    """Show one page of the accounts."""
    wanted = admin_users.read_page(request.args)
    with http.operation().transaction() as connection:
        found, total = admin_users.list_page(connection, wanted)
    links = ", ".join(
        f'<{_address(page)}>; rel="{rel}"' for rel, page in admin_users.page_links(wanted, total)
    )
    headers = {"X-Total-Count": str(total), "Link": links}
    return http.answer({"users": [user_json(user, None) for user in found], "aud": AUDIENCE}, headers=headers)


@bp.post("/admin/users")
def create_user() -> Response:
    """Make an account."""
    account = admin_users.read_account(http.operation(), http.body(), is_new=True)
    with http.operation().transaction() as connection:
        return _shown(connection, admin_users.create(http.operation(), connection, account))


@bp.get("/admin/users/<user_id>")
def show_user(user_id: str) -> Response:
    """Show an account."""
    with http.operation().transaction() as connection:
        return _shown(connection, _user(connection, user_id))


@bp.put("/admin/users/<user_id>")
def update_user(user_id: str) -> Response:
    """Change an account."""
    with http.operation().transaction() as connection:
        _user(connection, user_id)
    account = admin_users.read_account(http.operation(), http.body(), is_new=False)
    with http.operation().transaction() as connection:
        user = _user(connection, user_id, lock=True)
        return _shown(connection, admin_users.update(http.operation(), connection, user, account))


@bp.delete("/admin/users/<user_id>")
def delete_user(user_id: str) -> Response:
    """Delete an account, or empty it."""
    is_soft = http.optional_body().flag("should_soft_delete")
    with http.operation().transaction() as connection:
        user = _user(connection, user_id, lock=True)
        if is_soft:
            admin_users.soft_delete(http.operation(), connection, user)
        else:
            admin_users.delete(connection, user)
    return http.answer({})


@bp.get("/admin/users/<user_id>/factors")
def list_factors(user_id: str) -> Response:
    """List the second factors of an account."""
    with http.operation().transaction() as connection:
        user = _user(connection, user_id)
        return http.answer([factor.as_json() for factor in factors.of_user(connection, user.id)])


@bp.put("/admin/users/<user_id>/factors/<factor_id>")
def update_factor(user_id: str, factor_id: str) -> Response:
    """Rename a second factor."""
    name = http.body().text("friendly_name")
    with http.operation().transaction() as connection:
        user = _user(connection, user_id, lock=True)
        factor = factors.find(connection, user.id, mfa.factor_id(factor_id))
        if name:
            mfa.check_name(factors.of_user(connection, user.id), name, factor)
            factor = factors.rename(connection, factor, name, http.operation().now)
        return http.answer(factor.as_json())


@bp.delete("/admin/users/<user_id>/factors/<factor_id>")
def delete_factor(user_id: str, factor_id: str) -> Response:
    """Remove a second factor."""
    with http.operation().transaction() as connection:
        user = _user(connection, user_id, lock=True)
        factor = factors.find(connection, user.id, mfa.factor_id(factor_id))
        mfa.remove(connection, factor)
        return http.answer(factor.as_json())


@bp.post("/admin/generate_link")
def generate_link() -> Response:
    """Make a link without mailing it."""
    body, op = http.body(), http.operation()
    wishes = (body.text("redirect_to"), http.target())
    target = choose_target(wishes, op.site_url, op.settings.uri_allow_list)
    return http.answer(admin_links.generate(op, body, target))


@bp.post("/invite")
def invite() -> Response:
    """Mail an invitation."""
    return http.answer(admin_links.invite(http.operation(), http.body(), http.target()))


def _address(page: int) -> str:
    """Return where another page of the list is; in the order of names, because clients count on it."""
    return f"{request.path}?{urlencode(sorted({**request.args.to_dict(), 'page': str(page)}.items()))}"


def _user(connection: Rows, text: str, *, lock: bool = False) -> User:
    user_id: UUID | None = uuid_claim(text)
    if user_id is None:
        raise invalid("user_id must be an UUID", 404)
    user = users.find_by_id(connection, user_id, lock=lock)
    if user is None:
        raise AuthError(404, "user_not_found", "User not found")
    return user


def _shown(connection: Rows, user: User) -> Response:
    return http.answer(identities.describe(connection, user))
