"""auth-js's own tests against the local Auth service. On demand: pytest -m interop. Needs git and npm."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from signet_stack.postgres.cluster import Cluster
from tests.signet_stack.interop.conftest import auth_services
from tests.signet_stack.interop.upstream import SUPABASE_JS, install_npm, replace_in, run_jest

pytestmark = pytest.mark.interop

PLACE = "packages/core/auth-js"
PACKAGES = (
    "jest@30.4.2", "ts-jest@^29.4.9", "typescript@~5.8.3", "@types/jest@30.0.0", "@types/node@20.19.9",
    "jest-environment-jsdom@30.4.1", "jest-mock-server@^0.1.0", "jsonwebtoken@^9.0.0", "tslib@2.8.1",
    "@types/jsonwebtoken@^8.5.8", "@faker-js/faker@^9.9.0", "prettier@^3.6.2",
)  # fmt: skip
# The suite's servers: by the address that its files name, what differs from a project's usual settings.
SERVERS = {
    "http://127.0.0.1:54321/auth/v1": {"mailer_autoconfirm": True},
    "http://localhost:9999": {"mailer_autoconfirm": False},
    "http://localhost:9998": {"mailer_autoconfirm": True},
    "http://localhost:9997": {"mailer_autoconfirm": False, "disable_signup": True},
    "http://localhost:9996": {"mailer_autoconfirm": True},
}
CLIENT, ADMIN, PASSKEY = (
    "GoTrueClient.test.ts: ",
    "GoTrueApi.test.ts: GoTrueAdminApi OAuth Admin ",
    "passkey.e2e.test.ts: ",
)
SECRETS = f"{ADMIN}Listing & Secret Regeneration "
REASONS = {
    "the reply to API keys that are JWTs; to publishable keys it is the local stack's": [
        f'{CLIENT}MFA enroll({{factorType: "totp"}}) should fail without session',
        f"{CLIENT}WebAuthn MFA enroll WebAuthn should fail without session",
        f"{CLIENT}WebAuthn MFA challenge WebAuthn should fail without session",
        f"{CLIENT}WebAuthn MFA verify WebAuthn should fail without session",
    ],
    "second factors by WebAuthn are disabled in the local stack": [
        f"{CLIENT}WebAuthn MFA enroll WebAuthn should allow empty friendlyName",
        f"{CLIENT}WebAuthn MFA enroll WebAuthn should create unverified factor",
        f"{CLIENT}WebAuthn MFA unenroll WebAuthn should remove factor",
        f"{CLIENT}WebAuthn MFA should enroll WebAuthn factor",
    ],
    "anonymous sign-ins are disabled in the local stack (the third uses the session of the second)": [
        f"{CLIENT}signInAnonymously should successfully sign in anonymously",
        f"{CLIENT}signInAnonymously should sign in anonymously with user data",
        f"{CLIENT}Reauthentication reauthenticate() fails without session",
    ],
    "the local stack has no OAuth server": [
        f"{ADMIN}Core Lifecycle oauth client lifecycle: create, get, update, delete",
        f"{SECRETS}listClients() returns registered OAuth clients with pagination",
        f"{SECRETS}regenerateClientSecret() generates new secret",
        f"{ADMIN}Error Handling createClient() returns AuthError with invalid redirect_uris",
        f"{ADMIN}Edge Cases updateClient() accepts partial updates",
        f"{ADMIN}Edge Cases createClient() works with minimal required fields",
        f"{ADMIN}Edge Cases createClient() accepts multiple redirect_uris",
    ],
    "passkeys are disabled in the local stack": [
        f"{PASSKEY}Passkey end-to-end {name}"
        for name in (
            "registration ceremony startRegistration returns WebAuthn creation options",
            "registration ceremony verifyRegistration creates the passkey",
            "registration ceremony verifyRegistration rejects an unknown challenge",
            "registration ceremony startRegistration requires a session",
            "passkey management list returns the registered passkey",
            "passkey management update renames the passkey",
            "passkey management update rejects an unknown passkey id",
            "authentication ceremony signs in with the passkey via the two-step flow",
            "authentication ceremony rejects a replayed authentication challenge",
            "authentication ceremony rejects an assertion from an unregistered authenticator",
            "admin passkey management listPasskeys returns the passkeys of the user",
            "admin passkey management deletePasskey removes the passkey",
            "passkey deletion delete removes the passkey and disables sign-in with it",
        )
    ],
    "telephone numbers are disabled in the local stack": [
        "phone-otp.test.ts: Docker: Phone Resend resend with phone with options",
        "phone-otp.test.ts: Docker: Phone Resend resend with phone with empty options",
        "phone-otp.test.ts: Docker: Phone Password Auth signInWithPassword() for phone",
    ],
}
OUT_OF_SCOPE = {name: reason for reason, names in REASONS.items() for name in names}


def test_the_suite_passes_but_for_what_is_out_of_scope(cluster: Cluster, tmp_path: Path) -> None:
    SUPABASE_JS.unpack(tmp_path, PLACE)
    folder = tmp_path / PLACE
    install_npm(folder, *PACKAGES)
    subprocess.run(["node", "test/generate-signing-keys.js"], cwd=folder, check=True, capture_output=True)
    compiler = {"target": "ES2022", "module": "CommonJS", "esModuleInterop": True, "isolatedModules": True}
    config = {
        "testEnvironment": "node",
        "testTimeout": 30000,
        "forceExit": True,
        "silent": True,
        "testPathIgnorePatterns": ["/node_modules/", "/example/"],
        "transform": {"\\.tsx?$": ["ts-jest", {"tsconfig": compiler, "diagnostics": False}]},
    }
    with auth_services(cluster, "/auth/v1", *SERVERS.values()) as origins:
        files = [
            *folder.glob("test/lib/clients.ts"),
            *folder.glob("test/docker-tests/clients.ts"),
            *folder.glob("test/*.e2e.test.ts"),
        ]
        for address, origin in zip(SERVERS, origins, strict=True):
            replace_in(files, address, origin)
        results = run_jest(folder, config)
    assert len(results.passed) > 500
    results.assert_only(OUT_OF_SCOPE)
