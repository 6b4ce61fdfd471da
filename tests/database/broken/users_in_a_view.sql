-- fault: A view shows the addresses of all users
-- named by: prove, auth_users_exposed
-- both

-- broken
create view public.people as select id, email from auth.users;
revoke all on public.people from public, anon, authenticated;
grant select on public.people to authenticated;

-- right
create view public.people as select id, email from auth.users;
revoke all on public.people from public, anon, authenticated;

-- seed

-- witness: bob
select from public.people where id = :alice;
