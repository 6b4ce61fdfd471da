-- Hashes, bcrypt and random values work; encryption raises an error that names the page with the differences.

create function gen_random_uuid() returns uuid language sql volatile parallel safe
return pg_catalog.gen_random_uuid();

create function gen_random_bytes(integer) returns bytea language plpgsql volatile strict parallel safe as $$
begin
    if $1 not between 1 and 1024 then
        raise exception 'Length not in range' using errcode = '39000';
    end if;
    return signet_hosted.random_bytes($1);
end
$$;

create function digest(bytea, text) returns bytea language plpgsql immutable strict parallel safe as $$
begin
    case lower($2)
        when 'md5' then return decode(md5($1), 'hex');
        when 'sha1' then return signet_hosted.sha1($1);
        when 'sha224' then return sha224($1);
        when 'sha256' then return sha256($1);
        when 'sha384' then return sha384($1);
        when 'sha512' then return sha512($1);
        else raise exception 'Cannot use "%": No such hash algorithm', $2 using
            errcode = '22023', hint = 'The local stack has md5, sha1 and sha2: docs/local-stack.md#extensions';
    end case;
end
$$;

create function digest(text, text) returns bytea language sql immutable strict parallel safe
return digest(convert_to($1, getdatabaseencoding()), $2);

-- RFC 2104. In standard SQL, so that digest() is found wherever the extension is moved to.
create function hmac(bytea, bytea, text) returns bytea language sql immutable strict parallel safe
begin atomic
    with sizes (block) as (
        select case when lower($3) in ('sha384', 'sha512') then 128 else 64 end
    ),
    keys (key) as (
        select rpad(encode(case when length($2) > block then digest($2, $3) else $2 end, 'hex'), block * 2, '0')
        from sizes
    ),
    pads (inner_pad, outer_pad) as (
        select
            string_agg(decode(lpad(to_hex(get_byte(decode(key, 'hex'), i) # 54), 2, '0'), 'hex'), '' order by i),
            string_agg(decode(lpad(to_hex(get_byte(decode(key, 'hex'), i) # 92), 2, '0'), 'hex'), '' order by i)
        from keys, generate_series(0, length(key) / 2 - 1) as i
    )
    select digest(outer_pad || digest(inner_pad || $1, $3), $3) from pads;
end;

create function hmac(text, text, text) returns bytea language sql immutable strict parallel safe
return hmac(convert_to($1, getdatabaseencoding()), convert_to($2, getdatabaseencoding()), $3);

create function gen_salt(text, integer) returns text language plpgsql volatile strict parallel safe as $$
declare
    cost integer := coalesce(nullif($2, 0), 6);
begin
    if lower($1) in ('des', 'xdes', 'md5', 'sha256crypt', 'sha512crypt') then
        perform signet_hosted.not_available(format('gen_salt(''%s'')', lower($1)));
    elsif lower($1) <> 'bf' then
        raise exception 'gen_salt: Unknown salt algorithm' using errcode = '22023';
    elsif cost not between 4 and 31 then
        raise exception 'gen_salt: Incorrect number of rounds' using errcode = '22023';
    end if;
    return format('$2a$%s$', lpad(cost::text, 2, '0'))
        || signet_hosted.bcrypt_encode(signet_hosted.random_bytes(16));
end
$$;

create function gen_salt(text) returns text language sql volatile strict parallel safe
return gen_salt($1, 0);

-- The result of $2a$ and $2x$ differs for non-ASCII passwords in $2x$ only, a defect of old PHP versions.
create function crypt(text, text) returns text language plpgsql immutable strict parallel safe as $$
declare
    salt bytea;
begin
    if $2 !~ '^\$2a\$' then
        perform signet_hosted.not_available('crypt() with a salt other than gen_salt(''bf'')''s');
    elsif $2 !~ '^\$2a\$(0[4-9]|[12][0-9]|3[01])\$[./A-Za-z0-9]{22}' then
        raise exception 'invalid salt' using errcode = '22023';
    end if;
    salt := signet_hosted.bcrypt_decode(substr($2, 8, 22));
    return left($2, 7) || signet_hosted.bcrypt_encode(salt) || signet_hosted.bcrypt_encode(
        signet_hosted.bcrypt(convert_to($1, getdatabaseencoding()) || '\x00', salt, substr($2, 5, 2)::integer));
end
$$;

-- Encryption needs AES or OpenPGP.
do $script$
declare
    signature text;
    result text;
begin
    for signature, result in
        values
            ('encrypt(bytea, bytea, text)', 'bytea'), ('decrypt(bytea, bytea, text)', 'bytea'),
            ('encrypt_iv(bytea, bytea, bytea, text)', 'bytea'), ('decrypt_iv(bytea, bytea, bytea, text)', 'bytea'),
            ('pgp_sym_encrypt(text, text)', 'bytea'), ('pgp_sym_encrypt(text, text, text)', 'bytea'),
            ('pgp_sym_encrypt_bytea(bytea, text)', 'bytea'), ('pgp_sym_encrypt_bytea(bytea, text, text)', 'bytea'),
            ('pgp_sym_decrypt(bytea, text)', 'text'), ('pgp_sym_decrypt(bytea, text, text)', 'text'),
            ('pgp_sym_decrypt_bytea(bytea, text)', 'bytea'), ('pgp_sym_decrypt_bytea(bytea, text, text)', 'bytea'),
            ('pgp_pub_encrypt(text, bytea)', 'bytea'), ('pgp_pub_encrypt(text, bytea, text)', 'bytea'),
            ('pgp_pub_encrypt_bytea(bytea, bytea)', 'bytea'), ('pgp_pub_encrypt_bytea(bytea, bytea, text)', 'bytea'),
            ('pgp_pub_decrypt(bytea, bytea)', 'text'), ('pgp_pub_decrypt(bytea, bytea, text)', 'text'),
            ('pgp_pub_decrypt(bytea, bytea, text, text)', 'text'), ('pgp_pub_decrypt_bytea(bytea, bytea)', 'bytea'),
            ('pgp_pub_decrypt_bytea(bytea, bytea, text)', 'bytea'),
            ('pgp_pub_decrypt_bytea(bytea, bytea, text, text)', 'bytea'),
            ('pgp_key_id(bytea)', 'text'), ('armor(bytea)', 'text'), ('armor(bytea, text[], text[])', 'text'),
            ('dearmor(text)', 'bytea')
    loop
        execute format(
            'create function %s returns %s language plpgsql volatile strict parallel safe as $$
            begin perform signet_hosted.not_available(%L); end $$',
            signature, result, split_part(signature, '(', 1) || '()');
    end loop;
end
$script$;
