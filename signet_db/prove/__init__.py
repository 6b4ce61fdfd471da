"""Prove policies by trying them: people with sessions, marked rows, every operation, all rolled back.

``prove_files`` applies a folder's migrations in a scratch database; ``prove_copy`` proves a copy of another
database's schema; ``prove`` works in the transaction that is open.
"""

from __future__ import annotations

from signet_db.prove.copying import prove_copy
from signet_db.prove.proof import Leak, Proof, prove, prove_files

__all__ = ["Leak", "Proof", "prove", "prove_copy", "prove_files"]
