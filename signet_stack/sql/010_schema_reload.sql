-- As on a hosted project, a change of the schema tells the data API to read it again. One notification a
-- transaction, sent when it commits, whoever made the change and by whatever way.

create function extensions.pgrst_ddl_watch() returns event_trigger
language plpgsql set search_path = '' as $$
begin
    perform pg_catalog.pg_notify('pgrst', 'reload schema');
end
$$;

create event trigger pgrst_ddl_watch on ddl_command_end execute function extensions.pgrst_ddl_watch();
create event trigger pgrst_drop_watch on sql_drop execute function extensions.pgrst_ddl_watch();
