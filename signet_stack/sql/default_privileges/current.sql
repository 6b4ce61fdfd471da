-- As in projects made since 2026-05-30: nothing is exposed without a GRANT of its own. In two points more closed
-- than there (docs/decisions/0140): PUBLIC cannot execute new functions, and the API roles have no TRUNCATE,
-- REFERENCES, TRIGGER and MAINTAIN on new tables.
alter default privileges for role postgres revoke execute on functions from public;
alter default privileges for role postgres in schema public
    revoke all on tables from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    revoke all on sequences from anon, authenticated, service_role;
alter default privileges for role postgres in schema public
    revoke all on functions from anon, authenticated, service_role;
