-- What the local stack adds to the hosted schema. Private keys are readable by the Auth role only.

create schema signet_stack authorization supabase_auth_admin;
revoke all on schema signet_stack from public;
set role supabase_auth_admin;

create table signet_stack.signing_keys (
    id uuid primary key default gen_random_uuid(),
    algorithm text not null check (algorithm in ('ES256', 'RS256', 'EdDSA')),
    status text not null check (status in ('standby', 'in_use', 'previously_used', 'revoked')),
    private_jwk jsonb not null,
    public_jwk jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create unique index signing_keys_one_in_use on signet_stack.signing_keys (status) where status = 'in_use';
create unique index signing_keys_one_standby on signet_stack.signing_keys (status) where status = 'standby';

-- The index allows one key in use; this demands one. Deferred, because a rotation passes through none.
create function signet_stack.check_one_key_in_use() returns trigger
language plpgsql set search_path = '' as $$
begin
    if not exists (select from signet_stack.signing_keys where status = 'in_use') then
        raise exception 'One signing key must be in use.' using errcode = 'check_violation';
    end if;
    return null;
end
$$;

create constraint trigger signing_keys_always_one_in_use
after insert or update or delete on signet_stack.signing_keys
deferrable initially deferred
for each row execute function signet_stack.check_one_key_in_use();

reset role;
