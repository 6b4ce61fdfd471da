-- What the local stack adds to the hosted schema. Private keys are readable by the Auth role only.

create schema devstack authorization supabase_auth_admin;
revoke all on schema devstack from public;
set role supabase_auth_admin;

create table devstack.signing_keys (
    id uuid primary key default gen_random_uuid(),
    algorithm text not null check (algorithm in ('ES256', 'RS256', 'EdDSA')),
    status text not null check (status in ('standby', 'in_use', 'previously_used', 'revoked')),
    private_jwk jsonb not null,
    public_jwk jsonb not null,
    created_at timestamptz not null,
    updated_at timestamptz not null
);
create unique index signing_keys_one_in_use on devstack.signing_keys (status) where status = 'in_use';
create unique index signing_keys_one_standby on devstack.signing_keys (status) where status = 'standby';

reset role;
