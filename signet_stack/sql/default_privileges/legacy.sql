-- As in projects made before 2026-05-30: the API roles have every right to new tables, sequences and functions of
-- schema public, and PUBLIC may execute new functions of every schema, which is PostgreSQL's own default.
alter default privileges for role postgres grant execute on functions to public;
alter default privileges for role postgres in schema public
    grant all on tables to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on sequences to anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    grant all on functions to anon, authenticated, service_role;
