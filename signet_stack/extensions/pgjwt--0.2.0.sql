-- RFC 7519 with HMAC (HS256, HS384, HS512). Only for secrets of one's own: the local Auth signs with key pairs.

create function url_encode(data bytea) returns text language sql immutable as $$
    select translate(encode(data, 'base64'), E'+/=\n', '-_')
$$;

create function url_decode(data text) returns bytea language sql immutable as $$
    select decode(rpad(translate(data, '-_', '+/'), (length(data) + 3) / 4 * 4, '='), 'base64')
$$;

create function algorithm_sign(signables text, secret text, algorithm text) returns text language sql immutable as $$
    select @extschema@.url_encode(@extschema:pgcrypto@.hmac(
        signables, secret,
        case algorithm when 'HS256' then 'sha256' when 'HS384' then 'sha384' when 'HS512' then 'sha512' end))
$$;

create function sign(payload json, secret text, algorithm text default 'HS256') returns text
language sql immutable as $$
    select signables || '.' || @extschema@.algorithm_sign(signables, secret, algorithm)
    from (select
        @extschema@.url_encode(convert_to('{"alg":"' || algorithm || '","typ":"JWT"}', 'utf8')) || '.'
        || @extschema@.url_encode(convert_to(payload::text, 'utf8'))) as parts (signables)
$$;

create function verify(token text, secret text, algorithm text default 'HS256')
returns table (header json, payload json, valid boolean) language sql immutable as $$
    select
        convert_from(@extschema@.url_decode(parts[1]), 'utf8')::json,
        convert_from(@extschema@.url_decode(parts[2]), 'utf8')::json,
        parts[3] = @extschema@.algorithm_sign(parts[1] || '.' || parts[2], secret, algorithm)
            and coalesce(
                (convert_from(@extschema@.url_decode(parts[2]), 'utf8')::json ->> 'exp')::double precision
                    > extract(epoch from current_timestamp), true)
            and coalesce(
                (convert_from(@extschema@.url_decode(parts[2]), 'utf8')::json ->> 'nbf')::double precision
                    <= extract(epoch from current_timestamp), true)
    from (select regexp_split_to_array(token, '\.')) as split (parts)
$$;
