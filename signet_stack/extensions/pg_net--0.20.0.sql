-- Requests stay in net.http_request_queue, where they can be read; nothing sends them and no response arrives.

create schema net;
create domain net.http_method as text
    check (upper(value) in ('GET', 'POST', 'DELETE', 'PUT', 'PATCH', 'HEAD', 'OPTIONS'));
create type net.request_status as enum ('PENDING', 'SUCCESS', 'ERROR');
create type net.http_response as (status_code integer, headers jsonb, body text);
create type net.http_response_result as (status net.request_status, message text, response net.http_response);

create unlogged table net.http_request_queue (
    id bigserial,
    method net.http_method not null,
    url text not null,
    headers jsonb,
    body bytea,
    timeout_milliseconds integer not null
);
create unlogged table net._http_response (
    id bigint,
    status_code integer,
    content_type text,
    headers jsonb,
    content text,
    timed_out boolean,
    error_msg text,
    created timestamptz not null default now()
);
create index on net._http_response (created);

create function net._urlencode_string(string varchar) returns text language sql immutable strict as $$
    select coalesce(string_agg(
        case when c ~ '^[A-Za-z0-9_.~-]$' then c
            else upper(regexp_replace(encode(convert_to(c, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) end,
        '' order by n), '')
    from regexp_split_to_table(string, '') with ordinality as characters (c, n)
$$;

create function net._encode_url_with_params_array(url text, params_array text[]) returns text
language sql immutable strict as $$
    select url || case when params_array = '{}' then '' when url like '%?%' then '&' else '?' end
        || array_to_string(params_array, '&')
$$;

create function net.signet_queue(
    method text, url text, params jsonb, headers jsonb, body bytea, timeout_milliseconds integer
)
returns bigint language sql as $$
    insert into net.http_request_queue (method, url, headers, body, timeout_milliseconds)
    select
        method,
        net._encode_url_with_params_array(url, array(
            select net._urlencode_string(key) || '=' || net._urlencode_string(value)
            from jsonb_each_text(coalesce(params, '{}')))),
        headers, body, timeout_milliseconds
    returning id
$$;

create function net.http_get(
    url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000
)
returns bigint language plpgsql as $$
begin
    return net.signet_queue('GET', url, params, headers, null, timeout_milliseconds);
end
$$;

create function net.http_post(
    url text, body jsonb default '{}', params jsonb default '{}',
    headers jsonb default '{"Content-Type": "application/json"}', timeout_milliseconds integer default 5000
)
returns bigint language plpgsql as $$
declare
    content_type text := (select value from jsonb_each_text(headers) where lower(key) = 'content-type' limit 1);
begin
    if content_type is null then
        headers := coalesce(headers, '{}') || '{"Content-Type": "application/json"}';
    elsif content_type <> 'application/json' then
        raise exception 'Content-Type header must be "application/json"';
    end if;
    return net.signet_queue('POST', url, params, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds);
end
$$;

create function net.http_delete(
    url text, params jsonb default '{}', headers jsonb default '{}', timeout_milliseconds integer default 5000,
    body jsonb default null
)
returns bigint language plpgsql as $$
begin
    return net.signet_queue('DELETE', url, params, headers, convert_to(body::text, 'UTF8'), timeout_milliseconds);
end
$$;

create function net.http_collect_response(request_id bigint, async boolean default true)
returns net.http_response_result language plpgsql as $$
begin
    if not async then
        perform signet_hosted.not_available('waiting for a response of pg_net');
    end if;
    return row('PENDING', 'request not sent: the local stack records it', null)::net.http_response_result;
end
$$;

create function net.check_worker_is_up() returns void language plpgsql as $$
begin
    perform signet_hosted.not_available('pg_net''s background worker');
end
$$;

create function net.worker_restart() returns boolean language sql return false;

grant usage on schema net to public;
grant all on all tables in schema net to public;
grant all on all sequences in schema net to public;
