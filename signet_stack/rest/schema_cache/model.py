"""The schema cache as values: what a name in a request may stand for. Immutable, shared between threads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from signet_stack.rest.settings import RestSettings

Kind = Literal["many-to-one", "one-to-many", "one-to-one", "many-to-many"]
Verb = Literal["DELETE", "UPDATE"]
Pairs = tuple[tuple[str, str], ...]
Place = tuple[str, str]  # schema and name


@dataclass(frozen=True, slots=True)
class TableColumn:
    """One column; ``type`` as format_type writes it, ``default`` an SQL expression from the database.

    ``base_type`` is that of a domain's base (else ``type`` without its modifiers).
    """

    name: str
    type: str
    nullable: bool
    default: str | None
    description: str | None
    choices: tuple[str, ...] = ()  # of an enum
    base_type: str = ""
    max_length: int | None = None  # of char and varchar


@dataclass(frozen=True, slots=True)
class Table:
    """A table, view or foreign table of an exposed schema."""

    schema: str
    name: str
    description: str | None
    columns: Mapping[str, TableColumn]
    primary_key: tuple[str, ...]
    insertable: bool
    updatable: bool
    deletable: bool
    is_view: bool = False


@dataclass(frozen=True, slots=True)
class Relation:
    """How rows of ``source`` find rows of ``target`` in the same schema.

    ``columns`` pairs source with target columns; for many-to-many ``columns`` pairs source with junction
    columns and ``far_columns`` junction with target columns. A computed relationship has a ``function`` that
    takes a source row; ``constraint`` is then the function's name.
    """

    schema: str
    kind: Kind
    source: str
    target: str
    constraint: str
    columns: Pairs
    junction: str | None = None
    far_constraint: str = ""
    far_columns: Pairs = ()
    function: Place | None = None

    @property
    def is_to_one(self) -> bool:
        """Whether each source row has at most one target row."""
        return self.kind in ("many-to-one", "one-to-one")


@dataclass(frozen=True, slots=True)
class Parameter:
    """One input parameter of a function; the name is empty for an unnamed one."""

    name: str
    type: str
    required: bool
    variadic: bool


@dataclass(frozen=True, slots=True)
class Routine:
    """One function. ``returns_table`` names the table whose row type it returns, if there is one."""

    schema: str
    name: str
    description: str | None
    parameters: tuple[Parameter, ...]
    settings: tuple[tuple[str, str], ...]  # hoisted into the transaction
    returns: Literal["void", "scalar", "composite"]
    returns_set: bool
    returns_table: str | None
    is_volatile: bool


@dataclass(frozen=True, slots=True)
class UnsafeStatement:
    """A DELETE or UPDATE without WHERE in the body of a function."""

    function: int  # its oid
    verb: Verb
    table: str  # without its schema


@dataclass(frozen=True, slots=True)
class RoleSettings:
    """What ``ALTER ROLE … SET`` says about a role that the data API may become."""

    isolation: str | None = None
    settings: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class SchemaCache:
    """Everything that requests are checked against, and the settings that were valid when it was read."""

    tables: Mapping[Place, Table] = field(default_factory=dict)
    relations: Mapping[Place, tuple[Relation, ...]] = field(default_factory=dict)
    routines: Mapping[Place, tuple[Routine, ...]] = field(default_factory=dict)
    roles: Mapping[str, RoleSettings] = field(default_factory=dict)
    settings: RestSettings = field(default_factory=RestSettings)
    unsafe_statements: tuple[UnsafeStatement, ...] = ()  # of functions
    version: int = 0  # grows with each load
