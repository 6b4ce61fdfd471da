create function graphql.resolve(
    query text, variables jsonb default '{}', "operationName" text default null, extensions jsonb default null
)
returns jsonb language plpgsql as $$
begin
    perform signet_hosted.not_available('pg_graphql');
end
$$;

create function graphql.exception(message text) returns text language plpgsql as $$
begin
    raise exception using errcode = '22000', message = message;
end
$$;

grant usage on schema graphql to postgres, anon, authenticated, service_role;
