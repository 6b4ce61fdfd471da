"""Verified claims for tests that do not care whose they are."""

from __future__ import annotations

from uuid import UUID

from flask_signet.gatekeeper.tokens import AccessClaims
from tests.support.token_mint import ALICE, NOW, SESSION

CLAIMS = AccessClaims(
    user_id=UUID(ALICE),
    session_id=UUID(SESSION),
    email="alice@example.com",
    role="authenticated",
    issued_at=NOW,
    expires_at=NOW + 3600,
    kid="es-key",
)
