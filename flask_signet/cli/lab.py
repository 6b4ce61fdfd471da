"""`flask lab`: the policy matrix in a terminal, as a page, and for CI. Everything tried is rolled back."""

from __future__ import annotations

import json
from html import escape
from pathlib import Path
from xml.etree import ElementTree

import click

from flask_signet.cli.db import LocalStackGroup
from flask_signet.gatekeeper.settings import is_loopback
from flask_signet.lab.catalog import Relation, relation, relations
from flask_signet.lab.matrix import Cell, matrix
from signet_db.errors import InputRejected, NotFound
from signet_db.options import find_target, with_target
from signet_db.output import fails_in_words, show, show_json, tell, with_json
from signet_db.target import connected


@click.group(cls=LocalStackGroup)
def lab() -> None:
    """The lab: who reaches which row, tried and rolled back."""


@lab.command("matrix")
@with_target
@with_json
@click.option("--table", help="One table or view, such as public.notes.  [default: all exposed]")
@click.option("--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the matrix as a page.")
@click.option("--junit", type=click.Path(path_type=Path, dir_okay=False), help="Write a report for CI.")
@fails_in_words
def show_matrix(
    database_url: str | None,
    is_local: bool,
    as_json: bool,
    table: str | None,
    html: Path | None,
    junit: Path | None,
) -> None:
    """Try who reaches which row: person, operation, own and others' rows."""
    target = find_target(database_url, is_local)
    if not is_loopback(target.url):
        raise InputRejected(
            "The lab works on a database of this machine only.", hint="flask lab matrix --local"
        )
    tried = _tried(target.url, table)
    if as_json:
        show_json(
            {"target": target.name, "tables": {name: _cells_json(cells) for name, cells in tried.items()}}
        )
    else:
        show([f"Database  {target}", *_lines(tried)])
    if html:
        html.write_text(_page(tried), encoding="utf-8")
        tell(f"Written: {html}")
    if junit:
        junit.write_text(_junit(tried), encoding="utf-8")
        tell(f"Written: {junit}")


def _tried(url: str, table: str | None) -> dict[str, list[Cell]]:
    """Return the matrix of each relation, in one transaction that is rolled back."""
    with connected(url, "the lab") as connection:
        found: list[Relation] = []
        for one in relations(connection):
            if table in (None, one.full_name, one.name) and (complete := relation(connection, one.full_name)):
                found.append(complete)
        if table and not found:
            raise NotFound(f"No table or view {table} is exposed.", hint="flask lab matrix")
        tried = {one.full_name: matrix(connection, one) for one in found}
        connection.rollback()
    return tried


def _lines(tried: dict[str, list[Cell]]) -> list[str]:
    lines: list[str] = []
    for name, cells in tried.items():
        operations = list(dict.fromkeys(cell.operation for cell in cells))
        width = max(len(f"{cell.who}  {cell.whose}") for cell in cells)
        lines += ["", name, f"  {'':<{width}}  " + "  ".join(f"{one:<15}" for one in operations).rstrip()]
        for who, whose in dict.fromkeys((cell.who, cell.whose) for cell in cells):
            marks = {c.operation: c.mark for c in cells if (c.who, c.whose) == (who, whose)}
            row = "  ".join(f"{marks.get(one, ''):<15}" for one in operations).rstrip()
            lines.append(f"  {f'{who}  {whose}':<{width}}  {row}")
    return lines


def _cells_json(cells: list[Cell]) -> list[dict[str, object]]:
    return [
        {
            "who": cell.who,
            "operation": cell.operation,
            "whose": cell.whose,
            "rows": cell.outcome.count if cell.outcome else None,
            "sqlstate": cell.outcome.sqlstate if cell.outcome else None,
            "reached": cell.is_reached,
        }
        for cell in cells
    ]


def _page(tried: dict[str, list[Cell]]) -> str:
    parts = [
        "<!doctype html><html lang=en><meta charset=utf-8><title>Policy matrix</title><h1>Policy matrix</h1>"
    ]
    for name, cells in tried.items():
        operations = list(dict.fromkeys(cell.operation for cell in cells))
        head = "".join(f"<th scope=col>{one}" for one in operations)
        parts.append(f"<table><caption>{escape(name)}</caption><tr><th>who<th>whose row{head}")
        for who, whose in dict.fromkeys((cell.who, cell.whose) for cell in cells):
            marks = {c.operation: c.mark for c in cells if (c.who, c.whose) == (who, whose)}
            row = "".join(f"<td>{escape(marks.get(one, ''))}" for one in operations)
            parts.append(f"<tr><th scope=row>{escape(who)}<td>{whose}{row}")
        parts.append("</table>")
    return "\n".join(parts) + "\n"


def _junit(tried: dict[str, list[Cell]]) -> str:
    """Return one test case for each cell; a signed-out person who reaches a row is a failure."""
    root = ElementTree.Element("testsuite", name="policy matrix")
    for name, cells in tried.items():
        for cell in cells:
            title = f"{cell.who} {cell.operation} {cell.whose}"
            case = ElementTree.SubElement(root, "testcase", classname=name, name=title)
            if cell.outcome is None:
                ElementTree.SubElement(case, "skipped", message="there is no such row")
            elif cell.who == "signed out" and cell.is_reached:
                ElementTree.SubElement(case, "failure", message=f"signed out, and reached {cell.mark}")
            else:
                ElementTree.SubElement(case, "system-out").text = json.dumps(cell.mark)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"
