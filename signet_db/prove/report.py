"""A proof as text lines and as JSON."""

from __future__ import annotations

from collections.abc import Iterable

from signet_db.errors import Place
from signet_db.prove.proof import Leak, Proof

OPERATIONS = (
    "select",
    "insert",
    "update",
    "delete",
    "upsert",
    "truncate",
    "take over",
    "give away",
    "raise",
    "call",
)


def proof_lines(proof: Proof) -> list[str]:
    """Return the table by relation, operation and person, then each leak with its place, then the counts."""
    lines = [*_table(proof), ""]
    for leak in proof.leaks:
        lines += [*_leak_lines(leak), ""]
    for title, (message, place) in proof.broken.items():
        lines += [f"error: The policies of {title} cannot run: {message}", *_place_lines(place), ""]
    lines += [f"error: {line}" for line in proof.stale]
    lines += [f"warning: Not tried: {title}: {reason}." for title, reason in proof.not_tried.items()]
    return [*lines, summary(proof)]


def summary(proof: Proof) -> str:
    """Return the counts in one line; never "safe" where nothing was tried."""
    if proof.control:
        return f"The proof proves nothing: {proof.control}."
    leaks = "1 leak" if len(proof.leaks) == 1 else f"{len(proof.leaks)} leaks"
    parts = [
        f"Tried {proof.statements} statements on {proof.rows} marked rows",
        leaks if proof.leaks else "no leak",
    ]
    if proof.broken:
        parts.append(f"{len(proof.broken)} with policies that cannot run")
    if proof.not_tried:
        parts.append(f"{len(proof.not_tried)} not tried")
    return f"{parts[0]}: {', '.join(parts[1:])}."


def next_step(proof: Proof) -> list[str]:
    """Return the line with the next step, where something is open."""
    if proof.control:
        return ["Next: check the policies and grants that let an owner reach a row, then run  flask db prove"]
    reads = [leak.relation for leak in proof.leaks if leak.operation == "select"]
    if reads:
        return [
            "Next: correct the policy, or, if the rows are public, write in a migration:"
            f"  -- signet: everybody signed in reads {reads[0]}"
        ]
    if proof.leaks or proof.broken:
        return ["Next: correct what lets them in a new migration, then run  flask db prove"]
    return []


def _table(proof: Proof) -> list[str]:
    shown: dict[str, dict[str, list[str]]] = {}
    for title, operation in sorted({(title, operation) for title, operation, _ in proof.cells}):
        blank = "" if operation == "call" else "–"  # without a grant there is nothing to try
        cells = [proof.cells.get((title, operation, person), blank) for person in proof.people]
        if operation in OPERATIONS[:4] or any(cell.endswith("!") for cell in cells) or operation == "call":
            shown.setdefault(title, {})[operation] = cells
    widths = (
        [
            max(len(person), *(len(cells[place]) for rows in shown.values() for cells in rows.values()), 3)
            for place, person in enumerate(proof.people)
        ]
        if shown
        else []
    )
    head = "  ".join(person.ljust(width) for person, width in zip(proof.people, widths, strict=False))
    lines = [f"{'':<14}{head}".rstrip()] if shown else []
    for title, rows in shown.items():
        lines.append(title)
        for operation in sorted(rows, key=OPERATIONS.index):
            texts = [cell.ljust(width) for cell, width in zip(rows[operation], widths, strict=True)]
            lines.append(f"  {operation:<12}{'  '.join(texts)}".rstrip())
    return lines


def _leak_lines(leak: Leak) -> list[str]:
    return [
        f"error: {leak.sentence}      [{leak.operation} {leak.relation}]",
        f"  Let in by: {leak.cause}",
        *_place_lines(leak.place),
        f"  Reached by: {', '.join(leak.people)}",
        f"  Tried: {leak.statement}",
    ]


def _place_lines(place: Place | None) -> Iterable[str]:
    return [f"  {place}", f"  {place.excerpt()[0]}"] if place else []


def proof_json(proof: Proof) -> dict[str, object]:
    """Return a proof as plain values."""
    return {
        "proved": proof.is_proved,
        "statements": proof.statements,
        "rows": proof.rows,
        "control": proof.control or None,
        "cells": [
            {"relation": title, "operation": operation, "person": person, "reached": text}
            for (title, operation, person), text in sorted(proof.cells.items())
        ],
        "leaks": [
            {
                "relation": leak.relation,
                "operation": leak.operation,
                "people": list(leak.people),
                "sentence": leak.sentence,
                "cause": leak.cause,
                **_place_json(leak.place),
                "statement": leak.statement,
            }
            for leak in proof.leaks
        ],
        "broken": [
            {"relation": title, "message": message, **_place_json(place)}
            for title, (message, place) in proof.broken.items()
        ],
        "stale": list(proof.stale),
        "not_tried": [{"object": title, "reason": reason} for title, reason in proof.not_tried.items()],
    }


def _place_json(place: Place | None) -> dict[str, object]:
    return {"file": place and place.path.name, "line": place and place.line}
