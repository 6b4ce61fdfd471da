create function hypopg_create_index(sql_order text, out indexrelid oid, out indexname text) returns setof record
language plpgsql strict as $$
begin
    perform signet_hosted.not_available('hypopg_create_index()');
end
$$;

create function hypopg_drop_index(indexid oid) returns boolean language plpgsql strict as $$
begin
    perform signet_hosted.not_available('hypopg_drop_index()');
end
$$;

create function hypopg_reset() returns void language plpgsql as $$
begin
    perform signet_hosted.not_available('hypopg_reset()');
end
$$;
