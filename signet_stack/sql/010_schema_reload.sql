-- As on a hosted project, DDL notifies the data API, which then reloads its schema cache. One notification for
-- each transaction, sent at its commit, for every role and every client.

create function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql set search_path = '' as $$
begin
    perform pg_catalog.pg_notify('pgrst', 'reload schema');
end
$$;

create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_ddl_watch();
