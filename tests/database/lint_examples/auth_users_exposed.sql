-- bad: public.people
create view public.people with (security_invoker = on) as select id, email from auth.users;
grant select on public.people to authenticated;
-- good
create view public.people with (security_invoker = on) as select user_id from public.profiles;
grant select on public.people to authenticated;
create view public.internal as select email from auth.users;
