-- level: error
-- what: A trigger on auth.users runs with the rights of the Auth service
-- why: supabase_auth_admin has no right on your tables: every sign-up fails.
-- fix: create function … security definer set search_path = ''
select f.title, format('called by the trigger %%I of auth.users', t.tgname)
from pg_trigger t
join functions f on f.oid = t.tgfoid
join pg_proc p on p.oid = f.oid
where t.tgrelid = to_regclass('auth.users') and not t.tgisinternal and not f.is_definer
    and p.prosrc ~* '\m(insert\s+into|update|delete\s+from)\M'
