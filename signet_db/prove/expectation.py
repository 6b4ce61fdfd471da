"""Whose rows are whose: inferred from columns, keys and policies, or written in a migration.

``-- signet: rows of public.notes belong to user_id`` · ``-- signet: everybody signed in reads public.profiles
where is_public`` · ``-- signet: members of public.orgs by org_id``
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from signet_db.errors import FileRefused, Place
from signet_db.files import Migration
from signet_db.prove.relations import Catalogue, Column, ForeignKey, Table, View

DIRECTIVES = ("rows", "everybody", "members")
_ROWS = re.compile(r"of (?P<table>\S+) belong to (?P<columns>\w+(?:, ?\w+)*)")
_READS = re.compile(r"(?P<signed>signed in )?reads (?P<table>\S+)(?: where (?P<condition>.+))?")
_MEMBERS = re.compile(r"of (?P<table>\S+) by (?P<column>\w+)")

_OWNER_NAMES = re.compile(
    r"(user|owner|author|creator|profile|account|customer|sender|recipient|uploader)(_?id)?"
    r"|(created|owned|uploaded|posted)_by|uid",
    re.IGNORECASE,
)
_MEMBERSHIP = re.compile(
    r"member|participant|collaborat|enrol|team_user|user_team|_users|user_role|seat", re.I
)
_PUBLIC_FLAGS = re.compile(
    r"(is_|make_)?(public|published|listed|visible_to_all|shared_publicly)", re.IGNORECASE
)
_PUBLIC_VALUES = ("public", "published")
_APP_KEY = re.compile(r"app_meta_?data'?(?:::\w+)?\)?\s*->>?\s*'(\w+)'")


@dataclass(frozen=True, slots=True)
class Membership:
    """A table that says which user belongs to which tenant."""

    table: int
    tenant_column: str
    user_column: str
    tenants: int | None  # the table of tenants, where a foreign key names one


@dataclass(frozen=True, slots=True)
class Tenancy:
    """The rows of a table belong to the members of the tenant in a column."""

    column: str
    membership: Membership | None
    claim: str = ""  # key of app_metadata, where the token names the tenant


@dataclass(frozen=True, slots=True)
class Belonging:
    """To whom the rows of a table belong; with none of the fields they are shared by everybody."""

    owners: tuple[str, ...] = ()
    tenancies: tuple[Tenancy, ...] = ()
    parents: tuple[ForeignKey, ...] = ()
    membership: Membership | None = None  # the table itself names members
    members_read: Membership | None = None  # rows of a table of tenants belong to their members
    public: tuple[tuple[str, str], ...] = ()  # column and value of rows that everybody may read
    place: Place | None = None

    @property
    def is_shared(self) -> bool:
        """Whether nothing says whose the rows are."""
        return not (self.owners or self.tenancies or self.parents or self.membership or self.members_read)


@dataclass(frozen=True, slots=True)
class Reading:
    """A written line that opens rows of a relation for reading."""

    title: str
    condition: str | None
    signed_in: bool
    place: Place


@dataclass(frozen=True, slots=True)
class Expectations:
    """The belonging of each table, and what is written to be open for reading."""

    tables: dict[int, Belonging]
    readings: tuple[Reading, ...]

    def readings_of(self, title: str) -> list[Reading]:
        """Return the lines about a relation."""
        return [reading for reading in self.readings if reading.title == title]


def expect(catalogue: Catalogue, migrations: Iterable[Migration]) -> Expectations:
    """Infer whose rows are whose, then apply the written lines; raises FileRefused for a wrong one."""
    users = user_columns(catalogue)
    memberships = [
        one for table in catalogue.tables.values() for one in _memberships(catalogue, table, users)
    ]
    lines = [
        (directive.name, directive.argument, migration.place(directive.start))
        for migration in migrations
        for directive in migration.directives
        if directive.name in DIRECTIVES
    ]
    memberships += [
        _declared_membership(catalogue, users, argument, place)
        for name, argument, place in lines
        if name == "members"
    ]
    found = {oid: _infer(catalogue, table, users, memberships) for oid, table in catalogue.tables.items()}
    found = _with_parents(catalogue, found)
    readings = []
    for name, argument, place in lines:
        if name == "rows":
            table, belonging = _declared_rows(catalogue, users, memberships, found, argument, place)
            found[table.oid] = belonging
        elif name == "everybody":
            readings.append(_declared_reading(catalogue, argument, place))
    return Expectations(found, tuple(readings))


def user_columns(catalogue: Catalogue) -> dict[int, list[str]]:
    """Return the columns of each table that hold ids of users: by key, by policy, else by name."""
    found: dict[int, list[str]] = {}
    for oid, table in catalogue.tables.items():
        keyed = [
            key.columns[0]
            for key in table.foreign_keys
            if key.target_title == "auth.users" and len(key.columns) == 1
        ]
        found[oid] = keyed or _named_as_owner(table)
    changed = True
    while changed:  # a key to profiles (id), itself a key to auth.users
        changed = False
        for oid, table in catalogue.tables.items():
            for key in table.foreign_keys:
                column = key.columns[0]
                if (
                    len(key.columns) == 1
                    and column not in found[oid]
                    and key.target_columns[0] in found.get(key.target, [])
                    and {key.target_columns[0]} in catalogue.tables[key.target].unique
                ):
                    found[oid].append(column)
                    changed = True
    return {oid: _most_likely_first(catalogue.tables[oid], columns) for oid, columns in found.items()}


def _named_as_owner(table: Table) -> list[str]:
    elsewhere = {key.columns[0] for key in table.foreign_keys}
    return [
        column.name
        for column in table.columns.values()
        if column.name not in elsewhere
        and column.type in ("uuid", "text")
        and (_is_compared(table, column) or (column.type == "uuid" and _OWNER_NAMES.fullmatch(column.name)))
    ]


def _is_compared(table: Table, column: Column) -> bool:
    """Whether a policy compares the column with auth.uid()."""
    name = re.escape(column.name)
    person_first = rf'auth\.uid\(\)( AS uid)?\)*(::text)?\)? = "?{name}\b'
    column_first = rf'\b{name}"?\)?(::text)? = \(*( SELECT )?\(?auth\.uid'
    pattern = f"{person_first}|{column_first}"
    return any(re.search(pattern, policy.text) for policy in table.policies)


def _most_likely_first(table: Table, columns: list[str]) -> list[str]:
    """Order the columns: those that policies compare or read, then those named like an owner."""

    def rank(name: str) -> tuple[bool, bool, bool]:
        column = table.columns[name]
        return (
            not _is_compared(table, column),
            not any(name in policy.columns for policy in table.policies),
            not _OWNER_NAMES.fullmatch(name),
        )

    return sorted(columns, key=rank)


def _memberships(catalogue: Catalogue, table: Table, users: dict[int, list[str]]) -> list[Membership]:
    """Return the memberships that a table holds: a user and a tenant, unique together or named so."""
    if not users[table.oid]:
        return []
    user = users[table.oid][0]
    candidates: dict[str, int | None] = {
        key.columns[0]: key.target
        for key in table.foreign_keys
        if len(key.columns) == 1 and key.columns[0] not in users[table.oid] and key.target in catalogue.tables
    }
    if not candidates:
        named = [
            column.name
            for column in table.columns.values()
            if column.name.endswith("_id") and column.name not in users[table.oid]
        ]
        candidates = dict.fromkeys(named)
    return [
        Membership(table.oid, column, user, target)
        for column, target in candidates.items()
        if frozenset({column, user}) in table.unique
        or (_MEMBERSHIP.search(table.name) and frozenset({user}) not in table.unique)
    ]


def _infer(
    catalogue: Catalogue, table: Table, users: dict[int, list[str]], memberships: Sequence[Membership]
) -> Belonging:
    owners = tuple(users[table.oid])
    read = {column for policy in table.policies for column in policy.columns}
    own_membership = next((one for one in memberships if one.table == table.oid), None)
    if own_membership is not None:
        return Belonging(owners=(own_membership.user_column,), membership=own_membership)
    tenancies = tuple(dict.fromkeys((*_tenancies(catalogue, table, memberships), *_claimed(table, owners))))
    keys = {key.columns[0] for key in table.foreign_keys if key.target in catalogue.tables}
    # What the policies read decides; where they read none of it, all of it may say whose the row is.
    if ({*owners} | {tenancy.column for tenancy in tenancies} | keys) & read:
        owners = tuple(column for column in owners if column in read)
        tenancies = tuple(tenancy for tenancy in tenancies if tenancy.column in read)
    named = " ".join(policy.text for policy in table.policies) + " ".join(
        source for source in catalogue.sources if table.name in source or "(" in source
    )
    members = next(
        (
            one
            for one in memberships
            if one.tenants == table.oid
            and (not owners or re.search(rf"\b{re.escape(catalogue.tables[one.table].name)}\b", named))
        ),
        None,
    )
    return Belonging(owners, tenancies, (), None, members, _public(table))


def _tenancies(catalogue: Catalogue, table: Table, memberships: Sequence[Membership]) -> Iterable[Tenancy]:
    for membership in memberships:
        for key in table.foreign_keys:
            if membership.tenants is not None and key.target == membership.tenants and len(key.columns) == 1:
                yield Tenancy(key.columns[0], membership)
        column = membership.tenant_column
        has_key = any(key.columns == (column,) for key in table.foreign_keys)
        if column in table.columns and not has_key and table.oid != membership.table:
            yield Tenancy(column, membership)


def _claimed(table: Table, owners: tuple[str, ...]) -> Iterable[Tenancy]:
    """Yield the columns that a policy compares with a key of app_metadata."""
    for policy in table.policies:
        for key in _APP_KEY.findall(policy.text):
            rest = [column for column in policy.columns if column not in owners]
            if key in table.columns and key in policy.columns:
                yield Tenancy(key, None, key)
            elif len(rest) == 1 and rest[0].endswith("_id"):
                yield Tenancy(rest[0], None, key)


def _public(table: Table) -> tuple[tuple[str, str], ...]:
    found = []
    for column in table.columns.values():
        if column.type == "bool" and _PUBLIC_FLAGS.fullmatch(column.name):
            found.append((column.name, "true"))
        elif re.fullmatch("status|visibility|state|access", column.name):
            allowed = " ".join(
                (*column.labels, *(text for names, text in table.checks.values() if column.name in names))
            )
            allowed += " ".join(policy.text for policy in table.policies if column.name in policy.columns)
            found += [(column.name, value) for value in _PUBLIC_VALUES if re.search(rf"\b{value}\b", allowed)]
    return tuple(found)


def _with_parents(catalogue: Catalogue, found: dict[int, Belonging]) -> dict[int, Belonging]:
    """Add the belonging of the row that a row refers to, where nothing else says or policies read the key."""
    changed = True
    while changed:
        changed = False
        for oid, table in catalogue.tables.items():
            if found[oid].parents or found[oid].membership is not None:
                continue
            read = {column for policy in table.policies for column in policy.columns}
            settled = {tenancy.column for tenancy in found[oid].tenancies}
            parents = tuple(
                key
                for key in table.foreign_keys
                if key.target in found
                and key.target != oid
                and not found[key.target].is_shared
                and key.columns[0] not in settled
                and (found[oid].is_shared or key.columns[0] in read)
            )
            if parents:
                found[oid] = replace(found[oid], parents=parents)
                changed = True
    return found


def _declared_rows(
    catalogue: Catalogue,
    users: dict[int, list[str]],
    memberships: Sequence[Membership],
    found: dict[int, Belonging],
    argument: str,
    place: Place,
) -> tuple[Table, Belonging]:
    match = _ROWS.fullmatch(argument)
    if match is None:
        raise _wrong(place, "Write  -- signet: rows of SCHEMA.TABLE belong to COLUMN")
    table = _table(catalogue, match["table"], place)
    columns = [column.strip() for column in match["columns"].split(",")]
    for column in columns:
        _require_column(table, column, place)
    tenancies = tuple(t for t in _tenancies(catalogue, table, memberships) if t.column in columns)
    tenancies += tuple(t for t in _claimed(table, ()) if t.column in columns)
    parents = tuple(
        key
        for key in table.foreign_keys
        if key.columns[0] in columns and key.target in found and not found[key.target].is_shared
    )
    tenant_columns = {tenancy.column for tenancy in tenancies}
    through = {key.columns[0] for key in parents} - set(users[table.oid])
    owners = tuple(one for one in columns if one not in tenant_columns | through)
    return table, replace(
        Belonging(owners, tenancies, parents if not owners and not tenancies else ()),
        public=_public(table),
        place=place,
    )


def _declared_reading(catalogue: Catalogue, argument: str, place: Place) -> Reading:
    match = _READS.fullmatch(argument)
    if match is None:
        raise _wrong(place, "Write  -- signet: everybody [signed in] reads SCHEMA.TABLE [where CONDITION]")
    if catalogue.find(match["table"]) is None:
        raise _stale(place, match["table"])
    return Reading(match["table"], match["condition"], bool(match["signed"]), place)


def _declared_membership(
    catalogue: Catalogue, users: dict[int, list[str]], argument: str, place: Place
) -> Membership:
    match = _MEMBERS.fullmatch(argument)
    if match is None:
        raise _wrong(place, "Write  -- signet: members of SCHEMA.TABLE by COLUMN")
    tenants = _table(catalogue, match["table"], place)
    for oid, table in catalogue.tables.items():
        column = match["column"]
        if oid != tenants.oid and column in table.columns and users[oid] and _MEMBERSHIP.search(table.name):
            user = next((one for one in users[oid] if one != column), None)
            if user is not None:
                return Membership(oid, column, user, tenants.oid)
    raise FileRefused(
        f"No table holds both {match['column']} and the id of a user.",
        hint="Name the column by which the table of members refers to the tenants.",
        place=place,
    )


def _table(catalogue: Catalogue, title: str, place: Place) -> Table:
    found = catalogue.find(title)
    if not isinstance(found, Table):
        raise _stale(place, title)
    return found


def _require_column(table: Table, column: str, place: Place) -> None:
    if column not in table.columns:
        raise FileRefused(
            f"{table.title} has no column {column}.",
            hint="Correct the line, or take it out.",
            place=place,
        )


def _stale(place: Place, title: str) -> FileRefused:
    return FileRefused(
        f"There is no table or view {title}.", hint="Correct the line, or take it out.", place=place
    )


def _wrong(place: Place, hint: str) -> FileRefused:
    return FileRefused("This line of expectation cannot be read.", hint=hint, place=place)


def is_open(expectations: Expectations, relation: Table | View) -> bool:
    """Whether a written line opens all rows of a relation, to whomever."""
    return any(one.condition is None for one in expectations.readings_of(relation.title))
