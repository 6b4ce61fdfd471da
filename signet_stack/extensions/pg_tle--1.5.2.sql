create function pgtle.available_extensions(out name name, out default_version text, out comment text)
returns setof record language sql
begin atomic
    select null::name, null::text, null::text where false;
end;

create function pgtle.install_extension(
    name text, version text, description text, ext text, requires text[] default null
)
returns boolean language plpgsql as $$
begin
    perform signet_hosted.not_available('pgtle.install_extension()');
end
$$;

create function pgtle.uninstall_extension(extname text) returns boolean language plpgsql strict as $$
begin
    perform signet_hosted.not_available('pgtle.uninstall_extension()');
end
$$;
