"""Lint and prove name every fault of the corpus, and are silent on its right twin."""

from __future__ import annotations

from pathlib import Path

import pytest

from signet_db.files import Migration
from signet_db.lint import Judgement, Level, lint_files
from signet_db.prove import Proof, prove_files
from signet_db.rehearsal import applied
from tests.database.broken_schemas import Case, cases, is_witnessed

CASES = [pytest.param(case, id=case.name) for case in cases()]
LEAST_CASES = 30


def written(folder: Path, text: str) -> Path:
    (folder / "1_schema.sql").write_text(text)
    return folder


def named(judgement: Judgement) -> set[str]:
    """Return the rules with an open error or warning."""
    return {one.rule.id for one in (*judgement.open(Level.ERROR), *judgement.open(Level.WARNING))}


def names(proof: Proof) -> bool:
    """Whether the proof names a fault."""
    return bool(proof.leaks or proof.broken)


def test_the_corpus_is_large_enough() -> None:
    assert len(CASES) >= LEAST_CASES


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_the_witness_shows_the_fault_and_not_in_the_right_twin(
    case: Case, unchanging: str, tmp_path: Path
) -> None:
    shown = []
    for text in (case.broken, case.right):
        migration = Migration.read(written(tmp_path, text) / "1_schema.sql")
        with applied(unchanging, [migration], "test") as rehearsal:
            shown.append(is_witnessed(rehearsal.connection, case))
    assert shown == [True, False]


@pytest.mark.parametrize("case", CASES)
def test_the_fault_is_named_with_its_place(case: Case, unchanging: str, tmp_path: Path) -> None:
    """By each tool that the case says names it."""
    folder = written(tmp_path, case.broken)
    if "prove" in case.named_by:
        proof = prove_files(unchanging, folder)
        assert names(proof)
        assert all(leak.place is not None for leak in proof.leaks)
    expected = set(case.named_by) - {"prove"}
    if expected:
        assert expected <= named(lint_files(unchanging, folder))


@pytest.mark.parametrize("case", CASES)
def test_the_right_twin_is_silent(case: Case, unchanging: str, tmp_path: Path) -> None:
    folder = written(tmp_path, case.right)
    proof = prove_files(unchanging, folder)
    assert (proof.leaks, proof.broken, proof.stale, proof.control) == ((), {}, (), "")
    assert named(lint_files(unchanging, folder)) == set()
