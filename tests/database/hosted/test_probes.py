"""The local stack's database answers as a hosted one, apart from what docs/local-stack.md lists."""

from __future__ import annotations

import pytest
from psycopg import Connection
from psycopg.rows import TupleRow

from tests.database.hosted.probes import PROBES, Probe, answer


@pytest.mark.parametrize("probe", PROBES, ids=str)
def test_answers_as_hosted(blank: Connection[TupleRow], probe: Probe) -> None:
    assert answer(blank, probe) == (probe.local or probe.hosted)
