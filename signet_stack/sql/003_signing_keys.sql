-- What the local stack adds to the hosted schema. Private keys are readable in sessions of the Auth role only: the
-- rows belong to the superuser, behind a view that asks who logged in. Membership in the Auth role, which postgres
-- has while it changes a policy of auth.users (024_managed_tables.sql), opens nothing.

create schema signet_stack authorization supabase_auth_admin;
revoke all on schema signet_stack from public;

create table signet_stack.signing_key_rows (
    id uuid primary key default gen_random_uuid(),
    algorithm text not null check (algorithm in ('ES256', 'RS256', 'EdDSA')),
    status text not null check (status in ('standby', 'in_use', 'previously_used', 'revoked')),
    private_jwk jsonb not null,
    public_jwk jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create unique index signing_keys_one_in_use on signet_stack.signing_key_rows (status) where status = 'in_use';
create unique index signing_keys_one_standby on signet_stack.signing_key_rows (status) where status = 'standby';

create view signet_stack.signing_keys with (security_barrier) as
select * from signet_stack.signing_key_rows where session_user in ('supabase_auth_admin', 'supabase_admin');
grant all on signet_stack.signing_keys to supabase_auth_admin;

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
after insert or update or delete on signet_stack.signing_key_rows
deferrable initially deferred
for each row execute function signet_stack.check_one_key_in_use();
