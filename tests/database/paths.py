"""Where things are in the repository."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
# test_mutants.py runs the policy tests on migrations with one mistake in them.
MIGRATIONS = Path(os.environ.get("SIGNET_TEST_MIGRATIONS", ROOT / "migrations"))
