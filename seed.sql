-- People to play with on the local stack: Alice (public profile), Bob (private profile), Charlie (no profile).
-- All have the password: correct horse battery staple
--
-- Run by "flask local seed", on loopback only. Running it again changes nothing.

-- Auth's own server needs the empty strings: it cannot read a null there.
insert into auth.users (
    id, instance_id, aud, role, email, encrypted_password, email_confirmed_at, created_at, updated_at,
    raw_app_meta_data, raw_user_meta_data, confirmation_token, recovery_token, email_change_token_new, email_change
)
select
    person.id,
    '00000000-0000-0000-0000-000000000000',
    'authenticated',
    'authenticated',
    person.email,
    '$2a$10$Iqc1rgs28n4EsjhG2AdTs.0DrsleRIJQPtxY47I42ApTjA.GCkF/.',
    now(),
    now(),
    now(),
    '{"provider": "email", "providers": ["email"]}',
    '{}',
    '',
    '',
    '',
    ''
from (
    values
        ('a11ce000-0000-4000-8000-000000000001'::uuid, 'alice@example.com'),
        ('b0b00000-0000-4000-8000-000000000002'::uuid, 'bob@example.com'),
        ('c4a411e0-0000-4000-8000-000000000003'::uuid, 'charlie@example.com')
) as person (id, email)
where not exists (select from auth.users where users.email = person.email);

insert into auth.identities (provider_id, user_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select
    users.id::text,
    users.id,
    jsonb_build_object('sub', users.id, 'email', users.email, 'email_verified', false, 'phone_verified', false),
    'email',
    now(),
    now(),
    now()
from auth.users
where users.email in ('alice@example.com', 'bob@example.com', 'charlie@example.com')
on conflict (provider_id, provider) do nothing;

insert into public.profiles (user_id, display_name, is_public)
select users.id, person.display_name, person.is_public
from (
    values ('alice@example.com', 'Alice', true), ('bob@example.com', 'Bob', false)
) as person (email, display_name, is_public)
join auth.users on users.email = person.email
on conflict (user_id) do nothing;
