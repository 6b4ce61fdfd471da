-- Types and functions exist, so that functions which call them can be created; calls raise an error.

create domain http_method as text;
create type http_header as (field varchar, value varchar);
create type http_response as (status integer, content_type varchar, headers http_header[], content varchar);
create type http_request as (
    method http_method, uri varchar, headers http_header[], content_type varchar, content varchar
);

create function http_header(field varchar, value varchar) returns http_header language sql
return row(field, value)::http_header;

create function urlencode(string varchar) returns text language sql immutable strict as $$
    select coalesce(string_agg(
        case when c ~ '^[A-Za-z0-9_.~-]$' then c
            else upper(regexp_replace(encode(convert_to(c, 'UTF8'), 'hex'), '(..)', '%\1', 'g')) end,
        '' order by n), '')
    from regexp_split_to_table(string, '') with ordinality as characters (c, n)
$$;

do $script$
declare
    signature text;
    result text;
begin
    for signature, result in
        values
            ('http(request http_request)', 'http_response'),
            ('http_get(uri varchar)', 'http_response'), ('http_get(uri varchar, data jsonb)', 'http_response'),
            ('http_post(uri varchar, content varchar, content_type varchar)', 'http_response'),
            ('http_post(uri varchar, data jsonb)', 'http_response'),
            ('http_put(uri varchar, content varchar, content_type varchar)', 'http_response'),
            ('http_patch(uri varchar, content varchar, content_type varchar)', 'http_response'),
            ('http_delete(uri varchar)', 'http_response'),
            ('http_delete(uri varchar, content varchar, content_type varchar)', 'http_response'),
            ('http_head(uri varchar)', 'http_response'), ('http_set_curlopt(curlopt varchar, value varchar)', 'boolean'),
            ('http_reset_curlopt()', 'boolean')
    loop
        execute format(
            'create function %s returns %s language plpgsql as $$
            begin perform signet_hosted.not_available(%L); end $$',
            signature, result, split_part(signature, '(', 1) || '()');
    end loop;
end
$script$;
