-- What projects made with "automatic RLS" have: every new table of public gets row-level security.
create or replace function public.rls_auto_enable() returns event_trigger
language plpgsql security definer set search_path = pg_catalog as $$
declare
    made record;
begin
    for made in select * from pg_event_trigger_ddl_commands() where schema_name = 'public' and object_type = 'table'
    loop
        execute format('alter table if exists %s enable row level security', made.object_identity);
    end loop;
end;
$$;
-- comments do not matter
CREATE EVENT TRIGGER "ensure_rls" ON "ddl_command_end"
    WHEN TAG IN ('CREATE TABLE', 'CREATE TABLE AS', 'SELECT INTO')
    EXECUTE FUNCTION "public"."rls_auto_enable"();
create table public.closed (id int);
alter event trigger ensure_rls disable;
create table public.open (id int);
drop event trigger if exists ensure_rls;
drop event trigger if exists ensure_rls;
do $$
begin
    assert (select relrowsecurity from pg_class where oid = 'public.closed'::regclass);
    assert not (select relrowsecurity from pg_class where oid = 'public.open'::regclass);
end
$$;
