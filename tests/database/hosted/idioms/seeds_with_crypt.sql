-- A person who can log in with a password, as seeds make one: empty token columns, never null, and an identity.
insert into auth.users (
    instance_id, id, aud, role, email, encrypted_password, email_confirmed_at, recovery_sent_at, last_sign_in_at,
    raw_app_meta_data, raw_user_meta_data, created_at, updated_at, confirmation_token, email_change,
    email_change_token_new, recovery_token
)
select
    '00000000-0000-0000-0000-000000000000', uuid_generate_v4(), 'authenticated', 'authenticated',
    'seed' || n || '@example.com', crypt('password123', gen_salt('bf')), now(), now(), now(),
    '{"provider": "email", "providers": ["email"]}', '{}', now(), now(), '', '', '', ''
from generate_series(1, 2) as n;
insert into auth.identities (id, user_id, provider_id, identity_data, provider, last_sign_in_at, created_at, updated_at)
select
    uuid_generate_v4(), id, id::text, format('{"sub": "%s", "email": "%s"}', id::text, email)::jsonb, 'email',
    now(), now(), now()
from auth.users;
do $$
begin
    assert (select bool_and(encrypted_password = crypt('password123', encrypted_password)) from auth.users);
end
$$;
