-- The real extension keeps its key outside the database and encrypts with libsodium. Here the key is in a table that
-- only the superuser reads, and the cipher is SHA-256 in counter mode: enough that nothing works with the secret
-- column by mistake.

create table vault.signet_key (key bytea not null);
revoke all on vault.signet_key from public;
insert into vault.signet_key values (signet_hosted.random_bytes(32));

create table vault.secrets (
    id uuid primary key default gen_random_uuid(),
    name text,
    description text not null default '',
    secret text not null,
    key_id uuid,
    nonce bytea default signet_hosted.random_bytes(16),
    created_at timestamptz not null default current_timestamp,
    updated_at timestamptz not null default current_timestamp
);
create unique index secrets_name_idx on vault.secrets (name) where name is not null;
comment on table vault.secrets is 'Secrets, encrypted: write through vault.create_secret and vault.update_secret';

create function vault.signet_cipher(message bytea, nonce bytea) returns bytea
language sql stable strict security definer set search_path = '' as $$
    select string_agg(
        set_byte('\x00', 0, get_byte(message, i) # get_byte(block, i % 32)), '' order by i)
    from (
        select n, sha256(key || nonce || int4send(n)) as block
        from vault.signet_key, generate_series(0, length(message) / 32) as n
    ) as blocks, generate_series(n * 32, least(n * 32 + 31, length(message) - 1)) as i
$$;
revoke execute on function vault.signet_cipher from public;

create view vault.decrypted_secrets as
select
    id, name, description, secret,
    convert_from(coalesce(vault.signet_cipher(decode(secret, 'base64'), nonce), ''), 'UTF8') as decrypted_secret,
    key_id, nonce, created_at, updated_at
from vault.secrets;

create function vault.create_secret(
    new_secret text, new_name text default null, new_description text default '', new_key_id uuid default null
)
returns uuid language sql security definer set search_path = '' as $$
    insert into vault.secrets (secret, nonce, name, description, key_id)
    select
        encode(coalesce(vault.signet_cipher(convert_to(new_secret, 'UTF8'), nonce), ''), 'base64'), nonce,
        new_name, new_description, new_key_id
    from (select signet_hosted.random_bytes(16)) as made (nonce)
    returning id
$$;

create function vault.update_secret(
    secret_id uuid, new_secret text default null, new_name text default null, new_description text default null,
    new_key_id uuid default null
)
returns void language sql security definer set search_path = '' as $$
    update vault.secrets set
        secret = case when new_secret is null then secret
            else encode(coalesce(vault.signet_cipher(convert_to(new_secret, 'UTF8'), nonce), ''), 'base64') end,
        name = coalesce(new_name, name),
        description = coalesce(new_description, description),
        key_id = coalesce(new_key_id, key_id),
        updated_at = now()
    where id = secret_id
$$;

revoke execute on function vault.create_secret, vault.update_secret from public;
grant usage on schema vault to postgres with grant option;
grant select, delete, references, truncate on vault.secrets, vault.decrypted_secrets to postgres with grant option;
grant execute on function vault.create_secret, vault.update_secret, vault.signet_cipher to postgres, service_role;
grant usage on schema vault to service_role;
grant select, delete on vault.secrets, vault.decrypted_secrets to service_role;
