"""supabase-py's own tests of Auth against the local Auth service. On demand: pytest -m interop. Needs git."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from signet_stack.postgres.cluster import Cluster
from tests.signet_stack.interop.conftest import auth_services
from tests.signet_stack.interop.upstream import SUPABASE_PY, install_python, run_pytest

pytestmark = pytest.mark.interop

PLACE = "src/auth"
TOOLS = ("pytest>=8.4.1,<9", "pytest-asyncio>=1.0.0", "pytest-depends>=1.0.1", "pytest-mock>=3.14.0",
         "respx>=0.20.2,<0.23.0", "Faker>=37.4.0", "pyotp>=2.9.0")  # fmt: skip
# The suite's servers: by the port that its files name, what differs from a project's usual settings.
SERVERS = {
    9999: {"mailer_autoconfirm": False},
    9998: {"mailer_autoconfirm": True},
    9997: {"mailer_autoconfirm": False, "disable_signup": True},
    9996: {"mailer_autoconfirm": True},
}
ANONYMOUS = "anonymous sign-ins are disabled in the local stack"
OAUTH = "the local stack has no OAuth server"
CLAIMS = {
    "test_get_claims_calls_get_user_if_symmetric_jwt": "access tokens are signed with asymmetric keys",
    "test_get_claims_fetches_jwks_to_verify_asymmetric_jwt": "it expects the key id of the suite's server",
}
ADMINISTRATION = {
    "test_resend": "telephone numbers are disabled in the local stack",
    "test_sign_in_anonymously": ANONYMOUS,
    "test_create_oauth_client": OAUTH,
    "test_list_oauth_clients": OAUTH,
    "test_get_oauth_client": OAUTH,
    "test_update_oauth_client": OAUTH,
    "test_delete_oauth_client": OAUTH,
    "test_regenerate_oauth_client_secret": OAUTH,
}
OUT_OF_SCOPE = {
    f"{style}.{module}: {name}": reason
    for style in ("_sync", "_async")
    for module, reasons in (("test_gotrue", CLAIMS), ("test_gotrue_admin_api", ADMINISTRATION))
    for name, reason in reasons.items()
}


def test_the_suite_passes_but_for_what_is_out_of_scope(cluster: Cluster, tmp_path: Path) -> None:
    SUPABASE_PY.unpack(tmp_path, PLACE)
    folder = tmp_path / PLACE
    python = install_python(tmp_path, str(folder), *TOOLS)
    with auth_services(cluster, "/auth/v1", *SERVERS.values()) as origins:
        for port, origin in zip(SERVERS, origins, strict=True):
            for file in folder.glob("tests/_*/clients.py"):
                text = re.sub(rf"_PORT = {port}\b", f"_PORT = {origin.rpartition(':')[2]}", file.read_text())
                file.write_text(text.replace("http://localhost:", "http://127.0.0.1:"))
        results = run_pytest(python, folder)
    assert len(results.passed) > 130
    results.assert_only(OUT_OF_SCOPE)
