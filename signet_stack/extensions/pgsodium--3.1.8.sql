create function pgsodium.randombytes_buf(size integer) returns bytea language sql volatile strict
return signet_hosted.random_bytes(size);

do $script$
declare
    signature text;
    result text;
begin
    for signature, result in
        values
            ('create_key(key_type text default ''aead-det'', name text default null)', 'uuid'),
            ('crypto_aead_det_encrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)', 'bytea'),
            ('crypto_aead_det_decrypt(message bytea, additional bytea, key_uuid uuid, nonce bytea default null)', 'bytea'),
            ('crypto_aead_det_keygen()', 'bytea'), ('crypto_aead_det_noncegen()', 'bytea')
    loop
        execute format(
            'create function pgsodium.%s returns %s language plpgsql as $$
            begin perform signet_hosted.not_available(%L); end $$',
            signature, result, 'pgsodium.' || split_part(signature, '(', 1) || '()');
    end loop;
end
$script$;
