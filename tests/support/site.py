"""The settings under which tests run the app."""

from __future__ import annotations

from app.settings import LocalStack, Settings
from signet_stack.handle import RunningStack

SITE = "http://127.0.0.1:8000"
SECRET_KEY = "a-secret-key-of-more-than-32-bytes-for-tests"


def settings_for(stack: RunningStack, site_url: str = SITE) -> Settings:
    """Return the settings of an app on a local stack."""
    return Settings(
        supabase_url=stack.api_url,
        publishable_key=stack.publishable_key,
        issuer=stack.issuer,
        site_url=site_url,
        secret_key=SECRET_KEY,
        local_stack=LocalStack.of(stack),
    )
