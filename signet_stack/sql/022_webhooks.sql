-- Schemas graphql_public and supabase_functions, which migrations pulled from hosted projects name.

create schema graphql_public;
grant usage on schema graphql_public to postgres, anon, authenticated, service_role;
alter default privileges in schema graphql_public
    grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges in schema graphql_public
    grant all on sequences to postgres, anon, authenticated, service_role;
alter default privileges in schema graphql_public
    grant all on functions to postgres, anon, authenticated, service_role;

create function graphql_public.graphql(
    "operationName" text default null, query text default null, variables jsonb default null,
    extensions jsonb default null
)
returns jsonb language sql immutable as $$
    select '{"errors": [{"message": "GraphQL is not available locally: docs/local-stack.md#extensions"}]}'::jsonb
$$;

-- Database webhooks: a trigger calls http_request(url, method, headers, params, timeout). The call is recorded in
-- supabase_functions.hooks and, where extension pg_net is created, in net.http_request_queue; nothing sends it.
create schema supabase_functions authorization supabase_functions_admin;
grant usage on schema supabase_functions to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_functions_admin in schema supabase_functions
    grant all on tables to postgres, anon, authenticated, service_role;
alter default privileges for role supabase_functions_admin in schema supabase_functions
    grant all on functions to postgres, anon, authenticated, service_role;

set role supabase_functions_admin;

create table supabase_functions.hooks (
    id bigserial primary key,
    hook_table_id integer not null,
    hook_name text not null,
    created_at timestamptz not null default now(),
    request_id bigint
);
create index supabase_functions_hooks_request_id_idx on supabase_functions.hooks (request_id);
create index supabase_functions_hooks_h_table_id_h_name_idx on supabase_functions.hooks (hook_table_id, hook_name);

create function supabase_functions.http_request() returns trigger
language plpgsql security definer set search_path = supabase_functions as $$
declare
    url text := nullif(tg_argv[0], 'null');
    method text := nullif(tg_argv[1], 'null');
    headers jsonb := coalesce(nullif(nullif(tg_argv[2], 'null'), ''), '{"Content-Type": "application/json"}');
    params jsonb := coalesce(nullif(nullif(tg_argv[3], 'null'), ''), '{}');
    timeout_ms integer := coalesce(nullif(nullif(tg_argv[4], 'null'), ''), '1000');
    body jsonb;
    sent bigint;
begin
    if url is null then
        raise exception 'url argument is missing';
    elsif method is null then
        raise exception 'method argument is missing';
    elsif method not in ('GET', 'POST') then
        raise exception 'method argument % is invalid', method;
    end if;
    if to_regnamespace('net') is not null then
        if method = 'GET' then
            execute 'select net.http_get($1, $2, $3, $4)' into sent using url, params, headers, timeout_ms;
        else
            body := jsonb_build_object(
                'type', tg_op, 'table', tg_table_name, 'schema', tg_table_schema,
                'record', case when tg_op <> 'DELETE' then to_jsonb(new) end,
                'old_record', case when tg_op <> 'INSERT' then to_jsonb(old) end);
            execute 'select net.http_post($1, $2, $3, $4, $5)'
                into sent using url, body, params, headers, timeout_ms;
        end if;
    end if;
    insert into supabase_functions.hooks (hook_table_id, hook_name, request_id)
    values (tg_relid, tg_name, sent);
    return new;
end
$$;

reset role;
