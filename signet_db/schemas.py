"""Whose schema is whose: the user's, made by migrations; the services', made by the platform."""

from __future__ import annotations

from psycopg import Connection
from psycopg.rows import TupleRow

# What a hosted project and the local stack bring along, beside the schemas that roles of the services own.
# Migrations use them and make none of them.
SERVICE_SCHEMAS = (
    "auth",
    "cron",
    "extensions",
    "graphql",
    "graphql_public",
    "net",
    "pgbouncer",
    "pgmq",
    "pgsodium",
    "realtime",
    "storage",
    "supabase_functions",
    "supabase_migrations",
    "vault",
)


def user_schemas(connection: Connection[TupleRow]) -> list[str]:
    """Return the schemas that belong to the user, public among them."""
    rows = connection.execute(
        r"""
        select n.nspname from pg_namespace n
        where n.nspname !~ '^(pg_|_)' and n.nspname <> 'information_schema' and n.nspname <> all (%s)
            and pg_get_userbyid(n.nspowner) !~ '^supabase_'
            and not exists (
                select from pg_depend d
                where d.classid = 'pg_namespace'::regclass and d.objid = n.oid and d.deptype = 'e')
        order by 1
        """,
        (list(SERVICE_SCHEMAS),),
    )
    return [name for (name,) in rows]


def exposed_schemas(connection: Connection[TupleRow]) -> list[str]:
    """Return the user's schemas that the data API serves: as set for its role, else public."""
    row = connection.execute(
        """
        select split_part(setting, '=', 2)
        from pg_db_role_setting s join pg_roles r on r.oid = s.setrole, unnest(s.setconfig) as setting
        where r.rolname = 'authenticator' and split_part(setting, '=', 1) = 'pgrst.db_schemas'
        order by s.setdatabase desc limit 1
        """
    ).fetchone()
    named = [name.strip() for name in row[0].split(",")] if row else ["public"]
    users = user_schemas(connection)
    return [name for name in named if name in users]
