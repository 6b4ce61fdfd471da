-- RFC 9562. A time-based UUID takes a random node, as the RFC allows, not the network card's address.

create function uuid_nil() returns uuid language sql immutable strict parallel safe
return '00000000-0000-0000-0000-000000000000'::uuid;

create function uuid_ns_dns() returns uuid language sql immutable strict parallel safe
return '6ba7b810-9dad-11d1-80b4-00c04fd430c8'::uuid;

create function uuid_ns_url() returns uuid language sql immutable strict parallel safe
return '6ba7b811-9dad-11d1-80b4-00c04fd430c8'::uuid;

create function uuid_ns_oid() returns uuid language sql immutable strict parallel safe
return '6ba7b812-9dad-11d1-80b4-00c04fd430c8'::uuid;

create function uuid_ns_x500() returns uuid language sql immutable strict parallel safe
return '6ba7b814-9dad-11d1-80b4-00c04fd430c8'::uuid;

-- 100-nanosecond steps since 15 October 1582, then a random clock sequence and node with the multicast bit.
create function uuid_generate_v1mc() returns uuid language sql volatile strict parallel safe as $$
    select (substr(t, 9, 8) || substr(t, 5, 4) || '1' || substr(t, 2, 3)
        || to_hex(8 + get_byte(r, 8) % 4) || substr(encode(r, 'hex'), 18, 3)
        || lpad(to_hex(get_byte(r, 10) | 1), 2, '0') || substr(encode(r, 'hex'), 23, 10))::uuid
    from (select
        lpad(to_hex((extract(epoch from clock_timestamp()) * 10000000)::bigint + 122192928000000000), 16, '0'),
        uuid_send(gen_random_uuid())) as parts (t, r)
$$;

create function uuid_generate_v1() returns uuid language sql volatile strict parallel safe
return uuid_generate_v1mc();

create function uuid_generate_v4() returns uuid language sql volatile strict parallel safe
return gen_random_uuid();

create function uuid_generate_v3(namespace uuid, name text) returns uuid
language sql immutable strict parallel safe as $$
    select encode(set_byte(set_byte(h, 6, (get_byte(h, 6) & 15) | 48), 8, (get_byte(h, 8) & 63) | 128), 'hex')::uuid
    from (select decode(md5(uuid_send(namespace) || convert_to(name, 'UTF8')), 'hex')) as hashed (h)
$$;

create function uuid_generate_v5(namespace uuid, name text) returns uuid
language sql immutable strict parallel safe as $$
    select encode(set_byte(set_byte(h, 6, (get_byte(h, 6) & 15) | 80), 8, (get_byte(h, 8) & 63) | 128), 'hex')::uuid
    from (select substr(signet_hosted.sha1(uuid_send(namespace) || convert_to(name, 'UTF8')), 1, 16)) as hashed (h)
$$;
